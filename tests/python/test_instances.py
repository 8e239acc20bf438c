import asyncio
import datetime
import pickle
from collections.abc import Iterator

import pytest

from insightframe import FlexInstancesClient, InsightsClient, errors
from insightframe.sandbox import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rows=10) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> FlexInstancesClient:
    return sandbox.instances_client(virtual_time=True)


def test_from_nothing_to_a_report(sandbox: Sandbox, client: FlexInstancesClient) -> None:
    with pytest.raises(errors.NotFound) as caught:
        client.configuration()
    assert (caught.value.code, caught.value.more_info) == ("20404", "https://www.twilio.com/docs/errors/20404")
    made = client.create()
    assert (made.status, made.account_sid) == ("creation-in-progress", sandbox.account_sid)
    ready = client.wait(made.sid)
    assert (ready.sid, ready.status) == (made.sid, "ready")
    assert isinstance(ready.date_created, datetime.datetime)
    assert ready.date_created.tzinfo is not None
    configuration = client.configuration()
    assert (configuration.flex_instance_sid, configuration.status) == (made.sid, "ok")
    assert configuration.raw["ui_version"] == "1.0"
    workspace = configuration.insights_workspaces[0]
    assert workspace.timezone == "America/Los_Angeles"
    with InsightsClient(sandbox.username, sandbox.password, workspace=workspace.id, base_url=sandbox.url) as insights:
        assert insights.export("3035643").num_rows == 10


def test_creating_can_wait_and_never_happens_twice(sandbox: Sandbox, client: FlexInstancesClient) -> None:
    made = client.create(conversations_default=False, wait=True)
    assert client.fetch(made.sid).status == made.status == "ready"
    with pytest.raises(errors.UnexpectedReply, match=made.sid) as caught:
        client.create()
    assert caught.value.code == "45202"
    assert sandbox.instances_created == 1


def test_an_ambiguous_creation_tells_what_there_is(sandbox: Sandbox, client: FlexInstancesClient) -> None:
    sandbox.fault("reset", method="POST")
    with pytest.raises(errors.AmbiguousOutcome, match="names the instance `GO") as caught:
        client.create()
    assert [entry.method for entry in sandbox.ledger] == ["POST", "GET"]
    assert sandbox.instances_created == 1
    assert (caught.value.method, caught.value.path) == ("POST", "/v2/Instances")


def test_waiting_ends_at_its_deadline_with_the_sid() -> None:
    with Sandbox(instances_fetches_to_ready=1000) as sandbox:
        client = sandbox.instances_client(virtual_time=True)
        with pytest.raises(errors.DeadlineExceeded) as caught:
            client.create(wait=True, timeout=600)
        assert caught.value.handle is not None
        assert client.fetch(caught.value.handle).status == "creation-in-progress"


def test_a_creation_that_may_have_happened_is_not_retryable(sandbox: Sandbox) -> None:
    sandbox.fault("stall", method="POST", times=None)
    client = sandbox.instances_client()
    # As a caller does that goes by `retryable`.
    for _ in range(2):
        with pytest.raises(TimeoutError, match=r"hint: .* `configuration\(\)` tells") as caught:
            client.create(timeout=0.3)
        if not caught.value.retryable:
            break
    assert [entry.method for entry in sandbox.ledger] == ["POST"]
    assert sandbox.instances_created == 1


def test_what_was_created_is_not_lost_when_waiting_fails(sandbox: Sandbox, client: FlexInstancesClient) -> None:
    sandbox.fault("status", status=503, method="GET", times=3)
    with pytest.raises(errors.ServerFault, match="hint: the instance was created as `GO") as caught:
        client.create(wait=True)
    assert not caught.value.retryable
    sid = str(caught.value).split("`")[-2].removeprefix('wait("').removesuffix('")')
    assert client.wait(sid, 60).status == "ready"
    assert asyncio.run(client.wait_async(sid, 60)).status == "ready"
    assert sandbox.instances_created == 1


@pytest.mark.parametrize("status", ["creation-failed", "deleted"])
def test_a_state_without_hope_is_an_error(status: str) -> None:
    with Sandbox(instances_final_status=status) as sandbox:
        client = sandbox.instances_client(virtual_time=True)
        with pytest.raises(errors.UnexpectedReply, match=status):
            client.create(wait=True)


def test_every_method_has_a_twin(client: FlexInstancesClient) -> None:
    async def flow() -> None:
        made = await client.create_async(wait=True)
        assert (await client.wait_async(made.sid)).status == "ready"
        assert (await client.fetch_async(made.sid)).sid == made.sid
        assert (await client.configuration_async()).flex_instance_sid == made.sid

    asyncio.run(flow())


def test_the_key_pair_of_the_environment_wins_and_never_travels(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(errors.ConfigError, match="TWILIO_API_KEY"):
        FlexInstancesClient()
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", sandbox.account_sid)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", sandbox.auth_token)
    assert FlexInstancesClient(base_url=sandbox.url).username == sandbox.account_sid
    monkeypatch.setenv("TWILIO_API_KEY", sandbox.api_key)
    monkeypatch.setenv("TWILIO_API_SECRET", sandbox.api_secret)
    client = FlexInstancesClient(base_url=sandbox.url)
    assert (client.username, client.account_sid) == (sandbox.api_key, sandbox.account_sid)
    pickled = pickle.dumps(client)
    assert sandbox.api_secret.encode() not in pickled
    with pytest.raises(errors.NotFound):
        pickle.loads(pickled).configuration()
    own = FlexInstancesClient(sandbox.api_key, "canary", base_url=sandbox.url)
    assert "canary" not in repr(own)
    with pytest.raises(errors.ConfigError, match="can't be pickled"):
        pickle.dumps(own)
    with pytest.raises(errors.InvalidCredentials) as caught:
        own.configuration()
    assert (caught.value.code, caught.value.more_info) == ("20003", "https://www.twilio.com/docs/errors/20003")
    assert pickle.loads(pickle.dumps(caught.value)).code == "20003"


@pytest.mark.parametrize("sid", ["", "GO", "GO" + "g" * 32, "GO" + "0" * 33, "../" + "0" * 31, "GO" + "0" * 31 + "/"])
def test_a_sid_that_is_none_is_refused_before_it_is_sent(
    sandbox: Sandbox, client: FlexInstancesClient, sid: str
) -> None:
    for method in (client.fetch, client.wait):
        with pytest.raises(errors.ConfigError, match="not the sid of a Flex instance"):
            method(sid)
    assert sandbox.ledger == []
