"""How long does a contact take, and in which queue?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._frames import _optional
from ..errors import ConfigError
from ._columns import Columns, mean
from ._look import BLUE, FAINT, INK, WIDTH, alt, axis, data, frameless, span, title

if TYPE_CHECKING:
    import altair
    import polars as pl

    from .._frames import ArrowStreamable
else:
    pl = _optional("polars", "recipes")


# Room at the right for the words of a bar.
_WIDTH = WIDTH - 140


def handle_time_by_queue(
    table: ArrowStreamable,
    *,
    handle_time: str = "Average Handle Time",
    handled: str | None = "Volume Handled",
    queue: str = "Queue",
    date: str | None = None,
    limit: int = 40,
) -> altair.LayerChart:
    """The mean handle time of each queue as bars, longest first, and that of all contacts as a line.

    The means of rows are weighted by their contacts, so that a queue's bar is the mean of its contacts.

    Args:
        table: Rows of a report with a queue (or an agent, a team, a channel) and a mean handle time.
        handle_time: Column of mean handle times, in seconds.
        handled: Column of the number of contacts that were handled, by which means are weighted. `None` for the plain
            mean of rows; the picture says so.
        queue: Column of what has a bar each.
        date: Column of days, for the words under the title. Default: `Date`, if there is one.
        limit: Bars at most: those with the most contacts.

    Returns:
        An Altair chart.

    Raises:
        ConfigError: A column isn't there, or doesn't hold what it should; there are no rows.
        ModuleNotFoundError: Altair or polars is not installed.
    """
    columns = Columns("handle_time_by_queue", table)
    if limit < 1:
        raise ConfigError(f"`limit` must be 1 or more, not {limit}")
    weight = pl.lit(1.0) if handled is None else columns.number("handled", handled)
    frame = columns.frame.select(
        queue=columns.text("queue", queue).fill_null("(none)"),
        seconds=columns.number("handle_time", handle_time),
        handled=weight,
    )
    by_queue = (
        frame.group_by("queue")
        .agg(seconds=mean(pl.col("seconds"), pl.col("handled")), handled=pl.col("handled").sum())
        .sort("handled", "queue", descending=[True, False])
    )
    known = by_queue.drop_nulls("seconds")
    overall = frame.select(mean(pl.col("seconds"), pl.col("handled"))).item()
    if overall is None:
        raise ConfigError(
            f"`handle_time_by_queue` has nothing to show: no row has both a time and contacts in `{handle_time}`"
        )
    shown = known.head(limit).sort("seconds", "queue", descending=[True, False])
    rows = [_bar(row, handled is not None) for row in shown.iter_rows(named=True)]
    y = alt.Y(
        "queue:N", sort=shown["queue"].to_list(), axis=axis(title=None, ticks=False, domain=False, labelLimit=220)
    )
    ticks = _ticks(max(row["seconds"] for row in rows))
    minutes = axis(
        title="mean handle time, minutes:seconds",
        labelExpr="floor(datum.value / 60) + ':' + format(datum.value % 60, '02d')",
        values=ticks,
        domain=False,
    )
    x = alt.X("seconds:Q", scale=alt.Scale(domain=[0, ticks[-1]], nice=False), axis=minutes)
    tooltip = [alt.Tooltip(f"{name}:N") for name in ("queue", "time", "contacts") if name in rows[0]]
    base = alt.Chart(data(rows)).encode(y=y, tooltip=tooltip)
    bars = base.mark_bar(color=BLUE, height={"band": 0.72}).encode(x=x)
    labels = base.mark_text(align="left", dx=8, color=INK, fontSize=11).encode(x=alt.value(_WIDTH), text="label:N")
    all_contacts = alt.Chart(data([{"seconds": overall, "label": f"all: {_clock(overall)}"}])).encode(x="seconds:Q")
    rule = all_contacts.mark_rule(color=FAINT, strokeDash=[4, 3])
    named = all_contacts.mark_text(color=FAINT, fontSize=11, y=-7, align="center").encode(text="label:N")
    left_out = by_queue.height - known.height
    return alt.layer(bars, rule, labels, named).properties(
        width=_WIDTH,
        height=alt.Step(26),
        view=frameless(),
        title=title(
            f"Mean handle time by {queue.lower()}",
            "; ".join(
                words
                for words in (
                    _days(columns, date),
                    f"{by_queue['handled'].sum():,.0f} contacts"
                    if handled
                    else "every row counts the same, large or small",
                )
                if words
            ),
            f"the {limit} of {known.height} with the most contacts" if known.height > limit else None,
            f"{left_out} without a handle time {'is' if left_out == 1 else 'are'} not shown" if left_out else None,
        ),
    )


def _bar(row: dict[str, Any], is_weighted: bool) -> dict[str, Any]:
    time = _clock(row["seconds"])
    shown = {"queue": row["queue"], "seconds": round(row["seconds"], 3), "time": time, "label": time}
    if is_weighted:
        contacts = f"{row['handled']:,.0f}"
        shown |= {"contacts": contacts, "label": f"{time}   of {contacts} contacts"}
    return shown


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"


def _ticks(most: float) -> list[int]:
    """Ticks at times that people count in: five of them or so."""
    steps = [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600]
    step = next((step for step in steps if most / step <= 7), 7200)
    return list(range(0, int(most) + step, step))


def _days(columns: Columns, date: str | None) -> str | None:
    if date is None and not (columns.has("Date") and columns.frame.schema["Date"] == pl.Date):
        return None
    days = columns.frame.select(columns.day(date or "Date")).to_series().drop_nulls()
    return None if days.is_empty() else span(days.min(), days.max())  # type: ignore[arg-type]
