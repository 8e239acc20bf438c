"""Following a report day by day: the stream of ``spark.readStream``."""

import datetime
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import pyarrow as pa
from pyspark.sql.datasource import DataSourceStreamReader, InputPartition
from pyspark.sql.types import StructType

from insightframe.errors import ConfigError

from .options import Options
from .windows import Column, batches, plan

__all__ = ["NewestDays"]

_DAY = datetime.timedelta(days=1)

Offset: TypeAlias = dict[str, str]
"""How far a stream is: the last day that it has given, as ``{"through": "2023-12-31"}``."""


class NewestDays(DataSourceStreamReader):
    """Gives the days from ``start`` on, each of them once it is over, up to ``end`` where that is given.

    A day is over at midnight in the time zone ``tz`` (default UTC; `FlexInstancesClient.configuration` tells that of a
    workspace). The checkpoint keeps the last day that was given, so that a stream which is started again goes on with
    the next one.

    The service still corrects days that are over. A stream doesn't notice; with ``restate=3`` each batch that has new
    days begins with the three days before them once more, as they are by then. Such a batch replaces days: write it by
    ``foreachBatch`` to a sink that can do so (``replaceWhere`` of Delta Lake, ``MERGE``), not by appending.
    """

    def __init__(self, asked: Options, schema: StructType, columns: Mapping[str, Column] | None) -> None:
        if asked.asked["start"] is None:
            raise ConfigError("`start` is missing: a stream of `flex_insights` has a first day")
        self._asked = asked
        self._schema = schema
        self._columns = columns
        self._start: datetime.date = asked.asked["start"]

    def initialOffset(self) -> Offset:  # noqa: N802 - Spark's names, here and below
        """The day before the first."""
        return _through(self._start - _DAY)

    def latestOffset(self, start: Offset | None = None, limit: object = None) -> Offset:  # noqa: N802
        """The last day that is over. Spark tells since 4.2 how far it is; what was given isn't taken back."""
        newest = _today(self._asked.tz) - _DAY
        if self._asked.asked["end"] is not None:
            newest = min(newest, self._asked.asked["end"])
        return _through(max(newest, _day(start or self.initialOffset())))

    def partitions(self, start: Offset, end: Offset) -> list[InputPartition]:
        """The windows of the days behind `start`, and of those that are restated with them. Nothing is executed."""
        first, last = _day(start) + _DAY, _day(end)
        if first > last:
            return []
        first = max(first - self._asked.restate * _DAY, self._start)
        return plan(self._asked.report, {**self._asked.asked, "start": first, "end": last})

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """The rows of one window, as they arrive."""
        return batches(partition, self._schema, is_described=self._columns is not None)


def _through(day: datetime.date) -> Offset:
    return {"through": day.isoformat()}


def _day(offset: Offset) -> datetime.date:
    return datetime.date.fromisoformat(offset["through"])


def _today(zone: datetime.tzinfo) -> datetime.date:
    return datetime.datetime.now(zone).date()
