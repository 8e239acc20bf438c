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

import inspect
import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._columns import DATE, Asked, check_that_export_infers, filterable, given_types, kinds, narrowed
from ._frames import _optional
from ._predicate import bounds
from .errors import Forbidden, NotFound, ResultChanged, UnexpectedReply

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from ._core import InsightsClient, Report, ReportColumn, Stream
else:
    pl = _optional("polars")

__all__: list[str] = []

_log = logging.getLogger("insightframe.polars")


def scan(client: InsightsClient, report: str | int, **asked: Any) -> pl.LazyFrame:
    """The report as a lazy frame; `asked` is what `InsightsClient.scan` takes."""
    given = given_types(client, report, asked)
    described = None
    try:
        if given is not None:
            described = client.describe(report, workspace=asked["workspace"])
    except (Forbidden, NotFound, UnexpectedReply) as error:
        check_that_export_infers(error)
    return _frame(client, report, asked, given or {}, described)


async def scan_async(client: InsightsClient, report: str | int, **asked: Any) -> pl.LazyFrame:
    """Like `scan`."""
    given = given_types(client, report, asked)
    described = None
    try:
        if given is not None:
            described = await client.describe_async(report, workspace=asked["workspace"])
    except (Forbidden, NotFound, UnexpectedReply) as error:
        check_that_export_infers(error)
    return _frame(client, report, asked, given or {}, described)


def _frame(
    client: InsightsClient, report: str | int, asked: Asked, given: dict[str, str], described: Report | None
) -> pl.LazyFrame:
    from polars.io.plugins import register_io_source

    if described is None or described.pivoted:
        whole = _Whole(client, report, asked)
        return register_io_source(whole.read, schema=whole.schema)
    schema = pl.Schema({name: _dtype(kind) for name, kind in kinds(described, given).items()})
    source = _Source(client, report, asked, schema, filterable(described, given))
    # Older versions of polars have no room for a word of ours in `explain`.
    takes = inspect.signature(register_io_source).parameters
    shown = {"explain_name": "insightframe", "explain_detail": source.detail(described)}
    shown = {name: text for name, text in shown.items() if name in takes}
    return register_io_source(source.read, schema=schema, **shown)  # type: ignore[arg-type]


def _dtype(kind: str) -> pl.DataType:
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


@dataclass(frozen=True)
class _Source:
    """A report whose columns are known, and which of them the service can filter by."""

    client: InsightsClient
    report: str | int
    asked: Asked
    schema: pl.Schema
    columns: dict[str, ReportColumn]

    def read(
        self,
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        found = {} if predicate is None else bounds(predicate, self.schema)
        asked = narrowed(self.asked, self.columns, found)
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

    def open(self, asked: Asked) -> Stream:
        """The stream of what is left. A text that the label doesn't have is no error here: it only finds nothing."""
        added = {label: value for label, value in asked["where"].items() if label not in (self.asked["where"] or {})}
        _log.info(
            "report %s: %s%s",
            self.report,
            f"{asked['start']} to {asked['end']} of {asked['date'] or DATE}" if asked["start"] else "all days",
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


def _finished(frame: pl.DataFrame, with_columns: list[str] | None, predicate: pl.Expr | None) -> pl.DataFrame:
    """What polars leaves to its source: to filter, then to select."""
    if predicate is not None:
        frame = frame.filter(predicate)
    return frame if with_columns is None else frame.select(with_columns)


class _Whole:
    """A report whose columns are known only from its data: it is exported whole, once, and nothing is taken over."""

    def __init__(self, client: InsightsClient, report: str | int, asked: Asked) -> None:
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
