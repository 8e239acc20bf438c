"""``insightframe serve`` as its users run it: a process, a plain request with Basic authentication, SIGTERM."""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from insightframe.sandbox import Sandbox

REPORT = "3035643"
COMMAND = Path(sys.executable).with_name("insightframe")
EXAMPLES = Path(__file__).parents[2] / "examples"
pytestmark = pytest.mark.insights_sandbox(rows=200, raw_202_count=0)


class Gateway:
    """The process, with its address and its log."""

    def __init__(self, sandbox: Sandbox, *words: str) -> None:
        self.sandbox = sandbox
        command = [COMMAND, "serve", "--port", "0", "--base-url", sandbox.url, *words]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.lines.extend(self.process.stderr)

    def ask(self, password: str | None = None, **parameters: str) -> tuple[int, bytes]:
        asked = {"WorkspaceId": self.sandbox.workspace, "ReportId": REPORT, "Unfiltered": "true", **parameters}
        request = urllib.request.Request(f"{self.url}/getReport?{urllib.parse.urlencode(asked)}")
        login = f"{self.sandbox.username}:{password or self.sandbox.password}"
        request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def end(self, with_signal: int = signal.SIGTERM) -> int:
        """The exit code after a signal; the log is complete then."""
        self.process.send_signal(with_signal)
        code = self.process.wait(20)
        self._reader.join()
        return code

    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


@pytest.fixture
def gateway(insights_sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[Gateway]:
    gateway = Gateway(insights_sandbox, *getattr(request, "param", ()))
    with gateway.process:
        yield gateway
        gateway.process.kill()
        gateway._reader.join()


def sent(sandbox: Sandbox, method: str, path: str) -> int:
    return sum(entry.method == method and path in entry.path for entry in sandbox.ledger)


def test_a_report_by_a_plain_request(gateway: Gateway) -> None:
    status, csv = gateway.ask()
    assert (status, csv.count(b"\n")) == (200, 201)
    status, file = gateway.ask(Format="parquet")
    assert status == 200
    frame = pl.read_parquet(file)
    assert (len(frame), frame.schema["Date"]) == (200, pl.Date)
    status, stream = gateway.ask(Format="arrow")
    assert pl.read_ipc_stream(stream).equals(frame)
    status, refusal = gateway.ask(ReportId="")
    assert (status, json.loads(refusal)["parameters"][0]["name"]) == (400, "ReportId")


def test_32_at_a_time_cost_one_login(insights_sandbox: Sandbox, gateway: Gateway) -> None:
    with ThreadPoolExecutor(32) as pool:
        done = list(pool.map(lambda _: gateway.ask(), range(320)))
    assert {status for status, _ in done} == {200}
    assert len({body for _, body in done}) == 1
    assert sent(insights_sandbox, "POST", "/gdc/account/login") == 1


def test_a_wrong_password_goes_to_the_service_once(insights_sandbox: Sandbox, gateway: Gateway) -> None:
    with ThreadPoolExecutor(32) as pool:
        done = list(pool.map(lambda _: gateway.ask("wrong:one"), range(1000)))
    assert {status for status, _ in done} == {401}
    assert sent(insights_sandbox, "POST", "/gdc/account/login") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as on POSIX")
@pytest.mark.parametrize(("with_signal", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
@pytest.mark.insights_sandbox(rows=20_000, raw_202_count=0)
def test_a_signal_lets_downloads_end_and_logs_out(
    insights_sandbox: Sandbox, gateway: Gateway, with_signal: int, code: int
) -> None:
    insights_sandbox.fault("bandwidth", bytes_per_second=3_000_000, path="*/execute/raw/*", times=None)
    with ThreadPoolExecutor() as pool:
        running = pool.submit(gateway.ask)
        while not sent(insights_sandbox, "GET", "/execute/raw/"):
            assert not running.done()
        assert gateway.end(with_signal) == code
        status, csv = running.result()
    assert (status, csv.count(b"\n")) == (200, 20_001)
    assert sent(insights_sandbox, "DELETE", "/gdc/account/login/") == 1
    events = [line["event"] for line in gateway.logged()]
    assert events == ["started", "stopping", "request", "stopped"]


def test_the_log_holds_no_secret(insights_sandbox: Sandbox, gateway: Gateway) -> None:
    gateway.ask()
    gateway.ask("canary-password", note="canary-note", DateStart="canary-day")
    assert gateway.end() == 0
    log = "".join(gateway.lines)
    assert [line.get("status") for line in gateway.logged()] == [None, 200, 400, None, None]
    for secret in ("canary", "Basic", insights_sandbox.username, insights_sandbox.password):
        assert secret not in log


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tls-cert", "a.pem"], "--tls-key"),
        (["--tls-cert", "no.pem", "--tls-key", "no.pem"], "no.pem"),
        (["--base-url", "http://analytics.example"], "plain http"),
        (["--bind", "nowhere"], "--bind"),
        (["--grace=-1"], "expected a number of seconds"),
        (["--max-concurrency", "0"], "max_concurrency"),
        (["--bind", "192.0.2.1", "--port", "0"], "192.0.2.1"),
    ],
)
def test_what_can_not_be_served_is_said(words: list[str], said: str) -> None:
    done = subprocess.run([COMMAND, "serve", *words], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode in {2, 5}
    assert said in done.stderr
    assert done.stdout == ""


def test_help_shows_how() -> None:
    shown = subprocess.run([COMMAND, "serve", "--help"], capture_output=True, text=True, check=True).stdout
    assert "Examples:" in shown
    assert "/getReport?WorkspaceId=" in shown
    assert "[default: 127.0.0.1]" in shown


def known_words() -> set[str]:
    shown = subprocess.run([COMMAND, "serve", "--help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"--[a-z-]+", shown))


def test_the_documentation_names_only_options_that_exist() -> None:
    docs = EXAMPLES.with_name("docs") / "gateway.md"
    for line in docs.read_text(encoding="utf-8").splitlines():
        if "insightframe serve" in line:
            assert set(re.findall(r"--[a-z-]+", line)) <= known_words()


def test_the_systemd_unit_is_good(tmp_path: Path) -> None:
    text = (EXAMPLES / "insightframe-gateway.service").read_text(encoding="utf-8")
    (start,) = re.findall(r"^ExecStart=(\S+) serve (.*)$", text, re.MULTILINE)
    words = start[1].split()
    assert {word for word in words if word.startswith("--")} <= known_words()
    grace = float(words[words.index("--grace") + 1])
    (stop,) = re.findall(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)
    assert float(stop) > grace + 4, "time to log out"
    if (analyze := shutil.which("systemd-analyze")) is None:
        pytest.skip("there is no systemd")
    # The program stands somewhere else here.
    unit = tmp_path / "insightframe-gateway.service"
    unit.write_text(text.replace(start[0], str(COMMAND)), encoding="utf-8")
    environment = {**os.environ, "SYSTEMD_LOG_LEVEL": "warning"}
    done = subprocess.run(
        [analyze, "verify", "--man=no", unit], capture_output=True, text=True, env=environment, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "insightframe-gateway" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


def test_the_container_file_is_good() -> None:
    text = (EXAMPLES / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.split(None, 1) for line in text.splitlines() if line and not line.startswith("#")]
    known = {"FROM", "ARG", "RUN", "USER", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
    assert {name for name, _ in lines} <= known
    said = dict(lines)
    assert lines[0][0] == "FROM"
    assert ":" in said["FROM"], "a version, not the latest"
    assert not said["FROM"].endswith(":latest")
    assert not said["USER"].startswith(("0", "root"))
    assert said["STOPSIGNAL"] == "SIGTERM"
    words = [*json.loads(said["ENTRYPOINT"]), *json.loads(said["CMD"])]
    assert words[:2] == ["insightframe", "serve"]
    assert {word for word in words if word.startswith("--")} <= known_words()
    assert words[words.index("--port") + 1] == said["EXPOSE"]
    assert f"127.0.0.1:{said['EXPOSE']}/healthz" in said["HEALTHCHECK"]
    check = json.loads(said["HEALTHCHECK"].split("CMD ", 1)[1])
    compile(check[2], "healthcheck", "exec")
    version = re.search(r"VERSION=(\S+)", said["ARG"])
    assert version is not None
    assert subprocess.check_output([COMMAND, "--version"], text=True).split()[1] == version[1]


@pytest.mark.parametrize("gateway", [("--rate", "0")], indirect=True)
def test_answers_are_as_the_openapi_document_says(gateway: Gateway, tmp_path: Path) -> None:
    login = base64.b64encode(f"{gateway.sandbox.username}:{gateway.sandbox.password}".encode()).decode()
    words = ["run", f"{gateway.url}/openapi.json", "--header", f"Authorization: Basic {login}"]
    words += ["--max-examples", "20", "--seed", "1", "--no-color"]
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance"
    done = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            *words,
            "--checks",
            checks,
            "--phases",
            "examples,coverage,fuzzing",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert gateway.end() == 0
    # What went to the service and came back wrong would be a 502 that schemathesis takes for ours.
    statuses = {line["status"] for line in gateway.logged() if line["event"] == "request"}
    assert {200, 400} <= statuses
    assert not {status for status in statuses if status >= 500}
