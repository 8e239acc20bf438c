"""An Airflow as people run it: scheduler, DAG processor, API server, triggerer and LocalExecutor, which forks its workers.

What can die is killed with signal 9, and the DAG must end green, with one execution at the service.
"""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import polars
import pytest
from test_examples import found

import conftest
from insightframe.sandbox import Sandbox

DAG = """
import os
from airflow.sdk import DAG
from insightframe.airflow import InsightsExportOperator

for name, deferrable in (("waiting", False), ("deferred", True)):
    with DAG(f"insights_{name}", schedule=None, is_paused_upon_creation=False) as dag:
        InsightsExportOperator(
            task_id="export", report="3035643", start="2023-12-01", end="2023-12-01", retries=3, deferrable=deferrable,
            output_path=os.environ["INSIGHTS_FOLDER"] + f"/{name}.parquet",
        )
    globals()[name] = dag
"""

PATIENCE = 120.0
"""Seconds for anything to happen; on two idle cores it takes a tenth of it."""


class Standalone:
    """Airflow's processes, in a folder of their own."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = os.environ | environment
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def command(self, *words: str) -> None:
        self.log = (self.folder / "commands.log").open("ab")
        subprocess.run(["airflow", *words], env=self.environment, stdout=self.log, stderr=self.log, check=True)

    def start(self, name: str, *words: str) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        self.running[name] = subprocess.Popen(
            ["airflow", name, *words], env=self.environment, stdout=log, stderr=log, start_new_session=True
        )

    def kill(self, name: str) -> None:
        """The process and all that it has started."""
        process = self.running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def ask(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """The metadata database, as it is."""
        with closing(sqlite3.connect(self.folder / "airflow.db", timeout=30)) as database:
            return database.execute(query, values).fetchall()

    def state(self, dag: str) -> str | None:
        rows = self.ask("select state from task_instance where dag_id = ?", dag)
        return str(rows[0][0]) if rows else None


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s: {what}"
        time.sleep(0.2)


def workers(of: int) -> list[int]:
    """The processes in which tasks of a scheduler run: those below it that have no children, and run a task."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))

    def below(process: int) -> Iterator[tuple[int, int]]:
        for child in parents.get(process, []):
            yield process, child
            yield from below(child)

    # The scheduler's executor has workers, a worker supervises the task in a child of its own.
    return [child for parent, child in below(of) if any(child in parents.get(p, []) for p in parents.get(of, []))]


@pytest.fixture(scope="module")
def service() -> Iterator[Sandbox]:
    # The results are there when the sandbox's clock says so: a test decides how long the service computes.
    with Sandbox(rows_per_day=20, compute_seconds=3600) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def airflow(service: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    folder = tmp_path_factory.mktemp("standalone")
    (folder / "dags").mkdir()
    (folder / "dags" / "exports.py").write_text(DAG)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = conftest.connections(service) | {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API_AUTH__JWT_SECRET": "not-a-secret-of-anybody-but-32-bytes",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "2",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
        "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "6",
        "INSIGHTS_FOLDER": str(folder / "out"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    standalone = Standalone(folder, environment)
    standalone.command("db", "migrate")
    try:
        standalone.start("api-server", "--port", str(port), "--host", "127.0.0.1", "--workers", "1")
        standalone.start("dag-processor")
        standalone.start("scheduler")
        standalone.start("triggerer")
        until(lambda: len(standalone.ask("select * from serialized_dag")) == 2, "the DAGs are read")
        yield standalone
    finally:
        for name in list(standalone.running):
            standalone.kill(name)


def test_a_worker_is_killed_while_it_polls(airflow: Standalone, service: Sandbox) -> None:
    before = service.executions
    airflow.command("dags", "trigger", "insights_waiting")
    until(lambda: airflow.ask("select 1 from task_state_store"), "the handle is kept")
    until(lambda: any("/execute/raw/" in entry.path and entry.method == "GET" for entry in service.ledger), "it polls")
    (killed, *_) = workers(airflow.running["scheduler"].pid)
    os.kill(killed, signal.SIGKILL)
    until(
        lambda: airflow.ask("select 1 from task_instance where dag_id = 'insights_waiting' and try_number = 2"), "a try"
    )
    service.advance(hours=2)
    until(lambda: airflow.state("insights_waiting") == "success", "the DAG ends green")
    assert service.executions == before + 1
    assert polars.read_parquet(airflow.folder / "out" / "waiting.parquet").height == 20


def test_the_triggerer_is_killed_while_an_export_is_deferred(airflow: Standalone, service: Sandbox) -> None:
    before = service.executions
    airflow.command("dags", "trigger", "insights_deferred")
    until(lambda: airflow.state("insights_deferred") == "deferred", "it is deferred")
    until(lambda: airflow.ask("select 1 from trigger where triggerer_id is not null"), "the triggerer has it")
    airflow.kill("triggerer")
    service.advance(hours=2)  # and both tokens have died
    airflow.start("triggerer")
    until(lambda: airflow.state("insights_deferred") == "success", "the DAG ends green")
    assert service.executions == before + 1
    assert polars.read_parquet(airflow.folder / "out" / "deferred.parquet").height == 20


def test_no_secret_is_kept(airflow: Standalone, service: Sandbox) -> None:
    assert airflow.ask("select 1 from rendered_task_instance_fields")
    assert list((airflow.folder / "logs").rglob("*.log"))
    assert found(conftest.secrets(service), airflow.folder) == []
