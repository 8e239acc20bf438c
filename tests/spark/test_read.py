"""Reading a report: what is asked, when, and what comes."""

import datetime
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import polars
import pyarrow
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions
from pyspark.sql.types import (
    BinaryType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from conftest import REPORT, sessions, until, write_profile
from insightframe import decode_csv
from insightframe.errors import ConfigError, ResultChanged, SchemaMismatch
from insightframe.sandbox import Sandbox
from insightframe.spark import FlexInsights
from insightframe.spark.windows import _fitted

TEN_DAYS = {"start": "2023-12-01", "end": "2023-12-10"}


def expected(sandbox, report: str = REPORT, **asked) -> polars.DataFrame:
    with sandbox.insights_client() as client:
        return client.export(report, **asked).to_polars()


def collected(frame) -> polars.DataFrame:
    return polars.DataFrame(frame.toArrow())


def rows(frame: polars.DataFrame) -> list[tuple]:
    return sorted(frame.rows(), key=repr)


def test_a_partition_is_a_window_and_the_columns_cost_no_execution(load, quiet, sandbox):
    frame = load(**TEN_DAYS, every="1d")
    assert frame.dtypes == [
        ("Queue", "string"),
        ("Date", "date"),
        ("Interval 15 Minutes", "string"),
        ("Channel", "string"),
        ("Direction", "string"),
        ("Offered Contacts", "bigint"),
        ("Average Handle Time", "double"),
        ("Abandons", "bigint"),
        ("Service Level", "double"),
        ("Average Speed of Answer", "double"),
        ("Volume Handled", "bigint"),
    ]
    assert not [entry for entry in sandbox.ledger if "/execute" in entry.path]
    before = sandbox.executions
    whole = collected(frame)
    assert sandbox.executions == before + 10
    logins = [entry for entry in sandbox.ledger if entry.path.endswith("/account/login")]
    assert len(logins) <= 1 + 2, "one of the driver, and one of each worker"
    assert frame.rdd.getNumPartitions() == 10
    same = expected(sandbox, **TEN_DAYS)
    assert dict(whole.schema) == dict(same.schema)
    assert rows(whole) == rows(same)


def test_weeks_months_and_all_days(load, sandbox):
    for options, partitions in [({"every": "1w"}, 2), ({"every": "1mo"}, 1)]:
        assert load(**TEN_DAYS, **options).rdd.getNumPartitions() == partitions
    assert load().rdd.getNumPartitions() == 1, "without days there is nothing to cut"


def test_filters_and_types_of_the_export(load, sandbox):
    frame = load(
        report="3035663",
        start="2023-12-01",
        end="2023-12-02",
        where='{"label.agents.agent_id": ["' + expected(sandbox, "3035663", **TEN_DAYS)["Agent ID"][0] + '"]}',
        schema='{"Handled Conversations": "float64", "Remark": "dictionary"}',
        every="1mo",
        timeout=60,
    )
    types = dict(frame.dtypes)
    assert (types["Date"], types["Handled Conversations"], types["Remark"]) == ("date", "double", "string")
    whole = collected(frame)
    assert whole["Agent ID"].n_unique() == 1
    assert whole["Date"].dtype == polars.Date


def test_all_as_text(load, sandbox):
    frame = load(start="2023-12-01", end="2023-12-01", schema="text")
    assert {kind for _, kind in frame.dtypes} == {"string"}
    assert frame.select("Date").distinct().collect()[0][0] == "12/01/2023"


def test_titles_that_are_there_twice_and_reports_without_rows(load, sandbox):
    twice = load(report="3035693", start="2023-12-01", end="2023-12-01")
    assert twice.columns[-2:] == ["Contacts", "Contacts_2"]
    assert collected(twice).height == 20
    assert load(report="3035683", **TEN_DAYS).count() == 0


def test_a_schema_of_ones_own_picks_columns_and_casts(load, sandbox):
    frame = load("`Offered Contacts` int, Date date, Queue string", **TEN_DAYS, every="1w")
    assert not [entry for entry in sandbox.ledger if entry.method == "GET"], "the definition isn't read"
    assert frame.agg(functions.min("Date"), functions.count("Queue")).collect()[0][:] == (
        datetime.date(2023, 12, 1),
        200,
    )
    frame = load("Date string", **TEN_DAYS, every="1mo", schema="infer")
    assert frame.agg(functions.min("Date")).collect()[0][0] == "12/01/2023"


@pytest.mark.parametrize(
    ("name", "kind", "error", "words"),
    [
        ("Qeue", StringType(), ConfigError, "has no column `Qeue`; it has `Queue`, `Date`"),
        ("Queue", LongType(), SchemaMismatch, "column `Queue` doesn't fit `int64`"),
        ("Queue", BinaryType(), ConfigError, "`Queue` can't be read as `binary`, but as one of `string`, `bigint`"),
    ],
)
def test_what_does_not_fit_a_schema_of_ones_own_is_named(sandbox, name, kind, error, words):
    source = FlexInsights({"report": REPORT, "start": "2023-12-01", "end": "2023-12-01"})
    reader = source.reader(StructType([StructField(name, kind)]))
    with pytest.raises(error, match=words):
        list(reader.read(reader.partitions()[0]))


def test_timestamps_are_those_of_spark(sandbox):
    table = decode_csv(
        b'"at","seen"\n"2023-12-01 08:30:00","2023-12-01T08:30:00Z"\n',
        schema={"at": "timestamp", "seen": "timestamp[UTC]"},
    )
    schema = StructType([StructField("at", TimestampNTZType()), StructField("seen", TimestampType())])
    (task,) = (one.value for one in FlexInsights({"report": REPORT}).reader(schema).partitions())
    (batch,) = _fitted(task, table, schema)
    assert batch.schema == pyarrow.schema({"at": pyarrow.timestamp("us"), "seen": pyarrow.timestamp("us", tz="UTC")})
    assert str(batch["at"][0]) == "2023-12-01 08:30:00"


def test_columns_that_depend_on_the_data_have_to_be_named(load, sandbox):
    with pytest.raises(PySparkException, match=f"columns of report `{REPORT}` depend on its data\nhint: name them"):
        load(**TEN_DAYS, schema="infer")


def test_a_report_that_was_edited_since_is_said(service):
    with Sandbox(rows_per_day=20) as edited:
        write_profile(edited)
        try:
            source = FlexInsights({"report": REPORT, "start": "2023-12-01", "end": "2023-12-01"})
            reader = source.reader(source.schema())
            edited.fault("edited_report", path="*/execute/raw", method="POST")
            with pytest.raises(ResultChanged, match=r"are .* but were .* when the frame was made\nhint: make it again"):
                list(reader.read(reader.partitions()[0]))
        finally:
            write_profile(service)


def test_a_wrong_password_is_sent_once_and_by_the_driver(load, quiet, sandbox):
    write_profile(sandbox, password="wrong-canary")
    try:
        with pytest.raises(PySparkException, match="InvalidCredentials") as told:
            load(**TEN_DAYS)
        assert "wrong-canary" not in str(told.value)
        with pytest.raises(PySparkException, match="InvalidCredentials"):
            load("Queue string", **TEN_DAYS).collect()
    finally:
        write_profile(sandbox)
    assert [entry.status for entry in sandbox.ledger] == [401, 401]


def test_a_worker_is_killed_in_the_middle(load, quiet, sandbox):
    frame = load(**TEN_DAYS, every="1w")
    before = sandbox.executions
    # The service computes until the worker is dead.
    sandbox.fault("status", status=202, path="*/execute/raw/*", method="GET", times=None)
    result: list[int] = []
    reading = threading.Thread(target=lambda: result.append(frame.count()))
    reading.start()
    until(lambda: polled(sandbox) == 2, "both windows are waited for")
    os.kill(next(workers()), signal.SIGKILL)
    until(lambda: sandbox.executions == before + 3, "Spark runs the window again")
    sandbox.clear_faults()
    reading.join()
    assert result == [200]
    # Two windows; the third execution is that of the window whose worker took its handle with it.
    assert sandbox.executions == before + 2 + 1
    # So did it with its session: nobody could log out.
    until(lambda: sessions(sandbox) == 1, "the others have logged out")


def polled(sandbox) -> int:
    return len({entry.path for entry in sandbox.ledger if "/execute/raw/" in entry.path and entry.method == "GET"})


def workers() -> Iterator[int]:
    """The Python workers of this test's Spark, each forked from the daemon of an executor."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            daemon = parent(folder)
            forked = (daemon / "cmdline").read_bytes().split(b"\0") == words
        except OSError:
            continue
        if forked and b"pyspark.worker" in words and descends(daemon):
            yield int(folder.name)


def parent(folder: Path) -> Path:
    return folder.parent / (folder / "stat").read_text().rpartition(")")[2].split()[1]


def descends(folder: Path) -> bool:
    while folder.name not in ("0", "1"):
        if folder.name == str(os.getpid()):
            return True
        folder = parent(folder)
    return False
