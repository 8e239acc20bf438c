"""An Airflow of the tests' own: its home and its SQLite database live in a folder of the run."""

import atexit
import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

DAGS = Path(__file__).parents[2] / "examples" / "dags"
HOME = Path(tempfile.mkdtemp(prefix="insightframe-airflow-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
os.environ |= {
    "AIRFLOW_HOME": str(HOME),
    "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "0",
    "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}

from insightframe.sandbox import Sandbox  # noqa: E402 - Airflow reads its environment when it is imported


@pytest.fixture(scope="session")
def airflow_database() -> Path:
    """The metadata database, migrated once."""
    from airflow.utils.db import initdb

    initdb()
    return HOME / "airflow.db"


@pytest.fixture
def sandbox(request, monkeypatch, tmp_path):
    """A sandbox, with connections to it in the environment."""
    options = getattr(request, "param", {})
    with Sandbox(**({"rows_per_day": 20} | options)) as sandbox:
        connect(sandbox, monkeypatch.setenv)
        monkeypatch.setenv("INSIGHTS_FOLDER", str(tmp_path / "out"))
        yield sandbox


def connections(sandbox: Sandbox) -> dict[str, str]:
    """The environment that names the sandbox's connections."""
    insights = {
        "conn_type": "flex_insights",
        "login": sandbox.username,
        "password": sandbox.password,
        "host": sandbox.url,
        "extra": {"workspace": sandbox.workspace},
    }
    flow_xo = {"conn_type": "flow_xo", "password": sandbox.flowxo_api_key, "host": f"{sandbox.url}/api"}
    instances = {
        "conn_type": "flex_instances",
        "login": sandbox.api_key,
        "password": sandbox.api_secret,
        "host": sandbox.url,
        "extra": {"account_sid": sandbox.account_sid},
    }
    return {
        "AIRFLOW_CONN_FLEX_INSIGHTS_DEFAULT": json.dumps(insights),
        "AIRFLOW_CONN_FLOW_XO_DEFAULT": json.dumps(flow_xo),
        "AIRFLOW_CONN_FLEX_INSTANCES_DEFAULT": json.dumps(instances),
    }


def connect(sandbox: Sandbox, setenv) -> None:
    for name, value in connections(sandbox).items():
        setenv(name, value)


def secrets(sandbox: Sandbox) -> list[bytes]:
    """What must be found nowhere."""
    return [text.encode() for text in (sandbox.password, sandbox.flowxo_api_key, sandbox.api_secret)]


@pytest.fixture
def run(airflow_database, sandbox):
    """Runs an example by `dag.test()`, all of it in this process, and gives the run."""

    def run(name: str, day: str = "2023-12-01", conf: dict | None = None):
        import pendulum
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(dag_folder=str(DAGS / f"{name}.py"))
        assert not bag.import_errors
        return bag.dags[name].test(logical_date=pendulum.parse(day), run_conf=conf)

    return run
