"""The commands that list and describe, against the answers of the library."""

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from insightframe import InsightsClient
from insightframe.sandbox import Sandbox
from ledger import is_logged_out_once, logins
from terminal import COMMAND, Terminal

REPORT = "3035643"
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the terminal's module is that of POSIX"),
    pytest.mark.usefixtures("credentials"),
]


def run(*words: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [COMMAND, *words], cwd=cwd, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )


def rows(*words: str) -> list[dict[str, object]]:
    done = run(*words, "--format", "json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("verb", ["workspaces", "reports", "metrics", "attributes", "labels"])
def test_lists(insights_client: InsightsClient, tmp_path: Path, verb: str) -> None:
    expected = getattr(insights_client, verb)()
    found = rows(verb)
    assert [row["id"] for row in found] == [row["id"] for row in expected.to_dicts()]
    assert list(found[0]) == expected.column_names
    done = run(verb, "-o", "list.parquet", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert pl.read_parquet(tmp_path / "list.parquet").equals(expected.to_polars())
    assert run(verb, "--workspace", "../x").returncode == 2
    if verb != "workspaces":
        assert run(verb, "--workspace", "0" * 32).returncode in (4, 5)


def test_a_list_on_a_terminal_has_all_its_rows() -> None:
    with Terminal("labels", columns=100) as terminal:
        assert terminal.end() == 0
        text = terminal.text[terminal.text.index("rows ×") :]
        assert "more rows" not in text
        assert "more columns: " in text
        assert max(map(len, text.splitlines())) <= 100


def test_elements(insights_client: InsightsClient) -> None:
    label = str(next(row["identifier"] for row in rows("labels") if row["title"] == "Queue"))
    expected = insights_client.elements(label).to_dicts()
    assert rows("elements", label) == expected
    assert len(rows("elements", label, "--limit", "2")) == 2
    title = str(expected[0]["title"])
    assert rows("elements", label, "--contains", title.upper())[0]["title"] == title
    assert run("elements").returncode == 2
    assert run("elements", label, "--limit", "0").returncode == 2
    assert run("elements", "no.such.label").returncode == 4


def test_describe(insights_client: InsightsClient) -> None:
    report = insights_client.describe(REPORT)
    shown = run("describe", REPORT)
    assert shown.stdout == f"{report}\n"
    columns = rows("describe", REPORT)
    assert [column["name"] for column in columns] == [column.name for column in report.columns]
    assert list(columns[0]) == ["name", "kind", "type", "identifier", "format", "source"]
    assert run("describe").returncode == 2
    assert run("describe", "a b").returncode == 2
    assert run("describe", "999").returncode == 4


def test_a_profile_is_deleted_only_when_its_id_is_repeated(insights_sandbox: Sandbox) -> None:
    told = run("delete-profile")
    assert (told.returncode, told.stdout) == (2, "")
    profile = told.stderr.split("`")[1]
    assert told.stderr.splitlines()[-2:] == [
        f"error: nothing was deleted: the profile `{profile}` is not confirmed",
        f"hint: `insightframe delete-profile --confirm {profile}` deletes it for good",
    ]
    assert run("delete-profile", "--confirm", "0" * 32).returncode == 2
    assert not any(entry.method == "DELETE" and "/profile/" in entry.path for entry in insights_sandbox.ledger)
    done = run("delete-profile", "--confirm", profile)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert f"the profile `{profile}` is deleted" in done.stderr
    assert run("workspaces").returncode == 3


def test_login_finds_the_workspace(insights_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    monkeypatch.setenv("INSIGHTFRAME_CONFIG", str(path))
    foreign = "0" * 32
    refused = run("login", "--workspace", foreign)
    assert refused.returncode == 2
    assert f"the user may not see the workspace `{foreign}`, but:\n  {insights_sandbox.workspace}  " in refused.stderr
    assert not path.exists()
    monkeypatch.delenv("FLEX_INSIGHTS_WORKSPACE")
    insights_sandbox.clear_ledger()
    done = run("login")
    assert done.returncode == 0, done.stderr
    known = [str(row["id"]) for row in rows("workspaces")]
    if len(known) == 1:
        assert f'workspace = "{insights_sandbox.workspace}"' in path.read_text("utf-8")
    else:
        assert all(f"\n  {workspace}  " in done.stderr for workspace in known)
        assert "workspace" not in path.read_text("utf-8")


def test_a_session_for_each_command(insights_sandbox: Sandbox) -> None:
    insights_sandbox.clear_ledger()
    assert run("reports", "--format", "csv").returncode == 0
    assert is_logged_out_once(insights_sandbox)
    assert run("reports", "--format", "docx").returncode == 2
    assert len(logins(insights_sandbox)) == 1


DAYS = ("--start", "2023-12-01", "--end", "2023-12-03")


def test_filters_and_windows_are_those_of_the_library(insights_client: InsightsClient) -> None:
    label = str(next(row["identifier"] for row in rows("labels") if row["title"] == "Queue"))
    queues = ["Billing", "Sales, New Business"]
    words = [word for queue in queues for word in ("--where", f"{label}={queue}")]
    found = rows("export", REPORT, *DAYS, *words, "--every", "1d")
    expected = insights_client.export(REPORT, start="2023-12-01", end="2023-12-03", where={label: queues})
    assert {row["Queue"] for row in found} == set(queues)
    assert len(found) == len(expected)
    for wrong in (["--where", label], ["--every", "1y"], ["--date", "closed.date.mmddyyyy"]):
        done = run("export", REPORT, *wrong)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert run("export", REPORT, "--where", f"{label}=Nobody").returncode == 4


def test_a_dataset_goes_on_where_it_ended(insights_sandbox: Sandbox, tmp_path: Path) -> None:
    words = ("dataset", REPORT, "calls", *DAYS)
    done = run(*words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    files = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.parquet"))
    assert len(files) == 3
    rows_of = len(pl.read_parquet(tmp_path / "calls" / "**" / "*.parquet"))
    assert f"{rows_of:,} rows" in done.stderr
    before = insights_sandbox.executions
    assert run(*words, cwd=tmp_path).returncode == 0
    assert insights_sandbox.executions == before
    assert run(*words, "--restate", "1", cwd=tmp_path).returncode == 0
    assert insights_sandbox.executions == before + 1
    assert run("dataset", REPORT, "calls", cwd=tmp_path).returncode == 2
    assert run("dataset", REPORT, cwd=tmp_path).returncode == 2
    other = run("dataset", "3035653", "calls", *DAYS, cwd=tmp_path)
    assert other.returncode == 2, other.stderr


def test_the_services_own_bytes(insights_client: InsightsClient, tmp_path: Path) -> None:
    done = run("export", REPORT, *DAYS, "-o", "raw.csv", "--raw", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    insights_client.download(REPORT, tmp_path / "other.csv", start="2023-12-01", end="2023-12-03")
    assert (tmp_path / "raw.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()
    assert run("export", REPORT, "--raw").returncode == 2
    assert run("export", REPORT, "--raw", "-o", "-").returncode == 2
