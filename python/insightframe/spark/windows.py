"""Reading windows: a plan of them on the driver, and one after another on the workers."""

import datetime
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql.datasource import DataSourceReader, InputPartition
from pyspark.sql.types import StructField, StructType

from insightframe import ExportTask, InsightsClient, Stream, Table
from insightframe._columns import DATES, NO_DAY, Asked, Bounds, Days, narrowed
from insightframe.errors import ConfigError, ResultChanged, SchemaMismatch

from .options import Options
from .session import SESSION

if TYPE_CHECKING:
    from pyspark.sql.datasource import Filter

__all__ = ["Column", "PushdownReader", "WindowReader", "batches", "plan"]

_log = logging.getLogger("insightframe.spark")


@dataclass(frozen=True)
class Column:
    """What must be known of a column to filter by it."""

    type: str
    source: str
    identifier: str | None


class WindowReader(DataSourceReader):
    """A partition for each window of days."""

    def __init__(self, asked: Options, schema: StructType, columns: Mapping[str, Column] | None) -> None:
        self._asked = asked
        self._schema = schema
        self._columns = columns
        self._found: Bounds = {}

    def partitions(self) -> list[InputPartition]:
        """The windows, in order. Nothing is executed for them."""
        asked = narrowed(self._asked.asked, self._columns or {}, self._found)
        return [] if asked is None else plan(self._asked.report, asked, check=self._columns is None)

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """The rows of one window, as they arrive."""
        return batches(partition, self._schema, is_described=self._columns is not None)


class PushdownReader(WindowReader):
    """Asks only for the days that a query's filter leaves."""

    def pushFilters(self, filters: list["Filter"]) -> list["Filter"]:  # noqa: N802 - Spark's name
        """Notes the days. Spark applies every filter once more, so that the answer is that of filtering all of it."""
        for one in filters:
            for name, days in _bound(one).items():
                known = self._found.get(name, Days())
                self._found[name] = days & known if isinstance(known, Days) else days
        return filters


def _bound(one: "Filter") -> dict[str, Days]:
    """The days that a column must be among for a filter of Spark to be true; nothing where it says something else."""
    sign = _SIGNS.get(type(one).__name__)
    if sign is None:
        return {}
    comparison: Any = one
    values = [day for day in comparison.value if day is not None] if sign == "in" else [comparison.value]
    if not all(type(day) is datetime.date for day in values):
        return {}
    days = NO_DAY
    for day in values:
        days |= Days.that_are(sign, day)
    return {comparison.attribute[-1]: days} if len(comparison.attribute) == 1 else {}


_SIGNS = {
    "EqualTo": "==",
    "EqualNullSafe": "==",
    "GreaterThan": ">",
    "GreaterThanOrEqual": ">=",
    "LessThan": "<",
    "LessThanOrEqual": "<=",
    "In": "in",
}
"""By the class of the filter, none of which older versions of Spark have."""


def plan(report: str, asked: Asked, *, check: bool = False) -> list[InputPartition]:
    """The windows of an export as partitions, a day each unless something else was asked for.

    Args:
        report: The report.
        asked: The arguments of the export.
        check: Whether to log in, so that a wrong password is found here and not by every worker.
    """
    bounded = asked["start"] is not None and DATES.first < asked["start"] and asked["end"] < DATES.last
    with InsightsClient(progress=False) as client:
        if check:
            client.login()
        tasks = client.plan(report, **{**asked, "every": (asked["every"] or "1d") if bounded else None})
    return [InputPartition(task) for task in tasks]


def batches(partition: InputPartition, schema: StructType, *, is_described: bool) -> Iterator[pa.RecordBatch]:
    """Exports the window of a partition; where no row can pass, Spark has a partition without one.

    Args:
        partition: What `plan` made.
        schema: The columns as Spark wants them.
        is_described: Whether they are those of the report's definition, or the caller's own.
    """
    task: ExportTask | None = partition.value
    if task is None:
        return
    with SESSION.client() as client, _stream(client, task) as stream:
        for piece in stream:
            if len(piece) > 0:
                if is_described:
                    _check_unchanged(task, piece, schema)
                yield from _fitted(task, piece, schema)
    for warning in stream.receipt.warnings if stream.receipt is not None else []:
        _log.warning("report %s, %s to %s: %s", task.report, task.start, task.end, warning)


def _check_unchanged(task: ExportTask, piece: Table, schema: StructType) -> None:
    """The types are from the definition when the frame was made; a report may be edited between."""
    came = {name: _SPARK.get(kind, kind) for name, kind in piece.schema.items()}
    known = {field.name: field.dataType.simpleString() for field in schema}
    if came != known:
        raise ResultChanged(
            f"the columns of report `{task.report}` are {came}, but were {known} when the frame was made\n"
            "hint: make it again"
        )


def _fitted(task: ExportTask, piece: Table, schema: StructType) -> list[pa.RecordBatch]:
    """The columns that Spark wants, in its types."""
    table = pa.table(piece)
    missing = [field.name for field in schema if field.name not in table.column_names]
    if missing:
        raise ConfigError(
            f"report `{task.report}` has no column {', '.join(f'`{name}`' for name in missing)}; it has "
            f"{', '.join(f'`{name}`' for name in table.column_names)}"
        )
    fields = [pa.field(field.name, _arrow(field), field.nullable) for field in schema]
    columns = []
    for field in fields:
        column = table.column(field.name)
        if pa.types.is_string_view(column.type) and not pa.types.is_string(field.type):
            column = column.cast(pa.string())
        try:
            columns.append(column.cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            days = f", {task.start} to {task.end}" if task.start is not None else ""
            mismatch = SchemaMismatch(
                f"report `{task.report}`{days}: column `{field.name}` doesn't fit `{field.type}`: {error}\n"
                "hint: name another type for it in `spark.read.schema(…)`; `string` takes every cell"
            )
            mismatch.column, mismatch.expected = field.name, str(field.type)
            raise mismatch from None
    batches: list[pa.RecordBatch] = pa.table(columns, schema=pa.schema(fields)).to_batches()
    return batches


def _arrow(field: StructField) -> pa.DataType:
    """The type in which Spark takes a column."""
    arrow = _ARROW.get(field.dataType.simpleString())
    if arrow is None:
        raise ConfigError(
            f"column `{field.name}` can't be read as `{field.dataType.simpleString()}`, but as one of "
            f"{', '.join(f'`{name}`' for name in _ARROW)}"
        )
    return arrow


# In the words of `Table.schema`.
_SPARK = {
    "utf8": "string",
    "int64": "bigint",
    "float64": "double",
    "bool": "boolean",
    "date32": "date",
    "timestamp[us]": "timestamp_ntz",
    "timestamp[us, UTC]": "timestamp",
}
_ARROW = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "float": pa.float32(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp_ntz": pa.timestamp("us"),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


def _stream(client: InsightsClient, task: ExportTask) -> Stream:
    """What `task.run` exports, but in bounded memory."""
    schema: Any = task.schema
    return client.stream(
        task.report,
        start=task.start,
        end=task.end,
        date=task.date,
        where=task.where,
        every=task.every,
        schema=schema,
        workspace=task.workspace,
        timeout=task.timeout,
    )
