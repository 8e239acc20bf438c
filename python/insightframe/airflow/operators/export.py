"""One report into one file."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from insightframe import ExportTask, InsightsClient, errors
from insightframe.errors import ApiError, ConfigError, DeadlineExceeded, ExportError, InsightframeError

from ..hooks import InsightsHook
from ..output import Format, Output, check_format, uri_of, write
from ..triggers import InsightsResultTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

    from insightframe.progress import Event

__all__ = ["InsightsExportOperator"]

_KEPT = "insightframe_execution"
"""Where the handle of the execution stands in the task's state. Renaming it loses what is under way."""

_ASKED = ("report", "start", "end", "date", "where", "every", "workspace")


class InsightsExportOperator(BaseOperator):
    """Exports a report of Flex Insights to a file or an object.

    The target is absent or complete, and a further run of the same task instance replaces it.

    As soon as the service has accepted the report, the handle of the execution is kept in the task's state. A try that
    comes after a worker died, was killed, or ran out of time, goes on with that execution rather than computing the
    report again, as long as it asks for the same. Only a worker that dies between the service's answer and keeping
    the handle, some milliseconds, costs a second execution.

    With ``deferrable`` the worker is given up while the service computes. The trigger waits for the same execution;
    what it needs is the handle and the name of the connection.

    The task returns a dict: ``uri``, ``report``, ``workspace``, ``start`` and ``end`` (ISO days, or None), ``rows``,
    ``bytes`` (of the file), ``schema_fingerprint`` and ``warnings``. Its outlets, if there are any, get the same as
    the ``extra`` of their events.

    Args:
        report: Object id, portable identifier or uri of the report. Templated, as all down to `output_path`.
        start: First day, included: ISO text or a date. ``{{ macros.ds_add(ds, -1) }}`` is the day before that of a
            run with a cron schedule.
        end: Last day, included.
        where: Further filters by label, as in `InsightsClient.export`.
        date: Identifier of the date label. Default ``date.date.mmddyyyy``.
        workspace: Workspace in the place of the connection's.
        window: In the place of all these, what ``ExportTask.to_dict`` of a plan gives: for ``.expand(window=…)``.
        output_path: Local path, url of an object store (its credentials are the worker's), or an `ObjectStoragePath`
            (with an Airflow connection). ``{start}`` and ``{end}`` in a text stand for the days. Folders are made.
        format: ``"parquet"`` (default), ``"csv"`` or ``"ipc"``.
        every: Length of the windows that the service computes side by side: ``"1d"``, ``"1w"``, ``"1mo"``. Default one.
        schema: Types of the columns, as in `InsightsClient.export`.
        export_timeout: How long the service may take. Default: an hour.
        insights_conn_id: Name of the connection. Default ``flex_insights_default``.
        deferrable: Whether to wait in the triggerer. Default: ``[operators] default_deferrable``.

    Raises:
        ConfigError: An argument can't be used; for what isn't templated, when the DAG is parsed.
        AirflowFailException: The service refuses for good: wrong credentials, no such report. It isn't tried again.
        InsightframeError: Everything else that `InsightsClient.export` raises; it is tried again.
    """

    template_fields: Sequence[str] = (*_ASKED[:5], "workspace", "window", "output_path", "insights_conn_id")
    template_fields_renderers = {"where": "json", "window": "json"}  # noqa: RUF012 - as Airflow declares it
    ui_color = "#f9e2e4"

    def __init__(
        self,
        *,
        output_path: Output,
        report: str | int | None = None,
        start: date | str | None = None,
        end: date | str | None = None,
        where: Mapping[str, Any] | None = None,
        date: str | None = None,
        workspace: str | None = None,
        window: Mapping[str, Any] | str | None = None,
        format: Format = "parquet",  # noqa: A002
        every: str | None = None,
        schema: Any = None,
        export_timeout: timedelta = timedelta(hours=1),
        insights_conn_id: str = InsightsHook.default_conn_name,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_format(format)
        if (report is None) == (window is None):
            raise ConfigError("`InsightsExportOperator` takes either `report` or `window`")
        self.report = report
        self.start = start
        self.end = end
        self.where = where
        self.date = date
        self.workspace = workspace
        self.window = window
        self.output_path = output_path
        self.format = format
        self.every = every
        self.schema = schema
        self.export_timeout = export_timeout
        self.insights_conn_id = insights_conn_id
        self.deferrable = deferrable
        self._client: InsightsClient | None = None

    def execute(self, context: "Context") -> dict[str, Any]:
        """Executes the report, or takes up what an earlier try left; then defers, or fetches."""
        kept = _Kept(context, self._asked())
        with self._connected(kept) as client:
            handle = kept.handle()
            if handle is None:
                handle = client.submit(**self._asked(), timeout=self._seconds(), progress=self._phases())
                kept.keep(handle)
                self.log.info("the service has accepted the report")
            else:
                self.log.info("going on with the execution of an earlier try")
            if not self.deferrable:
                return self._fetched(client, handle, kept, context)
        deadline = time.time() + self._seconds()
        trigger = InsightsResultTrigger(handle, self.insights_conn_id, deadline)
        raise TaskDeferred(trigger=trigger, method_name="execute_complete")

    def execute_complete(self, context: "Context", event: dict[str, Any]) -> dict[str, Any]:
        """Fetches what the trigger has waited for."""
        handle = event["handle"]
        kept = _Kept(context, self._asked())
        match event["state"]:
            case "expired":
                seconds = self._seconds()
                raise DeadlineExceeded(
                    f"the service has computed for longer than the {seconds:g} s of `export_timeout`",
                    phase="polling",
                    allowed=seconds,
                    handle=handle,
                )
            case "failed":
                kind = getattr(errors, event["error"])
                if issubclass(kind, (ApiError, ExportError)):
                    kept.forget()
                if event["retryable"]:
                    raise kind(event["message"])
                raise AirflowFailException(f"{event['error']}: {event['message']}")
        with self._connected(kept) as client:
            return self._fetched(client, handle, kept, context)

    def on_kill(self) -> None:
        """Logs out. The service can't be told to stop computing; a later try finds the execution again."""
        if self._client is not None:
            self._client.close()

    def _fetched(self, client: InsightsClient, handle: str, kept: "_Kept", context: "Context") -> dict[str, Any]:
        stream = client.resume_stream(handle, schema=self._schema(), timeout=self._seconds(), progress=self._phases())
        output = self._output()
        with stream:
            size = write(stream, output, self.format)
        receipt = stream.receipt
        assert receipt is not None, "the stream was read to its end"
        for warning in receipt.warnings:
            self.log.warning(warning)
        asked = self._asked()
        result = {
            "uri": uri_of(output),
            "report": receipt.report,
            "workspace": receipt.workspace,
            "start": _iso(asked.get("start")),
            "end": _iso(asked.get("end")),
            "rows": receipt.rows,
            "bytes": size,
            "schema_fingerprint": receipt.schema_fingerprint,
            "warnings": receipt.warnings,
        }
        kept.forget()
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra = result
        self.log.info("wrote %s rows, %s bytes, to %s", receipt.rows, size, result["uri"])
        return result

    @contextmanager
    def _connected(self, kept: "_Kept") -> Iterator[InsightsClient]:
        """A client, known to `on_kill`; what the service refuses for good fails the task without a further try."""
        try:
            with InsightsHook(self.insights_conn_id, workspace=self.workspace).get_conn() as client:
                self._client = client
                yield client
        except InsightframeError as error:
            if isinstance(error, (ApiError, ExportError)):
                # The service itself has spoilt this execution; a further try gets a new one.
                kept.forget()
            if error.retryable or isinstance(error, DeadlineExceeded):
                raise
            raise AirflowFailException(f"{type(error).__name__}: {error}") from error
        finally:
            self._client = None

    def _asked(self) -> dict[str, Any]:
        """The arguments of the export, those of `window` if it is given; what isn't given is left out."""
        source: Any = self if self.window is None else _task(self.window)
        asked = {name: getattr(source, name) for name in _ASKED}
        if source is not self:
            asked["workspace"] = self.workspace or asked["workspace"]
        return {name: value for name, value in asked.items() if value not in (None, "", {})}

    def _schema(self) -> Any:
        return self.schema if self.window is None or self.schema is not None else _task(self.window).schema

    def _output(self) -> Output:
        if not isinstance(self.output_path, str):
            return self.output_path
        asked = self._asked()
        days = {"{start}": _iso(asked.get("start")), "{end}": _iso(asked.get("end"))}
        output = self.output_path
        for placeholder, day in days.items():
            if placeholder in output and day is None:
                raise ConfigError(f"`output_path` names `{placeholder}`, but there are no days: {output}")
            output = output.replace(placeholder, day or "")
        return output

    def _seconds(self) -> float:
        return self.export_timeout.total_seconds()

    def _phases(self) -> Callable[["Event"], None]:
        """Tells the log of each phase as it begins."""
        last = None

        def told(event: "Event") -> None:
            nonlocal last
            if event.phase != last:
                last = event.phase
                self.log.info("%s (%.1f s)", event.phase, event.elapsed)

        return told


class _Kept:
    """The handle in the state of a task instance, beside what was asked: who asks for something else doesn't get it."""

    def __init__(self, context: "Context", asked: dict[str, Any]) -> None:
        self._store = context.get("task_state_store")
        text = json.dumps(asked, sort_keys=True, default=repr)
        self._asked = hashlib.sha256(text.encode()).hexdigest()[:16]

    def handle(self) -> str | None:
        kept = self._store.get(_KEPT) if self._store is not None else None
        return kept["handle"] if isinstance(kept, dict) and kept.get("asked") == self._asked else None

    def keep(self, handle: str) -> None:
        if self._store is not None:
            # The service forgets results after hours; a handle that is older is computed again by whoever uses it.
            self._store.set(_KEPT, {"asked": self._asked, "handle": handle}, retention=timedelta(days=1))

    def forget(self) -> None:
        """What has been written is asked for anew by whoever clears the task."""
        if self._store is not None:
            self._store.delete(_KEPT)


def _task(window: Mapping[str, Any] | str) -> ExportTask:
    return ExportTask.from_json(window if isinstance(window, str) else json.dumps(dict(window)))


def _iso(day: Any) -> str | None:
    return None if day is None else str(day)
