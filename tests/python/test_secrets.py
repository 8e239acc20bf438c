"""No password and no token is in anything that a person, a log or a disk gets to see."""

import logging
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from insightframe import InsightsClient, Retry
from insightframe.errors import InsightframeError
from insightframe.sandbox import Sandbox
from tap import Tap

REPORT = "3035643"
RESULT = "*/execute/raw/*"
pytestmark = pytest.mark.insights_sandbox(rows=200, raw_202_count=0)


class Everything(logging.Handler):
    """Keeps all of every record, whatever its level."""

    def __init__(self) -> None:
        super().__init__(level=0)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(f"{record.name} {record.levelno} {record.getMessage()} {vars(record)}")


@pytest.fixture
def log() -> Iterator[Everything]:
    everything, root, ours = Everything(), logging.getLogger(), logging.getLogger("insightframe")
    before = (root.level, ours.level)
    root.addHandler(everything)
    root.setLevel(1)
    ours.setLevel(1)
    yield everything
    root.removeHandler(everything)
    root.setLevel(before[0])
    ours.setLevel(before[1])


def told(error: BaseException) -> str:
    """All that an error can be made to say, the local variables of its traceback among it."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "\n".join([*shown.format(), str(error), repr(error), str(vars(error)), str(pickle.dumps(error))])


def failure(client: InsightsClient) -> str:
    try:
        client.export(REPORT, date="date.date.mmddyyyy", start="2023-12-01", end="2023-12-02", timeout=0.1)
    except InsightframeError as error:
        return told(error)
    return ""


def flow(client: InsightsClient, sandbox: Sandbox) -> str:
    """A session with all that may go wrong in it; gives what could be seen."""
    seen = [repr(client), str(client), f"{client}", str(client.profile_id), str(dir(client))]
    table = client.export(REPORT)
    stream = client.stream(REPORT)
    seen += [repr(table), table._repr_html_(), str(table.receipt), str(stream), *(repr(piece) for piece in stream)]
    seen += [str(stream.receipt and stream.receipt.to_dict()), str([vars(type(entry)) for entry in sandbox.ledger[:1]])]
    seen += [f"{entry} {entry.headers}" for entry in sandbox.ledger]
    faults: list[dict[str, object]] = [
        {"fault": "html", "path": RESULT},
        {"fault": "garbage_json", "path": "*/execute/raw"},
        {"fault": "status", "path": RESULT, "status": 500, "times": None},
        {"fault": "status", "path": RESULT, "status": 401, "times": None},
        {"fault": "status", "path": "/gdc/md/*", "status": 403},
        {"fault": "cut", "path": RESULT, "after": 100, "times": None},
        {"fault": "redirect", "path": RESULT, "to": "https://evil.example/", "times": None},
        {"fault": "expire_tt", "path": RESULT, "times": None},
        {"fault": "expire_sst", "path": RESULT, "times": None},
        {"fault": "huge_header", "path": RESULT, "times": None},
        {"fault": "stall", "path": RESULT},
    ]
    failures = 0
    for fault in faults:
        sandbox.fault(**fault)  # type: ignore[arg-type]
        said = failure(client)
        failures += bool(said)
        seen.append(said)
        sandbox.clear_faults()
    assert failures >= 8
    client.close()
    seen.append(failure(client))
    return "\n".join(seen)


@pytest.mark.parametrize("auth", ["header", "cookie"])
@pytest.mark.usefixtures("credentials")
def test_of_a_session(
    insights_sandbox: Sandbox,
    tap: Tap,
    log: Everything,
    auth: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FLEX_INSIGHTS_BASE_URL", tap.url)
    client = InsightsClient(auth=auth, retry=Retry(base=0))  # type: ignore[arg-type]
    seen = [str(pickle.dumps(client)), flow(client, insights_sandbox), *log.records, *capfd.readouterr()]
    secrets = [insights_sandbox.password, *tap.tokens()]
    # Nothing is proved by secrets that nobody found, or by a log that nobody wrote.
    assert len(secrets) >= 4
    assert any("insightframe" in record for record in log.records)
    everything = "\n".join(seen)
    assert len(everything) > 10_000
    for secret in secrets:
        assert len(secret) > 10
        assert secret not in everything
        assert repr(secret)[1:-1] not in everything


def test_of_a_login_that_fails(insights_sandbox: Sandbox, log: Everything) -> None:
    canary = "canary-in-the-password"
    seen = []
    for fault in ({}, {"fault": "html"}, {"fault": "garbage_json"}, {"fault": "status", "status": 500}):
        if fault:
            insights_sandbox.fault(path="/gdc/account/login", **fault)  # type: ignore[arg-type]
        client = insights_sandbox.insights_client(password=canary)
        with pytest.raises(InsightframeError) as caught:
            client.login()
        # The variables of this test hold it, those of the library don't.
        seen += ["".join(traceback.format_exception(caught.value)), repr(vars(caught.value)), repr(client)]
    seen += log.records
    # The line of the source that says it is the test's own.
    assert canary not in "\n".join(seen).replace(f'canary = "{canary}"', "")


def test_of_values_that_can_not_be_used(log: Everything) -> None:
    canary = "canary"
    seen = list(log.records)
    for arguments in (
        {"base_url": f"https://user:{canary}@example.com"},
        {"proxy": f"http://user:{canary}@:99999"},
        {"proxy": f"gopher://user:{canary}@example.com"},
        {"password": f"{canary}\r\n", "base_url": "nonsense"},
    ):
        with pytest.raises(InsightframeError) as caught:
            InsightsClient(**{"username": "u", "password": "p"} | arguments)  # type: ignore[arg-type]
        seen += [str(caught.value), repr(vars(caught.value))]
    proxied = InsightsClient("u", "p", proxy=f"http://user:{canary}@127.0.0.1:1", base_url="https://example.com")
    with pytest.raises(InsightframeError) as caught:
        proxied.login()
    seen += [repr(proxied), str(caught.value), repr(vars(caught.value)), *log.records]
    assert canary not in "\n".join(seen)


@pytest.mark.usefixtures("credentials")
def test_of_the_command(insights_sandbox: Sandbox, tap: Tap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEX_INSIGHTS_BASE_URL", tap.url)
    monkeypatch.setenv("RUST_LOG", "trace")
    seen = []
    for fault in ({}, {"fault": "html", "path": RESULT}, {"fault": "status", "path": "*/login", "status": 500}):
        if fault:
            insights_sandbox.fault(**fault)  # type: ignore[arg-type]
        words = [sys.executable, "-m", "insightframe", "export", REPORT, "-o", str(tmp_path / "report.csv")]
        done = subprocess.run(words, capture_output=True, text=True, encoding="utf-8", timeout=30, check=False)
        seen += [done.stdout, done.stderr]
        assert done.returncode == (5 if fault else 0)
    seen.append((tmp_path / "report.csv").read_text(encoding="utf-8"))
    secrets = [insights_sandbox.password, *tap.tokens()]
    assert len(secrets) >= 3
    for secret in secrets:
        assert secret not in "\n".join(seen)


def test_of_the_clients_without_a_session(log: Everything) -> None:
    key, secret = "canary-flowxo-key", "canary-api-secret"
    two = {"a": key, "b": key}
    # Each knows what it was sent itself.
    calls: list[tuple[str, str, Callable[[Sandbox], object]]] = [
        ("/api/*", key, lambda sandbox: sandbox.flowxo_client(virtual_time=True).workflows()),
        ("/api/*", key, lambda sandbox: sandbox.flowxo_client(virtual_time=True, api_key=two).workflows()),
        ("/v1/*", secret, lambda sandbox: sandbox.instances_client(virtual_time=True).configuration()),
        ("/v2/*", secret, lambda sandbox: sandbox.instances_client(virtual_time=True).create(wait=True)),
    ]
    seen: list[str] = []
    with Sandbox(flowxo_api_key=key, api_secret=secret) as sandbox:
        seen += [repr(sandbox.flowxo_client()), repr(sandbox.instances_client())]
        # On a short page, and behind more of one than is read of an answer.
        for before in ("", "<b> </b>" * 8_190):
            for status in (200, 400, 401, 429, 503):
                for path, sent, ask in calls:
                    body = f"{before}you sent {sent}"
                    sandbox.fault("status", status=status, path=path, body=body, times=None)
                    with pytest.raises(InsightframeError) as caught:
                        ask(sandbox)
                    error = caught.value
                    seen += [str(error), repr(error), repr(vars(error)), str(pickle.dumps(error))]
                    sandbox.clear_faults()
        seen += [f"{entry} {entry.headers}" for entry in sandbox.ledger]
    everything = "\n".join([*seen, *log.records])
    assert "you sent ***" in everything
    assert "trying again" in everything
    assert key not in everything
    assert secret not in everything
