"""Filters that become days: what travels changes, the answer never."""

import datetime
import functools

import pyspark.sql.datasource as api
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conftest import REPORT
from insightframe.spark import FlexInsights
from insightframe.spark.windows import PushdownReader

FIRST, LAST = datetime.date(2023, 12, 1), datetime.date(2023, 12, 14)
FORTNIGHT = {"start": str(FIRST), "end": str(LAST)}
days = st.dates(FIRST - datetime.timedelta(days=3), LAST + datetime.timedelta(days=3))


@pytest.fixture
def pushing(spark, load):
    spark.conf.set("spark.sql.python.filterPushdown.enabled", "true")
    yield load
    spark.conf.unset("spark.sql.python.filterPushdown.enabled")


@pytest.fixture
def pushed(pushing):
    return functools.partial(pushing, pushdown=True)


@pytest.mark.parametrize(
    ("condition", "executions"),
    [
        ("Date >= '2023-12-13'", 2),
        ("Date between '2023-12-03' and '2023-12-04' and Abandons > 0", 2),
        ("Date > '2024-12-03'", 0),
        ("Date < '2023-12-03' or Queue = 'Billing'", 14),
    ],
)
def test_days_of_a_filter_are_those_that_are_executed(pushed, sandbox, condition, executions):
    before = sandbox.executions
    count = pushed(**FORTNIGHT).filter(condition).count()
    assert sandbox.executions == before + executions
    assert (count > 0) == (executions > 0)


def test_without_days_of_its_own_a_read_is_cut_by_those_of_the_filter(pushed, sandbox):
    before = sandbox.executions
    assert pushed().filter("Date between '2023-12-03' and '2023-12-05'").count() == 60
    assert sandbox.executions == before + 3
    assert pushed().filter("Date >= '2024-12-01'").count() == 31 * 20
    assert sandbox.executions == before + 4, "with one end open there is one window"


def test_other_labels_of_days_are_filtered_too(pushed, sandbox):
    frame = pushed(report="3035703", start="2023-12-01", end="2023-12-31", every="1mo").cache()
    whole = {row["Long"] for row in frame.select("Long").collect()}
    day = min(whole)
    sandbox.clear_ledger()
    frame = pushed(report="3035703", start="2023-12-01", end="2023-12-31", every="1mo").filter(f"Long = '{day}'")
    assert {row["Long"] for row in frame.select("Long").collect()} == {day}
    small = sum(entry.response_bytes for entry in sandbox.ledger if "/execute/raw/" in entry.path)
    sandbox.clear_ledger()
    pushed(report="3035703", start="2023-12-01", end="2023-12-31", every="1mo").count()
    assert small < sum(entry.response_bytes for entry in sandbox.ledger if "/execute/raw/" in entry.path) / 2


@pytest.mark.parametrize("setting", ["true", "false"])
def test_where_spark_pushes_no_filters_the_reader_takes_none(spark, load, sandbox, setting):
    spark.conf.set("spark.sql.python.filterPushdown.enabled", "false")
    before = sandbox.executions
    assert load(**FORTNIGHT, every="1w", pushdown=setting).filter("Date >= '2023-12-14'").count() == 20
    assert sandbox.executions == before + 3


def test_a_frame_may_be_used_in_any_number_of_ways(pushing, sandbox):
    frame = pushing(**FORTNIGHT, every="1w")
    assert frame.filter("Date = '2023-12-02'").union(frame.filter("Date = '2023-12-13'")).count() == 40
    assert frame.filter("Date = '2023-12-02'").union(frame).count() == 20 + 280
    assert frame.count() == 280


comparisons = st.one_of(
    st.builds("Date {} '{}'".format, st.sampled_from(["=", "<", "<=", ">", ">=", "<>", "<=>"]), days),
    st.builds("Date between '{}' and '{}'".format, days, days),
    st.builds("Date in ('{}', '{}', null)".format, days, days),
    st.sampled_from(["Date is null", "Date is not null", "Queue = 'Billing'", "Abandons >= 2", "dayofmonth(Date) < 9"]),
)
predicates = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=5,
)


def test_any_predicate_gives_what_filtering_all_of_it_gives(pushed, spark, sandbox):
    whole = spark.createDataFrame(pushed(**FORTNIGHT, every="1w").toArrow()).cache()

    @settings(max_examples=5, deadline=None, database=None)
    @given(predicates)
    def check(predicate):
        frame = pushed(**FORTNIGHT, every="1w").filter(predicate)
        assert sorted(frame.collect()) == sorted(whole.filter(predicate).collect())

    check()


filters = st.lists(
    st.one_of(
        st.builds(
            lambda kind, day: kind(("Date",), day),
            st.sampled_from(
                [
                    api.EqualTo,
                    api.EqualNullSafe,
                    api.GreaterThan,
                    api.GreaterThanOrEqual,
                    api.LessThan,
                    api.LessThanOrEqual,
                ]
            ),
            days,
        ),
        st.builds(lambda some: api.In(("Date",), tuple(some)), st.lists(st.one_of(days, st.none()), max_size=3)),
        st.builds(lambda day: api.Not(api.EqualTo(("Date",), day)), days),
        st.just(api.IsNotNull(("Date",))),
        st.just(api.EqualTo(("Queue",), "Billing")),
        st.just(api.EqualTo(("Date", "inner"), FIRST)),
        st.just(api.GreaterThan(("Date",), datetime.datetime(2023, 12, 9))),
    ),
    max_size=4,
)


RANGES = (api.EqualTo, api.GreaterThan, api.GreaterThanOrEqual, api.LessThan, api.LessThanOrEqual)


def passes(one: api.Filter, day: datetime.date) -> bool:
    """Whether a row of that day may pass a filter, as Spark would have it."""
    match one:
        case api.EqualTo(("Date",), value) | api.EqualNullSafe(("Date",), value):
            return day == value
        case api.In(("Date",), values):
            return day in values
        case api.GreaterThan(("Date",), value) if type(value) is datetime.date:
            return day > value
        case api.GreaterThanOrEqual(("Date",), value):
            return day >= value
        case api.LessThan(("Date",), value):
            return day < value
        case api.LessThanOrEqual(("Date",), value):
            return day <= value
        case api.Not(child):
            return not passes(child, day)
    return True


def test_any_filters_leave_every_day_that_may_pass(sandbox):
    source = FlexInsights({"report": REPORT, **FORTNIGHT})
    schema = source.schema()

    @settings(max_examples=200, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(filters)
    @example(
        [
            api.GreaterThan(("Date",), FIRST),
            api.LessThanOrEqual(("Date",), LAST),
            api.GreaterThanOrEqual(("Date",), FIRST),
        ]
    )
    def check(some):
        reader = PushdownReader(source._asked, schema, source._columns)
        assert reader.pushFilters(some) == some, "Spark applies all of them once more"
        asked = {partition.value.start for partition in reader.partitions()}
        every = {FIRST + datetime.timedelta(days=number) for number in range(14)}
        passing = {day for day in every if all(passes(one, day) for one in some)}
        assert passing <= asked
        if all(type(one) in RANGES and type(one.value) is datetime.date for one in some):
            assert asked == passing, "a range is asked for exactly"

    check()
