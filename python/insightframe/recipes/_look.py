"""What all pictures have in common. All of it stands at the parts of a chart, so that charts can be put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._frames import _optional

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

alt: Any = _optional("altair", "recipes")

WIDTH = 720

# Told apart by people with any kind of colour vision, also in grey.
BLUE, ORANGE, RED, YELLOW, TEAL = "#3b73b9", "#f0883a", "#c8443c", "#e8c04a", "#4aa5a0"
INK, FAINT, LINE, MISSING, SILENT = "#222222", "#6b6b6b", "#e3e3e3", "#ececec", "#cccccc"


def title(text: str, *below: str | None) -> Any:
    """A title, and under it what one must know to read the picture."""
    return alt.TitleParams(
        text,
        subtitle=[line for line in below if line],
        anchor="start",
        frame="group",
        fontSize=16,
        fontWeight=600,
        color=INK,
        subtitleFontSize=12,
        subtitleColor=FAINT,
        subtitlePadding=4,
        offset=12,
    )


def axis(**of: Any) -> Any:
    """An axis: its words, and faint lines where it has any."""
    quiet = {
        "titleColor": FAINT,
        "titleFontWeight": "normal",
        "titleFontSize": 12,
        "labelColor": INK,
        "labelFontSize": 11,
        "domainColor": LINE,
        "tickColor": LINE,
        "gridColor": LINE,
    }
    return alt.Axis(**(quiet | of))


def ticks(most: float) -> int:
    """How many ticks an axis of counts has, so that none of them is a part of one."""
    return min(5, max(1, int(most)))


def legend(**of: Any) -> Any:
    """A legend above the picture, at its left."""
    quiet = {
        "orient": "top",
        "titleColor": FAINT,
        "titleFontWeight": "normal",
        "titleFontSize": 12,
        "labelColor": INK,
        "labelFontSize": 11,
    }
    return alt.Legend(**(quiet | of))


def data(rows: Sequence[dict[str, Any]]) -> Any:
    """Rows for a chart, in the chart itself."""
    return alt.Data(values=list(rows))


def frameless() -> Any:
    """A view without a border."""
    return alt.ViewBackground(stroke=None)


def span(first: date, last: date) -> str:
    """A range of days, as the project writes them."""
    return f"{first}" if first == last else f"{first} to {last}"
