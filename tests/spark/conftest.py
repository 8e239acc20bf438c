"""A Spark of the tests' own: a master, two workers with an executor each, and the sandbox that they export from.

What names the sandbox is a profile file, for the driver and for the workers; no test tells Spark a password.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyspark
import pytest
from pyspark.sql import DataFrame, SparkSession

from insightframe.sandbox import Sandbox
from insightframe.spark import register, session

FOLDER = Path(tempfile.mkdtemp(prefix="insightframe-spark-"))
PROFILE = FOLDER / "config.toml"
EVENTS = FOLDER / "events"
REPORT = "3035643"
PATIENCE = 60.0
_USED = [0.0]
"""When Spark's workers may have read last."""


def pytest_sessionstart() -> None:
    found = java()
    if found < 17:
        what = f"`java` is version {found}" if found else "there is no `java`"
        pytest.exit(
            f"the tests of Spark need Java 17 or newer, but {what}\n"
            "hint: install a JRE, headless will do, and set JAVA_HOME where it isn't the one in PATH",
            returncode=1,
        )


def java() -> int:
    """The major version of the Java that Spark would start; 0 without one."""
    home = os.environ.get("JAVA_HOME")
    command = str(Path(home, "bin", "java")) if home else "java"
    try:
        told = subprocess.run([command, "-version"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError):
        return 0
    version = re.search(r'version "(?:1\.)?(\d+)', told)
    return int(version[1]) if version else 0


@pytest.fixture(scope="session")
def service() -> Iterator[Sandbox]:
    """The sandbox; all processes of Spark are started with what names it."""
    with Sandbox(rows_per_day=20, raw_202_count=0) as sandbox:
        write_profile(sandbox)
        os.environ["INSIGHTFRAME_CONFIG"] = str(PROFILE)
        yield sandbox
    shutil.rmtree(FOLDER, ignore_errors=True)


def write_profile(sandbox: Sandbox, password: str | None = None) -> None:
    values = {
        "username": sandbox.username,
        "password": password or sandbox.password,
        "workspace": sandbox.workspace,
        "base_url": sandbox.url,
    }
    PROFILE.touch(mode=0o600)
    PROFILE.write_text("[default]\n" + "".join(f"{name} = '{value}'\n" for name, value in values.items()))


@pytest.fixture
def sandbox(service: Sandbox) -> Iterator[Sandbox]:
    """The sandbox with an empty ledger."""
    service.clear_ledger()
    yield service
    service.clear_faults()


@pytest.fixture
def quiet(sandbox: Sandbox) -> Sandbox:
    """The sandbox without a session: the workers log out when they have read nothing for a moment."""
    time.sleep(max(0.0, session._IDLE - (time.monotonic() - _USED[-1])))
    until(lambda: sessions(sandbox) <= 0, "the workers have logged out")
    sandbox.clear_ledger()
    return sandbox


def sessions(sandbox: Sandbox) -> int:
    """Those that have begun since the ledger was cleared, without those that have ended."""
    ways = [entry.method for entry in sandbox.ledger if "/account/login" in entry.path and entry.status in (200, 204)]
    return ways.count("POST") - ways.count("DELETE")


@pytest.fixture(scope="session")
def spark(service: Sandbox) -> Iterator[SparkSession]:
    """Driver, master and two workers on this machine, each worker with an executor of one core."""
    os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
    EVENTS.mkdir()
    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.sql.shuffle.partitions": "2",
        "spark.task.maxFailures": "2",
        "spark.sql.warehouse.dir": str(FOLDER / "warehouse"),
        "spark.eventLog.enabled": "true",
        "spark.eventLog.compress": "false",
        "spark.eventLog.dir": EVENTS.as_uri(),
    }
    builder = SparkSession.builder.master("local-cluster[2,1,1024]").appName("insightframe")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    register(spark)
    yield spark
    shutil.rmtree(logs(spark), ignore_errors=True)
    spark.stop()


def logs(spark: SparkSession) -> Path:
    """Where a cluster on one machine keeps what its executors write."""
    return Path(pyspark.__file__).parent / "work" / spark.sparkContext.applicationId


@pytest.fixture
def load(spark: SparkSession, sandbox: Sandbox) -> Iterator[Callable[..., DataFrame]]:
    """A frame of the tests' report; filters aren't pushed unless a test says so."""
    spark.conf.unset("spark.sql.python.filterPushdown.enabled")

    def load(columns: str | None = None, **options: object) -> DataFrame:
        reader = spark.read.format("flex_insights")
        if columns is not None:
            reader = reader.schema(columns)
        return reader.options(**({"report": REPORT} | options)).load()

    yield load
    _USED.append(time.monotonic())


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s: {what}"
        time.sleep(0.1)
