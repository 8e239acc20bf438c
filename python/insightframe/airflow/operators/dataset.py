"""One report into a dataset that grows day by day."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from insightframe.errors import InsightframeError

from ..hooks import InsightsHook

if TYPE_CHECKING:
    from airflow.sdk import Context

    from insightframe import InsightsClient

__all__ = ["InsightsDatasetOperator"]


class InsightsDatasetOperator(BaseOperator):
    """Brings a dataset of a report up to date, a file for each window of days, as `InsightsClient.export_dataset` does.

    Windows that are done are skipped, the newest `restate` days are fetched again and replaced. What a worker that died
    had finished is in the dataset's own manifest, so that the next try goes on from there.

    One run at a time writes to a dataset: give the DAG ``max_active_runs=1`` or the task a pool of one slot.

    The task returns a dict: ``uri``, ``report``, ``workspace``, ``start``, ``end``, ``rows`` (of the windows that were
    fetched), ``windows`` (how many these were), ``skipped`` and ``schema_fingerprint``. Its outlets get the same.

    Args:
        report: Object id, portable identifier or uri of the report. Templated, like all arguments down to `root`.
        start: First day, included.
        end: Last day, included.
        where: Further filters by label, as in `InsightsClient.export`.
        workspace: Workspace in the place of the connection's.
        root: Folder or url of the dataset; the credentials of an object store are the worker's.
        every: Length of a window: ``"1d"`` (default), ``"1w"``, ``"1mo"``.
        restate: How many of the newest windows are fetched again. Default none.
        options: Further arguments of `InsightsClient.export_dataset`, such as ``format``.
        insights_conn_id: Name of the connection. Default ``flex_insights_default``.

    Raises:
        AirflowFailException: The service refuses for good; it isn't tried again.
        InsightframeError: Everything else that `export_dataset` raises; it is tried again.
    """

    template_fields: Sequence[str] = ("report", "start", "end", "where", "workspace", "root", "insights_conn_id")
    template_fields_renderers = {"where": "json"}  # noqa: RUF012 - as Airflow declares it
    ui_color = "#f9e2e4"

    def __init__(
        self,
        *,
        report: str | int,
        root: str,
        start: date | str,
        end: date | str,
        where: Mapping[str, Any] | None = None,
        workspace: str | None = None,
        every: Literal["1d", "1w", "1mo"] = "1d",
        restate: int | None = None,
        options: Mapping[str, Any] | None = None,
        insights_conn_id: str = InsightsHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.report = report
        self.root = root
        self.start = start
        self.end = end
        self.where = where
        self.workspace = workspace
        self.every = every
        self.restate = restate
        self.options = options
        self.insights_conn_id = insights_conn_id
        self._client: InsightsClient | None = None

    def execute(self, context: "Context") -> dict[str, Any]:
        """Fetches what is missing."""
        asked = {"where": self.where, "workspace": self.workspace, "restate": self.restate, **(self.options or {})}
        asked = {name: value for name, value in asked.items() if value not in (None, "")}
        try:
            with InsightsHook(self.insights_conn_id, workspace=self.workspace).get_conn() as client:
                self._client = client
                receipt = client.export_dataset(
                    self.report, self.root, start=self.start, end=self.end, every=self.every, **asked
                )
        except InsightframeError as error:
            if error.retryable:
                raise
            raise AirflowFailException(f"{type(error).__name__}: {error}") from error
        finally:
            self._client = None
        for warning in receipt.warnings:
            self.log.warning(warning)
        result = {
            "uri": self.root,
            "report": receipt.report,
            "workspace": receipt.workspace,
            "start": str(self.start),
            "end": str(self.end),
            "rows": receipt.rows,
            "windows": len(receipt.windows),
            "skipped": len(receipt.skipped),
            "schema_fingerprint": receipt.schema_fingerprint,
        }
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = result
        self.log.info("fetched %s windows, skipped %s", result["windows"], result["skipped"])
        return result

    def on_kill(self) -> None:
        """Logs out. What is finished is in the manifest."""
        if self._client is not None:
            self._client.close()
