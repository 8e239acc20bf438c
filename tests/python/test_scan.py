"""A report as a lazy frame: what the service takes over changes what travels, never the answer."""

import asyncio
import datetime
import logging
import time
from collections.abc import Iterator

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from insightframe import InsightsClient
from insightframe._columns import Days
from insightframe._predicate import bounds
from insightframe.errors import ConfigError, InvalidCredentials, NotFound, ResultIncomplete
from insightframe.sandbox import Sandbox
from ledger import looks

REPORT = "3035643"
the_date, the_queue = pl.col("Date"), pl.col("Queue")
FIRST = datetime.date(2024, 1, 1)

year = pytest.mark.insights_sandbox(rows_per_day=20, data_start="2024-01-01", data_end="2024-12-31", raw_202_count=0)


def day(number: int) -> datetime.date:
    return FIRST + datetime.timedelta(days=number)


@pytest.fixture(scope="module")
def scanned() -> Iterator[tuple[Sandbox, pl.LazyFrame, pl.DataFrame]]:
    """A sandbox, a report of it as a lazy frame, and all of it."""
    options = {"rows_per_day": 12, "data_start": "2024-01-01", "data_end": "2024-01-20", "raw_202_count": 0}
    with Sandbox(**options) as sandbox, sandbox.insights_client() as client:
        yield sandbox, client.scan(REPORT), client.export(REPORT).to_polars()


@year
def test_one_day_of_a_year_costs_one_execution_with_the_rows_of_a_day(
    insights_client: InsightsClient, insights_sandbox: Sandbox
) -> None:
    frame = insights_client.scan(REPORT)
    assert insights_sandbox.executions == 0
    found = frame.filter(the_date == day(45)).collect()
    assert insights_sandbox.executions == 1
    assert len(found) == 20
    assert found["Date"].unique().to_list() == [day(45)]
    one_day = looks(insights_sandbox)[-1].response_bytes
    whole = insights_client.export(REPORT).to_polars()
    # 366 days are that many times as much, less the headers.
    assert looks(insights_sandbox)[-1].response_bytes > 100 * one_day
    assert found.equals(whole.filter(the_date == day(45)))


PUSHED = {
    "a day": (the_date == day(3), 12),
    "days": (the_date.is_between(day(3), day(5)), 36),
    "days, open": (the_date.is_between(day(3), day(5), closed="none"), 12),
    "from a day": (the_date > day(17), 24),
    "to a day": (day(2) > the_date, 24),
    "not after": (~(the_date > day(1)), 24),
    "one of some days": (the_date.is_in([day(3), day(6)]), 48),
    "either of some days": ((the_date == day(3)) | (the_date == day(6)), 48),
    "a day or another": (the_date.eq_missing(day(0)), 12),
    "no day": ((the_date < day(3)) & (the_date > day(9)), None),
}


@pytest.mark.parametrize("name", PUSHED)
def test_what_the_service_takes_over_does_not_travel(
    scanned: tuple[Sandbox, pl.LazyFrame, pl.DataFrame], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The rows that travelled are counted; `None` when nothing was asked for."""
    sandbox, frame, whole = scanned
    predicate, travelled = PUSHED[name]
    before = sandbox.executions
    with caplog.at_level(logging.INFO, logger="insightframe"):
        found = frame.filter(predicate).collect()
    assert found.equals(whole.filter(predicate))
    assert sandbox.executions - before == (travelled is not None)
    days = [record.getMessage() for record in caplog.records if record.name == "insightframe.polars"]
    assert len(days) == (travelled is not None)
    if travelled is not None:
        first, _, rest = days[0].removeprefix(f"report {REPORT}: ").partition(" to ")
        bound = pl.lit(datetime.date.fromisoformat(first)), pl.lit(datetime.date.fromisoformat(rest[:10]))
        assert len(whole.filter(the_date.is_between(*bound))) == travelled


def test_lists_are_taken_over(
    scanned: tuple[Sandbox, pl.LazyFrame, pl.DataFrame], caplog: pytest.LogCaptureFixture
) -> None:
    sandbox, frame, whole = scanned
    cases = [
        the_queue.is_in(["Billing", "Callback", None]),
        the_queue == "Billing",
        (the_queue == "Billing") | (pl.lit("Callback") == the_queue),
        (the_queue == "Billing") & (the_date == day(4)) & (pl.col("Channel") == "Call"),
    ]
    for predicate in cases:
        caplog.clear()
        sandbox.clear_ledger()
        with caplog.at_level(logging.INFO, logger="insightframe"):
            found = frame.filter(predicate).collect()
        assert found.equals(whole.filter(predicate))
        assert "/obj/" in caplog.text
        assert "Billing" in caplog.text
        assert any(entry.path.endswith("/validElements") for entry in sandbox.ledger)


def test_a_text_that_no_row_has_finds_nothing(scanned: tuple[Sandbox, pl.LazyFrame, pl.DataFrame]) -> None:
    _, frame, whole = scanned
    assert len(frame.filter(the_queue == "Nowhere").collect()) == 0
    predicate = the_queue.is_in(["Nowhere", "Billing"])
    assert frame.filter(predicate).collect().equals(whole.filter(predicate))


def test_what_is_not_recognised_is_not_taken_over() -> None:
    schema = pl.Schema({"Date": pl.Date(), "Queue": pl.String(), "Offered": pl.Int64()})
    for predicate in (
        the_date.dt.year() == 2024,
        the_date != day(3),
        ~(the_date.is_between(day(1), day(2))),
        the_date.cast(pl.Datetime) > datetime.datetime(2024, 1, 2),
        the_date > datetime.datetime(2024, 1, 2, 3),
        (the_date == day(1)) ^ (the_date == day(2)),
        (the_date == day(1)) | (pl.col("Offered") > 1),
        the_date.is_in([day(1), None], nulls_equal=True),
        pl.lit(None) == the_date,
        the_date > the_date.max(),
        the_queue > "Billing",
        the_queue.is_in([["Billing"], ["Callback"]]),
        the_queue.str.to_lowercase() == "billing",
        the_queue.is_null(),
        pl.col("Offered") == 3,
        pl.lit(True),
    ):
        assert bounds(predicate, schema) == {}, predicate
    deep = the_queue == "0"
    for number in range(3000):
        deep = deep | (the_queue == str(number))
    assert bounds(deep, schema) == {}


def test_bounds_at_the_ends_of_time() -> None:
    schema = pl.Schema({"Date": pl.Date()})
    assert not bounds(the_date > datetime.date.max, schema)["Date"]
    assert not bounds(the_date < datetime.date.min, schema)["Date"]
    assert bounds((the_date > datetime.date.max) | (the_date == day(1)), schema) == {"Date": Days(day(1), day(1))}


def test_days_beyond_those_of_the_service(scanned: tuple[Sandbox, pl.LazyFrame, pl.DataFrame]) -> None:
    _, frame, whole = scanned
    assert frame.filter(the_date > datetime.date(1066, 10, 14)).collect().equals(whole)
    assert len(frame.filter(the_date < datetime.date(1066, 10, 14)).collect()) == 0
    assert len(frame.filter(the_date > datetime.date(3000, 1, 1)).collect()) == 0


leaves = st.one_of(
    st.builds(
        lambda way, number: getattr(the_date, way)(day(number)),
        st.sampled_from(["__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "eq_missing"]),
        st.integers(-3, 23),
    ),
    st.builds(
        lambda low, length, closed: the_date.is_between(day(low), day(low + length), closed=closed),
        st.integers(-2, 20),
        st.integers(-1, 6),
        st.sampled_from(["both", "left", "right", "none"]),
    ),
    st.builds(
        lambda days: the_date.is_in(pl.Series([None if n is None else day(n) for n in days], dtype=pl.Date).implode()),
        st.lists(st.one_of(st.none(), st.integers(0, 20)), max_size=3),
    ),
    st.builds(
        lambda queues: the_queue.is_in(pl.Series(queues, dtype=pl.String).implode()),
        st.lists(st.sampled_from(["Billing", "Callback", "Support EN", "Nowhere", "", None]), max_size=3),
    ),
    st.builds(lambda text: the_queue == text, st.sampled_from(["Billing", "Callback", "billing"])),
    st.sampled_from(
        [
            pl.col("Abandons") > 1,
            pl.col("Channel") == "Call",
            the_queue.is_null(),
            the_queue.is_not_null(),
            the_queue > "C",
            the_date.dt.day() == 3,
            pl.lit(True),
            pl.lit(False),
        ]
    ),
)
predicates = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda left, right: left & right, inner, inner),
        st.builds(lambda left, right: left | right, inner, inner),
        st.builds(lambda left, right: left ^ right, inner, inner),
        st.builds(lambda negated: ~negated, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(predicates, st.booleans(), st.booleans(), st.one_of(st.none(), st.integers(0, 30)))
def test_any_predicate_gives_what_filtering_all_of_it_gives(
    scanned: tuple[Sandbox, pl.LazyFrame, pl.DataFrame],
    predicate: pl.Expr,
    selects: bool,
    streams: bool,
    head: int | None,
) -> None:
    _, lazy, whole = scanned
    found, expected = lazy.filter(predicate), whole.filter(predicate)
    if selects:
        found, expected = found.select("Volume Handled", "Queue"), expected.select("Volume Handled", "Queue")
    if head is not None:
        found, expected = found.head(head), expected.head(head)
    assert found.collect(engine="streaming" if streams else "auto").equals(expected)


@settings(max_examples=300, deadline=None)
@given(predicates)
def test_no_row_that_passes_lies_outside_of_the_bounds(predicate: pl.Expr) -> None:
    """The same without a service, and so more often."""
    days = [None, *(day(number) for number in range(21))]
    queues = [None, "", "Billing", "billing", "Callback", "Support EN"]
    rows = pl.DataFrame({"Date": days}, schema={"Date": pl.Date}).join(pl.DataFrame({"Queue": queues}), how="cross")
    rows = rows.with_columns(Abandons=pl.int_range(pl.len()) % 4, Channel=pl.lit("Call"))
    for name, bound in bounds(predicate, rows.schema).items():
        for value in rows.filter(predicate)[name]:
            assert value is not None
            assert bound.first <= value <= bound.last if isinstance(bound, Days) else value in bound


def test_a_second_collect_is_right(scanned: tuple[Sandbox, pl.LazyFrame, pl.DataFrame]) -> None:
    sandbox, frame, whole = scanned
    before = sandbox.executions
    few = frame.filter(the_date == day(1))
    assert few.collect().equals(few.collect())
    assert frame.collect().equals(whole)
    assert few.join(few, on=["Date", "Queue"]).collect().height >= 12
    assert sandbox.executions - before >= 4


def test_projection_and_head(scanned: tuple[Sandbox, pl.LazyFrame, pl.DataFrame]) -> None:
    _, frame, whole = scanned
    assert frame.select("Queue", "Date").collect().equals(whole.select("Queue", "Date"))
    assert frame.head(5).collect().equals(whole.head(5))
    assert frame.head(0).collect().equals(whole.head(0))
    assert (
        frame.filter(the_queue == "Billing")
        .select("Date")
        .head(2)
        .collect()
        .equals(whole.filter(the_queue == "Billing").select("Date").head(2))
    )
    by_queue = frame.group_by("Queue").agg(pl.sum("Abandons")).sort("Queue")
    expected = whole.group_by("Queue").agg(pl.sum("Abandons")).sort("Queue")
    assert by_queue.collect(engine="streaming").equals(expected)


@pytest.mark.insights_sandbox(rows=500_000, raw_202_count=0)
def test_head_leaves_the_download(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    assert len(insights_client.scan(REPORT).head(10).collect()) == 10
    ends = time.monotonic() + 5
    while not looks(insights_sandbox)[-1].aborted:
        assert time.monotonic() < ends
        time.sleep(0.005)


@year
def test_the_caller_s_own_filters_hold_too(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    days = {"start": day(40), "end": "2024-03-10"}
    frame = insights_client.scan(REPORT, **days, where={"label.conversations.queue": ["Billing", "Callback"]})  # type: ignore[arg-type]
    whole = insights_client.export(REPORT, **days).to_polars()  # type: ignore[arg-type]
    mine = whole.filter(the_queue.is_in(["Billing", "Callback"]))
    assert 0 < len(mine) < len(whole)
    assert frame.collect().equals(mine)
    for predicate in (the_date > day(50), the_date < day(20), the_queue == "Billing", the_queue == "Support EN"):
        assert frame.filter(predicate).collect().equals(mine.filter(predicate))
    before = insights_sandbox.executions
    assert len(frame.filter(the_date == day(3)).collect()) == 0
    assert insights_sandbox.executions == before
    in_windows = insights_client.scan(REPORT, **days, every="1w").filter(the_date < day(55))  # type: ignore[arg-type]
    assert in_windows.collect().equals(whole.filter(the_date < day(55)))
    assert insights_sandbox.executions == before + 3


@year
def test_days_of_another_date(insights_client: InsightsClient) -> None:
    """`date=` of the caller's and the days of a column are two filters, and both hold."""
    frame = insights_client.scan("3035703", start=day(40), end=day(60), date="date.date.yyyymmdd")
    column = next(name for name, dtype in frame.collect_schema().items() if dtype == pl.Date)
    whole = insights_client.export("3035703", start=day(40), end=day(60)).to_polars()
    predicate = pl.col(column) > day(50)
    assert frame.filter(predicate).collect().equals(whole.filter(predicate))


@pytest.mark.insights_sandbox(rows=60, raw_202_count=0)
def test_every_report_can_be_scanned(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    for report in insights_sandbox.reports:
        whole = insights_client.export(report).to_polars()
        frame = insights_client.scan(report)
        assert frame.collect_schema() == whole.schema
        assert frame.collect().equals(whole)


@pytest.mark.insights_sandbox(rows=60, raw_202_count=0)
@pytest.mark.parametrize(
    "schema",
    ["report", "infer", "text", {"Queue": "dictionary", "Abandons": "utf8"}, {"Date": "utf8", "Queue": pl.String}],
)
def test_types_are_those_of_an_export(insights_client: InsightsClient, schema: object) -> None:
    whole = insights_client.export(REPORT, schema=schema).to_polars()  # type: ignore[arg-type]
    frame = insights_client.scan(REPORT, schema=schema)  # type: ignore[arg-type]
    assert frame.collect_schema() == whole.schema
    assert frame.collect().equals(whole)
    for predicate in (the_queue == whole["Queue"][0], the_date == whole["Date"][0]):
        assert frame.filter(predicate).collect().equals(whole.filter(predicate))


def test_explain_shows_what_reaches_the_service(scanned: tuple[Sandbox, pl.LazyFrame, pl.DataFrame]) -> None:
    _, frame, _ = scanned
    few = frame.filter((the_date == day(1)) & (the_queue == "Billing")).select("Abandons")
    assert few.explain() == snapshot("""\
simple π 1/1 ["Abandons"]
  PYTHON[insightframe] SCAN []
  PROJECT 3/11 COLUMNS
  SELECTION: (col("Date") == 2024-01-02) & (col("Queue") == "Billing")
  INFO: report 3035643; the service filters days of Date and lists of Queue, Interval 15 Minutes, Channel, Direction\
""")


@pytest.mark.insights_sandbox(rows=140_000, raw_202_count=0)
def test_a_failure_in_the_middle_is_named(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    frame = insights_client.scan(REPORT)
    insights_sandbox.fault("reset", path="*/execute/raw/*", method="GET", times=None, after=10_000_000)
    with pytest.raises(ResultIncomplete) as caught:
        frame.collect()
    assert caught.value.handle is not None


def test_what_is_wrong_is_said_at_once(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    with pytest.raises(NotFound):
        insights_client.scan("4711")
    with pytest.raises(ConfigError, match="`end` is missing"):
        insights_client.scan(REPORT, start="2024-01-01")
    with insights_sandbox.insights_client(password="wrong") as stranger, pytest.raises(InvalidCredentials):
        stranger.scan(REPORT)


def test_in_a_coroutine(insights_client: InsightsClient) -> None:
    async def scan() -> pl.DataFrame:
        frame = await insights_client.scan_async(REPORT)
        return await frame.head(3).collect_async()

    assert len(asyncio.run(scan())) == 3
