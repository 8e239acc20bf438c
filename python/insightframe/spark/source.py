"""The data source: what a read asks for, its columns, and who reads."""

import sys
from collections.abc import Mapping

from pyspark.sql.datasource import DataSource, DataSourceReader
from pyspark.sql.types import (
    BooleanType,
    DataType,
    DateType,
    DoubleType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from insightframe import InsightsClient
from insightframe._columns import check_that_export_infers, filterable, given_types, kinds
from insightframe.errors import ConfigError, Forbidden, NotFound, UnexpectedReply

from .days import NewestDays
from .options import Options
from .windows import Column, PushdownReader, WindowReader

__all__ = ["FlexInsights"]

_TYPES: Mapping[str, DataType] = {
    "utf8": StringType(),
    "dictionary": StringType(),
    "int64": LongType(),
    "float64": DoubleType(),
    "bool": BooleanType(),
    "timestamp": TimestampNTZType(),
    "timestamp[UTC]": TimestampType(),
}
"""By the words of `schema`; all that begin with `date` are days."""


class FlexInsights(DataSource):
    """Reports of Flex Insights, a partition for each window of days: the format ``flex_insights``.

    Options, as text:

    - ``report``: object id, portable identifier or uri of the report. The only one that must be there.
    - ``start``, ``end``: first and last day as YYYY-MM-DD, both included. Without them the report's own filters alone
      hold, in one partition.
    - ``every``: length of a window: ``1d`` (the default), ``1w``, ``1mo``, on the boundaries of the calendar.
    - ``date``: identifier of the date label of the days. Default ``date.date.mmddyyyy``.
    - ``where``: further filters by label, as JSON: ``{"label.agents.team_name": ["Billing"]}``.
    - ``schema``: ``report`` (the default: types from the report's definition), ``text``, or types by column as JSON.
    - ``workspace``: default ``FLEX_INSIGHTS_WORKSPACE`` of the driver, or that of its profile.
    - ``timeout``: seconds that a window may take.
    - ``pushdown``: whether the days of a query's filter become those that are asked for, where
      ``spark.sql.python.filterPushdown.enabled`` is on. Default: where Spark keeps the queries of a frame apart. Up to
      4.3 it gives what one query pushed to the next one of the same frame, which then misses rows; with ``true`` load a
      frame for each query, and use it in no other way.
    - ``restate`` and ``tz``: of a stream; `NewestDays` tells them.

    The columns are those of the report's definition, read when the frame is made; nothing is computed before the frame
    is used, and each use computes anew: ``cache`` or write what is used twice. ``utf8`` becomes ``string``, ``int64``
    ``bigint``, ``float64`` ``double``, ``date32`` ``date``. A report whose columns depend on its data (a pivoted one, a
    definition that can't be read, ``infer``) needs ``spark.read.schema(…)``, which also picks columns and casts.

    Raises:
        ConfigError: Options can't be used. The message names each of them.
        InvalidCredentials: The driver's user name or password is wrong.
        NotFound: No such report or workspace.
        InsightframeError: Whatever else `InsightsClient.describe` raises, and, of a partition, `InsightsClient.stream`.

        Spark wraps all of them, and shows them in its own error.
    """

    @classmethod
    def name(cls) -> str:
        """The name of the format."""
        return "flex_insights"

    def __init__(self, options: Mapping[str, str]) -> None:
        # What can't be used is said before Spark keeps it: it pickles this object with all of its options.
        self._asked = Options.read(options)
        self._columns: dict[str, Column] | None = None
        super().__init__(options)

    def schema(self) -> StructType:
        """The columns of the report, from its definition."""
        asked = self._asked
        # A stream has no last day.
        whole = {**asked.asked, "end": asked.asked["end"] or asked.asked["start"], "every": None}
        with InsightsClient(progress=False) as client:
            given = given_types(client, asked.report, whole)
            try:
                if given is not None:
                    described = client.describe(asked.report, workspace=asked.asked["workspace"])
                    if not described.pivoted:
                        self._columns = {
                            name: Column(column.type, column.source, column.identifier)
                            for name, column in filterable(described, given).items()
                        }
                        return StructType(
                            [StructField(name, _type(kind)) for name, kind in kinds(described, given).items()]
                        )
            except (Forbidden, NotFound, UnexpectedReply) as error:
                check_that_export_infers(error)
        raise ConfigError(
            f"the columns of report `{asked.report}` depend on its data\n"
            "hint: name them: spark.read.schema('Queue string, Calls double').format('flex_insights')"
        )

    def reader(self, schema: StructType) -> WindowReader:
        """Reads the windows; filters become days in the planner that offers them."""
        if (self._asked.asked["start"] is None) != (self._asked.asked["end"] is None):
            raise ConfigError("`end` is missing where `start` is given: only a stream has no last day")
        wanted = _queries_are_kept_apart() if self._asked.pushdown is None else self._asked.pushdown
        reader = PushdownReader if wanted and _filters_are_pushed() else WindowReader
        return reader(self._asked, schema, self._columns)

    def streamReader(self, schema: StructType) -> NewestDays:  # noqa: N802 - Spark's name
        """Reads each day once it is over."""
        return NewestDays(self._asked, schema, self._columns)


def _type(kind: str) -> DataType:
    return DateType() if kind.startswith("date") else _TYPES[kind]


def _filters_are_pushed() -> bool:
    """Whether this process is the planner that pushes filters.

    A reader that takes filters over is refused where `spark.sql.python.filterPushdown.enabled` is off, and no setting
    can be read here. But Spark has a planner of its own for when it is on; where that one is renamed nothing is pushed.
    """
    planner = "pyspark.sql.worker.data_source_pushdown_filters"
    main = getattr(sys.modules.get("__main__"), "__spec__", None)
    return planner in sys.modules or getattr(main, "name", None) == planner


def _queries_are_kept_apart() -> bool:
    """Whether what one query pushes is gone with it.

    Up to 4.3 Spark keeps it with the frame that was loaded, for whoever reads that next; also within one query, as in
    the union of two filters of a frame. It was mended together with the limit that can be pushed (SPARK-58551).
    """
    return hasattr(DataSourceReader, "pushLimit")
