"""When are contacts answered in time, and when not?"""

from __future__ import annotations

import itertools
from datetime import date as day_of
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .._frames import _optional
from ..errors import ConfigError
from ._columns import Columns, mean
from ._look import SILENT, WIDTH, alt, axis, data, frameless, legend, span, title

if TYPE_CHECKING:
    import altair
    import polars as pl

    from .._frames import ArrowStreamable
else:
    pl = _optional("polars", "recipes")

# Days that have a row of their own; more of them are gathered by weekday.
_DAYS = 31
_WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def service_level_by_interval(
    table: ArrowStreamable,
    *,
    level: str = "Service Level",
    offered: str | None = "Offered Contacts",
    date: str = "Date",
    interval: str = "Interval 15 Minutes",
    minutes: int | None = None,
    target: float = 0.8,
) -> altair.LayerChart:
    """A heat map of the service level: a row a day, a column an interval of the day.

    More than 31 days are gathered by their weekday. Colours turn at the target: blue is better, red is worse. Intervals
    without contacts are grey, and those that the table doesn't have are blank.

    Args:
        table: Rows of a report with a day, an interval, and a service level.
        level: Column of the share of contacts that were answered in time, from 0 to 1.
        offered: Column of the number of contacts, by which the shares of rows are weighted. `None` for the plain mean
            of rows, which counts a row of one contact as much as one of a hundred; the picture says so.
        date: Column of days.
        interval: Column of the beginnings of intervals (`08:15`), in the time zone of the workspace.
        minutes: Length of the picture's intervals, which divides a day. Default: that of the report.
        target: The share that is promised.

    Returns:
        An Altair chart.

    Raises:
        ConfigError: A column isn't there, or doesn't hold what it should; there are no rows.
        ModuleNotFoundError: Altair or polars is not installed.
    """
    columns = Columns("service_level_by_interval", table)
    if minutes is not None and (minutes < 1 or 1440 % minutes):
        raise ConfigError(f"`minutes` must divide a day, and {minutes} doesn't")
    if not 0 < target < 1:
        raise ConfigError(f"`target` must be a share between 0 and 1, not {target}\nhint: 80 % is 0.8")
    weight = pl.lit(1.0) if offered is None else columns.number("offered", offered)
    frame = columns.frame.select(
        day=columns.day(date),
        minute=_minute(columns, interval),
        level=columns.number("level", level),
        offered=weight,
    ).drop_nulls("day")
    _check_shares(columns, frame, level)
    if frame.is_empty():
        raise ConfigError("`service_level_by_interval` has nothing to show: no row has a day")
    days = sorted(frame["day"].unique())
    length = minutes or _length(sorted(frame["minute"].unique()))
    by_weekday = (days[-1] - days[0]).days >= _DAYS
    cells = (
        frame.with_columns(
            minute=pl.col("minute") // length * length,
            row=pl.col("day").dt.weekday() if by_weekday else pl.col("day").rank("dense"),
        )
        .group_by("row", "minute", pl.lit(None).alias("day") if by_weekday else "day", maintain_order=True)
        .agg(level=mean(pl.col("level"), pl.col("offered")), offered=pl.col("offered").sum())
        .sort("row", "minute")
    )
    rows = [_cell(cell, length, offered is not None) for cell in cells.iter_rows(named=True)]
    names = _WEEKDAYS if by_weekday else [_name(day) for day in _all(days[0], days[-1])]
    first, last = cells["minute"].min(), cells["minute"].max()
    times = [_time(minute) for minute in range(first, last + 1, length)]  # type: ignore[arg-type, operator]
    x = alt.X(
        "time:O",
        scale=alt.Scale(domain=times, paddingInner=0.04),
        axis=axis(
            title=f"beginning of each {length} minutes, in the workspace's time zone",
            values=[time for time in times if time.endswith(":00") and int(time[:2]) % 2 == 0],
            labelOverlap=True,
            labelAngle=0,
            ticks=False,
            domain=False,
        ),
    )
    y = alt.Y(
        "name:N",
        scale=alt.Scale(domain=names, paddingInner=0.08),
        axis=axis(title=None, ticks=False, domain=False, labelPadding=6),
    )
    tooltip = [alt.Tooltip(f"{field}:N") for field in ("day", "interval", "level", "offered") if field in rows[0]]
    base = alt.Chart(data(rows)).encode(x=x, y=y, tooltip=tooltip)
    silent = base.transform_filter("datum.share === null").mark_rect(color=SILENT)
    answered = (
        base.transform_filter("datum.share !== null")
        .mark_rect()
        .encode(
            color=alt.Color(
                "share:Q",
                scale=alt.Scale(scheme="redyellowblue", domain=[0, 1], domainMid=target, clamp=True),
                legend=legend(
                    title=f"answered in time; the target is {target:.0%}",
                    format="%",
                    values=[0, 0.2, 0.4, 0.6, 0.8, 1],
                    gradientLength=260,
                    gradientThickness=10,
                    titleLimit=300,
                ),
            )
        )
    )
    gone = (days[-1] - days[0]).days + 1 - len(days)
    of = "weekday" if by_weekday else "day"
    return alt.layer(silent, answered).properties(
        width=WIDTH,
        height=alt.Step(18 if not by_weekday else 30),
        view=frameless(),
        title=title(
            f"Service level by {of} and time",
            f"{span(days[0], days[-1])}; "
            + ("every contact counts the same" if offered is not None else "every row counts the same, large or small"),
            _missing(rows, len(times) * len(names)),
            f"{gone} of {(days[-1] - days[0]).days + 1} days are not in the table" if by_weekday and gone else None,
        ),
    )


def _check_shares(columns: Columns, frame: pl.DataFrame, level: str) -> None:
    least, most = frame["level"].min(), frame["level"].max()
    if least is not None and (least < 0 or most > 1):  # type: ignore[operator]
        raise ConfigError(
            f"`{columns.recipe}` needs shares from 0 to 1 in column `{level}`, which goes from {least!r} to {most!r}\n"
            "hint: divide percentages by 100"
        )


def _minute(columns: Columns, interval: str) -> pl.Expr:
    """The minute of the day at which an interval begins."""
    text = columns.text("interval", interval)
    parts = text.str.extract_groups(
        r"^\s*(?<hour>\d{1,2}):(?<minute>\d{2})(?::\d{2})?(?:\s*(?<half>[AaPp])\.?[Mm]\.?)?\b"
    )
    hour, half = parts.struct["hour"].cast(pl.Int64), parts.struct["half"].str.to_lowercase()
    hour = pl.when(half.is_null()).then(hour).otherwise(hour % 12 + 12 * (half == "p").cast(pl.Int64))
    minute = hour * 60 + parts.struct["minute"].cast(pl.Int64)
    read = columns.frame.select(text=text, minute=minute)
    wrong = read.filter(pl.col("minute").is_null() | (pl.col("minute") >= 1440))
    if not wrong.is_empty():
        raise ConfigError(
            f"`{columns.recipe}` needs times of day such as `08:15` in column `{interval}`, which has "
            f"{'a null' if wrong['text'][0] is None else '`' + wrong['text'][0] + '`'}\n"
            "hint: `interval=` names another column"
        )
    return minute


def _length(minutes: list[int]) -> int:
    """The length of the report's intervals: the least distance between two of them, if it divides a day.

    One alone tells nothing; the service's are of a quarter of an hour.
    """
    least = min((later - earlier for earlier, later in itertools.pairwise(minutes)), default=15)
    return least if 1440 % least == 0 else 1


def _cell(cell: dict[str, Any], length: int, is_weighted: bool) -> dict[str, Any]:
    day, share, begin = cell["day"], cell["level"], cell["minute"]
    name = _WEEKDAYS[cell["row"] - 1] if day is None else _name(day)
    shown = {
        "name": name,
        "time": _time(begin),
        "share": None if share is None else round(share, 4),
        "day": name,
        "interval": f"{_time(begin)} to {_time((begin + length) % 1440)}",
        "level": "no contacts" if share is None else f"{share:.1%}",
    }
    return shown | ({"offered": f"{cell['offered']:,.0f}"} if is_weighted else {})


def _missing(rows: list[dict[str, Any]], places: int) -> str | None:
    grey = "grey: no contacts" if any(row["share"] is None for row in rows) else None
    blank = "blank: not in the table" if len(rows) < places else None
    return "; ".join(words for words in (grey, blank) if words) or None


def _all(first: day_of, last: day_of) -> list[day_of]:
    return [first + timedelta(number) for number in range((last - first).days + 1)]


def _name(day: day_of) -> str:
    return f"{_WEEKDAYS[day.weekday()]} {day}"


def _time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
