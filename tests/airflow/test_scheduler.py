"""An Airflow as people run it: scheduler, DAG processor, API server, triggerer and LocalExecutor, which forks its workers.

What can die is killed with signal 9, all of it in one run, and every DAG must end green, with one execution at the service.
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
from pathlib import Path
from airflow.sdk import DAG
from insightframe.airflow import InsightsExportOperator

FOLDER = Path(os.environ["INSIGHTS_FOLDER"])

def begun(context):
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / f"{context['dag'].dag_id}.pid").open("a") as file:
        file.write(f"{os.getpid()}\\n")

for name, asked in {
    "polling": {"report": "aaosExgHgF8r", "start": "2023-12-01", "end": "2023-12-01"},
    "downloading": {"report": "aaosExgHgF8r", "start": "2023-12-02", "end": "2023-12-02", "workspace": "WORKSPACE_2"},
    "writing": {"report": "CONVERSATIONS", "workspace": "WORKSPACE_3", "format": "ipc"},
    "deferred": {"report": "aaosExgHgF8r", "start": "2023-12-04", "end": "2023-12-04", "deferrable": True},
}.items():
    with DAG(name, schedule="@once", is_paused_upon_creation=False) as dag:
        InsightsExportOperator(
            task_id="export", retries=3, pre_execute=begun, output_path=str(FOLDER / name), **asked
        )
    globals()[name] = dag
"""

USED = """
import os
from insightframe import InsightsClient

CLIENT = InsightsClient()
CLIENT.login()
with open(os.environ["AIRFLOW_HOME"] + "/used", "a") as file:
    file.write(f"{os.getpid()}\\n")
"""
"""A plugin, which the scheduler loads before it forks its workers: they find a parent's session, sockets and threads."""

PATIENCE = 90.0
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


def begun(airflow: "Standalone", dag: str) -> list[int]:
    """The processes that have run the task of a DAG, try by try; each is a worker's child."""
    try:
        return [int(line) for line in (airflow.folder / "out" / f"{dag}.pid").read_text().split()]
    except FileNotFoundError:
        return []


def written(process: int) -> int:
    """Bytes in the unnamed file that a process writes to; it gets its name at the end."""
    sizes = []
    for file in Path(f"/proc/{process}/fd").iterdir():
        try:
            if "/out/#" in str(file.readlink()):
                sizes.append(file.stat().st_size)
        except OSError:
            continue
    return max(sizes, default=0)


def results(service: Sandbox, workspace: str) -> int:
    """Requests for the result of a workspace's report."""
    return sum(f"{workspace}/execute/raw/" in entry.path for entry in service.ledger)


@pytest.fixture(scope="module")
def service() -> Iterator[Sandbox]:
    # The results are there when the sandbox's clock says so: a test decides how long the service computes.
    with Sandbox(
        rows_per_day=20, workspace_count=3, compute_seconds=3600, raw_202_count=0, tt_lifetime=86400
    ) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def airflow(service: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    folder = tmp_path_factory.mktemp("standalone")
    (folder / "dags").mkdir()
    (folder / "plugins").mkdir()
    with service.insights_client() as client:
        conversations = client.describe("3035653").identifier
    text = DAG.replace("CONVERSATIONS", conversations)
    for number, workspace in enumerate(service.workspaces, 1):
        text = text.replace(f"WORKSPACE_{number}", workspace)
    (folder / "dags" / "exports.py").write_text(text)
    (folder / "plugins" / "used.py").write_text(USED)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = conftest.connections(service) | {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "3",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API_AUTH__JWT_SECRET": "not-a-secret-of-anybody-but-32-bytes",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "2",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
        "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "6",
        "FLEX_INSIGHTS_USERNAME": service.username,
        "FLEX_INSIGHTS_PASSWORD": service.password,
        "FLEX_INSIGHTS_BASE_URL": service.url,
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
        kill_everything(standalone, service)
        yield standalone
    finally:
        for name in list(standalone.running):
            standalone.kill(name)


def kill_everything(airflow: Standalone, service: Sandbox) -> None:
    """Kills three workers and the triggerer, each at its own moment, and lets the service go on."""
    _, second, third = service.workspaces
    until(lambda: airflow.ask("select 1 from trigger where triggerer_id is not null"), "the triggerer has an export")
    until(lambda: len(airflow.ask("select 1 from task_state_store")) == 4, "all handles are kept")
    until(lambda: results(service, second) and results(service, third), "the workers poll")
    airflow.kill("triggerer")
    kill(airflow, "polling")
    # A small result ends before its first row, a large one takes its time. That tokens die while an export is deferred is
    # a matter of test_trigger.py: a refusal would end before its time, too.
    service.fault("stall", path=f"*/{second}/execute/raw/*", method="GET", after=900, times=None)
    service.fault("bandwidth", path=f"*/{third}/execute/raw/*", method="GET", bytes_per_second=600_000, times=None)
    service.advance(hours=2)
    until(lambda: written(begun(airflow, "writing")[-1]) > 0, "it writes")
    kill(airflow, "writing")
    until(lambda: "downloading (" in log(airflow, "downloading"), "it downloads")
    kill(airflow, "downloading")
    service.clear_faults()
    airflow.start("triggerer")


def kill(airflow: Standalone, dag: str) -> None:
    (process,) = begun(airflow, dag)
    os.kill(process, signal.SIGKILL)


def log(airflow: Standalone, dag: str) -> str:
    return "".join(file.read_text() for file in airflow.folder.glob(f"logs/dag_id={dag}/**/*.log"))


@pytest.mark.parametrize(
    ("dag", "tries", "rows"),
    [("polling", 2, 20), ("downloading", 2, 20), ("writing", 2, 731 * 20), ("deferred", 1, 20)],
)
def test_what_was_killed_ends_green(airflow: Standalone, service: Sandbox, dag: str, tries: int, rows: int) -> None:
    until(lambda: airflow.state(dag) == "success", f"{dag} ends green")
    assert airflow.ask("select try_number from task_instance where dag_id = ?", dag) == [(tries,)]
    read = polars.read_ipc if dag == "writing" else polars.read_parquet
    assert read(airflow.folder / "out" / dag).height == rows


def test_each_window_was_executed_once(airflow: Standalone, service: Sandbox) -> None:
    assert service.executions == 4
    dags = ("polling", "downloading", "writing", "deferred")
    whole = {f"{dag}{kind}" for dag in dags for kind in ("", ".pid")}
    assert {file.name for file in (airflow.folder / "out").iterdir()} == whole, "nothing is left of what was killed"


def test_the_scheduler_had_used_a_client_before_it_forked(airflow: Standalone) -> None:
    assert str(airflow.running["scheduler"].pid) in (airflow.folder / "used").read_text().split()


def test_no_secret_is_kept(airflow: Standalone, service: Sandbox) -> None:
    assert airflow.ask("select 1 from rendered_task_instance_fields")
    assert list((airflow.folder / "logs").rglob("*.log"))
    assert found(conftest.secrets(service), airflow.folder) == []
