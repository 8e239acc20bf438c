"""The pictures: what they count, what they say, and what is seen of it in the rendered image."""

import datetime
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest
import vl_convert
from PIL import Image

from insightframe import InsightsClient, recipes
from insightframe.errors import ConfigError
from insightframe.recipes import _look
from insightframe.sandbox import Sandbox

REPORT = "3035643"
DAYS = {"start": "2023-12-01", "end": "2023-12-10"}


@pytest.fixture(scope="module")
def calls() -> Iterator[pl.DataFrame]:
    with Sandbox() as sandbox, sandbox.insights_client() as client:
        yield client.export(REPORT, **DAYS).to_polars()  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def bot() -> Iterator[pl.DataFrame]:
    with Sandbox() as sandbox:
        metrics = sandbox.flowxo_client().metrics("2023-01-01", "2023-12-31", unit="month", tz="Europe/Zurich")
        yield metrics.to_polars()


class Picture:
    """A chart as it is rendered: its words, its pixels."""

    def __init__(self, chart: Any) -> None:
        spec = chart.to_dict()
        svg = ElementTree.fromstring(vl_convert.vegalite_to_svg(spec))
        texts = [element for element in svg.iter() if element.tag.endswith("}text")]
        self.words = [line.strip() for element in texts for line in element.itertext() if line.strip()]
        self.image = Image.open(io.BytesIO(vl_convert.vegalite_to_png(spec))).convert("RGB")

    def share(self, color: str) -> float:
        """The share of the picture that has this colour, but for what a renderer rounds."""
        wanted = tuple(int(color[at : at + 2], 16) for at in (1, 3, 5))
        near = sum(
            count
            for count, pixel in self.image.getcolors(1 << 24) or []
            if max(abs(a - b) for a, b in zip(pixel, wanted, strict=True)) <= 2  # type: ignore[call-overload]
        )
        return near / (self.image.width * self.image.height)


def rows(chart: Any, field: str) -> list[dict[str, Any]]:
    """The data of a chart that have such a field."""
    return [row for values in _values(chart.to_dict()) for row in values if field in row]


def _values(spec: Any) -> Iterator[list[dict[str, Any]]]:
    if isinstance(spec, dict):
        if isinstance(spec.get("values"), list) and all(isinstance(value, dict) for value in spec["values"]):
            yield spec["values"]
        for part in spec.values():
            yield from _values(part)
    elif isinstance(spec, list):
        for part in spec:
            yield from _values(part)


def test_service_levels_are_those_of_all_contacts(calls: pl.DataFrame) -> None:
    chart = recipes.service_level_by_interval(calls, minutes=60)
    cells = {(row["day"], row["time"]): row["share"] for row in rows(chart, "share")}
    assert len(cells) == 10 * 24
    hour = calls.filter(
        pl.col("Date") == datetime.date(2023, 12, 4), pl.col("Interval 15 Minutes").str.starts_with("09:")
    ).drop_nulls("Service Level")
    answered = (hour["Service Level"] * hour["Offered Contacts"]).sum()
    assert cells["Mon 2023-12-04", "09:00"] == pytest.approx(answered / hour["Offered Contacts"].sum(), abs=1e-4)
    picture = Picture(chart)
    assert "Service level by day and time" in picture.words
    assert "2023-12-01 to 2023-12-10; every contact counts the same" in picture.words
    assert "answered in time; the target is 80%" in picture.words
    assert "beginning of each 60 minutes, in the workspace's time zone" in picture.words
    assert [word for word in picture.words if re.fullmatch(r"\w{3} \d{4}-\d\d-\d\d", word)] == [
        f"{datetime.date(2023, 12, day):%a} 2023-12-{day:02}" for day in range(1, 11)
    ]
    assert picture.image.width > 780


def test_the_target_is_where_colours_turn() -> None:
    table = pl.DataFrame(
        {
            "date": [datetime.date(2024, 2, 29)] * 3,
            "interval 15 minutes": ["08:00", "08:15", "08:30"],
            "service_level": [0.0, 0.9, 1.0],
            "offered_contacts": [5, 5, 5],
        }
    )
    low, high = "#a50026", "#313695"  # the ends of the scheme
    at_90 = Picture(recipes.service_level_by_interval(table, target=0.9))
    assert min(at_90.share(low), at_90.share(high)) > 0.02
    # What is at the target is pale, and so it isn't where less is promised.
    assert at_90.share("#faf8c1") > 0.02
    assert Picture(recipes.service_level_by_interval(table, target=0.5)).share("#faf8c1") < 0.01


def test_what_nobody_asked_for_is_grey_and_what_is_missing_blank(calls: pl.DataFrame) -> None:
    gaps = calls.filter(pl.col("Date") != datetime.date(2023, 12, 5)).with_columns(
        pl.when(pl.col("Interval 15 Minutes") == "03:00")
        .then(None)
        .otherwise(pl.col("Service Level"))
        .alias("Service Level")
    )
    picture = Picture(recipes.service_level_by_interval(gaps))
    assert "grey: no contacts; blank: not in the table" in picture.words
    assert "Tue 2023-12-05" in picture.words
    assert picture.share(_look.SILENT) > 0.002
    assert Picture(recipes.service_level_by_interval(calls, minutes=60)).share(_look.SILENT) == 0


def test_many_days_are_gathered_by_weekday(calls: pl.DataFrame) -> None:
    later = calls.with_columns(pl.col("Date").dt.offset_by("70d"))
    chart = recipes.service_level_by_interval(pl.concat([calls, later]), minutes=30)
    picture = Picture(chart)
    assert len(rows(chart, "share")) == 7 * 48
    assert "Service level by weekday and time" in picture.words
    assert "60 of 80 days are not in the table" in picture.words
    assert [word for word in picture.words if word in ("Mon", "Sun", "Wed")] == ["Mon", "Wed", "Sun"]


@pytest.mark.parametrize("text", ["08:15", "8:15", "08:15:00", "08:15 - 08:30", "8:15 AM", " 08:15 "])
def test_times_of_day(text: str) -> None:
    table = pl.DataFrame({"Date": [datetime.date(2024, 1, 1)], "T": [text], "L": [0.5]})
    chart = recipes.service_level_by_interval(table, level="L", offered=None, interval="T", minutes=15)
    assert [row["time"] for row in rows(chart, "share")] == ["08:15"]
    assert any("every row counts the same" in line for line in chart.to_dict()["title"]["subtitle"])


def test_volumes_are_sums_and_begin_at_zero(calls: pl.DataFrame) -> None:
    chart = recipes.volume_by_day(calls)
    days = {row["date"]: row for row in rows(chart, "offered")}
    by_day = calls.group_by("Date").agg(pl.sum("Offered Contacts", "Abandons"))
    assert len(days) == 10
    for day, offered, abandoned in by_day.iter_rows():
        row = days[f"{day:%a} {day}"]
        assert (row["offered"], row["abandoned"]) == (offered, abandoned)
        assert row["share"] == pytest.approx(abandoned / offered, abs=1e-5)
    picture = Picture(chart)
    offered, abandoned = by_day["Offered Contacts"].sum(), by_day["Abandons"].sum()
    assert f"2023-12-01 to 2023-12-10; {offered:,} contacts, {abandoned / offered:.1%} abandoned" in picture.words
    assert {
        "Contacts and abandonment by day",
        "not abandoned",
        "abandoned",
        "contacts a day",
        "0",
        "0%",
        "Dec 1",
    } <= set(picture.words)
    # The bars' areas are as the numbers are: nothing is cut off below.
    blue, orange = picture.share(_look.BLUE), picture.share(_look.ORANGE)
    assert orange / (orange + blue) == pytest.approx(abandoned / offered, abs=0.015)
    assert picture.share(_look.MISSING) < 0.001


def test_a_missing_day_is_no_day_without_contacts(calls: pl.DataFrame) -> None:
    fifth, sixth, seventh = (datetime.date(2023, 12, day) for day in (5, 6, 7))
    gaps = calls.filter(pl.col("Date") != fifth).with_columns(
        pl.when(pl.col("Date") == sixth)
        .then(None)
        .when(pl.col("Date") == seventh)
        .then(0)
        .otherwise(pl.col(name))
        .alias(name)
        for name in ("Offered Contacts", "Abandons")
    )
    chart = recipes.volume_by_day(gaps)
    days = {row["date"][-2:]: row for row in rows(chart, "offered")}
    assert [days[day]["contacts"] for day in ("05", "06", "07")] == ["no data", "no data", "0"]
    assert [days[day]["share"] for day in ("05", "06", "07")] == [None, None, None]
    # A day's place reaches from noon to noon, around the mark that has its name.
    assert [days["05"][name] for name in ("begin", "at", "end")] == [
        "2023-12-04T12:00:00Z",
        "2023-12-05T00:00:00Z",
        "2023-12-05T12:00:00Z",
    ]
    picture = Picture(chart)
    assert "grey: no data for 2 of 10 days" in picture.words
    assert 0.08 < picture.share(_look.MISSING) < 0.25


def test_nothing_at_all_is_a_picture_too_and_years_are_named() -> None:
    days = pl.DataFrame({"Date": [datetime.date(2023, 12, 1)], "Offered Contacts": [0], "Abandons": [0]})
    words = Picture(recipes.volume_by_day(days)).words
    assert "2023-12-01; 0 contacts" in words
    assert [word for word in words if word.isdigit()] == ["0", "1"]
    assert {"0%", "10%", "Dec 1"} <= set(words)
    later = days.with_columns(pl.col("Date").dt.offset_by("2y"))
    assert "2024-01" in Picture(recipes.volume_by_day(pl.concat([days, later]))).words


def test_no_day_depends_on_the_time_zone_of_whoever_looks(calls: pl.DataFrame) -> None:
    script = """
import sys
import vl_convert
print(vl_convert.vegalite_to_svg(sys.stdin.read()))
"""
    spec = recipes.volume_by_day(calls).to_json()
    seen = {
        subprocess.run(
            [sys.executable, "-c", script],
            input=spec,
            env=os.environ | {"TZ": zone},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for zone in ("UTC", "America/Los_Angeles", "Pacific/Auckland")
    }
    assert len(seen) == 1


def test_handle_times_are_those_of_all_contacts(calls: pl.DataFrame) -> None:
    chart = recipes.handle_time_by_queue(calls)
    answered = calls.drop_nulls("Average Handle Time")
    means = answered.group_by("Queue").agg(
        mean=(pl.col("Average Handle Time") * pl.col("Volume Handled")).sum() / pl.col("Volume Handled").sum()
    )
    bars = {row["queue"]: row["seconds"] for row in rows(chart, "queue")}
    assert bars == {queue: pytest.approx(seconds, abs=0.001) for queue, seconds in means.iter_rows()}
    assert list(bars.values()) == sorted(bars.values(), reverse=True)
    picture = Picture(chart)
    assert {"Mean handle time by queue", "Kündigungen", "0:00", "mean handle time, minutes:seconds"} <= set(
        picture.words
    )
    assert sum(" of " in word and "contacts" in word for word in picture.words) == 7
    assert picture.share(_look.BLUE) > 0.2


def test_unweighted_means_say_so_and_what_has_none_is_counted() -> None:
    table = pl.DataFrame({"Team": ["a", "a", "b", None], "Seconds": [60.0, 120.0, None, 3599.6]})
    chart = recipes.handle_time_by_queue(table, handle_time="Seconds", handled=None, queue="Team")
    assert {row["queue"]: row["time"] for row in rows(chart, "queue")} == {"a": "1:30", "(none)": "60:00"}
    words = Picture(chart).words
    assert "every row counts the same, large or small" in words
    assert "1 without a handle time is not shown" in words
    few = recipes.handle_time_by_queue(table, handle_time="Seconds", handled=None, queue="Team", limit=1)
    assert "the 1 of 2 with the most contacts" in Picture(few).words


def test_triggers_are_counted_in_the_months_of_their_time_zone(bot: pl.DataFrame) -> None:
    chart = recipes.bot_triggers_by_month(bot, tz="Europe/Zurich")
    assert [row["count"] for row in rows(chart, "account")] == bot["triggers"].to_list()
    picture = Picture(chart)
    total = bot["triggers"].sum()
    assert {"Bot triggers by month", f"2023-01 to 2023-12; {total:,} in all", "month of Europe/Zurich", "0"} <= set(
        picture.words
    )
    assert [word for word in picture.words if word in ("Jan", "Jul", "Dec")] == ["Jan", "Jul", "Dec"]
    assert picture.share(_look.BLUE) > 0.2
    with pytest.raises(ConfigError, match="needs months of UTC, where 2022-12-31 23:00:00"):
        recipes.bot_triggers_by_month(bot)


def test_days_and_hours_add_up_to_the_same_months(bot: pl.DataFrame) -> None:
    with Sandbox() as sandbox:
        client = sandbox.flowxo_client()
        for unit in ("day", "hour"):
            finer = client.metrics("2023-03-01", "2023-04-30", unit=unit, tz="Europe/Zurich")  # type: ignore[arg-type]
            chart = recipes.bot_triggers_by_month(finer, tz="Europe/Zurich")
            assert [row["count"] for row in rows(chart, "account")] == bot["triggers"][2:4].to_list()
        days = client.metrics("2023-03-01", "2023-04-30", unit="day", offset=-300)
        chart = recipes.bot_triggers_by_month(days, tz=datetime.timezone(datetime.timedelta(hours=-5)))
        assert "month of UTC-05:00" in Picture(chart).words


def test_accounts_stand_on_each_other_and_missing_months_are_grey() -> None:
    month = pl.Series([datetime.datetime(2023, number, 1, tzinfo=datetime.UTC) for number in (1, 1, 4)])
    table = pl.DataFrame({"account": ["north", "south", "south"], "timestamp": month, "triggers": [30, 10, 5]})
    chart = recipes.bot_triggers_by_month(table)
    picture = Picture(chart)
    assert {"north", "south", "40", "grey: no data for 2 of 4 months"} <= set(picture.words)
    assert min(picture.share(_look.BLUE), picture.share(_look.ORANGE), picture.share(_look.MISSING)) > 0.01


WRONG = {
    "no such column": (
        lambda calls: recipes.volume_by_day(calls.drop("Abandons")),
        "found no column `Abandons` among `Queue` (String), `Date` (Date)",
        "`abandoned=`",
    ),
    "a name that isn't there": (
        lambda calls: recipes.volume_by_day(calls, date="Tag"),
        "found no column `Tag`",
        "`date=`",
    ),
    "two of a name": (
        lambda calls: recipes.volume_by_day(calls.rename({"Date": "DATE"}).with_columns(date=pl.lit(1))),
        "found more than one column `Date`",
        "`date=`",
    ),
    "text for a number": (
        lambda calls: recipes.volume_by_day(calls, offered="Queue"),
        "needs numbers in column `Queue`, which is String",
        "`offered=`",
    ),
    "text for a day": (
        lambda calls: recipes.volume_by_day(calls, date="Queue"),
        "needs days in column `Queue`",
        "`schema=`",
    ),
    "no rows": (lambda calls: recipes.volume_by_day(calls.head(0)), "nothing to show: the table has no rows", ""),
    "abandoned and offered mixed up": (
        lambda calls: recipes.volume_by_day(calls, offered="Abandons", abandoned="Offered Contacts"),
        "more abandoned contacts",
        "`offered=`",
    ),
    "percentages": (
        lambda calls: recipes.service_level_by_interval(calls.with_columns(pl.col("Service Level") * 100)),
        "needs shares from 0 to 1",
        "divide percentages by 100",
    ),
    "no time": (
        lambda calls: recipes.service_level_by_interval(calls, interval="Queue"),
        "needs times of day such as `08:15` in column `Queue`, which has `Support EN`",
        "`interval=`",
    ),
    "minutes": (
        lambda calls: recipes.service_level_by_interval(calls, minutes=7),
        "`minutes` must divide a day, and 7 doesn't",
        "",
    ),
    "a target in percent": (
        lambda calls: recipes.service_level_by_interval(calls, target=80),
        "`target` must be a share between 0 and 1, not 80",
        "80 % is 0.8",
    ),
    "users": (
        lambda calls: recipes.bot_triggers_by_month(calls, triggers="total_users"),
        "`total_users` can't be added up",
        "",
    ),
    "no instants": (
        lambda calls: recipes.bot_triggers_by_month(calls, timestamp="Date"),
        "needs instants with a time zone in column `Date`",
        "`timestamp=`",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_say_what_is_there(name: str, calls: pl.DataFrame) -> None:
    work, says, hint = WRONG[name]
    with pytest.raises(ConfigError) as raised:
        work(calls)
    message = str(raised.value)
    assert says in message
    assert hint in message.partition("hint:")[2]
    assert len(message.splitlines()) <= 2


def test_a_zone_that_there_is_not(bot: pl.DataFrame) -> None:
    with pytest.raises(ConfigError, match="`tz` must name a time zone such as `Europe/Zurich`, not `Mars/Olympus`"):
        recipes.bot_triggers_by_month(bot, tz="Mars/Olympus")


@pytest.mark.insights_sandbox(rows=200)
def test_tables_streams_and_charts_beside_each_other(
    insights_client: InsightsClient, insights_sandbox: Sandbox
) -> None:
    table = insights_client.export(REPORT, **DAYS)  # type: ignore[arg-type]
    asked = len(insights_sandbox.ledger)
    chart = recipes.volume_by_day(table)
    assert len(insights_sandbox.ledger) == asked
    assert recipes.volume_by_day(insights_client.stream(REPORT, **DAYS)).to_dict() == chart.to_dict()  # type: ignore[arg-type]
    assert recipes.volume_by_day(table.to_polars()).to_dict() == chart.to_dict()
    both = Picture(chart & recipes.handle_time_by_queue(table).properties(width=300))
    assert {"Contacts and abandonment by day", "Mean handle time by queue"} <= set(both.words)


def test_without_altair_the_hint_names_the_extra() -> None:
    script = "import sys; sys.modules['altair'] = None\ntry:\n    import insightframe.recipes\nexcept ModuleNotFoundError as error: print(error)"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True).stdout
    assert said == "`altair` is not installed\nhint: pip install 'insightframe[recipes]'\n"
