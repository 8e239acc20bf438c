import asyncio
import datetime
import os
import pickle
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest

from insightframe import FlowXoClient, InsightsClient, Table, errors
from insightframe.sandbox import Sandbox

COUNTERS = ["active_users", "total_users", "new_users", "triggers", "received_messages", "sent_messages"]
EVENTS = COUNTERS[2:]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(flowxo_accounts=3) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> FlowXoClient:
    return sandbox.flowxo_client(virtual_time=True)


def test_metrics_are_a_table_of_counters(client: FlowXoClient) -> None:
    table = client.metrics("2023-05-01", "2023-05-31")
    expected = {"timestamp": "timestamp[ms, UTC]", "bucket": "utf8"} | dict.fromkeys(COUNTERS, "int64")
    assert table.schema == expected
    assert table.num_rows == 31
    first = table.to_dicts()[0]
    assert first["timestamp"] == datetime.datetime(2023, 5, 1, tzinfo=datetime.UTC)
    assert first["bucket"] == "2023-05-01"
    # Without a row the columns are the same.
    assert client.metrics("2020-05-01", "2020-05-31").schema == expected


def test_stats_are_a_row_or_nothing_and_users_are_not_summed(client: FlowXoClient) -> None:
    stats = client.stats("2023-05-01", "2023-05-31")
    rows = client.metrics("2023-05-01", "2023-05-31").to_dicts()
    assert stats is not None
    assert list(stats) == COUNTERS
    assert [stats[name] for name in EVENTS] == [sum(row[name] for row in rows) for name in EVENTS]
    assert [stats[name] for name in COUNTERS[:2]] == [rows[-1][name] for name in COUNTERS[:2]]
    assert client.stats("2020-05-01", "2020-05-31") is None


def test_both_come_from_one_request(sandbox: Sandbox, client: FlowXoClient) -> None:
    stats, table = client.insights("2023-05-01", "2023-05-31", "day")
    assert len(sandbox.ledger) == 1
    assert stats == client.stats("2023-05-01", "2023-05-31")
    assert table.to_dicts() == client.metrics("2023-05-01", "2023-05-31", "day").to_dicts()


def test_top_lists_and_workflows_join(client: FlowXoClient) -> None:
    assert client.top_messages("2023-05-01", "2023-05-31", limit=3).column_names == ["message", "count"]
    flows = client.top_flows("2023-05-01", "2023-05-31", limit=9).to_dicts()
    known = {flow["id"]: flow for flow in client.workflows().to_dicts()}
    assert flows
    for flow in flows:
        assert known[flow["flow_id"]]["name"] == flow["flow_name"]
    assert {type(flow["active"]) for flow in known.values()} == {bool}


@pytest.mark.parametrize("tz", ["Europe/Zurich", ZoneInfo("Europe/Zurich")])
def test_days_follow_daylight_saving(client: FlowXoClient, tz: str | ZoneInfo) -> None:
    rows = client.metrics("2023-03-25", datetime.date(2023, 3, 27), tz=tz, fill=True).to_dicts()
    begins = [row["timestamp"].astimezone(ZoneInfo("Europe/Zurich")) for row in rows]
    assert [begin.strftime("%d %H:%M %z") for begin in begins] == [
        "25 00:00 +0100",
        "26 00:00 +0100",
        "27 00:00 +0200",
    ]


@pytest.mark.parametrize(
    ("start", "sent"),
    [
        ("2023-05-01", "2023-05-01T00:00:00Z"),
        (datetime.date(2023, 5, 1), "2023-05-01T00:00:00Z"),
        (datetime.datetime(2023, 5, 1, tzinfo=ZoneInfo("Europe/Zurich")), "2023-04-30T22:00:00Z"),
        ("2023-05-01T02:00:00.5+02:00", "2023-05-01T00:00:00.5Z"),
    ],
)
def test_times_are_sent_as_instants(sandbox: Sandbox, client: FlowXoClient, start: object, sent: str) -> None:
    client.stats(start, "2023-05-02")  # type: ignore[arg-type]
    query = dict(pair.split("=") for pair in sandbox.ledger[-1].query.split("&"))
    assert (query["start"], query["end"]) == (sent, "2023-05-03T00:00:00Z")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"start": datetime.datetime(2023, 5, 1)}, "has no time zone"),
        ({"start": "2023-05-01T00:00"}, "has no time zone"),
        ({"start": "May"}, "neither a day nor a time"),
        ({"start": "2023-05-02", "end": "2023-05-01"}, "`end` is not after `start`"),
        ({"offset": 900}, "`offset` is 900"),
        ({"tz": "Europe/Zürich"}, "no time zone is called here"),
        ({"tz": "Europe/Zurich"}, "`tz` needs a `start`"),
        ({"tz": "UTC", "offset": 0}, "give one of them"),
        ({"unit": "week"}, "choose `month`, `day` or `hour`"),
        ({"start": "1800-01-01", "unit": "hour"}, "more than 1000 requests"),
        ({"offset": 2**70}, "`offset` is 1180591620717411303424; it must be a whole number from -840 to 840"),
        ({"tz": datetime.timezone(datetime.timedelta(seconds=90))}, "no whole number of minutes"),
    ],
)
def test_what_can_not_be_asked_is_refused_before_it_is_sent(
    sandbox: Sandbox, client: FlowXoClient, arguments: dict[str, object], words: str
) -> None:
    with pytest.raises(errors.ConfigError, match=words):
        client.metrics(**arguments)  # type: ignore[arg-type]
    assert sandbox.ledger == []


@pytest.mark.parametrize("limit", [0, -1, 2**32, 2**40, 2**70])
def test_a_limit_that_is_none_is_refused_before_it_is_sent(sandbox: Sandbox, client: FlowXoClient, limit: int) -> None:
    for method in (client.top_messages, client.top_flows):
        with pytest.raises(
            errors.ConfigError, match=f"`limit` is {limit}; it must be a whole number from 1 to 4294967295"
        ):
            method("2023-05-01", "2023-05-31", limit)
    with pytest.raises(errors.ConfigError, match="`limit` is"):
        asyncio.run(client.top_flows_async(limit=limit))
    with pytest.raises(TypeError, match="limit"):
        client.top_flows(limit="5")  # type: ignore[arg-type]
    assert sandbox.ledger == []


@pytest.mark.parametrize("number", [0, -1, 2**62, 2**70])
def test_a_number_of_places_that_can_not_be_is_refused(number: int) -> None:
    with pytest.raises(errors.ConfigError, match=r"`max_concurrency` is .*; it must be a whole number from 1 to"):
        FlowXoClient("key", max_concurrency=number)
    with pytest.raises(errors.ConfigError, match=r"`max_concurrency` is .*; it must be a whole number from 1 to"):
        InsightsClient("u", "p", max_concurrency=number)


def test_the_offset_may_be_given_by_its_place_or_as_a_zone(sandbox: Sandbox, client: FlowXoClient) -> None:
    east = datetime.timezone(datetime.timedelta(hours=2))
    for stats in (client.stats("2023-05-01", "2023-05-02", 120), client.stats("2023-05-01", "2023-05-02", tz=east)):
        assert stats == client.stats("2023-05-01", "2023-05-02", offset=120)
    assert client.stats("2023-05-01", "2023-05-02", tz=datetime.UTC) == client.stats("2023-05-01", "2023-05-02", 0)
    days = ("2023-05-01", "2023-05-02", "day", 120)
    table = client.metrics(*days).to_dicts()
    assert table == client.metrics("2023-05-01", "2023-05-02", tz=east).to_dicts()
    assert table == client.insights(*days)[1].to_dicts()
    assert table == asyncio.run(client.metrics_async(*days)).to_dicts()
    assert asyncio.run(client.stats_async("2023-05-01", "2023-05-02", 120)) == client.insights(*days)[0]
    assert "offset=120" in sandbox.ledger[-1].query
    with pytest.raises(TypeError, match="`tz` must be the name of a time zone"):
        client.stats(tz=7)  # type: ignore[arg-type]


def test_the_bucket_of_an_hour_is_called_by_its_time_in_utc(client: FlowXoClient) -> None:
    first = client.metrics("2023-05-01", "2023-05-01", "hour", 120, fill=True).to_dicts()[0]
    assert first["timestamp"] == datetime.datetime(2023, 4, 30, 22, tzinfo=datetime.UTC)
    assert first["bucket"] in {"2023-04-30T22", None}


def test_several_accounts_are_asked_at_once(sandbox: Sandbox) -> None:
    client = sandbox.flowxo_client(api_key=sandbox.flowxo_api_keys)
    assert client.accounts == ["account-1", "account-2", "account-3"]
    table = client.metrics("2023-05-01", "2023-05-31", "month")
    assert [row["account"] for row in table.to_dicts()] == client.accounts
    stats = client.stats("2023-05-01", "2023-05-31")
    assert stats is not None
    assert list(stats) == client.accounts
    overall, months = client.insights("2023-05-01", "2023-05-31", "month")
    assert overall == stats
    assert months.to_dicts() == table.to_dicts()


def test_an_account_that_fails_does_not_lose_the_others(sandbox: Sandbox) -> None:
    client = sandbox.flowxo_client(api_key=sandbox.flowxo_api_keys | {"account-2": "wrong"})
    with pytest.raises(errors.PartialResult, match="1 of 3 accounts failed:\n`account-2`") as caught:
        client.metrics("2023-05-01", "2023-05-31", "month")
    table = caught.value.result
    assert isinstance(table, Table)
    assert [row["account"] for row in table.to_dicts()] == ["account-1", "account-3"]
    assert list(caught.value.failures) == ["account-2"]
    assert isinstance(caught.value.failures["account-2"], errors.InvalidCredentials)
    twin = pickle.loads(pickle.dumps(caught.value))
    assert (str(twin), twin.result) == (str(caught.value), None)
    assert twin.failures["account-2"].code == "InvalidCredentials"
    assert caught.value.result is table
    with pytest.raises(errors.PartialResult) as caught:
        client.stats("2023-05-01", "2023-05-31")
    assert isinstance(caught.value.result, dict)
    with pytest.raises(errors.PartialResult) as caught:
        client.insights("2023-05-01", "2023-05-31", "month")
    assert pickle.loads(pickle.dumps(caught.value)).result is None
    with pytest.raises(errors.InvalidCredentials):
        sandbox.flowxo_client(api_key={"a": "wrong", "b": "wrong-too"}).workflows()


def test_every_method_has_a_twin(client: FlowXoClient) -> None:
    async def all_at_once() -> list[object]:
        return await asyncio.gather(
            client.stats_async("2023-05-01", "2023-05-31"),
            client.metrics_async("2023-05-01", "2023-05-31", "month"),
            client.insights_async("2023-05-01", "2023-05-31", "month"),
            client.top_messages_async("2023-05-01", "2023-05-31", 1),
            client.top_flows_async("2023-05-01", "2023-05-31", 1),
            client.workflows_async(),
        )

    stats, metrics, (overall, months), messages, flows, workflows = asyncio.run(all_at_once())  # type: ignore[misc]
    assert stats == overall
    assert metrics.to_dicts() == months.to_dicts()
    assert (messages.num_rows, flows.num_rows, workflows.num_rows) == (1, 1, 9)


def test_the_key_comes_from_the_environment_and_never_travels(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(errors.ConfigError, match="FLOWXO_API_KEY"):
        FlowXoClient()
    monkeypatch.setenv("FLOWXO_API_KEY", sandbox.flowxo_api_key)
    client = FlowXoClient(base_url=sandbox.url)
    assert client.base_url == f"{sandbox.url}/api"
    pickled = pickle.dumps(client)
    assert sandbox.flowxo_api_key.encode() not in pickled
    assert pickle.loads(pickled).workflows().num_rows == 9
    with pytest.raises(errors.ConfigError, match="can't be pickled"):
        pickle.dumps(FlowXoClient("canary", base_url=sandbox.url))
    assert "canary" not in repr(FlowXoClient("canary"))
    with pytest.raises(errors.ConfigError, match="no header may carry"):
        FlowXoClient("can\nary")
    with pytest.raises(errors.ConfigError, match="plain http"):
        FlowXoClient("canary", base_url="http://flowxo.com/api")


def test_a_fork_gets_sockets_of_its_own(client: FlowXoClient) -> None:
    assert client.workflows().num_rows == 9
    child = os.fork()
    if child == 0:
        os._exit(0 if client.workflows().num_rows == 9 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert client.workflows().num_rows == 9


def test_the_deadline_is_kept(sandbox: Sandbox) -> None:
    sandbox.fault("stall", times=None)
    with pytest.raises(errors.DeadlineExceeded):
        sandbox.flowxo_client().workflows(timeout=0.1)
