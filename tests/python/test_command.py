"""The command, as a shell runs it: data on stdout, all else on stderr, and exit codes that mean something."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from inline_snapshot import snapshot

from insightframe import InsightsClient, Tls, __version__
from insightframe.sandbox import Sandbox
from ledger import is_logged_out_once

REPORT = "3035643"
COMMAND = Path(sys.executable).with_name("insightframe")
pytestmark = [pytest.mark.insights_sandbox(rows=200, raw_202_count=0), pytest.mark.usefixtures("credentials")]


def run(*words: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [COMMAND, *words], cwd=cwd, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )


def test_help_and_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"insightframe {__version__}\n", "")
    for words in ([], ["--help"], ["export", "--help"]):
        assert "Usage: insightframe" in run(*words).stdout
    module = subprocess.run([sys.executable, "-m", "insightframe", "--version"], capture_output=True, check=True)
    assert module.stdout == done.stdout.encode()


def test_demo() -> None:
    done = run("demo")
    assert done.returncode == 0
    assert done.stdout.startswith("100,800 rows × 11 columns\n")
    assert "report    3035643" in done.stdout
    assert re.search(r"waited \d+\.\d\d s, \d+ polls?\n", done.stderr)


@pytest.mark.parametrize(
    ("name", "read"), [("r.parquet", pl.read_parquet), ("r.arrow", pl.read_ipc), ("r.csv", pl.read_csv)]
)
def test_export_to_a_file(insights_sandbox: Sandbox, tmp_path: Path, name: str, read: "type[pl.DataFrame]") -> None:
    done = run("export", REPORT, "--start", "2023-01-01", "--end", "2024-12-31", "-o", name, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "200 rows" in done.stderr
    assert len(read(tmp_path / name)) == 200
    assert list(tmp_path.iterdir()) == [tmp_path / name]
    assert is_logged_out_once(insights_sandbox)


def test_export_of_some_rows_in_windows(insights_sandbox: Sandbox, tmp_path: Path) -> None:
    days = ("--start", "2023-01-01", "--end", "2024-12-31", "--where", "label.conversations.queue=Billing")
    more = ("--where", "label.conversations.queue=Support EN", "-o", "r.csv")
    written = []
    for every in ((), ("--every", "1mo")):
        done = run("export", REPORT, *days, *every, *more, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        written.append((tmp_path / "r.csv").read_text(encoding="utf-8"))
    assert "windows   24, 2023-01-01 to 2024-12-31" in done.stderr
    assert written[0] == written[1]
    assert set(pl.read_csv(tmp_path / "r.csv")["Queue"]) == {"Support EN"}
    done = run("export", REPORT, "--where", "label.conversations.queue")
    assert (done.returncode, done.stderr) == snapshot(
        (
            2,
            """\
error: `--where label.conversations.queue` is not of the form LABEL=VALUE
hint: for instance `--where label.agents.team_name=Billing`
""",
        )
    )


def test_export_to_the_terminal() -> None:
    done = run("export", REPORT, "--quiet")
    assert done.returncode == 0
    assert done.stdout.startswith("200 rows × 11 columns\n")
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["export"], 2),
        (["export", REPORT, "--start", "2023-12-01"], 2),
        (["export", REPORT, "-o", "report.xlsx"], 2),
        (["export", REPORT, "--timeout", "-1"], 2),
        (["explode"], 2),
        (["sandbox", "--option", "null_cell"], 2),
        (["sandbox", "--option", "null_cell=none"], 2),
        (["export", "999"], 4),
        (["export", REPORT, "-o", "nowhere/report.csv"], 5),
    ],
)
def test_exit_codes(insights_sandbox: Sandbox, tmp_path: Path, words: list[str], code: int) -> None:
    done = run(*words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert "error: " in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert insights_sandbox.executions <= 1


def test_exit_codes_of_failures(insights_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    insights_sandbox.fault("stall", path="*/execute/raw/*")
    done = run("export", REPORT, "--timeout", "0.2", "-o", "report.csv", cwd=tmp_path)
    assert done.returncode == 6
    (handle,) = re.findall(r"--resume '(.*)'", done.stderr)
    resumed = run("export", "--resume", handle, "-o", "report.csv", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert insights_sandbox.executions == 1
    monkeypatch.setenv("FLEX_INSIGHTS_PASSWORD", "wrong")
    assert run("export", REPORT).returncode == 3
    monkeypatch.delenv("FLEX_INSIGHTS_PASSWORD")
    done = run("export", REPORT)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0].startswith("error: no password: none was given, `FLEX_INSIGHTS_PASSWORD` is")
    insights_sandbox.close()
    monkeypatch.setenv("FLEX_INSIGHTS_PASSWORD", "password")
    assert run("export", REPORT).returncode == 5


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as on POSIX")
@pytest.mark.parametrize(
    "fault", [{"fault": "stall", "after": 1000}, {"fault": "stall"}, {"fault": "status", "status": 503}]
)
def test_ctrl_c_leaves_no_file_and_no_session(
    insights_sandbox: Sandbox, tmp_path: Path, fault: dict[str, object]
) -> None:
    insights_sandbox.fault(path="*/execute/raw/*", times=None, **fault)  # type: ignore[arg-type]
    words = [COMMAND, "export", REPORT, "-o", "report.parquet"]
    with subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE) as process:
        ends = time.monotonic() + 20
        while not any("/execute/raw/" in entry.path for entry in insights_sandbox.ledger):
            assert time.monotonic() < ends
            time.sleep(0.002)
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 130
    assert list(tmp_path.iterdir()) == []
    assert is_logged_out_once(insights_sandbox)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as on POSIX")
@pytest.mark.parametrize("tls", [False, True])
def test_sandbox(tls: bool) -> None:
    words = [COMMAND, "sandbox", "--rows", "30", "-o", "raw_202_count=0", *(["--tls"] if tls else [])]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        told = dict(
            re.findall(
                r"export (\w+)='?([^'\n]*)'?\n", "".join(process.stdout.readline() for _ in range(5 if tls else 4))
            )
        )
        ca_file = told.pop("SSL_CERT_FILE", None)
        assert sorted(told) == snapshot(
            ["FLEX_INSIGHTS_BASE_URL", "FLEX_INSIGHTS_PASSWORD", "FLEX_INSIGHTS_USERNAME", "FLEX_INSIGHTS_WORKSPACE"]
        )
        names = {"FLEX_INSIGHTS_USERNAME": "username", "FLEX_INSIGHTS_PASSWORD": "password"}
        names |= {"FLEX_INSIGHTS_WORKSPACE": "workspace", "FLEX_INSIGHTS_BASE_URL": "base_url"}
        arguments = {names[name]: value for name, value in told.items()}
        with InsightsClient(tls=Tls(ca_file=ca_file), **arguments) as client:  # type: ignore[arg-type]
            assert client.base_url.startswith("https" if tls else "http:")
            assert len(client.export(REPORT)) == 30
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 130
        assert ca_file is None or not os.path.exists(ca_file)  # noqa: PTH110
