"""Flex Insights as a source of dlt: reports that are loaded a window of days at a time, and restated.

::

    import dlt
    from insightframe.dlt import flex_insights

    pipeline = dlt.pipeline("contact_centre", destination="duckdb", dataset_name="insights")
    pipeline.run(flex_insights({"calls": "3035643"}, start="2024-01-01", restate=3))

A run fetches the windows that no run before has loaded, several at a time, and the newest ``restate`` again, because
the service still corrects them. Each row says by ``window_start`` which window it came in, and a window that is loaded
again takes the place of the one before, also when nothing is left of it. Which windows are done is kept in dlt's own
state, so that a run that fails has done nothing.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ._core import ExportTask, InsightsClient
from ._frames import _optional, to_arrow
from .errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import dlt
    import pyarrow as pa
    from dlt.common.typing import TSecretStrValue
    from dlt.extract import DltResource
else:
    dlt = _optional("dlt")
    pa = _optional("pyarrow")
    # dlt reads the types of a source's arguments when it is defined: this one marks a secret.
    from dlt.common.typing import TSecretStrValue  # noqa: TC002

__all__ = ["flex_insights"]

# The column that says which window a row came in, as the folders of a dataset do, and the one by which dlt is told
# that a window has no rows any more. In the loaded table it is always null.
_WINDOW, _GONE = "window_start", "window_is_empty"


@dlt.source(name="flex_insights", max_table_nesting=0)
def flex_insights(
    reports: str | int | Sequence[str | int] | Mapping[str, str | int],
    *,
    start: datetime.date | str | None = None,
    end: datetime.date | str | None = None,
    every: Literal["1d", "1w", "1mo"] | None = "1d",
    restate: int = 0,
    date: str | None = None,
    where: Mapping[str, Any] | None = None,
    schema: str | Mapping[str, Any] | None = None,
    workspace: str | None = None,
    timeout: float | None = None,
    username: str | None = None,
    password: TSecretStrValue | None = None,
    base_url: str | None = None,
    client: InsightsClient | None = None,
) -> Iterable[DltResource]:
    """Reports as resources of dlt.

    With ``start`` a resource is incremental: its table is merged by windows (``delete-insert`` on ``window_start``).
    Without, all of the report is loaded each time, and replaces its table. Another ``write_disposition`` can be given
    to ``pipeline.run``, and ``refresh="drop_resources"`` begins anew.

    Args:
        reports: A report by id, identifier or uri; several of them; or a mapping of table name to report. Without a
            name the table of report 3035643 is ``report_3035643``.
        start: First day, included: a ``datetime.date`` or an ISO date. Default: the report without days.
        end: Last day, included. Default: yesterday, by the calendar of this machine.
        every: The length of a window: ``"1d"``, ``"1w"`` from Monday, ``"1mo"``, or ``None`` for one window.
        restate: How many of the newest windows are fetched although they are done. Default none.
        date: As in `InsightsClient.export`, like ``where``, ``schema``, ``workspace`` and ``timeout`` (of each window).
        where: Filters by label.
        schema: Types of the columns.
        workspace: Default: the client's.
        timeout: Seconds.
        username: Looked up by dlt under ``sources.flex_insights`` (``SOURCES__FLEX_INSIGHTS__USERNAME``, or a file
            ``secrets.toml``), like ``password`` and ``base_url``; else as `InsightsClient` does.
        password: Never shown, and kept in no state.
        base_url: Of the service.
        client: A client to be used instead of one that is made of these.

    Returns:
        A resource for each report. Windows are fetched by dlt's extract workers (``extract.workers``, 5 of them unless
        configured), and a failure of any of them fails the run.

    Raises:
        ConfigError: An argument can't be used, or a table was loaded before with other windows or filters.
    """
    if client is None:
        client = InsightsClient(username, password, workspace=workspace, base_url=base_url)
    asked: dict[str, Any] = {"date": date, "where": where, "schema": schema, "workspace": workspace, "timeout": timeout}
    if start is not None:
        end = datetime.date.today() - datetime.timedelta(days=1) if end is None else end
        asked |= {"start": start, "end": end, "every": every}
    elif end is not None or restate:
        raise ConfigError("`end` and `restate` mean nothing without `start`")
    for name, report in _named(reports).items():
        yield (
            _incremental(client, name, report, asked, restate)
            if "start" in asked
            else _whole(client, name, report, asked)
        )


def _named(reports: Any) -> dict[str, str | int]:
    if isinstance(reports, Mapping):
        return dict(reports)
    several = reports if isinstance(reports, Sequence) and not isinstance(reports, str) else [reports]
    return {f"report_{report}": report for report in several}


def _whole(client: InsightsClient, name: str, report: str | int, asked: dict[str, Any]) -> DltResource:
    def batches() -> Iterator[pa.RecordBatch]:
        with client.stream(report, **asked) as stream:
            yield from stream.to_arrow()

    return dlt.resource(batches, name=name, write_disposition="replace")


def _incremental(
    client: InsightsClient, name: str, report: str | int, asked: dict[str, Any], restate: int
) -> DltResource:
    tasks = client.plan(report, **asked)

    def windows() -> Iterator[Callable[[], pa.Table]]:
        state = dlt.current.resource_state()
        _check_that_windows_fit(name, state, tasks[0])
        done = state.setdefault("windows", {})
        settled = len(tasks) - restate
        for index, task in enumerate(tasks):
            first, last = str(task.start), str(task.end)
            if index < settled and done.get(first) == last:
                continue
            yield _fetch(client, task, is_known=first in done)
            # Where it, or any other, fails, dlt keeps nothing of this state.
            done[first] = last

    return dlt.resource(
        windows,
        name=name,
        write_disposition={"disposition": "merge", "strategy": "delete-insert"},
        merge_key=_WINDOW,
        columns={
            _WINDOW: {"data_type": "date", "nullable": False},
            _GONE: {"data_type": "bool", "nullable": True, "hard_delete": True},
        },
    )


def _check_that_windows_fit(name: str, state: dict[str, Any], task: ExportTask) -> None:
    """Windows of another length would lie beside those of before, with the same rows in them."""
    asked = {word: value for word, value in task.to_dict().items() if word not in ("start", "end", "timeout", "schema")}
    before = state.setdefault("asked", asked)
    other = [word for word in asked.keys() | before.keys() if asked.get(word) != before.get(word)]
    if other:
        word = min(other)
        raise ConfigError(
            f"`{name}` was loaded with `{word}` {before.get(word)!r}, not {asked.get(word)!r}\n"
            f'hint: `pipeline.run(…, refresh="drop_resources")` loads it anew; or give the other one a name of its own'
        )


@dlt.defer
def _fetch(client: InsightsClient, task: ExportTask, is_known: bool) -> pa.Table:
    """The rows of a window. Where a window that has been loaded is empty now, a row that deletes what was there."""
    table = to_arrow(task.run(client))
    if table.num_rows == 0 and is_known:
        table = table.schema.empty_table().from_pylist([{}], schema=table.schema)
        is_gone = True
    else:
        is_gone = None
    rows = table.num_rows
    starts = pa.repeat(pa.scalar(datetime.date.fromisoformat(str(task.start)), pa.date32()), rows)
    gone = pa.repeat(pa.scalar(is_gone, pa.bool_()), rows)
    return table.append_column(pa.field(_WINDOW, pa.date32(), nullable=False), starts).append_column(_GONE, gone)
