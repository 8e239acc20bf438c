"""How busy is the bot?"""

from __future__ import annotations

from datetime import date as day_of
from datetime import timezone
from typing import TYPE_CHECKING

from .._frames import _optional
from ..errors import ConfigError
from ._columns import Columns
from ._look import (
    BLUE,
    INK,
    MISSING,
    ORANGE,
    RED,
    TEAL,
    WIDTH,
    YELLOW,
    alt,
    axis,
    data,
    frameless,
    legend,
    ticks,
    title,
)

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    import altair
    import polars as pl

    from .._frames import ArrowStreamable
else:
    pl = _optional("polars", "recipes")

# A month has this many hours at least, with an hour of daylight saving off.
_MONTH = 28 * 24 - 1


def bot_triggers_by_month(
    table: ArrowStreamable,
    *,
    tz: str | ZoneInfo | timezone = "UTC",
    triggers: str = "triggers",
    timestamp: str = "timestamp",
    account: str | None = None,
) -> altair.LayerChart:
    """Runs of a bot's flows in each month as bars that begin at zero; several accounts stand on each other.

    Months between the first and the last that the table doesn't have are grey, and never zero: the service leaves out
    what it has nothing for. `FlowXoClient.metrics(…, fill=True)` has zeros there.

    Args:
        table: What `FlowXoClient.metrics` gives, by the month, the day or the hour.
        tz: The time zone that it was asked for in: a name such as `"Europe/Zurich"`, a `zoneinfo.ZoneInfo` or a
            `datetime.timezone`. Default UTC. Days and months that begin elsewhere are refused, because they would be
            counted in the wrong month.
        triggers: Column of a number of events, which may be added up: also `new_users`, `received_messages` or
            `sent_messages`. Not `active_users` or `total_users`: two of these count largely the same people.
        timestamp: Column of the beginnings of months, days or hours.
        account: Column that tells accounts apart. Default: `account`, if there is one.

    Returns:
        An Altair chart.

    Raises:
        ConfigError: A column isn't there, or doesn't hold what it should; the time zone is another; there are no rows.
        ModuleNotFoundError: Altair or polars is not installed.
    """
    columns = Columns("bot_triggers_by_month", table)
    if triggers in ("active_users", "total_users"):
        raise ConfigError(f"`{triggers}` can't be added up: two numbers count largely the same people")
    account = account or ("account" if columns.has("account") else None)
    frame = columns.frame.select(
        instant=columns.instant("timestamp", timestamp),
        count=columns.number("triggers", triggers),
        account=pl.lit("") if account is None else columns.text("account", account).fill_null("(none)"),
    ).drop_nulls("instant")
    if frame.is_empty():
        raise ConfigError("`bot_triggers_by_month` has nothing to show: no row has a time")
    frame = frame.with_columns(local=_local(frame, tz))
    _check_beginnings(columns, frame, tz)
    counted = (
        frame.with_columns(month=pl.col("local").dt.truncate("1mo").dt.date())
        .group_by("month", "account")
        .agg(pl.when(pl.col("count").is_not_null().any()).then(pl.col("count").sum()))
        .drop_nulls("count")
        .sort("month", "account")
    )
    months = _months(frame["local"].min(), frame["local"].max())  # type: ignore[arg-type]
    accounts = sorted(counted["account"].unique())
    there = set(counted["month"])
    rows = [
        {
            "month": _name(row["month"]),
            "account": row["account"],
            "count": row["count"],
            "shown": f"{row['count']:,.0f}",
        }
        for row in counted.iter_rows(named=True)
    ]
    missing = [{"month": _name(month)} for month in months if month not in there]
    x = alt.X(
        "month:O",
        scale=alt.Scale(domain=[_name(month) for month in months], paddingInner=0.25, paddingOuter=0.15),
        axis=axis(
            title=f"month of {_zone(tz)}",
            labelAngle=0,
            labelOverlap=True,
            ticks=False,
            # The year under January, and under the first month.
            labelExpr="(slice(datum.label, 5) === 'Jan' || datum.index === 0)"
            " ? [slice(datum.label, 5), slice(datum.label, 0, 4)] : slice(datum.label, 5)",
        ),
    )
    what = triggers.replace("_", " ")
    totals = counted.group_by("month").agg(pl.col("count").sum()).sort("month")
    # Room for the words above the highest bar.
    most = float(totals["count"].max() or 0)  # type: ignore[arg-type]
    scale = alt.Scale(zero=True, domain=[0, max(most * 1.08, 1)])
    y = alt.Y(
        "count:Q",
        stack="zero",
        scale=scale,
        axis=axis(title=f"{what} a month", format=",d", tickCount=ticks(most), domain=False),
    )
    tooltip = [alt.Tooltip("month:N"), alt.Tooltip("shown:N", title=what)]
    bars = alt.Chart(data(rows)).mark_bar(color=BLUE).encode(x=x, y=y, tooltip=tooltip)
    if account is not None:
        color = alt.Color(
            "account:N",
            scale=alt.Scale(domain=accounts, range=[BLUE, ORANGE, TEAL, YELLOW, RED]),
            legend=legend(title=None),
        )
        bars = bars.encode(color=color, tooltip=[alt.Tooltip("account:N"), *tooltip])
    gaps = alt.Chart(data(missing)).mark_bar(color=MISSING).encode(x=x, y=alt.value(0), y2=alt.value("height"))
    above = [{"month": _name(month), "count": count, "shown": f"{count:,.0f}"} for month, count in totals.iter_rows()]
    labels = alt.Chart(data(above)).mark_text(dy=-7, fontSize=11, color=INK).encode(x=x, y="count:Q", text="shown:N")
    layers = [*([gaps] if missing else []), bars, *([labels] if len(months) <= 18 else [])]
    return alt.layer(*layers).properties(
        width=WIDTH,
        height=240,
        view=frameless(),
        title=title(
            f"Bot {what} by month",
            f"{months[0]:%Y-%m} to {months[-1]:%Y-%m}; {counted['count'].sum():,.0f} in all",
            f"grey: no data for {len(missing)} of {len(months)} months" if missing else None,
        ),
    )


def _local(frame: pl.DataFrame, tz: str | ZoneInfo | timezone) -> pl.Expr:
    """The clock on the wall of a time zone."""
    instant = pl.col("instant").dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if isinstance(tz, timezone):
        return instant + tz.utcoffset(None)
    try:
        shifted = pl.col("instant").dt.convert_time_zone(str(tz)).dt.replace_time_zone(None)
        frame.select(shifted)
    except pl.exceptions.ComputeError:
        raise ConfigError(f"`tz` must name a time zone such as `Europe/Zurich`, not `{tz}`") from None
    return shifted


def _check_beginnings(columns: Columns, frame: pl.DataFrame, tz: str | ZoneInfo | timezone) -> None:
    """Refuses days and months of another time zone: they would be counted where they don't belong."""
    instants = frame["instant"].unique().sort()
    hours = (instants.diff().drop_nulls().dt.total_minutes() / 60).min()
    is_month = hours is None or hours >= _MONTH  # type: ignore[operator]
    is_day = hours is not None and 23 <= hours < _MONTH  # type: ignore[operator]
    begins = pl.col("local") == pl.col("local").dt.truncate("1mo" if is_month else "1d")
    wrong = frame.filter(~begins)
    if (is_month or is_day) and not wrong.is_empty():
        raise ConfigError(
            f"`{columns.recipe}` needs {'months' if is_month else 'days'} of {_zone(tz)}, where "
            f"{wrong['instant'][0]} is {wrong['local'][0]} and begins none\n"
            "hint: `tz=` is the time zone, or `datetime.timezone`, that the metrics were asked for in"
        )


def _zone(tz: str | ZoneInfo | timezone) -> str:
    return str(tz)


def _months(first: day_of, last: day_of) -> list[day_of]:
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [day_of(number // 12, number % 12 + 1, 1) for number in numbers]


def _name(month: day_of) -> str:
    return f"{month:%Y-%b}"
