"""Where user name, password and defaults come from, and what travels when a client is pickled."""

import copy
import pickle
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from insightframe import InsightsClient, Polling, Retry
from insightframe.errors import ConfigError
from insightframe.sandbox import Sandbox
from ledger import is_logged_out_once

REPORT = "3035643"
pytestmark = pytest.mark.insights_sandbox(rows=20, raw_202_count=0)


def write_profile(path: Path, sandbox: Sandbox, section: str = "default") -> None:
    # A literal string of TOML: the password holds what others would read as an escape.
    path.write_text(
        f"[{section}]\nusername = '{sandbox.username}'\npassword = '{sandbox.password}'\n"
        f"workspace = '{sandbox.workspace}'\nbase_url = '{sandbox.url}'\n",
        encoding="utf-8",
    )
    path.chmod(0o600)


@pytest.mark.usefixtures("credentials")
def test_from_the_environment(insights_sandbox: Sandbox) -> None:
    with InsightsClient() as client:
        assert (client.username, client.workspace) == (insights_sandbox.username, insights_sandbox.workspace)
        assert client.base_url == insights_sandbox.url
        assert len(client.export(REPORT)) == 20
    assert is_logged_out_once(insights_sandbox)


def test_from_a_profile(insights_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.toml"
    write_profile(path, insights_sandbox, "night-shift")
    monkeypatch.setenv("INSIGHTFRAME_CONFIG", str(path))
    monkeypatch.setenv("INSIGHTFRAME_PROFILE", "night-shift")
    with InsightsClient() as client:
        assert len(client.export(REPORT)) == 20
        twin = pickle.loads(pickle.dumps(client))
        assert len(twin.export(REPORT)) == 20
        twin.close()
    monkeypatch.setenv("INSIGHTFRAME_PROFILE", "day-shift")
    with pytest.raises(ConfigError, match=r"`INSIGHTFRAME_PROFILE` is `day-shift`, but .* has no such section"):
        InsightsClient()
    path.chmod(0o644)
    with pytest.raises(ConfigError, match=r"may be read by others \(mode 644\)"):
        InsightsClient()


@pytest.mark.usefixtures("credentials")
def test_what_is_given_wins(insights_sandbox: Sandbox) -> None:
    client = InsightsClient(
        "other@example.com", workspace=insights_sandbox.workspaces[1], base_url="https://example.com"
    )
    assert client.username == "other@example.com"
    assert client.workspace == insights_sandbox.workspaces[1]
    assert client.base_url == "https://example.com"


def test_what_is_missing_is_named_with_all_places(monkeypatch: pytest.MonkeyPatch, insights_sandbox: Sandbox) -> None:
    monkeypatch.setenv("INSIGHTFRAME_CONFIG", "/nowhere/config.toml")
    with pytest.raises(ConfigError) as name:
        InsightsClient()
    assert str(name.value) == snapshot("""\
no user name and no password: none was given, `FLEX_INSIGHTS_USERNAME` and `FLEX_INSIGHTS_PASSWORD` are not set, and the profile file `/nowhere/config.toml` doesn't exist
hint: Flex Insights has logins of its own, issued by Twilio's support; to try without one, start a sandbox: `insightframe demo`\
""")
    with pytest.raises(ConfigError) as password:
        InsightsClient("user@example.com")
    assert str(password.value) == snapshot("""\
no password: none was given, `FLEX_INSIGHTS_PASSWORD` is not set, and the profile file `/nowhere/config.toml` doesn't exist
hint: Flex Insights has logins of its own, issued by Twilio's support; to try without one, start a sandbox: `insightframe demo`\
""")
    # Without a default workspace a report's number means nothing.
    with insights_sandbox.insights_client(workspace=None) as client, pytest.raises(ConfigError) as workspace:
        client.export(REPORT)
    assert str(workspace.value) == snapshot("""\
no workspace is named
hint: pass `workspace=…` to the client or the call, or set FLEX_INSIGHTS_WORKSPACE\
""")
    assert insights_sandbox.ledger == []


@pytest.mark.usefixtures("credentials")
def test_a_pickle_holds_references_and_no_secret(insights_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = {"auth": "cookie", "retry": Retry(attempts=1), "polling": Polling(initial=1), "max_concurrency": 2}
    with InsightsClient(workspace=insights_sandbox.workspaces[1], **arguments) as client:  # type: ignore[arg-type]
        client.login()
        pickled = pickle.dumps(client)
        assert insights_sandbox.password.encode() not in pickled
        assert insights_sandbox.username.encode() not in pickled
        twin = pickle.loads(pickled)
        assert repr(twin) == repr(client)
        assert twin.__reduce__()[0].keywords == client.__reduce__()[0].keywords  # type: ignore[union-attr]
        # It is a client of its own, which has not logged in.
        assert twin.profile_id is None
        monkeypatch.delenv("FLEX_INSIGHTS_PASSWORD")
        with pytest.raises(ConfigError, match="`FLEX_INSIGHTS_PASSWORD` is not set"):
            pickle.loads(pickled)


@pytest.mark.usefixtures("credentials")
def test_a_password_that_was_given_does_not_travel(insights_sandbox: Sandbox) -> None:
    client = InsightsClient(password=insights_sandbox.password)
    with pytest.raises(ConfigError) as caught:
        pickle.dumps(client)
    assert str(caught.value) == snapshot("""\
a client with a password of its own can't be pickled: the password would travel
hint: let it come from FLEX_INSIGHTS_PASSWORD or a profile on both sides, or make the client where it is used\
""")
    proxied = InsightsClient(proxy="http://user:proxy-secret@127.0.0.1:9")
    with pytest.raises(ConfigError) as caught:
        pickle.dumps(proxied)
    assert str(caught.value) == snapshot("""\
a client whose proxy has a password can't be pickled: the password would travel
hint: let the proxy come from HTTPS_PROXY on both sides\
""")
    assert pickle.dumps(InsightsClient(proxy="http://127.0.0.1:9"))


def test_copies_share_the_session(insights_sandbox: Sandbox) -> None:
    with insights_sandbox.insights_client() as client:
        client.login()
        for twin in (copy.copy(client), copy.deepcopy(client), copy.deepcopy({"client": [client]})["client"][0]):
            assert len(twin.export(REPORT)) == 20
    assert is_logged_out_once(insights_sandbox)


def test_copies_of_a_table_are_the_table(insights_client: InsightsClient) -> None:
    table = insights_client.export(REPORT)
    assert copy.copy(table).to_dicts() == copy.deepcopy([table])[0].to_dicts() == table.to_dicts()
