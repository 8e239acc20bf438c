"""Filters that are more than a list of values, for ``where=``."""

from dataclasses import dataclass

from .errors import ConfigError

__all__ = ["Last"]

_PERIODS = ("days", "weeks", "months", "quarters", "years")


@dataclass(frozen=True, kw_only=True)
class Last:
    """The last periods of the calendar, as a value of ``where=``: ``{"date.date.mmddyyyy": Last(days=7)}``.

    Exactly one of the five lengths is given. Periods are whole ones of the calendar and, unless `current` says
    otherwise, end before the present one: on 15 May 2024, a Wednesday, ``Last(days=7)`` is 8 to 14 May,
    ``Last(weeks=1)`` 6 to 12 May (weeks begin on Monday), ``Last(months=1)`` April, ``Last(quarters=1)`` January to
    March, ``Last(years=1)`` 2023. So a load that runs twice on one day gets the same days twice. The service knows what
    day it is, in the time zone of the workspace.

    The label may be any of a date, whatever it counts in: for months that of ``date.date.mmddyyyy``, say, the label of
    months of the same date is looked up and filtered by. A label of weeks that begin on Sunday, named by its own
    identifier, counts its own weeks.
    """

    days: int | None = None
    """So many days."""
    weeks: int | None = None
    """So many weeks."""
    months: int | None = None
    """So many calendar months."""
    quarters: int | None = None
    """So many calendar quarters."""
    years: int | None = None
    """So many calendar years."""
    current: bool = False
    """Whether the present period, of which there is a part only, counts as the last of them. Default no."""

    def __post_init__(self) -> None:
        given = [name for name in _PERIODS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ConfigError(
                f"`Last` takes exactly one of {', '.join(f'`{name}`' for name in _PERIODS)}, "
                f"not {' and '.join(f'`{name}`' for name in given) or 'none'}"
            )
        count = getattr(self, given[0])
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count < 1 << 32:
            raise ConfigError(f"`Last.{given[0]}` must be an integer from 1, not `{count!r}`")
        if not isinstance(self.current, bool):
            raise ConfigError(f"`Last.current` must be a bool, not `{self.current!r}`")
