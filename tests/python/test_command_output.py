"""Where rows go: formats, files, pipes and terminals; and what is told meanwhile."""

import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from inline_snapshot import snapshot

from insightframe.sandbox import Sandbox
from ledger import is_logged_out_once, logins
from terminal import COMMAND, Terminal

REPORT = "3035643"
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="terminals and signals are those of POSIX"),
    pytest.mark.insights_sandbox(rows=200, raw_202_count=0),
    pytest.mark.usefixtures("credentials"),
]


def run(*words: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run([COMMAND, *words], cwd=cwd, capture_output=True, timeout=60, check=False)


def read(form: str, data: bytes) -> pl.DataFrame:
    match form:
        case "csv":
            return pl.read_csv(data, infer_schema=False)
        case "json":
            return pl.DataFrame(json.loads(data))
        case "ndjson":
            return pl.DataFrame([json.loads(line) for line in data.splitlines()])
        case "parquet":
            return pl.read_parquet(io.BytesIO(data))
    return pl.read_ipc_stream(io.BytesIO(data))


@pytest.mark.parametrize("form", ["csv", "json", "ndjson", "parquet", "arrow"])
def test_every_format_has_all_rows_on_stdout_and_in_a_file(tmp_path: Path, form: str) -> None:
    done = run("export", REPORT, "--format", form)
    assert done.returncode == 0, done.stderr
    frame = read(form, done.stdout)
    assert frame.shape == (200, 11)
    name = f"rows.{form}"
    filed = run("export", REPORT, "-o", name, cwd=tmp_path)
    assert (filed.returncode, filed.stdout) == (0, b"")
    if form == "arrow":
        # A file has the form that can be mapped; so has stdout when it is one.
        assert pl.read_ipc(tmp_path / name).equals(frame)
        with (tmp_path / "redirected").open("wb") as file:
            subprocess.run([COMMAND, "export", REPORT, "--format", form], stdout=file, check=True, timeout=60)
        assert pl.read_ipc(tmp_path / "redirected").equals(frame)
    elif form == "parquet":
        assert pl.read_parquet(tmp_path / name).equals(frame)
    else:
        assert (tmp_path / name).read_bytes() == done.stdout


def test_json_keeps_types_and_nulls() -> None:
    rows = json.loads(run("export", REPORT, "--format", "json").stdout)
    assert all(len(row) == 11 for row in rows)
    kinds = {type(value) for row in rows for value in row.values()}
    assert kinds == {str, int, float, type(None)}
    assert rows[0]["Date"][:2] == "20"


def test_the_format_that_is_named_goes_before_the_ending(tmp_path: Path) -> None:
    done = run("export", REPORT, "-o", "rows.dat", "--format", "ndjson", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "rows.dat").read_text("utf-8").splitlines()) == 200
    assert run("export", REPORT, "-o", "-", "--format", "csv").stdout.startswith(b"Queue,Date,")


def test_a_name_without_a_format_costs_nothing(insights_sandbox: Sandbox, tmp_path: Path) -> None:
    done = run("export", REPORT, "-o", "report.xlsx", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.decode() == snapshot("""\
error: `report.xlsx` ends in none of .csv, .json, .ndjson, .parquet, .arrow and .txt
hint: `--format` says what it is to be
""")
    assert logins(insights_sandbox) == []


def test_a_pipe_gets_the_whole_table() -> None:
    text = run("export", REPORT).stdout.decode()
    lines = text.splitlines()
    assert lines[0] == "200 rows × 11 columns"
    assert len(lines) == 204
    assert "…" not in text


def test_a_terminal_gets_what_fits() -> None:
    for columns in (60, 132):
        with Terminal("export", REPORT, "--quiet", columns=columns) as terminal:
            assert terminal.end() == 0
            lines = terminal.text.splitlines()
            assert lines[0] == "200 rows × 11 columns"
            assert max(map(len, lines)) <= columns
            assert max(map(len, lines)) > columns - 34
            assert "  … 190 more rows" in lines


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_a_terminal_gets_no_binary_data(insights_sandbox: Sandbox, form: str) -> None:
    with Terminal("export", REPORT, "--format", form) as terminal:
        assert terminal.end() == 2
        assert f"error: `{form}` is binary, and stdout is a terminal\nhint: write it to a file: `-o rows.{form}`" in (
            terminal.text
        )
    assert logins(insights_sandbox) == []


@pytest.mark.parametrize("form", ["csv", "table", "json", "parquet"])
def test_a_closed_pipe_is_quiet(insights_sandbox: Sandbox, form: str) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    try:
        words = [COMMAND, "export", REPORT, "--quiet", "--format", form]
        done = subprocess.run(words, stdout=theirs, stderr=subprocess.PIPE, timeout=60, check=False)
    finally:
        os.close(theirs)
    assert (done.returncode, done.stderr) == (0, b"")
    assert is_logged_out_once(insights_sandbox)


@pytest.mark.parametrize("words", [["--help"], ["export", "--help"], ["completions", "bash"], ["man"]])
def test_a_closed_pipe_is_quiet_for_help_too(words: list[str]) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    try:
        done = subprocess.run([COMMAND, *words], stdout=theirs, stderr=subprocess.PIPE, timeout=60, check=False)
    finally:
        os.close(theirs)
    assert (done.returncode, done.stderr) == (0, b"")


def without_times(text: str) -> str:
    return re.sub(r"\d+\.\d+ s", "N s", re.sub(r"at [\d.]+ \w+/s", "at N/s", text))


@pytest.mark.insights_sandbox(rows=200, raw_202_count=2)
def test_phases_are_plain_lines_elsewhere(tmp_path: Path) -> None:
    done = run("export", REPORT, "-o", "rows.csv", cwd=tmp_path)
    told = without_times(done.stderr.decode()).split("report ")[0]
    assert told == snapshot("""\
   N s  logged in
   N s  looked up
   N s  executed
   N s  waited N s, 2 polls
   N s  received 16.7 KiB at N/s, 200 rows
   N s  written
""")
    assert "\x1b" not in done.stderr.decode()
    assert run("export", REPORT, "-o", "rows.csv", "--quiet", cwd=tmp_path).stderr == b""


@pytest.mark.insights_sandbox(rows=200, raw_202_count=3)
def test_phases_are_a_line_that_changes_on_a_terminal(tmp_path: Path) -> None:
    with Terminal("export", REPORT, "-o", "rows.csv", cwd=tmp_path) as terminal:
        terminal.until("waiting, 2 polls")
        assert terminal.end() == 0
        # What changed has gone; what stays is the receipt.
        assert "\r" in terminal.raw
        assert "looked up" not in terminal.text
        assert "200 rows" in terminal.text


def test_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    with Terminal("export", "999") as terminal:
        assert terminal.end() == 4
        assert "\x1b[31m" in terminal.raw
    monkeypatch.setenv("NO_COLOR", "1")
    with Terminal("export", "999", "--quiet") as terminal:
        assert terminal.end() == 4
        assert "\x1b[3" not in terminal.raw
        assert "\x1b[1m" not in terminal.raw


@pytest.mark.parametrize("flag", ["-v", "-vv"])
def test_a_log_shows_requests_and_no_secret(insights_sandbox: Sandbox, flag: str) -> None:
    done = run(flag, "export", REPORT, "--format", "csv")
    log = done.stderr.decode()
    assert done.returncode == 0
    assert "insightframe::insights::login: logged in" in log
    assert ('path="/gdc/account/login"' in log) == (flag == "-vv")
    assert insights_sandbox.password not in log
    for entry in insights_sandbox.ledger:
        for name, value in entry.headers:
            if name.lower() in ("x-gdc-authtt", "x-gdc-authsst"):
                assert value not in log


@pytest.mark.insights_sandbox(rows=200, raw_202_count=0)
def test_ctrl_c_tells_how_to_go_on(insights_sandbox: Sandbox, tmp_path: Path) -> None:
    insights_sandbox.fault("stall", path="*/execute/raw/*")
    words = [COMMAND, "export", REPORT, "--quiet", "-o", "my rows.csv"]
    with subprocess.Popen(words[:3] + words[4:], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        while not any("/execute/raw/" in entry.path for entry in insights_sandbox.ledger):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        told = process.stderr.read()
        assert process.wait(5) == 130
    (line,) = re.findall("to go on where it stopped: (.*)", told)
    assert line.startswith("insightframe export -o 'my rows.csv' --resume '")
    resumed = subprocess.run(
        ["sh", "-c", line.replace("insightframe", str(COMMAND), 1)], cwd=tmp_path, check=False, timeout=60
    )
    assert resumed.returncode == 0
    assert insights_sandbox.executions == 1
    assert (tmp_path / "my rows.csv").exists()


def test_sigterm_logs_out_too(insights_sandbox: Sandbox, tmp_path: Path) -> None:
    insights_sandbox.fault("stall", path="*/execute/raw/*", times=None)
    with subprocess.Popen(
        [COMMAND, "export", REPORT, "-o", "rows.csv"], cwd=tmp_path, stderr=subprocess.PIPE
    ) as process:
        while not any("/execute/raw/" in entry.path for entry in insights_sandbox.ledger):
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 143
    assert list(tmp_path.iterdir()) == []
    assert is_logged_out_once(insights_sandbox)


def test_completions_and_manual_pages() -> None:
    for shell in ("bash", "zsh", "fish", "powershell"):
        done = run("completions", shell)
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"flowxo" in done.stdout
    assert run("completions", "tcsh").returncode == 2
    page = run("man").stdout.decode()
    assert ".TH insightframe 1" in page
    assert "143 by SIGTERM" in page
    assert "insightframe\\-flowxo\\-metrics" in run("man", "flowxo", "metrics").stdout.decode()
    unknown = run("man", "flowxo", "explode")
    assert (unknown.returncode, unknown.stderr) == (2, b"error: `insightframe flowxo` has no command `explode`\n")


def test_completions_are_scripts_of_their_shell() -> None:
    script = run("completions", "bash").stdout
    assert subprocess.run(["bash", "-n"], input=script, check=False, timeout=30).returncode == 0


def test_every_command_has_help_with_examples() -> None:
    helped = run("--help").stdout.decode()
    verbs = re.findall(r"^  (\S+)", helped.split("Commands:\n")[1].split("\n\n")[0], re.MULTILINE)
    assert {"demo", "export", "login", "logout", "flowxo", "instances", "doctor", "sandbox"} <= set(verbs)
    for verb in verbs:
        text = run(verb, "--help").stdout.decode()
        assert f"insightframe {verb}" in text.split("Examples:")[1], verb
        assert max(map(len, text.splitlines())) <= 140
