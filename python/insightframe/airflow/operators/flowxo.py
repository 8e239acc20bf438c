"""The counters of Flow XO into a file."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from insightframe.errors import InsightframeError

from ..hooks import FlowXoHook
from ..output import Format, Output, check_format, uri_of, write

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["FlowXoMetricsOperator"]


class FlowXoMetricsOperator(BaseOperator):
    """Writes the counters of each month, day or hour, as `FlowXoClient.metrics` gives them, to a file or an object.

    The target is absent or complete, and a further run replaces it. The request takes seconds, so that there is nothing
    to defer.

    The task returns a dict: ``uri``, ``start``, ``end``, ``unit``, ``rows`` and ``bytes`` (of the file). Its outlets
    get the same as the ``extra`` of their events.

    Args:
        start: First day, included, or an instant with its zone. Templated, like `end` and `output_path`.
        end: Last day, included, or an instant, which is not.
        output_path: Local path, url of an object store (its credentials are the worker's), or an `ObjectStoragePath`.
        unit: ``"month"``, ``"day"`` (default) or ``"hour"``.
        tz: Time zone of the days, such as ``"Europe/Zurich"``. Default UTC.
        fill: Whether buckets in which nothing happened become rows. Default no.
        format: ``"parquet"`` (default), ``"csv"`` or ``"ipc"``.
        flow_xo_conn_id: Name of the connection. Default ``flow_xo_default``.

    Raises:
        ConfigError: `format` is none, when the DAG is parsed.
        AirflowFailException: The service refuses for good, a wrong key for instance; it isn't tried again.
        InsightframeError: Everything else that `FlowXoClient.metrics` raises; it is tried again.
    """

    template_fields: Sequence[str] = ("start", "end", "output_path", "flow_xo_conn_id")
    ui_color = "#dff3f0"

    def __init__(
        self,
        *,
        output_path: Output,
        start: date | datetime | str,
        end: date | datetime | str,
        unit: Literal["month", "day", "hour"] = "day",
        tz: str | None = None,
        fill: bool = False,
        format: Format = "parquet",  # noqa: A002
        flow_xo_conn_id: str = FlowXoHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_format(format)
        self.output_path = output_path
        self.start = start
        self.end = end
        self.unit = unit
        self.tz = tz
        self.fill = fill
        self.format = format
        self.flow_xo_conn_id = flow_xo_conn_id

    def execute(self, context: "Context") -> dict[str, Any]:
        """Asks for the counters and writes them."""
        try:
            client = FlowXoHook(self.flow_xo_conn_id).get_conn()
            table = client.metrics(self.start, self.end, self.unit, tz=self.tz, fill=self.fill)
        except InsightframeError as error:
            if error.retryable:
                raise
            raise AirflowFailException(f"{type(error).__name__}: {error}") from error
        size = write(table, self.output_path, self.format)
        result = {
            "uri": uri_of(self.output_path),
            "start": str(self.start),
            "end": str(self.end),
            "unit": self.unit,
            "rows": table.num_rows,
            "bytes": size,
        }
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = result
        self.log.info("wrote %s rows, %s bytes, to %s", table.num_rows, size, result["uri"])
        return result
