"""The commands of Flow XO and of Flex Instances."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from inline_snapshot import snapshot

from insightframe import FlexInstancesClient, FlowXoClient
from insightframe.sandbox import Sandbox
from terminal import COMMAND

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the terminal's module is that of POSIX")
COUNTERS = ["active_users", "total_users", "new_users", "triggers", "received_messages", "sent_messages"]


def run(*words: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [COMMAND, *words], cwd=cwd, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        monkeypatch.setenv("FLOWXO_API_KEY", sandbox.flowxo_api_key)
        monkeypatch.setenv("TWILIO_ACCOUNT_SID", sandbox.account_sid)
        monkeypatch.setenv("TWILIO_API_KEY", sandbox.api_key)
        monkeypatch.setenv("TWILIO_API_SECRET", sandbox.api_secret)
        yield sandbox


MAY = ("--start", "2023-05-01", "--end", "2023-05-31")


def rows(sandbox: Sandbox, *words: str) -> list[dict[str, object]]:
    done = run(*words, "--base-url", sandbox.url, "--format", "json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def test_flow_xo(sandbox: Sandbox, tmp_path: Path) -> None:
    client = sandbox.flowxo_client()
    assert rows(sandbox, "flowxo", "stats", *MAY) == [client.stats("2023-05-01", "2023-05-31")]
    assert rows(sandbox, "flowxo", "stats", "--start", "2020-05-01", "--end", "2020-05-31") == []
    metrics = rows(sandbox, "flowxo", "metrics", *MAY, "--unit", "month", "--tz", "Europe/Zurich")
    assert [row["bucket"] for row in metrics] == ["2023-05"]
    assert len(rows(sandbox, "flowxo", "metrics", *MAY, "--offset", "-300")) == 31
    assert list(rows(sandbox, "flowxo", "top-messages", *MAY, "--limit", "3")[0]) == ["message", "count"]
    assert len(rows(sandbox, "flowxo", "top-flows", *MAY, "--limit", "2")) == 2
    assert list(rows(sandbox, "flowxo", "workflows")[0]) == ["id", "name", "active"]
    done = run("flowxo", "metrics", *MAY, "--base-url", sandbox.url, "-o", "may.parquet", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert pl.read_parquet(tmp_path / "may.parquet").columns == ["timestamp", "bucket", *COUNTERS]


def test_addresses_come_from_the_environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWXO_BASE_URL", f"{sandbox.url}/api")
    monkeypatch.setenv("FLEX_INSTANCES_BASE_URL", sandbox.url)
    assert run("flowxo", "workflows").returncode == 0
    assert run("instances", "configuration").returncode == 4  # Flex isn't installed on the account
    assert FlowXoClient().base_url == f"{sandbox.url}/api"
    assert FlexInstancesClient().base_url == sandbox.url
    assert FlowXoClient(base_url="https://example.com/api").base_url == "https://example.com/api"
    assert len(sandbox.ledger) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["metrics", "--unit", "week"], "`unit` is `week`; choose `month`, `day` or `hour`"),
        (["metrics", "--tz", "Mars/Olympus"], "`tz` is `Mars/Olympus`"),
        (["metrics", "--tz", "UTC", "--offset", "60"], "cannot be used with"),
        (["stats", "--start", "yesterday"], "`start` is `yesterday`"),
        (["stats", "--start", "2023-05-02", "--end", "2023-05-01"], "`end` is not after `start`"),
        (["top-flows", "--limit", "0"], "`limit` must be at least 1"),
        (["explode"], "unrecognized subcommand"),
        ([], "Usage:"),
    ],
)
def test_bad_input_of_flow_xo(sandbox: Sandbox, words: list[str], said: str) -> None:
    options = ["--base-url", sandbox.url] if words and words != ["explode"] else []
    done = run("flowxo", *words, *options)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert said in done.stderr
    assert len(sandbox.ledger) == 0


def test_failures_of_flow_xo(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWXO_API_KEY", "canary-7f3a")
    done = run("flowxo", "workflows", "--base-url", sandbox.url)
    assert done.returncode == 3
    assert "canary" not in done.stderr
    monkeypatch.delenv("FLOWXO_API_KEY")
    assert run("flowxo", "workflows").returncode == 2


def test_instances(sandbox: Sandbox) -> None:
    done = run("instances", "create", "--base-url", sandbox.url, "--format", "json")
    assert done.returncode == 0, done.stderr
    (made,) = json.loads(done.stdout)
    assert list(made) == ["sid", "account_sid", "status", "date_created", "date_updated"]
    assert (made["account_sid"], made["status"]) == (sandbox.account_sid, "creation-in-progress")
    assert rows(sandbox, "instances", "fetch", made["sid"])[0]["status"] == "creation-in-progress"
    again = run("instances", "create", "--base-url", sandbox.url)
    assert again.returncode == 5
    assert sandbox.instances_created == 1

    waited = run("instances", "wait", made["sid"], "--base-url", sandbox.url, "--timeout", "0.2")
    assert waited.returncode == 6
    (line,) = re.findall(r"to go on where it stopped: (.*)", waited.stderr)
    assert line == f"insightframe instances wait {made['sid']} --base-url {sandbox.url}"
    sandbox.advance(minutes=30)
    ready = run(*line.split()[1:], "--format", "csv")
    assert ready.returncode == 0, ready.stderr
    assert ",ready," in ready.stdout

    workspaces = rows(sandbox, "instances", "configuration")
    assert list(workspaces[0]) == ["flex_instance_sid", "status", "workspace", "timezone"]
    assert workspaces[0]["flex_instance_sid"] == made["sid"]
    raw = run("instances", "configuration", "--raw", "--base-url", sandbox.url)
    assert json.loads(raw.stdout)["account_sid"] == sandbox.account_sid


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["fetch", "GO1"], 2),
        (["fetch"], 2),
        (["fetch", "GO" + "0" * 32], 4),
        (["wait", "GO" + "0" * 32], 4),
        (["configuration", "--raw", "--format", "json"], 2),
        (["configuration", "--account-sid", "AC1"], 2),
    ],
)
def test_bad_input_of_instances(sandbox: Sandbox, words: list[str], code: int) -> None:
    done = run("instances", *words, *(["--base-url", sandbox.url] if len(words) > 1 else []))
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert "error: " in done.stderr


def test_identifiers(insights_sandbox: Sandbox, credentials: None) -> None:
    done = run("identifiers", "date.date.mmddyyyy", "--format", "json")
    assert done.returncode == 0, done.stderr
    (pair,) = json.loads(done.stdout)
    assert pair["identifier"] == "date.date.mmddyyyy"
    back = run("identifiers", pair["uri"], "--format", "csv")
    assert back.stdout == f"identifier,uri\n{pair['identifier']},{pair['uri']}\n"
    unknown = run("identifiers", "no.such.label", "date.date.mmddyyyy", "nor.this")
    assert (unknown.returncode, unknown.stdout) == (4, "")
    assert unknown.stderr.splitlines()[-2:] == snapshot(
        [
            "error: POST /gdc/md/sandboxws0000000000000000000one1/identifiers answered 200: workspace `sandboxws0000000000000000000one1` doesn't have the identifiers `no.such.label`, `nor.this`",
            "hint: identifiers are case-sensitive, and an object may exist in another workspace alone",
        ]
    )
    assert run("identifiers").returncode == 2
    assert run("identifiers", "/gdc/md/../x").returncode != 0
