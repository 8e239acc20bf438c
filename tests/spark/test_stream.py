"""A stream: each day once it is over, and what is restated with it."""

import datetime
import json

import pytest

from conftest import REPORT
from insightframe.spark import FlexInsights, days

SIX = {"start": "2023-12-01", "end": "2023-12-06"}


@pytest.fixture
def follow(spark, sandbox, tmp_path):
    """Follows until there is nothing new, and gives the rows of each day, batch by batch."""

    def follow(**options):
        batches = []

        def keep(frame, number):
            batches.append({str(row["Date"]): row["count"] for row in frame.groupBy("Date").count().collect()})

        stream = spark.readStream.format("flex_insights").options(report=REPORT, **options).load()
        query = stream.writeStream.foreachBatch(keep).option("checkpointLocation", str(tmp_path / "checkpoint"))
        query.trigger(availableNow=True).start().awaitTermination()
        return [batch for batch in batches if batch]

    return follow


def test_a_stream_goes_on_with_the_day_after_the_last(follow, sandbox, tmp_path):
    before = sandbox.executions
    first, second = (f"2023-12-0{day}" for day in (1, 2))
    assert follow(start=first, end=second) == [{first: 20, second: 20}]
    assert follow(start=first, end="2023-12-04", restate=1) == [{second: 20, "2023-12-03": 20, "2023-12-04": 20}]
    assert sandbox.executions == before + 2 + 3
    offsets = max((tmp_path / "checkpoint" / "offsets").glob("[0-9]*"), key=lambda file: int(file.name))
    assert json.loads(offsets.read_text().splitlines()[-1]) == {"through": "2023-12-04"}


def reader(**options):
    source = FlexInsights({"report": REPORT, **options})
    return source.streamReader(source.schema())


def windows(partitions):
    return [(str(one.value.start), str(one.value.end)) for one in partitions]


def through(day):
    return {"through": day}


def test_a_day_is_given_once_it_is_over_in_its_time_zone(sandbox, monkeypatch):
    asked = []
    monkeypatch.setattr(days, "_today", lambda zone: asked.append(str(zone)) or datetime.date(2023, 12, 5))
    stream = reader(start="2023-12-01", tz="America/New_York")
    assert stream.initialOffset() == through("2023-11-30")
    assert stream.latestOffset(through("2023-11-30"), None) == through("2023-12-04")
    assert asked == ["America/New_York"]
    assert stream.latestOffset() == through("2023-12-04"), "as Spark asks before 4.2"


def test_what_was_given_is_not_taken_back(sandbox, monkeypatch):
    monkeypatch.setattr(days, "_today", lambda zone: datetime.date(2023, 12, 5))
    stream = reader(start="2023-12-01", end="2023-12-03")
    assert stream.latestOffset(through("2023-11-30"), None) == through("2023-12-03")
    assert stream.latestOffset(through("2023-12-09"), None) == through("2023-12-09")
    assert stream.partitions(through("2023-12-09"), through("2023-12-03")) == []
    assert reader(start="2023-12-09").latestOffset() == through("2023-12-08"), "a first day that is still to come"


def test_windows_of_a_batch(sandbox):
    stream = reader(start="2023-12-01", every="1w", restate="3")
    assert windows(stream.partitions(through("2023-11-30"), through("2023-12-05"))) == [
        ("2023-12-01", "2023-12-03"),
        ("2023-12-04", "2023-12-05"),
    ]
    assert windows(stream.partitions(through("2023-12-05"), through("2023-12-06"))) == [
        ("2023-12-03", "2023-12-03"),
        ("2023-12-04", "2023-12-06"),
    ]
    assert windows(stream.partitions(through("2023-12-06"), through("2023-12-06"))) == []
    assert not [entry for entry in sandbox.ledger if "/execute" in entry.path]
