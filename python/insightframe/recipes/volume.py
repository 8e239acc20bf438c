"""How much came in, and how many gave up?"""

from __future__ import annotations

from datetime import date as day_of
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .._frames import _optional
from ..errors import ConfigError
from ._columns import Columns
from ._look import BLUE, MISSING, ORANGE, RED, WIDTH, alt, axis, data, frameless, legend, span, ticks, title

if TYPE_CHECKING:
    import altair
    import polars as pl

    from .._frames import ArrowStreamable
else:
    pl = _optional("polars", "recipes")


# Days up to which each has a bar of its own, with room between; bars of more days touch each other.
_FEW = 62


def volume_by_day(
    table: ArrowStreamable,
    *,
    offered: str = "Offered Contacts",
    abandoned: str = "Abandons",
    date: str = "Date",
) -> altair.VConcatChart:
    """Contacts a day as bars, those that were abandoned apart, and below them the rate of abandonment.

    Both begin at zero. A day for which the table has no rows, or none with a number, is grey and never zero.

    Args:
        table: Rows of a report with a day, and with numbers of contacts that may be added up.
        offered: Column of the number of contacts.
        abandoned: Column of the number of those that were abandoned.
        date: Column of days, as the workspace counts them in its time zone.

    Returns:
        An Altair chart: two, one above the other.

    Raises:
        ConfigError: A column isn't there, or doesn't hold what it should; there are no rows.
        ModuleNotFoundError: Altair or polars is not installed.
    """
    columns = Columns("volume_by_day", table)
    counts = {"offered": columns.number("offered", offered), "abandoned": columns.number("abandoned", abandoned)}
    found = (
        columns.frame.select(day=columns.day(date), **counts)
        .drop_nulls("day")
        .group_by("day")
        # Nulls among numbers are nothing to add; nothing but nulls is no number.
        .agg(pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()) for name in counts)
        .sort("day")
    )
    if found.is_empty():
        raise ConfigError("`volume_by_day` has nothing to show: no row has a day")
    first, last = found["day"].min(), found["day"].max()
    assert isinstance(first, day_of)
    assert isinstance(last, day_of)
    by_day = {row["day"]: row for row in found.iter_rows(named=True)}
    days = [
        _day(day, by_day.get(day)) for day in (first + timedelta(number) for number in range((last - first).days + 1))
    ]
    missing = sum(day["offered"] is None for day in days)
    _check(columns, days, offered, abandoned)

    few = len(days) <= _FEW
    x = {"scale": alt.Scale(type="utc", domain=[_at(first, -12), _at(last, 12)], nice=False)}
    marks = {
        "format": "%b %-d" if few else "%Y-%m",
        "tickCount": min(len(days), 12),
        "labelOverlap": True,
        "grid": False,
    }
    tooltip = [alt.Tooltip(f"{name}:N") for name in ("date", "contacts", "abandons", "rate")]
    base = alt.Chart(data(days)).encode(tooltip=tooltip)
    gaps = (
        base.transform_filter("datum.offered === null")
        .mark_rect(color=MISSING)
        .encode(x=alt.X("begin:T", **x), x2="end:T", tooltip=alt.Tooltip("date:N"))
    )
    most = max(day["offered"] or 0 for day in days)
    parts = [part for day in days for part in _parts(day)]
    bars = (
        alt.Chart(data(parts))
        .mark_rect()
        .encode(
            x=alt.X("from:T" if few else "begin:T", **x, axis=axis(title=None, labels=False, **marks)),
            x2="to:T" if few else "end:T",
            y=alt.Y(
                "count:Q",
                scale=_from_zero(most, 1),
                axis=axis(title="contacts a day", format=",d", tickCount=ticks(most), domain=False),
            ),
            y2="below:Q",
            color=alt.Color(
                "part:N",
                scale=alt.Scale(domain=["not abandoned", "abandoned"], range=[BLUE, ORANGE]),
                legend=legend(title=None),
            ),
            tooltip=tooltip,
        )
    )
    place = alt.X("at:T", **x, axis=axis(title="day, in the workspace's time zone", **marks))
    rate = alt.Y(
        "share:Q",
        scale=_from_zero(max(day["share"] or 0 for day in days), 0.1),
        axis=axis(title="abandoned", format="%", tickCount=4, domain=False),
    )
    line = base.mark_line(color=RED, strokeWidth=2, point={"color": RED, "size": 24} if few else False)
    above = alt.layer(gaps, bars).properties(width=WIDTH, height=220, view=frameless())
    below = alt.layer(gaps, line.encode(x=place, y=rate)).properties(width=WIDTH, height=90, view=frameless())
    total = sum(day["offered"] or 0 for day in days)
    lost = sum(day["abandoned"] or 0 for day in days)
    return (
        alt.vconcat(above, below, spacing=14)
        .resolve_scale(x="shared")
        .properties(
            title=title(
                "Contacts and abandonment by day",
                f"{span(first, last)}; {total:,.0f} contacts" + (f", {lost / total:.1%} abandoned" if total else ""),
                f"grey: no data for {missing} of {len(days)} days" if missing else None,
            )
        )
    )


def _from_zero(most: float, otherwise: float) -> Any:
    """A scale that begins at zero, and goes somewhere even where all is zero."""
    return alt.Scale(domainMin=0) if most else alt.Scale(domain=[0, otherwise])


def _day(day: day_of, row: dict[str, Any] | None) -> dict[str, Any]:
    """A day as the chart takes it. Instants are those of UTC, so that a day is the same day in every browser."""
    offered = row and row["offered"]
    abandoned = row and row["abandoned"]
    known = offered is not None
    share = abandoned / offered if known and abandoned is not None and offered else None
    return {
        "date": f"{day:%a} {day}",
        "at": _at(day, 0),
        "begin": _at(day, -12),
        "end": _at(day, 12),
        "from": _at(day, -10),
        "to": _at(day, 10),
        "offered": offered,
        "abandoned": abandoned,
        "share": None if share is None else round(share, 5),
        "contacts": f"{offered:,.0f}" if known else "no data",
        "abandons": "no data" if abandoned is None else f"{abandoned:,.0f}",
        "rate": "none" if share is None else f"{share:.1%}",
    }


def _parts(day: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a day's bar: those that were abandoned stand on zero, the others on them."""
    if day["offered"] is None:
        return []
    abandoned = day["abandoned"] or 0
    said = {name: day[name] for name in ("date", "begin", "end", "from", "to", "contacts", "abandons", "rate")}
    return [
        said | {"part": "abandoned", "below": 0, "count": abandoned},
        said | {"part": "not abandoned", "below": abandoned, "count": day["offered"]},
    ]


def _at(day: day_of, hours: int) -> str:
    """So many hours from the beginning of a day. A bar stands around the beginning, where its label is."""
    shifted = day + timedelta(days=-1 if hours < 0 else 0)
    return f"{shifted}T{hours % 24:02}:00:00Z"


def _check(columns: Columns, days: list[dict[str, Any]], offered: str, abandoned: str) -> None:
    for day in days:
        if day["offered"] is not None and (day["abandoned"] or 0) > day["offered"]:
            raise ConfigError(
                f"`{columns.recipe}` found more abandoned contacts (`{abandoned}`: {day['abandons']}) than contacts "
                f"(`{offered}`: {day['contacts']}) on {day['date']}\nhint: `offered=` and `abandoned=` name the columns"
            )
