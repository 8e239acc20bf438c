"""Credentials: asked for, tested, kept, forgotten, and looked at by the doctor."""

import json
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from insightframe import InsightsClient
from insightframe.sandbox import Sandbox
from ledger import is_logged_out_once, logins
from terminal import COMMAND, Terminal

REPORT = "3035643"
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="terminals and modes are those of POSIX"),
    pytest.mark.insights_sandbox(rows=20, raw_202_count=0),
]


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [COMMAND, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


@pytest.fixture
def profile_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "profiles" / "config.toml"
    monkeypatch.setenv("INSIGHTFRAME_CONFIG", str(path))
    return path


def test_login_stores_what_works(
    insights_sandbox: Sandbox, profile_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEX_INSIGHTS_USERNAME", insights_sandbox.username)
    monkeypatch.setenv("FLEX_INSIGHTS_PASSWORD", insights_sandbox.password)
    done = run("login", "--workspace", insights_sandbox.workspace, "--base-url", insights_sandbox.url)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert f"the credentials work; profile `default` in `{profile_file}` has them\n" in done.stderr
    assert insights_sandbox.password not in done.stderr
    assert is_logged_out_once(insights_sandbox)
    assert stat.S_IMODE(profile_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(profile_file.parent.stat().st_mode) == 0o700
    assert [path.name for path in profile_file.parent.iterdir()] == ["config.toml"]

    monkeypatch.delenv("FLEX_INSIGHTS_USERNAME")
    monkeypatch.delenv("FLEX_INSIGHTS_PASSWORD")
    assert run("export", REPORT, "--format", "csv").stdout.count("\n") == 21
    with InsightsClient() as client:
        assert len(client.export(REPORT)) == 20


def test_a_login_that_is_refused_is_sent_once_and_not_stored(
    insights_sandbox: Sandbox, profile_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEX_INSIGHTS_PASSWORD", "canary-7f3a")
    done = run("login", "--username", insights_sandbox.username, "--base-url", insights_sandbox.url)
    assert done.returncode == 3
    assert "canary" not in done.stderr
    assert len(logins(insights_sandbox)) == 1
    assert not profile_file.exists()
    # No password, and nobody to ask.
    monkeypatch.delenv("FLEX_INSIGHTS_PASSWORD")
    done = run("login", "--username", insights_sandbox.username)
    assert done.returncode == 2
    assert done.stderr.startswith("error: no password: none was given, `FLEX_INSIGHTS_PASSWORD` is not set\n")
    assert run("login", "--password", "x").returncode == 2


def test_a_file_that_others_may_read_costs_no_login(
    insights_sandbox: Sandbox, profile_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile_file.parent.mkdir()
    profile_file.write_text("[other]\n", "utf-8")
    profile_file.chmod(0o644)
    monkeypatch.setenv("FLEX_INSIGHTS_PASSWORD", insights_sandbox.password)
    done = run("login", "--username", insights_sandbox.username, "--base-url", insights_sandbox.url)
    assert (done.returncode, logins(insights_sandbox)) == (2, [])
    assert f"hint: chmod 600 {profile_file}" in done.stderr


@pytest.mark.usefixtures("credentials")
def test_login_and_logout_leave_other_sections_alone(profile_file: Path) -> None:
    profile_file.parent.mkdir()
    profile_file.write_text("# ours\n[night] # shift\nusername = 'a'\npassword = 'b'\n", "utf-8")
    profile_file.chmod(0o600)
    assert run("login", "--profile", "day").returncode == 0
    assert profile_file.read_text("utf-8").startswith("# ours\n[night] # shift\nusername = 'a'\n")
    assert run("export", REPORT, "--profile", "day").returncode == 0
    gone = run("logout", "--profile", "day")
    assert (gone.returncode, gone.stderr) == (0, f"profile `day` is gone from `{profile_file}`\n")
    assert profile_file.read_text("utf-8") == "# ours\n[night] # shift\nusername = 'a'\npassword = 'b'\n"
    again = run("logout", "--profile", "day")
    assert again.returncode == 2
    assert again.stderr == f"error: there is no profile `day` to forget: `{profile_file}` has none of this name\n"
    missing = run("export", REPORT, "--profile", "day")
    assert missing.returncode == 2
    assert missing.stderr.replace(str(profile_file), "…") == snapshot("""\
error: the profile `day` is asked for, but `…` has no such section
hint: it has `night`; `insightframe login --profile day` makes it
""")


def test_a_profile_that_is_named_goes_before_the_environment(
    insights_sandbox: Sandbox, profile_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile_file.parent.mkdir()
    profile_file.write_text(f"[a]\nusername = '{insights_sandbox.username}'\npassword = 'wrong'\n", "utf-8")
    profile_file.chmod(0o600)
    monkeypatch.setenv("FLEX_INSIGHTS_USERNAME", insights_sandbox.username)
    monkeypatch.setenv("FLEX_INSIGHTS_PASSWORD", insights_sandbox.password)
    monkeypatch.setenv("FLEX_INSIGHTS_BASE_URL", insights_sandbox.url)
    monkeypatch.setenv("FLEX_INSIGHTS_WORKSPACE", insights_sandbox.workspace)
    assert run("export", REPORT).returncode == 0
    assert run("export", REPORT, "--profile", "a").returncode == 3


@pytest.fixture
def address(insights_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEX_INSIGHTS_BASE_URL", insights_sandbox.url)
    monkeypatch.setenv("FLEX_INSIGHTS_WORKSPACE", insights_sandbox.workspace)


@pytest.mark.usefixtures("address")
def test_what_is_missing_is_asked_for_without_an_echo(insights_sandbox: Sandbox, profile_file: Path) -> None:
    with Terminal("login") as terminal:
        terminal.until("Flex Insights user name: ")
        terminal.type(f"{insights_sandbox.username}\n")
        terminal.until("Flex Insights password: ")
        while terminal.echoes:
            pass
        terminal.type(f"{insights_sandbox.password}\n")
        assert terminal.end() == 0, terminal.text
        assert insights_sandbox.username in terminal.raw
        assert insights_sandbox.password not in terminal.raw
        assert terminal.echoes
    assert profile_file.exists()
    with Terminal("export", REPORT, "--quiet") as terminal:
        assert terminal.end() == 0
        assert "password" not in terminal.text


@pytest.mark.usefixtures("address", "profile_file")
def test_an_export_asks_too_while_its_rows_go_elsewhere(insights_sandbox: Sandbox, tmp_path: Path) -> None:
    with (tmp_path / "rows.csv").open("wb") as file:
        words = ("export", REPORT, "--format", "csv", "--quiet")
        with Terminal(*words, stdout=file.fileno()) as terminal:
            terminal.until("user name: ")
            terminal.type(f"{insights_sandbox.username}\n")
            terminal.until("password: ")
            while terminal.echoes:
                pass
            terminal.type(f"{insights_sandbox.password}\n")
            assert terminal.end() == 0, terminal.text
    assert (tmp_path / "rows.csv").read_bytes().count(b"\n") == 21


@pytest.mark.usefixtures("address", "profile_file")
def test_ctrl_c_at_the_password_gives_the_echo_back(insights_sandbox: Sandbox) -> None:
    with Terminal("login", "--username", insights_sandbox.username) as terminal:
        terminal.until("password: ")
        while terminal.echoes:
            pass
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == 130
        assert terminal.echoes
    assert logins(insights_sandbox) == []


@pytest.mark.usefixtures("address", "profile_file")
def test_no_answer_is_no_login(insights_sandbox: Sandbox) -> None:
    with Terminal("login", "--username", insights_sandbox.username) as terminal:
        terminal.until("password: ")
        terminal.type("\n")
        assert terminal.end() == 2
        assert "no answer to `Flex Insights password`" in terminal.text
    assert logins(insights_sandbox) == []


# The doctor.


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox(rows=20, raw_202_count=0) as sandbox:
        monkeypatch.setenv("FLOWXO_API_KEY", sandbox.flowxo_api_key)
        monkeypatch.setenv("TWILIO_ACCOUNT_SID", sandbox.account_sid)
        monkeypatch.setenv("TWILIO_API_KEY", sandbox.api_key)
        monkeypatch.setenv("TWILIO_API_SECRET", sandbox.api_secret)
        monkeypatch.setenv("FLEX_INSIGHTS_USERNAME", sandbox.username)
        monkeypatch.setenv("FLEX_INSIGHTS_PASSWORD", sandbox.password)
        monkeypatch.setenv("FLEX_INSIGHTS_BASE_URL", sandbox.url)
        yield sandbox


def test_doctor_finds_what_is_right(sandbox: Sandbox) -> None:
    done = run("doctor", "--flowxo-url", sandbox.url, "--instances-url", sandbox.url)
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (
        "password from `FLEX_INSIGHTS_PASSWORD`",
        "workspace not set",
        f"{sandbox.url} answers in",
        "as the service's",
        "accepted in",
        "key from `FLOWXO_API_KEY`, accepted",
        "`TWILIO_API_KEY` and `TWILIO_API_SECRET` accepted; Flex isn't installed on the account",
        "to do: `insightframe instances create --wait` installs it",
    ):
        assert words in done.stdout, done.stdout
    for secret in (sandbox.password, sandbox.flowxo_api_key, sandbox.api_secret):
        assert secret not in done.stdout + done.stderr
    assert is_logged_out_once(sandbox)
    assert run("instances", "create", "--base-url", sandbox.url).returncode == 0
    again = run("doctor", "--flowxo-url", sandbox.url, "--instances-url", sandbox.url)
    assert "Flex Insights workspace " in again.stdout


def test_doctor_as_rows_and_what_is_wrong(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FLEX_INSIGHTS_PASSWORD", "canary-7f3a")
    monkeypatch.setenv("HTTPS_PROXY", "http://user:canary-9b2c@proxy.example:3128")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.delenv("FLOWXO_API_KEY")
    done = run("doctor", "--instances-url", sandbox.url, "--format", "json")
    assert done.returncode == 2
    assert "canary" not in done.stdout + done.stderr
    found = {row["check"]: row for row in json.loads(done.stdout)}
    assert {check: row["state"] for check, row in found.items()} == snapshot(
        {
            "program": "ok",
            "profile file": "absent",
            "proxy": "ok",
            "certificates": "wrong",
            "flex insights": "ok",
            "connection": "ok",
            "clock": "ok",
            "login": "wrong",
            "flow xo": "absent",
            "flex instances": "odd",
        }
    )
    assert found["proxy"]["found"] == "http://proxy.example:3128 (`HTTPS_PROXY`)"
    assert found["certificates"]["advice"] == "correct `SSL_CERT_FILE`, or unset it"
    assert len(logins(sandbox)) == 1


def test_doctor_without_anything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FLEX_INSIGHTS_BASE_URL", "http://127.0.0.1:9")
    done = run("doctor", "--timeout", "20")
    assert done.returncode == 5
    assert "no connection to http://127.0.0.1:9" in done.stdout
    assert "to do: check the base address, the network and the proxy settings" in done.stdout
    assert "to do: `insightframe login` tests credentials and keeps them" in done.stdout


@pytest.mark.usefixtures("credentials")
def test_doctor_reads_the_clock(insights_sandbox: Sandbox) -> None:
    insights_sandbox.advance(hours=1)
    done = run("doctor")
    assert done.returncode == 2
    assert "s behind the service's: certificates and the lives of tokens are judged by it" in done.stdout
