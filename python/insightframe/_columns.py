"""What is known of a report's columns before it is exported, and what of a query's bounds an export can take over.

For readers that plan first and export later: lazy frames, and partitions of a cluster.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from .errors import ApiError, NotFound

if TYPE_CHECKING:
    from ._core import InsightsClient, Report, ReportColumn

Asked: TypeAlias = dict[str, Any]
"""Arguments of an export, beside the report: `start`, `end`, `date`, `where` and so on, each of them there."""

DATE = "date.date.mmddyyyy"
"""The date label of `start` and `end` unless another is named."""

_VALUES = 200
"""Values that the service takes in one list filter."""

_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Days:
    """Days from one to another, both included; no day at all when `first` is after `last`."""

    first: datetime.date = datetime.date.min
    last: datetime.date = datetime.date.max

    @classmethod
    def that_are(cls, way: str, day: datetime.date) -> Days:
        """The days of a comparison with one day, by its sign; `==` where it is none of the others."""
        match way:
            case ">=":
                return cls(first=day)
            case "<=":
                return cls(last=day)
            case ">":
                return cls(first=day + _DAY) if day < datetime.date.max else NO_DAY
            case "<":
                return cls(last=day - _DAY) if day > datetime.date.min else NO_DAY
        return cls(day, day)

    def __bool__(self) -> bool:
        return self.first <= self.last

    def __and__(self, other: Days) -> Days:
        return Days(max(self.first, other.first), min(self.last, other.last))

    def __or__(self, other: Days) -> Days:
        if self and other:
            return Days(min(self.first, other.first), max(self.last, other.last))
        return self or other


NO_DAY = Days(datetime.date.max, datetime.date.min)

DATES = Days(datetime.date(1900, 1, 1), datetime.date(2100, 12, 31))
"""Days that a date of the service can be: its dimension goes from 1900 to 2050, and can be extended to 2100 (GoodData's
help, "Manage Custom Date Dimensions"). They stand for the end that a comparison leaves open."""

Texts: TypeAlias = frozenset[str]
Bounds: TypeAlias = dict[str, Days | Texts]
"""By column: its value is not null, and among these. Something empty means that no row can pass."""


class Filterable(Protocol):
    """What must be known of a column to filter by it; a `ReportColumn` knows it."""

    @property
    def type(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def identifier(self) -> str | None: ...


_Column = TypeVar("_Column", bound=Filterable)


def given_types(client: InsightsClient, report: str | int, asked: Asked) -> dict[str, str] | None:
    """The types that were given by column, after all arguments were checked; `None` when they depend on the data.

    The type of all others stands under the empty name: `report` or `text`.
    """
    without_progress = {name: value for name, value in asked.items() if name != "progress"}
    task = client.plan(report, **without_progress)[0]
    if isinstance(task.schema, Mapping):
        return dict(task.schema)
    return None if task.schema == "infer" else {"": task.schema}


def check_that_export_infers(error: ApiError) -> None:
    """Raises the error again, unless it is one with which an export goes on: of a definition that can't be read."""
    is_of_the_report = isinstance(error, NotFound) and (error.status == 404 or "/obj/" not in error.path)
    if is_of_the_report:
        raise error


def kinds(described: Report, given: Mapping[str, str]) -> dict[str, str]:
    """By the names that the export gives its columns, in order: their types, in the words of `schema`."""
    return {
        name: given.get(name) or ("utf8" if given.get("") == "text" else column.type)
        for name, column in _named(described).items()
    }


def filterable(described: Report, given: Mapping[str, str]) -> dict[str, ReportColumn]:
    """The columns that show what the service filters by. Days read in a way of the caller's own may be others."""
    return {
        name: column
        for name, column in _named(described).items()
        if column.kind == "attribute" and given.get(name) in (None, "utf8", "dictionary")
    }


def _named(described: Report) -> dict[str, ReportColumn]:
    return dict(zip(_names([column.name for column in described.columns]), described.columns, strict=True))


def _names(titles: list[str]) -> list[str]:
    """What the export calls columns of these titles: a title that was there before gets a suffix that nobody has."""
    taken, seen, names = set(titles), set[str](), []
    for position, title in enumerate(titles, 1):
        name = title
        if not title or title in seen:
            stem = title or f"column_{position}"
            free = itertools.chain([stem] if not title else [], (f"{stem}_{number}" for number in itertools.count(2)))
            name = next(name for name in free if name not in taken)
        taken.add(name)
        seen.add(title)
        names.append(name)
    return names


def narrowed(asked: Asked, columns: Mapping[str, _Column], found: Bounds) -> Asked | None:
    """The arguments of an export of the rows that can pass; `None` when none can.

    Args:
        asked: The arguments of an export of all rows. What they filter by themselves stays as it is.
        columns: The columns that the service can filter by.
        found: What holds for every row that passes.
    """
    if not all(found.values()):
        return None
    given = asked["where"] or {}
    narrow: Asked | None = {**asked, "where": dict(given)}
    for name, bound in found.items():
        column = columns.get(name)
        if narrow is None or column is None or column.source in narrow["where"]:
            continue
        if isinstance(bound, Days):
            narrow = _with_days(narrow, column, bound) if column.type == "date32" else narrow
        elif len(bound) <= _VALUES:
            narrow["where"][column.source] = sorted(bound)
    return narrow


def _with_days(asked: Asked, column: Filterable, days: Days) -> Asked | None:
    """The arguments with a range of days of this column besides; `None` when no day is in both."""
    start, end = asked["start"], asked["end"]
    date = asked["date"] or DATE
    if start is not None and date == column.identifier:
        days &= Days(_day(start), _day(end))
        if not days:
            return None
    days &= DATES
    if not days:
        # The service has no such days. Whatever it has instead passes no filter here.
        return asked
    if column.identifier is not None and (start is None or date == column.identifier):
        return {**asked, "start": days.first, "end": days.last, "date": column.identifier}
    interval = {"type": "interval", "from": days.first.isoformat(), "to": days.last.isoformat()}
    return {**asked, "where": {**asked["where"], column.source: interval}}


def _day(day: datetime.date | str) -> datetime.date:
    return datetime.date.fromisoformat(day) if isinstance(day, str) else day
