"""Reports as lazy frames of polars: what ``InsightsClient.scan`` gives.

Nothing is exported before the frame is collected, and each collecting exports anew. Of a query the service takes over
what it can: days (``pl.col("Date") >= start``) become its interval filter, texts of attributes
(``pl.col("Queue").is_in([…])``) its list filters. Only columns that are asked for are kept, and with ``head`` the
download is left as soon as there are enough rows. The whole predicate is applied once more to what arrives, so that a
filter which is taken over changes what travels and never the answer; what isn't recognised is simply not taken over.

``explain()`` shows it: of the scan the columns that are kept (``PROJECT``), the predicate that reaches it
(``SELECTION``) and which columns the service can filter by (``INFO``). What an execution then was asked for is logged
by the logger ``insightframe.polars`` at level INFO.
"""

from __future__ import annotations

import datetime
import inspect
import itertools
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._frames import _optional
from ._predicate import Bounds, Days, bounds
from .errors import ApiError, Forbidden, NotFound, ResultChanged, UnexpectedReply

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from ._core import InsightsClient, Report, ReportColumn, Stream
else:
    pl = _optional("polars")

__all__: list[str] = []

_log = logging.getLogger("insightframe.polars")

_Asked = dict[str, Any]

# The date label of `start` and `end` unless another is named.
_DATE = "date.date.mmddyyyy"

# Days that a date of the service can be: its dimension goes from 1900 to 2050, and can be extended to 2100 (GoodData's
# help, "Manage Custom Date Dimensions"). They stand for the end that a comparison leaves open.
_DATES = Days(datetime.date(1900, 1, 1), datetime.date(2100, 12, 31))

# Values that the service takes in one list filter.
_VALUES = 200


def scan(client: InsightsClient, report: str | int, **asked: Any) -> pl.LazyFrame:
    """The report as a lazy frame; `asked` is what `InsightsClient.scan` takes."""
    given = _types(client, report, asked)
    described = None
    try:
        if given is not None:
            described = client.describe(report, workspace=asked["workspace"])
    except (Forbidden, NotFound, UnexpectedReply) as error:
        _check_that_export_infers(error)
    return _frame(client, report, asked, given or {}, described)


async def scan_async(client: InsightsClient, report: str | int, **asked: Any) -> pl.LazyFrame:
    """Like `scan`."""
    given = _types(client, report, asked)
    described = None
    try:
        if given is not None:
            described = await client.describe_async(report, workspace=asked["workspace"])
    except (Forbidden, NotFound, UnexpectedReply) as error:
        _check_that_export_infers(error)
    return _frame(client, report, asked, given or {}, described)


def _check_that_export_infers(error: ApiError) -> None:
    """Raises the error again, unless it is one with which an export goes on: of a definition that can't be read."""
    is_of_the_report = isinstance(error, NotFound) and (error.status == 404 or "/obj/" not in error.path)
    if is_of_the_report:
        raise error


def _types(client: InsightsClient, report: str | int, asked: _Asked) -> dict[str, str] | None:
    """The types that were given by column, after all arguments were checked; `None` when they depend on the data."""
    without_progress = {name: value for name, value in asked.items() if name != "progress"}
    task = client.plan(report, **without_progress)[0]
    if isinstance(task.schema, Mapping):
        return dict(task.schema)
    return None if task.schema == "infer" else {"": task.schema}


def _frame(
    client: InsightsClient, report: str | int, asked: _Asked, given: dict[str, str], described: Report | None
) -> pl.LazyFrame:
    from polars.io.plugins import register_io_source

    if described is None or described.pivoted:
        whole = _Whole(client, report, asked)
        return register_io_source(whole.read, schema=whole.schema)
    columns = dict(zip(_names([column.name for column in described.columns]), described.columns, strict=True))
    schema = pl.Schema({name: _dtype(column, given.get(name), given) for name, column in columns.items()})
    columns = {name: column for name, column in columns.items() if _is_filterable(column, given.get(name))}
    source = _Source(client, report, asked, schema, columns)
    # Older versions of polars have no room for a word of ours in `explain`.
    takes = inspect.signature(register_io_source).parameters
    shown = {"explain_name": "insightframe", "explain_detail": source.detail(described)}
    shown = {name: text for name, text in shown.items() if name in takes}
    return register_io_source(source.read, schema=schema, **shown)  # type: ignore[arg-type]


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


def _dtype(column: ReportColumn, kind: str | None, given: dict[str, str]) -> pl.DataType:
    kind = kind or ("utf8" if given.get("") == "text" else column.type)
    dtypes = {
        "utf8": pl.String(),
        "dictionary": pl.Categorical(),
        "int64": pl.Int64(),
        "float64": pl.Float64(),
        "bool": pl.Boolean(),
        "timestamp": pl.Datetime("us"),
        "timestamp[UTC]": pl.Datetime("us", "UTC"),
    }
    return pl.Date() if kind.startswith("date") else dtypes[kind]


def _is_filterable(column: ReportColumn, kind: str | None) -> bool:
    """Whether the column shows what the service filters by. Days read in a way of the caller's own may be others."""
    return column.kind == "attribute" and kind in (None, "utf8", "dictionary")


@dataclass(frozen=True)
class _Source:
    """A report whose columns are known, and which of them the service can filter by."""

    client: InsightsClient
    report: str | int
    asked: _Asked
    schema: pl.Schema
    columns: dict[str, ReportColumn]

    def read(
        self,
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        asked = self.narrowed({} if predicate is None else bounds(predicate, self.schema))
        # A frame without rows first: where no row comes, it says of what.
        yield _finished(pl.DataFrame(schema=self.schema), with_columns, predicate)
        if asked is None or n_rows == 0:
            return
        with self.open(asked) as stream:
            for piece in stream:
                frame = pl.DataFrame(piece)
                if frame.schema != self.schema:
                    raise ResultChanged(
                        f"the columns of report `{self.report}` are {dict(frame.schema)}, but were {dict(self.schema)} "
                        "when it was scanned\nhint: scan it again"
                    )
                frame = _finished(frame, with_columns, predicate)
                if n_rows is not None:
                    frame = frame.head(n_rows)
                    n_rows -= len(frame)
                yield frame
                if n_rows == 0:
                    return

    def narrowed(self, found: Bounds) -> _Asked | None:
        """The arguments of an export of the rows that can pass; `None` when none can."""
        if not all(found.values()):
            return None
        asked: _Asked | None = {**self.asked, "where": dict(self.asked["where"] or {})}
        for name, bound in found.items():
            column = self.columns.get(name)
            if asked is None or column is None or column.source in asked["where"]:
                continue
            if isinstance(bound, Days):
                asked = _with_days(asked, column, bound) if column.type == "date32" else asked
            elif len(bound) <= _VALUES:
                asked["where"][column.source] = sorted(bound)
        return asked

    def open(self, asked: _Asked) -> Stream:
        """The stream of what is left. A text that the label doesn't have is no error here: it only finds nothing."""
        added = {label: value for label, value in asked["where"].items() if label not in (self.asked["where"] or {})}
        _log.info(
            "report %s: %s%s",
            self.report,
            f"{asked['start']} to {asked['end']} of {asked['date'] or _DATE}" if asked["start"] else "all days",
            "".join(f", {label} in {value}" for label, value in added.items()),
        )
        try:
            return self.client.stream(self.report, **asked)
        except NotFound:
            lists = [label for label, value in added.items() if isinstance(value, list)]
            if not lists:
                raise
            where = {label: value for label, value in asked["where"].items() if label not in lists}
            return self.open({**asked, "where": where})

    def detail(self, described: Report) -> str:
        """What can be taken over, in a line for `explain`."""
        days = [name for name in self.columns if self.schema[name] == pl.Date]
        lists = [name for name in self.columns if name not in days]
        return (
            f"report {described.id}; the service filters days of {', '.join(days) or 'no column'} "
            f"and lists of {', '.join(lists) or 'no column'}"
        )


def _with_days(asked: _Asked, column: ReportColumn, days: Days) -> _Asked | None:
    """The arguments with a range of days of this column besides; `None` when no day is in both."""
    start, end = asked["start"], asked["end"]
    date = asked["date"] or _DATE
    if start is not None and date == column.identifier:
        days &= Days(_day(start), _day(end))
        if not days:
            return None
    days &= _DATES
    if not days:
        # The service has no such days. Whatever it has instead passes no filter here.
        return asked
    if column.identifier is not None and (start is None or date == column.identifier):
        return {**asked, "start": days.first, "end": days.last, "date": column.identifier}
    interval = {"type": "interval", "from": days.first.isoformat(), "to": days.last.isoformat()}
    return {**asked, "where": {**asked["where"], column.source: interval}}


def _day(day: datetime.date | str) -> datetime.date:
    return datetime.date.fromisoformat(day) if isinstance(day, str) else day


def _finished(frame: pl.DataFrame, with_columns: list[str] | None, predicate: pl.Expr | None) -> pl.DataFrame:
    """What polars leaves to its source: to filter, then to select."""
    if predicate is not None:
        frame = frame.filter(predicate)
    return frame if with_columns is None else frame.select(with_columns)


class _Whole:
    """A report whose columns are known only from its data: it is exported whole, once, and nothing is taken over."""

    def __init__(self, client: InsightsClient, report: str | int, asked: _Asked) -> None:
        self._client, self._report, self._asked = client, report, asked
        self._lock = threading.Lock()
        self._frame: pl.DataFrame | None = None

    def frame(self) -> pl.DataFrame:
        with self._lock:
            if self._frame is None:
                _log.info("report %s: all of it, because its columns are not known beforehand", self._report)
                self._frame = pl.DataFrame(self._client.export(self._report, **self._asked))
            return self._frame

    def schema(self) -> pl.Schema:
        return self.frame().schema

    def read(
        self,
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        frame = _finished(self.frame(), with_columns, predicate)
        yield frame if n_rows is None else frame.head(n_rows)
