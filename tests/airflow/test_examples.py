"""The example DAGs, run by `dag.test()`; and the canary: no secret in anything that Airflow keeps."""

import os
from pathlib import Path

import polars
import pytest

import conftest


@pytest.fixture
def folder():
    return lambda: Path(os.environ["INSIGHTS_FOLDER"])


def found(secrets: list[bytes], *folders: Path) -> list[str]:
    """The files in which a secret stands, in plain or percent-encoded."""
    from urllib.parse import quote

    needles = {needle for secret in secrets for needle in (secret, quote(secret, safe="").encode())}
    files = (file for folder in folders for file in folder.rglob("*") if file.is_file())
    return [str(file) for file in files if any(needle in file.read_bytes() for needle in needles)]


def test_the_canary_sings(tmp_path):
    (tmp_path / "log").write_text("password=hunter 22")
    assert found([b"hunter 22"], tmp_path)
    assert not found([b"hunter 23"], tmp_path)


def test_daily(run, sandbox, folder, capfd):
    assert run("insights_daily", "2023-12-02").state == "success"
    assert polars.read_parquet(folder() / "days" / "2023-12-01.parquet").height == 20
    assert polars.read_parquet(folder() / "calls/**/*.parquet").height == 7 * 20
    assert sandbox.executions == 1 + 7
    run("insights_daily", "2023-12-03")
    assert sandbox.executions == 8 + 1 + 3, "the dataset has restated three days, the newest among them"
    out, _ = capfd.readouterr()
    for phase in ("logging in", "executing", "polling", "downloading"):
        assert f"{phase} (" in out, "the log of a task has a line for each phase"
    assert not any(secret.decode() in out for secret in conftest.secrets(sandbox))
    no_secret(sandbox, capfd)


def test_backfill(run, sandbox, folder, capfd):
    assert run("insights_backfill").state == "success"
    weeks = sorted(file.stem for file in (folder() / "weeks").iterdir())
    assert weeks == ["2023-11-01", "2023-11-06", "2023-11-13", "2023-11-20", "2023-11-27"]
    assert polars.read_parquet(folder() / "weeks/*.parquet").height == 30 * 20
    assert sandbox.executions == 5
    no_secret(sandbox, capfd)


def test_workspaces(run, sandbox, folder, monkeypatch, capfd):
    with sandbox.insights_client() as client:
        titles = {report["title"] for report in client.reports().to_dicts() if report["id"] == "3035643"}
    monkeypatch.setenv("INSIGHTS_REPORT", titles.pop())
    assert run("insights_workspaces").state == "success"
    assert len(list(folder().glob("*.parquet"))) == 2
    no_secret(sandbox, capfd)


def test_flowxo(run, sandbox, folder, capfd):
    assert run("flowxo_monthly").state == "success"
    assert polars.read_parquet(folder() / "flowxo" / "2023-11.parquet").height > 0
    no_secret(sandbox, capfd)


def no_secret(sandbox, capfd):
    """Neither in the metadata database, which has XComs, rendered templates and triggers, nor in what was logged."""
    assert found(conftest.secrets(sandbox), conftest.HOME) == []
    out, err = capfd.readouterr()
    assert not any(secret.decode() in out + err for secret in conftest.secrets(sandbox))
