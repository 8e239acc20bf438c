"""`InsightsExportOperator` try by try: the state of the task is a dictionary, the service is the sandbox."""

import json
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import polars
import pytest
from airflow.sdk import ObjectStoragePath
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from airflow.sdk.io import attach
from fsspec.implementations.memory import MemoryFileSystem

from insightframe.airflow import InsightsExportOperator, InsightsHook
from insightframe.errors import ConfigError, DeadlineExceeded, InsightframeError, ServerFault

DAY = {"report": "3035643", "start": "2023-12-01", "end": "2023-12-01"}


class State(dict):
    """What is used of Airflow's accessor."""

    def set(self, key, value, *, retention):
        self[key] = json.loads(json.dumps(value))

    def delete(self, key):
        self.pop(key, None)


@pytest.fixture
def state():
    return State()


def export(state, path, **arguments):
    operator = InsightsExportOperator(task_id="export", output_path=path, **(DAY | arguments))
    return operator.execute({"task_state_store": state, "outlet_events": {}})


def test_a_report_becomes_a_file_and_a_small_dict(sandbox, state, tmp_path):
    path = tmp_path / "new" / "day.parquet"
    result = export(state, str(path))
    fingerprint = result.pop("schema_fingerprint")
    assert result == {
        "uri": path.as_uri(),
        "report": "3035643",
        "workspace": sandbox.workspace,
        "start": "2023-12-01",
        "end": "2023-12-01",
        "rows": 20,
        "bytes": path.stat().st_size,
        "warnings": [],
    }
    assert len(fingerprint) == 16
    assert polars.read_parquet(path).height == 20
    assert state == {}, "a run that is repeated on purpose executes anew"


@pytest.mark.parametrize("format", ["csv", "ipc", "parquet"])
def test_every_format_is_written(sandbox, state, tmp_path, format):
    path = tmp_path / "day"
    export(state, path, format=format)
    readers = {"csv": polars.read_csv, "ipc": polars.read_ipc, "parquet": polars.read_parquet}
    assert readers[format](path).height == 20


def test_a_further_run_replaces_the_file(sandbox, state, tmp_path):
    path = tmp_path / "day.csv"
    export(state, path, format="csv")
    first = path.read_bytes()
    export(state, path, format="csv")
    assert path.read_bytes() == first
    assert sandbox.executions == 2


def test_object_storage_gets_whole_objects(sandbox, state, tmp_path):
    there = ObjectStoragePath(f"file://{tmp_path}/made/day.parquet")
    assert export(state, there)["uri"] == f"file://{tmp_path}/made/day.parquet"
    assert polars.read_parquet(tmp_path / "made" / "day.parquet").height == 20
    attach("memory", fs=MemoryFileSystem())
    memory = ObjectStoragePath("memory://bucket/day.parquet")
    export(state, memory)
    assert polars.read_parquet(memory.read_bytes()).height == 20


def test_the_days_stand_in_the_path(sandbox, state, tmp_path):
    with InsightsHook().get_conn() as client:
        window = client.plan("3035643", start="2023-12-01", end="2023-12-02")[1].to_dict()
    result = export(state, f"{tmp_path}/{{start}}.parquet", report=None, start=None, end=None, window=window)
    assert (tmp_path / "2023-12-02.parquet").exists()
    assert (result["start"], result["end"]) == ("2023-12-02", "2023-12-02")


class Died(BaseException):
    """In the place of kill -9: nothing that catches exceptions catches it."""


@pytest.mark.parametrize("phase", ["polling", "downloading"])
def test_a_try_after_a_dead_worker_goes_on_with_the_execution(sandbox, state, tmp_path, monkeypatch, phase):
    path = tmp_path / "day.parquet"
    resume = InsightsExportOperator._fetched

    def died(*_):
        if phase == "downloading":
            sandbox.fault("cut", path="*/execute/raw/*", method="GET", after=100, times=9)
        raise Died

    monkeypatch.setattr(InsightsExportOperator, "_fetched", died)
    with pytest.raises(Died):
        export(state, path)
    sandbox.clear_faults()
    assert not path.exists()
    monkeypatch.setattr(InsightsExportOperator, "_fetched", resume)
    assert export(state, path)["rows"] == 20
    assert sandbox.executions == 1


def test_a_write_that_breaks_off_leaves_what_was_there(sandbox, state, tmp_path, monkeypatch):
    path = tmp_path / "day.parquet"
    path.write_text("before")
    sandbox.fault("cut", path="*/execute/raw/*", method="GET", after=200, times=None)
    with pytest.raises((InsightframeError, AirflowFailException)):
        export(state, path)
    assert [file.name for file in tmp_path.iterdir()] == ["day.parquet"]
    assert path.read_text() == "before"
    sandbox.clear_faults()
    assert export(state, path)["rows"] == 20


def test_who_asks_for_something_else_gets_it(sandbox, state, tmp_path):
    operator = InsightsExportOperator(task_id="export", output_path=tmp_path / "day", deferrable=True, **DAY)
    with pytest.raises(TaskDeferred):
        operator.execute({"task_state_store": state, "outlet_events": {}})
    assert state, "the handle is kept"
    assert export(state, tmp_path / "day", end="2023-12-02")["rows"] == 40
    assert sandbox.executions == 2


@pytest.mark.parametrize("sandbox", [{"compute_seconds": 3600}], indirect=True)
def test_a_try_that_runs_out_of_time_is_gone_on_with(sandbox, state, tmp_path):
    path = tmp_path / "day"
    with pytest.raises(DeadlineExceeded):
        export(state, path, export_timeout=timedelta(seconds=1))
    sandbox.advance(hours=1)
    assert export(state, path)["rows"] == 20
    assert sandbox.executions == 1


def test_without_a_state_every_try_executes(sandbox, tmp_path):
    assert export(None, tmp_path / "day")["rows"] == 20


def test_what_the_service_refuses_for_good_is_not_tried_again(sandbox, state, tmp_path):
    with pytest.raises(AirflowFailException, match="NotFound"):
        export(state, tmp_path / "day", report="99999999")
    sandbox.fault("html", path="*/execute/raw/*", method="GET", times=None)
    with pytest.raises(AirflowFailException, match="UnexpectedReply"):
        export(state, tmp_path / "day")
    assert state == {}, "an execution that the service has spoilt is not gone on with"


def test_what_can_not_be_asked_is_said_when_the_dag_is_read():
    with pytest.raises(ConfigError, match="`format` must be one of"):
        InsightsExportOperator(task_id="x", output_path="x", report="1", format="xlsx")
    with pytest.raises(ConfigError, match="either `report` or `window`"):
        InsightsExportOperator(task_id="x", output_path="x")


def test_a_deferred_export_keeps_no_secret_and_executes_once(sandbox, state, tmp_path):
    path = tmp_path / "day.parquet"
    operator = InsightsExportOperator(task_id="export", output_path=path, deferrable=True, **DAY)
    context = {"task_state_store": state, "outlet_events": {}}
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(context)
    kept = json.dumps(deferred.value.trigger.serialize()) + json.dumps(state)
    assert sandbox.password not in unquote(kept)
    handle = deferred.value.trigger.handle
    assert operator.execute_complete(context, {"handle": handle, "state": "ready"})["rows"] == 20
    assert sandbox.executions == 1
    assert Path(path).exists()


def test_what_a_trigger_reports_becomes_the_tasks_error(sandbox, state, tmp_path):
    operator = InsightsExportOperator(task_id="export", output_path=tmp_path / "day", deferrable=True, **DAY)
    context = {"task_state_store": state, "outlet_events": {}}
    with pytest.raises(DeadlineExceeded, match="3600 s of `export_timeout`"):
        operator.execute_complete(context, {"handle": "h", "state": "expired"})
    failed = {"handle": "h", "state": "failed", "error": "InvalidCredentials", "message": "no", "retryable": False}
    with pytest.raises(AirflowFailException, match="InvalidCredentials: no"):
        operator.execute_complete(context, failed)
    failed |= {"error": "ServerFault", "retryable": True}
    with pytest.raises(ServerFault, match="no"):
        operator.execute_complete(context, failed)


def test_killing_logs_out(sandbox, state, tmp_path):
    operator = InsightsExportOperator(task_id="export", output_path=tmp_path / "day", **DAY)
    operator.on_kill()
    with InsightsHook().get_conn() as client:
        client.login()
        operator._client = client
        operator.on_kill()
    assert any(entry.method == "DELETE" for entry in sandbox.ledger)
