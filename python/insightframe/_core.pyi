# Written by hand; mypy's stubtest proves it against the built module. Every network method `x` has a twin `x_async`.
import os
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import date, datetime, timezone
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self, TypeAlias, final
from zoneinfo import ZoneInfo

import pandas
import polars
import pyarrow

from .config import Limits, Polling, Retry, Tls
from .filters import Last
from .progress import Event

__all__ = [
    "Configuration",
    "ExportTask",
    "FlexInstancesClient",
    "FlowXoClient",
    "InsightsClient",
    "InsightsWorkspace",
    "Instance",
    "LedgerEntry",
    "Receipt",
    "Report",
    "ReportColumn",
    "Sandbox",
    "Stream",
    "Table",
    "__version__",
    "decode_csv",
    "run_command",
    "stream_csv",
]

_Path: TypeAlias = str | os.PathLike[str]
_Date: TypeAlias = date
_Day: TypeAlias = date | str
_Time: TypeAlias = date | datetime | str
_Unit: TypeAlias = Literal["month", "day", "hour"]
_Types: TypeAlias = Mapping[str, Any]
_Where: TypeAlias = Mapping[str, Iterable[str] | Last | Mapping[str, Any]]
_Every: TypeAlias = Literal["1d", "1w", "1mo"]
_Schema: TypeAlias = Literal["report", "infer", "text"] | _Types
_Progress: TypeAlias = Literal["auto"] | bool | Callable[[Event], object]

__version__: str
"""Version of the package."""

@final
class InsightsClient:
    """A session with Flex Insights: logs in when it has to, keeps its tokens fresh, and logs out when it is closed.

    One client may be used by any number of threads and tasks at once; they share one session, and so does a copy. A
    forked child logs in by itself. The synchronous methods also work inside a running event loop, as in a notebook.
    Where the password came from the environment or a profile, a client can be pickled, and the password stays behind:
    the other side looks it up again.

    ```python
    with InsightsClient() as client:
        frame = client.export("3035643", start="2023-12-01", end="2023-12-30").to_polars()
    ```

    Args:
        username: Login of the Analytics Portal. Default: the environment's `FLEX_INSIGHTS_USERNAME`.
        password: Its password. Default: `FLEX_INSIGHTS_PASSWORD`.
        workspace: Workspace that is used when a call doesn't name another: 32 lower-case letters and digits, as in
            the portal's address after `workspaces/` or `projects/`. Default: `FLEX_INSIGHTS_WORKSPACE`.
        base_url: Address of the service. Default: `FLEX_INSIGHTS_BASE_URL`, else `https://analytics.ytica.com`.
            Plain `http` is refused except on the loopback interface.
        auth: How tokens travel: `"header"` (verify level 2 of the service; the default, since no cookie can leak or
            be lost on the way) or `"cookie"` (verify level 0).
        retry: How requests are repeated. Default `Retry()`.
        polling: How results are waited for. Default `Polling()`.
        limits: What an answer may cost. Default `Limits()`.
        tls: Whom to trust besides the operating system's authorities. Default `Tls()`.
        proxy: Address of a proxy, `http://`, `https://` or `socks5://`. Default: the environment's `HTTPS_PROXY`,
            `HTTP_PROXY` and `NO_PROXY`.
        max_concurrency: Exports that run at once; further ones wait. Default 4.
        progress: Who is told what exports are doing, where a call doesn't say it: `"auto"`, the default, draws a bar on
            a terminal and in a notebook where tqdm is installed, and removes it at the end; `True` draws one anywhere
            and leaves it, or logs a line for each phase without tqdm; `False` does nothing; a callable gets an
            `insightframe.progress.Event` at each new phase and at most ten times a second within one, and what it
            raises is logged. `insightframe.progress.on_progress` listens to all exports of the process.

    Raises:
        ConfigError: A value can't be used, or one is missing; the message names the variables that were looked at.
    """

    def __new__(
        cls,
        username: str | None = None,
        password: str | None = None,
        *,
        workspace: str | None = None,
        base_url: str | None = None,
        auth: Literal["header", "cookie"] = "header",
        retry: Retry | None = None,
        polling: Polling | None = None,
        limits: Limits | None = None,
        tls: Tls | None = None,
        proxy: str | None = None,
        max_concurrency: int = 4,
        progress: _Progress | None = None,
        _clock: object | None = None,
    ) -> Self: ...
    @property
    def username(self) -> str:
        """The login that is used."""

    @property
    def workspace(self) -> str | None:
        """The workspace that is used when a call doesn't name another."""

    @property
    def base_url(self) -> str:
        """The address of the service."""

    @property
    def profile_id(self) -> str | None:
        """Id of the user's profile, 32 hexadecimal digits; `None` before the first login."""

    def login(self) -> None:
        """Logs in now rather than with the first request; does nothing when logged in.

        Raises:
            InvalidCredentials: Wrong user name or password; they are not sent again.
            LoginThrottled: Too many failed logins; `retry_after` says how long to wait.
        """

    async def login_async(self) -> None:
        """Like `login`."""

    def logout(self) -> None:
        """Logs out: the service forgets both tokens. The next request logs in again; does nothing when logged out."""

    async def logout_async(self) -> None:
        """Like `logout`."""

    def close(self) -> None:
        """Logs out, for at most two seconds and whatever comes of it, and lets all connections go.

        A closed client raises `ConfigError` when it is used. Leaving a `with` block closes.
        """

    async def close_async(self) -> None:
        """Like `close`."""

    def identifiers(self, identifiers: Iterable[str], *, workspace: str | None = None) -> dict[str, str]:
        """The uris of objects in a workspace, by their portable identifiers.

        Args:
            identifiers: Identifiers such as `date.date.mmddyyyy` or `aaosExgHgF8r`.
            workspace: Default: the client's.

        Returns:
            Identifier to uri (`/gdc/md/<workspace>/obj/<number>`), in the order asked for.

        Raises:
            NotFound: The workspace doesn't know some of them; the message names every one.
        """

    async def identifiers_async(self, identifiers: Iterable[str], *, workspace: str | None = None) -> dict[str, str]:
        """Like `identifiers`."""

    def uris(self, uris: Iterable[str], *, workspace: str | None = None) -> dict[str, str]:
        """The portable identifiers of objects in a workspace, by their uris.

        Args:
            uris: Uris such as `/gdc/md/<workspace>/obj/750`.
            workspace: Default: the client's.

        Returns:
            Uri to identifier, in the order asked for.

        Raises:
            NotFound: The workspace doesn't know some of them; the message names every one.
        """

    async def uris_async(self, uris: Iterable[str], *, workspace: str | None = None) -> dict[str, str]:
        """Like `uris`."""

    def workspaces(self, *, refresh: bool = False) -> Table:
        """The workspaces that the user may see, all of them.

        Columns: `id`, `title`, `state`, `created` and `updated` (`timestamp[us, UTC]`), `summary`, `environment`,
        `public` (bool), `author`, `contributor`, `uri`; those without a type are `utf8`. What an older service doesn't
        say is null.

        The service writes times without a zone and says nowhere in which one. They are taken for UTC, as GoodData's own
        Java client does; that is not established.

        Args:
            refresh: Whether to ask the service even if it was asked within the last 10 minutes; without it, a list is
                given again for so long.

        Raises:
            UnexpectedReply: The pages don't add up to what the service says.
            AuthError: The service doesn't let the user in.
            TransportError: A request got no complete answer.
        """

    async def workspaces_async(self, *, refresh: bool = False) -> Table:
        """Like `workspaces`."""

    def reports(self, *, workspace: str | None = None, refresh: bool = False) -> Table:
        """The reports of a workspace: what can be exported.

        Columns: `id` (the object's number in this workspace, as text), `identifier` (its portable name), `title`,
        `summary`, `tags` (separated by blanks), `created` and `updated` (`timestamp[us, UTC]`, with the reservation
        that `workspaces` makes), `author` and `contributor` (uris), `deprecated`, `locked` and `unlisted` (bool),
        `uri`; those without a type are `utf8`. What an older service doesn't say is null.

        Args:
            workspace: Default: the client's.
            refresh: Whether to ask the service even if it was asked within the last 10 minutes; without it, a list is
                given again for so long.

        Raises:
            ConfigError: No workspace is named; nothing was sent.
            NotFound: No such workspace.
            Forbidden: The workspace isn't the user's.
            LimitExceeded: The list is larger than `Limits.json_bytes`.
            AuthError: The service doesn't let the user in.
            TransportError: A request got no complete answer.
        """

    async def reports_async(self, *, workspace: str | None = None, refresh: bool = False) -> Table:
        """Like `reports`."""

    def metrics(self, *, workspace: str | None = None, refresh: bool = False) -> Table:
        """The metrics of a workspace: what reports compute. Like `reports`."""

    async def metrics_async(self, *, workspace: str | None = None, refresh: bool = False) -> Table:
        """Like `metrics`."""

    def attributes(self, *, workspace: str | None = None, refresh: bool = False) -> Table:
        """The attributes of a workspace: what reports group by. Like `reports`."""

    async def attributes_async(self, *, workspace: str | None = None, refresh: bool = False) -> Table:
        """Like `attributes`."""

    def labels(self, *, workspace: str | None = None, refresh: bool = False) -> Table:
        """The labels of a workspace: the forms in which attributes are shown. Filters name them.

        Like `reports`, but with five more columns, and without `unlisted`: `type` (such as `GDC.time.day_us` for days
        as mm/dd/yyyy; null for what is no day), `default` (bool: whether it is the one that is shown when nobody
        chooses), and of the attribute `attribute` (its title), `attribute_id` and `attribute_identifier`.

        They are read from the attributes, fifty of them with each request.
        """

    async def labels_async(self, *, workspace: str | None = None, refresh: bool = False) -> Table:
        """Like `labels`."""

    def facts(self, *, workspace: str | None = None, refresh: bool = False) -> Table:
        """The facts of a workspace: the numbers that metrics are computed from. Like `reports`."""

    async def facts_async(self, *, workspace: str | None = None, refresh: bool = False) -> Table:
        """Like `facts`."""

    def datasets(self, *, workspace: str | None = None, refresh: bool = False) -> Table:
        """The data sets of a workspace: what the service loads data into. Like `reports`."""

    async def datasets_async(self, *, workspace: str | None = None, refresh: bool = False) -> Table:
        """Like `datasets`."""

    def elements(
        self, label: str | int, contains: str | None = None, limit: int | None = None, *, workspace: str | None = None
    ) -> Table:
        """The values of a label, in the order of the service.

        Columns: `title` (the text in reports) and `uri` (what a list filter names), both `utf8`. Titles needn't be
        unique. The values change whenever the service loads data, so that they are asked for each time, 500 with each
        request.

        Args:
            label: Portable identifier (`"label.conversations.queue"`), object id or uri of the label; `labels` lists
                them.
            contains: Text to search the titles for; the service searches, and ignores case. Default: all.
            limit: Values at most, 1 or more. Default: all.
            workspace: Default: the client's.

        Raises:
            ConfigError: An argument can't be used; nothing was sent.
            NotFound: No such label.
            UnexpectedReply: The object is no label, or the pages don't add up to what the service says.
            AuthError: The service doesn't let the user in.
            TransportError: A request got no complete answer.
        """

    async def elements_async(
        self, label: str | int, contains: str | None = None, limit: int | None = None, *, workspace: str | None = None
    ) -> Table:
        """Like `elements`."""

    def describe(self, report: str | int, *, workspace: str | None = None, refresh: bool = False) -> Report:
        """A report and its columns: what an export with `schema="report"` will look like.

        Takes four requests, the first time; the description is then kept for 10 minutes, and exports use the same one.
        A report that is edited meanwhile is noticed by the header of its next export, and described again.

        Args:
            report: Object id, portable identifier or uri of the report.
            workspace: Default: the client's.
            refresh: Whether to ask the service even if a description is kept.

        Raises:
            ConfigError: An argument can't be used; nothing was sent.
            NotFound: No such report, or the service doesn't show an object that its definition names.
            Forbidden: The definition may not be read.
            UnexpectedReply: The object is no report, or its definition is of a shape that isn't known.
            AuthError: The service doesn't let the user in.
            TransportError: A request got no complete answer.
        """

    async def describe_async(self, report: str | int, *, workspace: str | None = None, refresh: bool = False) -> Report:
        """Like `describe`."""

    def delete_profile(self, confirm: str) -> None:
        """Deletes the profile of the user who is logged in, **for good**: it is removed from all workspaces.

        The session ends with it, and this client never logs in again.

        Args:
            confirm: `profile_id`, to show that this very profile is meant.

        Raises:
            ConfigError: Nobody is logged in, or `confirm` is another id; nothing was sent.
            Forbidden: The user may not do this.
            AmbiguousOutcome: The answer got lost, so that it isn't known whether the profile was deleted.
            AuthError: The service doesn't let the user in.
            TransportError: The request was not sent.
        """

    async def delete_profile_async(self, confirm: str) -> None:
        """Like `delete_profile`."""

    def export(
        self,
        report: str | int,
        *,
        start: _Day | None = None,
        end: _Day | None = None,
        date: str | None = "date.date.mmddyyyy",
        where: _Where | None = None,
        every: _Every | None = None,
        schema: _Schema | None = "report",
        workspace: str | None = None,
        timeout: float | None = None,
        progress: _Progress | None = None,
    ) -> Table:
        """Exports a report, all of it, into memory.

        Args:
            report: Object id (`3035643` or `"3035643"`), portable identifier (`"aaosExgHgF8r"`) or uri of the report.
            start: First day, included: a `datetime.date` or an ISO date.
            end: Last day, included. Both or neither must be given; with neither, the report's own filters alone hold.
            date: Identifier of the date label that `start` and `end` are compared with. Default `date.date.mmddyyyy`.
                Any other label of a date will do.
            where: What else rows must be, by label; all of it must hold, beside the report's own filters. A key is the
                identifier of a label (`label.agents.team_name`), or its uri. A value is a list of the titles that may
                be there, at most 200 as the service has it (a title that the label doesn't have is an error); or a
                `Last`, such as `Last(days=7)`, on a label of a date; or a dict that the service gets as the constraint
                just as it is, such as `{"type": "floating", "from": -7, "to": -1}`.
            every: Cuts the days from `start` to `end` into windows on the boundaries of the calendar, which are
                executed side by side (as many as `max_concurrency`) and come back in order, as one result with one
                schema: `"1d"` a day each, `"1w"` weeks from Monday, `"1mo"` calendar months. A window that is too large
                for the service is halved, down to a day; each is retried by itself. For reports whose rows belong to a
                day, as those do that show the date, the result is that of a single export; others give rows for every
                window, and the receipt warns of it. Default: one window.
            schema: Types of the columns. `"report"`, the default, takes them from the report's own definition: date
                labels become `date32`, plain counts `int64`, other metrics `float64`, all else stays `utf8`; where the
                definition can't be read it infers, and the receipt says so. `"infer"` looks at all of the data: whole
                numbers become `int64`, decimals `float64`, all else stays `utf8`, and no text is ever lost: `007`,
                `+4420…` and numbers that are too long stay text. `"text"` leaves everything text. A mapping of column
                to type says so for the columns that it names, the others follow the default; the types are `utf8`,
                `dictionary`, `int64`, `float64`, `bool`, `timestamp`, `timestamp[UTC]`, `date` as the report writes
                days (ISO where it doesn't say it), and `date[…]` with the way they are written: `mm/dd/yyyy`,
                `yyyy-mm-dd`, `m/d/yy`, `Mon, Jan 1, 2010`, `dd/mm/yyyy`, `dd-mm-yyyy`; types of Python, polars and
                pyarrow are understood too.
            workspace: Default: the client's.
            timeout: Seconds the export may take, all windows together. Default: `Polling.timeout`.
            progress: Default: the client's.

        Returns:
            A table; with the service's empty answer, one of no rows.

        Raises:
            ConfigError: An argument can't be used; nothing was executed.
            NotFound: No such report, label, element or workspace.
            DeadlineExceeded: The time ran out; `resume` goes on from its `handle`.
            KeyboardInterrupt: Ctrl-C. Once the service has accepted something it has an attribute `handle` too.
            ResultTooLarge: The result, or that of the single day that the message names, is too large for the service.
            ExportError: The result can't be had whole.
            CsvError: The result is damaged.
            SchemaMismatch: A cell doesn't fit the type that `schema` gives its column.
            AuthError: The service doesn't let the user in.
            TransportError: A request got no complete answer.
        """

    async def export_async(
        self,
        report: str | int,
        *,
        start: _Day | None = None,
        end: _Day | None = None,
        date: str | None = "date.date.mmddyyyy",
        where: _Where | None = None,
        every: _Every | None = None,
        schema: _Schema | None = "report",
        workspace: str | None = None,
        timeout: float | None = None,
        progress: _Progress | None = None,
    ) -> Table:
        """Like `export`. Cancelling the task lets the connection go at once."""

    def stream(
        self,
        report: str | int,
        *,
        start: _Day | None = None,
        end: _Day | None = None,
        date: str | None = "date.date.mmddyyyy",
        where: _Where | None = None,
        every: _Every | None = None,
        schema: _Schema | None = "report",
        workspace: str | None = None,
        timeout: float | None = None,
        progress: _Progress | None = None,
    ) -> Stream:
        """Exports a report piece by piece, in bounded memory however large it is.

        Takes what `export` takes and raises what it raises, here or while the stream is read. Returns when the result
        begins. Where types are inferred, the first part of the data decides; when later data contradicts it, that is a
        `SchemaMismatch` that says which column to name.

        With `every`, the rows of each window come as soon as they and those before them are there. At most
        `max_concurrency` windows are under way; one that is ahead of its turn waits, with some MiB in memory. `timeout`
        holds until the first rows are there, and then for each window by itself.
        """

    async def stream_async(
        self,
        report: str | int,
        *,
        start: _Day | None = None,
        end: _Day | None = None,
        date: str | None = "date.date.mmddyyyy",
        where: _Where | None = None,
        every: _Every | None = None,
        schema: _Schema | None = "report",
        workspace: str | None = None,
        timeout: float | None = None,
        progress: _Progress | None = None,
    ) -> Stream:
        """Like `stream`."""

    def scan(
        self,
        report: str | int,
        *,
        start: _Day | None = None,
        end: _Day | None = None,
        date: str | None = "date.date.mmddyyyy",
        where: _Where | None = None,
        every: _Every | None = None,
        schema: _Schema | None = "report",
        workspace: str | None = None,
        timeout: float | None = None,
        progress: _Progress | None = None,
    ) -> polars.LazyFrame:
        """A report as a lazy frame of polars, which is exported when it is collected, each time anew.

        Takes what `export` takes. The report is described at once, so that its columns are known; nothing is executed.
        Of a query's filter the service takes over the days of date columns and lists of texts of other attributes; a
        query that no row can pass asks for nothing. With `head` the download is left as soon as there are enough rows.
        The filter is applied once more to what arrives, and what isn't recognised is not taken over, so that the answer
        is that of an export that is filtered. `explain()` shows what reaches the scan and what the service can take
        over; what an execution was asked for is logged by `insightframe.polars`.

        As with `start` and `end`, the service computes metrics from what its filters leave: one that compares with
        other rows (a share of the total, a rank) is that of the days and values asked for. Collect first, then filter,
        where that isn't meant.

        A report whose columns are known only from its data (`schema="infer"`, a pivoted report, a definition that can't
        be read) is exported whole when its schema is first asked for, once, and filtered here.

        Raises:
            ModuleNotFoundError: polars is not installed.
            ConfigError: An argument can't be used.
            NotFound: No such report or workspace.
            AuthError: The service doesn't let the user in.
            TransportError: A request got no complete answer.

        Collecting raises what `stream` raises, and `ResultChanged` when the report has other columns by then.
        """

    async def scan_async(
        self,
        report: str | int,
        *,
        start: _Day | None = None,
        end: _Day | None = None,
        date: str | None = "date.date.mmddyyyy",
        where: _Where | None = None,
        every: _Every | None = None,
        schema: _Schema | None = "report",
        workspace: str | None = None,
        timeout: float | None = None,
        progress: _Progress | None = None,
    ) -> polars.LazyFrame:
        """Like `scan`. Collect with `collect_async`."""

    def download(
        self,
        report: str | int,
        path: _Path,
        *,
        start: _Day | None = None,
        end: _Day | None = None,
        date: str | None = "date.date.mmddyyyy",
        where: _Where | None = None,
        every: _Every | None = None,
        workspace: str | None = None,
        timeout: float | None = None,
        progress: _Progress | None = None,
    ) -> Receipt:
        """Exports a report to a file: the service's CSV, byte for byte.

        Takes what `export` takes, and raises what it raises, but doesn't decode. The file is absent until it is
        complete. With `every` it has the header once, and then the rows of each window.

        A file that is there already is replaced.

        Raises:
            OSError: The file can't be written.
        """

    async def download_async(
        self,
        report: str | int,
        path: _Path,
        *,
        start: _Day | None = None,
        end: _Day | None = None,
        date: str | None = "date.date.mmddyyyy",
        where: _Where | None = None,
        every: _Every | None = None,
        workspace: str | None = None,
        timeout: float | None = None,
        progress: _Progress | None = None,
    ) -> Receipt:
        """Like `download`."""

    def export_dataset(
        self,
        report: str | int,
        root: _Path,
        *,
        start: _Day,
        end: _Day,
        every: _Every | None = "1d",
        restate: int | None = None,
        format: Literal["parquet", "ipc", "csv"] = "parquet",  # noqa: A002
        date: str | None = "date.date.mmddyyyy",
        where: _Where | None = None,
        schema: _Schema | None = "report",
        workspace: str | None = None,
        timeout: float | None = None,
        widen: bool = False,
        storage_options: Mapping[str, str] | None = None,
        progress: _Progress | None = None,
    ) -> Receipt:
        """Brings a dataset on disk or in an object store up to date: a file for each window of days.

        Windows that are done are skipped without a request; the rest is fetched, `max_concurrency` at a time, each with
        its own retries, in memory that doesn't depend on their number. Call it again after a crash, or every morning
        with a later `end`:

        ```python
        client.export_dataset("3035643", "s3://bucket/calls", start="2024-01-01", end=yesterday, restate=3)
        ```

        A window is one file, `window_start=2024-05-01/part-0.parquet` (`.arrow`, `.csv`), after its first day; a window
        without rows is a file without rows. It appears whole or not at all, and takes the place of an older one whole.
        `_insightframe/manifest.json` says what is there: window, file, rows, bytes, SHA-256 and time of each. Where
        nothing came, not even the names of columns, the manifest alone has the window.

        To read it, name the files by a pattern, for polars reads everything in a directory that it is given:

        ```python
        polars.scan_parquet("calls/**/*.parquet", hive_partitioning=True)      # window_start is a date
        duckdb.sql("from read_parquet('calls/**/*.parquet', hive_partitioning = true)")  # likewise
        pyarrow.dataset.dataset("calls", partitioning="hive")                  # window_start is text
        spark.read.parquet("calls")                                            # window_start is a date
        ```

        Every file has the same columns and types, text as plain strings; in CSV files all is text. A window whose
        columns differ from those before is an error that names the column. With `widen=True` new columns are taken
        along and lost ones stay, null, and whole numbers fit a column of decimals; older files then lack the new
        columns, and readers must be told to bear it (`missing_columns="insert"` with a `schema` in polars,
        `union_by_name = true` in DuckDB, a `schema` in pyarrow).

        One export at a time writes to a dataset. On a local disk a second one is refused at once. In a store it is
        refused as soon as the first one has written to the manifest since, before it puts any file there; stores
        without conditional writes can't notice it, and there it is up to you.

        Args:
            report: As in `export`. A dataset is one report, named in one way.
            root: A path, or a url: `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`,
                `abfss://container@account.dfs.core.windows.net/prefix`. It is empty, missing, or this very dataset.
            start: First day, included. Text is `YYYY-MM-DD`.
            end: Last day, included. A window that lies within one that is done is done; one that goes on from the same
                first day to a later one takes its place.
            every: The length of a window, on the calendar: `"1d"`, `"1w"` from Monday, `"1mo"`; `None` for one window.
                A window that the service calls too large is fetched in halves, into the one file.
            restate: How many of the newest windows are fetched although they are done, because the service still
                corrects them. Default none.
            format: The kind of the files.
            date: Identifier of the date label that the days are about. Default `date.date.mmddyyyy`.
            where: As in `export`.
            schema: As in `export`. Types that are inferred come from the beginning of each window.
            workspace: As in `export`.
            timeout: Seconds that each window may take. Default: the client's `polling.timeout`.
            widen: Whether columns may come and go.
            storage_options: What the store needs beside its usual environment variables (`AWS_ACCESS_KEY_ID`,
                `GOOGLE_APPLICATION_CREDENTIALS`, `AZURE_STORAGE_ACCOUNT_KEY`, …), by the names that polars and delta-rs
                have for it: `aws_region`, `aws_endpoint_url`, `allow_http`, … Never shown.
            progress: As in `export`.

        Returns:
            The account of this call: `windows` were fetched, `skipped` were done before; rows, bytes and requests are
            those of the windows that were fetched.

        Raises:
            ConfigError: An argument can't be used; `root` holds another dataset, or something else; the windows cut
                through those that are there.
            SchemaMismatch: The columns of a window differ from those before, or a cell doesn't fit its type.
            BlockingIOError: Another export is writing to this dataset.
            OSError: A file can't be read or written.
            InsightframeError: As for `export`; the message names the window. Windows that were under way are finished
                first, and what is done stays done.
        """

    async def export_dataset_async(
        self,
        report: str | int,
        root: _Path,
        *,
        start: _Day,
        end: _Day,
        every: _Every | None = "1d",
        restate: int | None = None,
        format: Literal["parquet", "ipc", "csv"] = "parquet",  # noqa: A002
        date: str | None = "date.date.mmddyyyy",
        where: _Where | None = None,
        schema: _Schema | None = "report",
        workspace: str | None = None,
        timeout: float | None = None,
        widen: bool = False,
        storage_options: Mapping[str, str] | None = None,
        progress: _Progress | None = None,
    ) -> Receipt:
        """Like `export_dataset`."""

    def plan(
        self,
        report: str | int,
        *,
        start: _Day | None = None,
        end: _Day | None = None,
        date: str | None = "date.date.mmddyyyy",
        where: _Where | None = None,
        every: _Every | None = "1d",
        schema: _Schema | None = "report",
        workspace: str | None = None,
        timeout: float | None = None,
    ) -> list[ExportTask]:
        """Cuts an export into tasks that can be run anywhere: a task a window, in order. Nothing is sent.

        For Airflow to map, Spark to partition, Dask or Ray to spread:

        ```python
        tasks = client.plan("3035643", start="2023-12-01", end="2023-12-31")
        with ProcessPoolExecutor() as pool:
            tables = pool.map(lambda task: task.run(InsightsClient()), tasks)
        ```

        Takes what `export` takes. Without `start` and `end` and with `every=None` there is one task, of all days. A
        task keeps the workspace, the client's when none is named, and `every`: a window that is too large for the
        service is halved where it is run.

        Raises:
            ConfigError: An argument can't be used, or there are no days to cut.
        """

    def resume(
        self,
        handle: str,
        *,
        schema: _Schema | None = None,
        timeout: float | None = None,
        progress: _Progress | None = None,
    ) -> Table:
        """Goes on with an export that ran out of time or was interrupted, without computing the report again.

        Of an export in windows, results that the service has computed are fetched, the rest is executed. What the
        service has forgotten meanwhile is executed again, once, and the receipt says so.

        Args:
            handle: The `handle` of the error. It is text (JSON) that holds the addresses of the report, its filters,
                its windows and their results, and no secret; it may be kept, and used more than once.
            schema: As in `export`.
            timeout: Seconds it may take. Default: `Polling.timeout`.
            progress: Default: the client's.

        Raises:
            ConfigError: `handle` is none of this service's.
            ResultGone: The service no longer has a result, nor the one that was executed in its place.
        """

    async def resume_async(
        self,
        handle: str,
        *,
        schema: _Schema | None = None,
        timeout: float | None = None,
        progress: _Progress | None = None,
    ) -> Table:
        """Like `resume`."""

    def submit(
        self,
        report: str | int,
        *,
        start: _Day | None = None,
        end: _Day | None = None,
        date: str | None = "date.date.mmddyyyy",
        where: _Where | None = None,
        every: _Every | None = None,
        workspace: str | None = None,
        timeout: float | None = None,
        progress: _Progress | None = None,
    ) -> str:
        """Has the service compute a report, and doesn't wait for it.

        For those who wait elsewhere: keep the handle before anything else happens, and no report is computed twice.

        ```python
        handle = client.submit("3035643", start="2023-12-01", end="2023-12-30")
        client.wait(handle)
        table = client.resume(handle)
        ```

        Takes what `export` takes, and raises what it raises until the service has accepted the report. With `every`, as
        many windows are executed as `max_concurrency` allows; `resume` executes the rest.

        Returns:
            The handle, as `resume` takes it.
        """

    async def submit_async(
        self,
        report: str | int,
        *,
        start: _Day | None = None,
        end: _Day | None = None,
        date: str | None = "date.date.mmddyyyy",
        where: _Where | None = None,
        every: _Every | None = None,
        workspace: str | None = None,
        timeout: float | None = None,
        progress: _Progress | None = None,
    ) -> str:
        """Like `submit`."""

    def wait(self, handle: str, *, timeout: float | None = None, progress: _Progress | None = None) -> None:
        """Waits until what was submitted is computed, and fetches nothing.

        Costs a small request every few seconds, and no place among `max_concurrency`, so that hundreds may wait at
        once. A result that the service has forgotten, or calls too large, is nothing to wait for: `resume` executes it
        again, or in halves.

        Args:
            handle: What `submit` gave, or an error's `handle`.
            timeout: Seconds it may take. Default: `Polling.timeout`.
            progress: Default: the client's.

        Raises:
            ConfigError: `handle` is none of this service's.
            DeadlineExceeded: The time ran out; `wait` or `resume` may be called again.
        """

    async def wait_async(self, handle: str, *, timeout: float | None = None, progress: _Progress | None = None) -> None:
        """Like `wait`."""

    def resume_stream(
        self,
        handle: str,
        *,
        schema: _Schema | None = None,
        timeout: float | None = None,
        progress: _Progress | None = None,
    ) -> Stream:
        """Like `resume`, but piece by piece, as `stream` gives it."""

    async def resume_stream_async(
        self,
        handle: str,
        *,
        schema: _Schema | None = None,
        timeout: float | None = None,
        progress: _Progress | None = None,
    ) -> Stream:
        """Like `resume_stream`."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: object) -> Self: ...

@final
class Report:
    """A report and its columns, as they were when it was described. Printing it shows them; it sends no request.

    Two descriptions are equal when everything in them is.
    """

    @property
    def title(self) -> str:
        """Its title."""

    @property
    def id(self) -> str:
        """Its number in the workspace, as text."""

    @property
    def identifier(self) -> str | None:
        """Its portable name, the same in every workspace; `None` where an older service doesn't say."""

    @property
    def workspace(self) -> str:
        """Id of the workspace it is in."""

    @property
    def uri(self) -> str:
        """Its address: `/gdc/md/<workspace>/obj/<id>`."""

    @property
    def definition(self) -> str:
        """Address of the definition that was current, the last one of the report."""

    @property
    def pivoted(self) -> bool:
        """Whether metrics are spread over the values of an attribute; the names of such columns depend on the data."""

    @property
    def columns(self) -> list[ReportColumn]:
        """Its columns, in the order of the export; of a pivoted report, those that don't depend on the data."""

    def _repr_html_(self) -> str: ...
    def _repr_mimebundle_(
        self, include: Container[str] | None = None, exclude: Container[str] | None = None
    ) -> dict[str, str]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class ReportColumn:
    """A column of a described report."""

    @property
    def name(self) -> str:
        """Its name in the export: the alias, or the title of the attribute or metric.

        Of columns with one name, the export calls the second `name_2`, and so on.
        """

    @property
    def kind(self) -> Literal["attribute", "metric"]:
        """What it shows."""

    @property
    def type(self) -> str:
        """The Arrow type of its cells: `date32`, `utf8`, `int64` (plain counts) or `float64` (other metrics)."""

    @property
    def source(self) -> str:
        """Address of the label or metric that it shows."""

    @property
    def identifier(self) -> str | None:
        """Portable name of the label or metric."""

    @property
    def format(self) -> str | None:
        """How the service would format the metric (`#,##0`); exports are unformatted. `None` for attributes."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class FlowXoClient:
    """The analytics of a Flow XO account, or of several at once.

    There is no login and nothing to close: every request carries the API key. One client may be used by any number of
    threads and tasks at once.

    ```python
    client = FlowXoClient()
    frame = client.metrics("2023-01-01", "2023-12-31", unit="month", tz="Europe/Zurich").to_polars()
    ```

    What the counters mean:

    - `active_users`: users who wrote something, or were reached, within the **last 30 days** before the end of the
      bucket. It is not the number of users who were active within the bucket.
    - `total_users`: users who were ever there, counted per bot: the same person on three bots counts three times.
    - `new_users`: users who were there for the first time.
    - `triggers`: runs of flows. `received_messages`, `sent_messages`: messages from and to users.

    The last four count events and may be added up. **Never add up `active_users` or `total_users`**, neither over
    buckets nor over accounts: two numbers count largely the same people. Of several buckets the last one's is the
    figure for all of them.

    How time is read: `start` and `end` may be days (`datetime.date` or `"2023-12-31"`), which are included, or instants
    (an aware `datetime`, or text with its offset or `Z`), of which `end` is not. A time without a zone is refused. Days
    are those of UTC, of `offset` (minutes **east** of UTC: New York in winter is -300), or of the time zone `tz`. One
    request has one offset and can't follow daylight saving: with `tz` a day or month in which the offset changes is
    asked for by the hour and added up, and the others with their own offset. Without `end` the range ends now; without
    `start` the service decides, and says nowhere how. Of a range that begins a day from now or later there is nothing
    to ask: the answer is empty, and no request is sent.

    Whether the service counts what happens at the very instant of `end` isn't documented. Whole buckets don't depend on
    it; `stats`, the top lists, and a bucket that `end` cuts may have that instant's events in them.

    With a mapping of names to API keys, each account is asked at once, with a budget of retries of its own, and tables
    have a column `account` before the others. When some accounts fail, `PartialResult` is raised, whose `result` is
    what the others gave; when all do, the first one's error.

    Args:
        api_key: The key, as the owner of the account finds it in the user profile, or a mapping of names to keys.
            Default: the environment's `FLOWXO_API_KEY`.
        base_url: Address of the service. Default: the environment's `FLOWXO_BASE_URL`, else `https://flowxo.com/api`.
            Plain `http` is refused except on the loopback interface.
        retry: How requests are repeated. Default `Retry()`.
        limits: What an answer may cost. Default `Limits()`.
        tls: Whom to trust besides the operating system's authorities. Default `Tls()`.
        proxy: Address of a proxy. Default: the environment's `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
        max_concurrency: Requests of one account at once, from 1; a long range takes several. Default 4.

    Raises:
        ConfigError: A value can't be used, or there is no key.
    """

    def __new__(
        cls,
        api_key: str | Mapping[str, str] | None = None,
        *,
        base_url: str | None = None,
        retry: Retry | None = None,
        limits: Limits | None = None,
        tls: Tls | None = None,
        proxy: str | None = None,
        max_concurrency: int = 4,
        _clock: object | None = None,
    ) -> Self: ...
    @property
    def base_url(self) -> str:
        """The address of the service."""

    @property
    def accounts(self) -> list[str] | None:
        """Names of the accounts, in order; `None` for the client of one key."""

    def stats(
        self,
        start: _Time | None = None,
        end: _Time | None = None,
        offset: int | None = None,
        *,
        tz: str | ZoneInfo | timezone | None = None,
        timeout: float | None = None,
    ) -> dict[str, Any] | None:
        """The counters of a whole range.

        `active_users` and `total_users` are those at its end and must not be summed with those of other ranges.

        Args:
            start: Beginning, as the class tells.
            end: End, as the class tells. Default now.
            offset: Minutes east of UTC, from -840 to 840, for days. Default 0.
            tz: A time zone instead of `offset`: a name such as `"Europe/Zurich"`, a `zoneinfo.ZoneInfo`, or a
                `datetime.timezone`.
            timeout: Seconds the call may take. Default: no bound beside those of `retry` and `limits`.

        Returns:
            `active_users`, `total_users`, `new_users`, `triggers`, `received_messages` and `sent_messages`, and `extra`
            with the fields that this version doesn't know, if there are any. `None` when the service has nothing for
            the range: no zeros are invented. With several accounts, a dictionary of these by the account's name.

        Raises:
            ConfigError: An argument can't be used; nothing was sent.
            InvalidCredentials: The service refuses the key.
            PartialResult: Some of several accounts failed.
            DeadlineExceeded: The time ran out.
            ApiError: The service answers with another error.
            TransportError: The request got no complete answer.
        """

    async def stats_async(
        self,
        start: _Time | None = None,
        end: _Time | None = None,
        offset: int | None = None,
        *,
        tz: str | ZoneInfo | timezone | None = None,
        timeout: float | None = None,
    ) -> dict[str, Any] | None:
        """Like `stats`."""

    def metrics(
        self,
        start: _Time | None = None,
        end: _Time | None = None,
        unit: _Unit = "day",
        offset: int | None = None,
        *,
        tz: str | ZoneInfo | timezone | None = None,
        fill: bool = False,
        timeout: float | None = None,
    ) -> Table:
        """The counters of each month, day or hour in a range, in order of time.

        Columns: `timestamp` (the beginning of the bucket, `timestamp[ms, UTC]`), `bucket` (the service's own name for
        it, whose form isn't documented; null for a day or month that was added up by the hour), then `active_users`,
        `total_users`, `new_users`, `triggers`, `received_messages` and `sent_messages` as `int64`. Never add up
        `active_users` or `total_users`. Fields that this version doesn't know are kept in a last column `extra` as
        JSON; without such fields there is no such column.

        Hours are asked for in UTC, or as near to it as the zone's minutes allow, because there is nothing to shift:
        with `offset=120` the first hour of May 1st has the `timestamp` 2023-04-30 22:00 UTC, and the service calls its
        `bucket` `2023-04-30T22` or the like.

        Long ranges are asked for in windows of 768 buckets, several at once, and joined.

        Args:
            start: Beginning, as the class tells.
            end: End, as the class tells. Default now.
            unit: `"month"`, `"day"` (the default) or `"hour"`.
            offset: Minutes east of UTC, from -840 to 840. Default 0.
            tz: A time zone instead of `offset`; other than with a fixed offset, it needs a `start`.
            fill: Whether buckets in which nothing happened, which the service may leave out, become rows: zero for the
                four counters of events, null for the two of users, which aren't known. Default no. Without `start` the
                rows begin with the first bucket of the answer; they end with the bucket that it is now, even where
                `end` is later.
            timeout: Seconds the call may take. Default: no bound beside those of `retry` and `limits`.

        Raises:
            ConfigError: An argument can't be used, or the range takes more than 1,000 requests; nothing was sent.
            InvalidCredentials: The service refuses the key.
            PartialResult: Some of several accounts failed.
            DeadlineExceeded: The time ran out.
            ApiError: The service answers with another error.
            TransportError: A request got no complete answer.
        """

    async def metrics_async(
        self,
        start: _Time | None = None,
        end: _Time | None = None,
        unit: _Unit = "day",
        offset: int | None = None,
        *,
        tz: str | ZoneInfo | timezone | None = None,
        fill: bool = False,
        timeout: float | None = None,
    ) -> Table:
        """Like `metrics`."""

    def insights(
        self,
        start: _Time | None = None,
        end: _Time | None = None,
        unit: _Unit = "day",
        offset: int | None = None,
        *,
        tz: str | ZoneInfo | timezone | None = None,
        fill: bool = False,
        timeout: float | None = None,
    ) -> tuple[dict[str, Any] | None, Table]:
        """What `stats` and `metrics` give, from one request where one is enough.

        Takes what `metrics` takes and raises what it raises.

        Returns:
            The counters of the whole range, as `stats` gives them (`None` when the service has nothing for it), and the
            table of its buckets, as `metrics` gives it. In both `new_users`, `triggers`, `received_messages` and
            `sent_messages` count events, so that those of the buckets add up to those of the whole. `active_users` (of
            the last 30 days) and `total_users` (ever) are states: the whole has the last bucket's. Never add them up.
        """

    async def insights_async(
        self,
        start: _Time | None = None,
        end: _Time | None = None,
        unit: _Unit = "day",
        offset: int | None = None,
        *,
        tz: str | ZoneInfo | timezone | None = None,
        fill: bool = False,
        timeout: float | None = None,
    ) -> tuple[dict[str, Any] | None, Table]:
        """Like `insights`."""

    def top_messages(
        self,
        start: _Time | None = None,
        end: _Time | None = None,
        limit: int | None = None,
        *,
        offset: int | None = None,
        tz: str | ZoneInfo | timezone | None = None,
        timeout: float | None = None,
    ) -> Table:
        """The messages that were received most often.

        Args:
            start: Beginning, as the class tells.
            end: End, as the class tells. Default now.
            limit: Rows at most, from 1. Default: the service's, which isn't documented.
            offset: Minutes east of UTC for days. Default 0.
            tz: A time zone instead of `offset`.
            timeout: Seconds the call may take. Default: no bound beside those of `retry` and `limits`.

        Returns:
            `message` (text) and `count` (`int64`), most frequent first; rows of the same count in no particular order.
            Fields that this version doesn't know are kept in a last column `extra` as JSON; without such fields there
            is no such column.

        Raises:
            ConfigError: An argument can't be used; nothing was sent.
            InvalidCredentials: The service refuses the key.
            PartialResult: Some of several accounts failed.
            DeadlineExceeded: The time ran out.
            ApiError: The service answers with another error.
            TransportError: The request got no complete answer.
        """

    async def top_messages_async(
        self,
        start: _Time | None = None,
        end: _Time | None = None,
        limit: int | None = None,
        *,
        offset: int | None = None,
        tz: str | ZoneInfo | timezone | None = None,
        timeout: float | None = None,
    ) -> Table:
        """Like `top_messages`."""

    def top_flows(
        self,
        start: _Time | None = None,
        end: _Time | None = None,
        limit: int | None = None,
        *,
        offset: int | None = None,
        tz: str | ZoneInfo | timezone | None = None,
        timeout: float | None = None,
    ) -> Table:
        """The flows that ran most often, broadcasts among them.

        Takes what `top_messages` takes.

        Returns:
            `flow_id` and `flow_name` (text) and `count` (`int64`), most frequent first; rows of the same count in no
            particular order. `extra` as with `top_messages`.

        Raises:
            ConfigError: An argument can't be used; nothing was sent.
            InvalidCredentials: The service refuses the key.
            PartialResult: Some of several accounts failed.
            DeadlineExceeded: The time ran out.
            ApiError: The service answers with another error.
            TransportError: The request got no complete answer.
        """

    async def top_flows_async(
        self,
        start: _Time | None = None,
        end: _Time | None = None,
        limit: int | None = None,
        *,
        offset: int | None = None,
        tz: str | ZoneInfo | timezone | None = None,
        timeout: float | None = None,
    ) -> Table:
        """Like `top_flows`."""

    def workflows(self, *, timeout: float | None = None) -> Table:
        """All flows of the account.

        Args:
            timeout: Seconds the call may take. Default: no bound beside those of `retry` and `limits`.

        Returns:
            `id` and `name` (text) and `active` (boolean). `id` is the `flow_id` of `top_flows`. `extra` as with
            `top_messages`.

        Raises:
            ConfigError: An argument can't be used; nothing was sent.
            InvalidCredentials: The service refuses the key.
            PartialResult: Some of several accounts failed.
            DeadlineExceeded: The time ran out.
            ApiError: The service answers with another error.
            TransportError: The request got no complete answer.
        """

    async def workflows_async(self, *, timeout: float | None = None) -> Table:
        """Like `workflows`."""

@final
class FlexInstancesClient:
    """Flex on one Twilio account: installs it, and tells what is installed.

    ```python
    instances = FlexInstancesClient()
    workspace = instances.configuration().insights_workspaces[0]
    client = InsightsClient(workspace=workspace.id)
    ```

    Args:
        username: Sid of an API key (`SK…`, recommended: it can be revoked by itself) or of the account (`AC…`).
        password: The key's secret, or the account's token. Default for both: the environment's `TWILIO_API_KEY` and
            `TWILIO_API_SECRET`, else `TWILIO_ACCOUNT_SID` and `TWILIO_AUTH_TOKEN`.
        account_sid: The account, sent as `I-Twilio-Auth-Account`. Default: `username` if it is an account's sid, else
            `TWILIO_ACCOUNT_SID`.
        base_url: Address of the service. Default: the environment's `FLEX_INSTANCES_BASE_URL`, else
            `https://flex-api.twilio.com`. Plain `http` is refused except on the loopback interface.
        retry: How requests are repeated. Default `Retry()`. A creation is only ever sent again when it surely had no
            effect.
        polling: How a new instance is waited for. Default `Polling()`.
        limits: What an answer may cost. Default `Limits()`.
        tls: Whom to trust besides the operating system's authorities. Default `Tls()`.
        proxy: Address of a proxy. Default: the environment's `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.

    Raises:
        ConfigError: A value can't be used, or one is missing; the message names the variables that were looked at.
    """

    def __new__(
        cls,
        username: str | None = None,
        password: str | None = None,
        *,
        account_sid: str | None = None,
        base_url: str | None = None,
        retry: Retry | None = None,
        polling: Polling | None = None,
        limits: Limits | None = None,
        tls: Tls | None = None,
        proxy: str | None = None,
        _clock: object | None = None,
    ) -> Self: ...
    @property
    def username(self) -> str:
        """Sid of the API key or account that is used."""

    @property
    def account_sid(self) -> str:
        """The account."""

    @property
    def base_url(self) -> str:
        """The address of the service."""

    def create(
        self, *, conversations_default: bool = True, wait: bool = False, timeout: float | None = None
    ) -> Instance:
        """Creates the account's Flex instance. An account has one at most.

        Never creates twice: the request is sent again only after a failure that surely had no effect. An error that
        leaves it open whether it was created, or that comes after it was, isn't `retryable`.

        Args:
            conversations_default: Whether the Conversations service that comes with it becomes the account's default.
            wait: Whether to wait until it is ready.
            timeout: Seconds it may take in all. Default: no bound, with `wait` that of `Polling.timeout`.

        Returns:
            The instance, as a rule `creation-in-progress`; with `wait`, `ready`.

        Raises:
            AmbiguousOutcome: It can't be told whether the request took effect; the message tells what the account's
                configuration says.
            UnexpectedReply: The account has an instance already (`code` is `45202`), or it won't become ready.
            DeadlineExceeded: The time ran out. `handle` is the sid if it is known; if not, the instance may have been
                created, and `configuration()` tells.
            InvalidCredentials: The service refuses the credentials; `code` and `more_info` are Twilio's.
            ApiError: The service answers with another error.
            TransportError: No connection, so that nothing was sent; with `wait`, also a look that failed after the
                creation: then the message names the sid, to go on with `wait(sid)`.
        """

    async def create_async(
        self, *, conversations_default: bool = True, wait: bool = False, timeout: float | None = None
    ) -> Instance:
        """Like `create`."""

    def fetch(self, sid: str, *, timeout: float | None = None) -> Instance:
        """An instance as it is now.

        Args:
            sid: Its sid, `GO` and 32 hexadecimal digits.
            timeout: Seconds the call may take. Default: no bound beside those of `retry` and `limits`.

        Raises:
            ConfigError: `sid` is none; nothing was sent.
            NotFound: The account has no such instance.
            InvalidCredentials: The service refuses the credentials; `code` and `more_info` are Twilio's.
            DeadlineExceeded: The time ran out.
            ApiError: The service answers with another error.
            TransportError: The request got no complete answer.
        """

    async def fetch_async(self, sid: str, *, timeout: float | None = None) -> Instance:
        """Like `fetch`."""

    def wait(self, sid: str, timeout: float | None = None) -> Instance:
        """Waits until an instance is ready: looks at once, then after growing pauses.

        A state that isn't known counts as one that may pass.

        Args:
            sid: Its sid.
            timeout: Seconds it may take. Default: `Polling.timeout`. It gives up as soon as the next look would come
                later: with the default pauses a `timeout` of 5 ends after some 4 seconds, without a last look.

        Raises:
            ConfigError: `sid` is none; nothing was sent.
            NotFound: The account has no such instance.
            UnexpectedReply: It came to a state from which it won't become ready, such as `creation-failed`.
            DeadlineExceeded: The time ran out, or would have before the next look; `handle` is the sid.
            InvalidCredentials: The service refuses the credentials; `code` and `more_info` are Twilio's.
            ApiError: The service answers with another error.
            TransportError: A look got no complete answer, after the retries.
        """

    async def wait_async(self, sid: str, timeout: float | None = None) -> Instance:
        """Like `wait`."""

    def configuration(self, *, timeout: float | None = None) -> Configuration:
        """What is installed on the account, and the workspaces of Flex Insights.

        Args:
            timeout: Seconds the call may take. Default: no bound beside those of `retry` and `limits`.

        Raises:
            NotFound: Flex was never installed.
            InvalidCredentials: The service refuses the credentials; `code` and `more_info` are Twilio's.
            DeadlineExceeded: The time ran out.
            ApiError: The service answers with another error.
            TransportError: The request got no complete answer.
        """

    async def configuration_async(self, *, timeout: float | None = None) -> Configuration:
        """Like `configuration`."""

@final
class Instance:
    """A Flex instance as it was when it was asked for."""

    @property
    def sid(self) -> str:
        """Its name, `GO` and 32 hexadecimal digits."""

    @property
    def account_sid(self) -> str:
        """The account's, `AC` and 32 hexadecimal digits."""

    @property
    def status(self) -> str:
        """How far it is.

        `creation-in-progress`, `ready`, `creation-failed`, `deletion-in-progress`, `deleted`, `deletion-failed`,
        `unknown`, or a word that Twilio has added since.
        """

    @property
    def date_created(self) -> datetime | None:
        """When it was created, in UTC; `None` when the service's date can't be read."""

    @property
    def date_updated(self) -> datetime | None:
        """When its state last changed, in UTC."""

@final
class Configuration:
    """The Flex configuration of an account. Twilio documents every property as one that may be missing."""

    @property
    def flex_instance_sid(self) -> str | None:
        """Sid of the account's instance."""

    @property
    def status(self) -> str | None:
        """How far Flex is: `ok`, `inprogress` or `notstarted`."""

    @property
    def insights_workspaces(self) -> list[InsightsWorkspace]:
        """The workspaces of Flex Insights, as far as an entry has an id that is a workspace's; `raw` has them all."""

    @property
    def raw(self) -> dict[str, Any]:
        """All of the answer."""

@final
class InsightsWorkspace:
    """A workspace of Flex Insights."""

    @property
    def id(self) -> str:
        """Its id, as `InsightsClient(workspace=…)` takes it."""

    @property
    def timezone(self) -> str | None:
        """The time zone that its days are days of, such as `America/Los_Angeles`."""

@final
class ExportTask:
    """One window of an export, made by `InsightsClient.plan`, to be run wherever it is sent.

    It can be pickled, compared and hashed, never changes, and holds no secret: whoever runs it brings a client.
    """

    @property
    def report(self) -> str:
        """The report as it was named: object id, identifier or uri."""

    @property
    def workspace(self) -> str | None:
        """Its workspace; `None` when the report is named by its uri."""

    @property
    def start(self) -> _Date | None:
        """The first day; `None` for all days."""

    @property
    def end(self) -> _Date | None:
        """The last day, itself included."""

    @property
    def date(self) -> str | None:
        """Identifier of the date label that the days are compared with."""

    @property
    def where(self) -> dict[str, list[str] | Last | dict[str, Any]]:
        """The filters by label; empty when there are none."""

    @property
    def every(self) -> _Every | None:
        """The length of the windows that the export was cut into."""

    @property
    def schema(self) -> str | dict[str, str]:
        """The rule for the types of columns, or types by column."""

    @property
    def timeout(self) -> float | None:
        """Seconds it may take; `None` for the allowance of the client that runs it."""

    def run(self, client: InsightsClient, *, progress: _Progress | None = None) -> Table:
        """Exports the window: what `client.export` gives for the same arguments, and raises."""

    async def run_async(self, client: InsightsClient, *, progress: _Progress | None = None) -> Table:
        """Like `run`."""

    def to_json(self) -> str:
        """The task as one line of JSON."""

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The task that `to_json` wrote.

        Raises:
            ConfigError: The text is no task; the message says what is wrong with it.
        """

    def to_dict(self) -> dict[str, Any]:
        """What `to_json` writes, as a dict."""

    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Table:
    """A whole result in memory, as often as it is wanted.

    Whatever takes an Arrow stream takes it: `polars.DataFrame(table)`, `pyarrow.table(table)`,
    `duckdb.sql("from table")`. Text lies in views (`string_view`), which polars and DuckDB work on. A consumer gets the
    types that it asks for by its `requested_schema`; where a cell doesn't fit, an error that names `SchemaMismatch`.
    `print` shows the first rows; a notebook shows them as HTML.
    """

    @property
    def num_rows(self) -> int:
        """Number of rows; the same as `len`."""

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in order."""

    @property
    def schema(self) -> dict[str, str]:
        """Type of each column by its name, in order.

        For instance `utf8`, `int64`, `float64`, `bool`, `date32` or `timestamp[us, UTC]`; a dictionary-encoded column
        has the type of its values.
        """

    @property
    def receipt(self) -> Receipt | None:
        """The account of the export; `None` for a table that doesn't come from one."""

    @property
    def rejects(self) -> Table | None:
        """What `decode_csv(…, strict=False)` left out: record, line, byte, column, reason, snippet; else `None`."""

    def to_polars(self) -> polars.DataFrame:
        """A polars frame, without a copy of its text.

        Raises:
            ModuleNotFoundError: polars is not installed.
        """

    def to_pandas(self, dtype_backend: Literal["numpy", "numpy_nullable", "pyarrow"] = "numpy") -> pandas.DataFrame:
        """A pandas frame.

        Args:
            dtype_backend: `"numpy"` gives the usual types, integers with nulls as `float64` among them;
                `"numpy_nullable"` and `"pyarrow"` keep integers. Dates become timestamps at midnight with the first
                two, and stay dates with the last. Dictionaries become categories with all three.

        Raises:
            ModuleNotFoundError: pandas or pyarrow is not installed.
        """

    def to_arrow(self) -> pyarrow.Table:
        """A pyarrow table, its text as `large_string`, which pyarrow can do everything with.

        `pyarrow.table(table)` gives the same without a copy, its text as `string_view`.

        Raises:
            ModuleNotFoundError: pyarrow is not installed.
        """

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dictionary a row: `str`, `int`, `float`, `bool`, `datetime.date`, `datetime.datetime` or `None`."""

    def write_parquet(self, path: _Path, *, storage_options: Mapping[str, str] | None = None) -> int:
        """Writes a Parquet file, compressed with snappy; returns its size in bytes.

        The file is absent until it is complete, and one that is there is replaced. In an object store too: what is
        large travels in parts, and a store is asked to forget the parts of an upload that breaks off. It can't be asked
        by a process that is killed; a rule of the bucket that ends incomplete uploads takes care of those.

        Args:
            path: A path, or a url such as `s3://bucket/report.parquet`; also `gs://`, `az://`, `abfss://` and `file://`.
            storage_options: As in `InsightsClient.export_dataset`. Never shown.

        Raises:
            ConfigError: The url or the options mean nothing to a store.
            OSError: The file can't be written.
        """

    def write_csv(self, path: _Path, *, storage_options: Mapping[str, str] | None = None) -> int:
        """Writes a CSV file after RFC 4180, quoted only where needed; returns its size in bytes.

        With a header, CR and LF after each line, nulls as empty cells, dates as `2023-12-31`. Otherwise like
        `write_parquet`.
        """

    def write_ipc(self, path: _Path, *, storage_options: Mapping[str, str] | None = None) -> int:
        """Writes an Arrow IPC file (Feather version 2), uncompressed; returns its size in bytes.

        Otherwise like `write_parquet`.
        """

    def __len__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: object) -> Self: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def _repr_html_(self) -> str: ...
    def _repr_mimebundle_(
        self, include: Container[str] | None = None, exclude: Container[str] | None = None
    ) -> dict[str, str]: ...

@final
class Stream:
    """A result that is read once, piece by piece, while it still arrives.

    Iterating, synchronously or asynchronously, gives tables of some megabytes. Whatever takes an Arrow stream takes it
    too, once: `pyarrow.RecordBatchReader.from_stream(stream)`. A `with` block closes it at its end. Reading it a second
    time raises `ConfigError`, because nobody would see that nothing came.

    Where it breaks off, every piece that came whole before is given first, as many on each machine, and then the error
    is raised. What goes wrong before there is a first piece is raised by the call that asks for the stream.
    """

    @property
    def schema(self) -> dict[str, str]:
        """Type of each column by its name, as in `Table.schema`."""

    @property
    def receipt(self) -> Receipt | None:
        """The account of the export; `None` until the stream has been read to its end."""

    @property
    def error(self) -> BaseException | None:
        """What ended the stream early, for readers whose own errors carry only text; else `None`.

        Ctrl-C is among it: an Arrow reader that waits is ended at once, by an error of its own that names
        `KeyboardInterrupt`.
        """

    def to_arrow(self) -> pyarrow.RecordBatchReader:
        """The rest as a pyarrow reader, its text as `large_string`, for whatever takes readers.

        For `pyarrow.dataset.write_dataset`, pyiceberg's `append` and others that can't do with `string_view`, which
        `pyarrow.RecordBatchReader.from_stream(stream)` gives. A batch is converted when it is read.

        Raises:
            ModuleNotFoundError: pyarrow is not installed.
            ConfigError: The stream has been read already.
        """

    def write_parquet(self, path: _Path, *, storage_options: Mapping[str, str] | None = None) -> int:
        """Writes the rest to a Parquet file, like `Table.write_parquet`, in bounded memory."""

    def write_csv(self, path: _Path, *, storage_options: Mapping[str, str] | None = None) -> int:
        """Writes the rest to a CSV file, like `Table.write_csv`, in bounded memory."""

    def write_ipc(self, path: _Path, *, storage_options: Mapping[str, str] | None = None) -> int:
        """Writes the rest to an Arrow IPC file, like `Table.write_ipc`, in bounded memory."""

    def close(self) -> None:
        """Gives up what has not been read, and lets the connection go. Reading on raises `ConfigError`."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Table: ...
    def __aiter__(self) -> Self: ...
    async def __anext__(self) -> Table: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class Receipt:
    """The account of one export. `print` shows it in a few lines."""

    @property
    def report(self) -> str:
        """The report, as the caller named it."""

    @property
    def workspace(self) -> str | None:
        """The workspace it was exported from."""

    @property
    def windows(self) -> list[tuple[str, str]]:
        """First and last day of every window as ISO dates, both included, in order; empty without days."""

    @property
    def skipped(self) -> list[tuple[str, str]]:
        """Windows of a dataset that were done before and not fetched again, like `windows`; empty for anything else."""

    @property
    def rows(self) -> int:
        """Rows that were decoded; 0 for `download`, which doesn't decode."""

    @property
    def bytes(self) -> int:
        """Bytes of CSV, inflated."""

    @property
    def polls(self) -> int:
        """How often the result was asked for before it was there."""

    @property
    def retries(self) -> int:
        """Requests that were sent again after a failure."""

    @property
    def token_refreshes(self) -> int:
        """Temporary tokens fetched on the way."""

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds spent in each phase, in the order in which they began."""

    @property
    def schema_fingerprint(self) -> str | None:
        """16 hexadecimal digits that change when a name or a type of the columns does; `None` for `download`."""

    @property
    def warnings(self) -> list[str]:
        """What the caller should know although it is no error."""

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""

def decode_csv(
    source: bytes | bytearray | memoryview | _Path | BinaryIO,
    *,
    schema: Literal["infer", "text"] | _Types | None = None,
    strict: bool = True,
    encoding: str = "utf-8",
    threads: int | None = None,
) -> Table:
    """Decodes CSV that is already at hand, a saved download for instance, with the decoder that exports use.

    Args:
        source: The bytes, a path to them, or a file opened for reading bytes.
        schema: As in `InsightsClient.export`, where `"report"` has no meaning here. Default `"infer"`.
        strict: Whether damage is an error; if not, damaged records are left out and listed in `Table.rejects`.
        encoding: A name from the WHATWG Encoding Standard. Default UTF-8, with or without a byte order mark.
        threads: Threads that decode. Default: chosen by the size of the input.

    Raises:
        CsvError: The CSV is damaged; says where, by record, line and byte.
        SchemaMismatch: A cell doesn't fit the type that `schema` gives its column.
        OSError: The file can't be read.
    """

def stream_csv(
    source: bytes | bytearray | memoryview | _Path | BinaryIO,
    *,
    schema: Literal["infer", "text"] | _Types | None = None,
    strict: bool = True,
    encoding: str = "utf-8",
    threads: int | None = None,
) -> Stream:
    """Like `decode_csv`, but piece by piece, in bounded memory; `schema="infer"` as in `InsightsClient.stream`."""

def run_command(argv: Sequence[str]) -> int:
    """Runs the command `insightframe`.

    Args:
        argv: The words of the command line, the name of the program first.

    Returns:
        The exit code.
    """

@final
class Sandbox:
    """A faithful local copy of Flex Insights, Flow XO and Flex Instances over real HTTP on the loopback interface.

    It runs in the background until it is closed; leaving a `with` block closes it. Its data is a contact centre's,
    made from a seed as it is asked for, the same for the same options. Its clock can be put forward, its requests can
    be made to fail, and its ledger tells what arrived.

    ```python
    with Sandbox(rows=1000) as sandbox, sandbox.insights_client() as client:
        table = client.export("3035643")
        assert sandbox.executions == 1
    ```

    Args:
        **options: Options by name. The ones used most: `seed` (default 1), `rows` (of every unfiltered report; default
            `rows_per_day` for each day), `rows_per_day` (default 3360), `data_start` and `data_end` (default
            2023-01-01 to 2024-12-31), `port` (default a free one), `tls` (default false; then `ca_file` is what to
            trust), `tt_lifetime` (seconds, default 600), `keep_alive` (seconds that a connection may be idle, default
            5), `raw_202_count` (default 2), `compute_seconds` (default 0), `workspace_count` (default 2),
            `report_count` (default 8), `csv_gzip`, `login_lockout` (a dictionary of `tries`, `window` and
            `retry_after`). Every option of Flow XO begins with `flowxo_`: `flowxo_accounts` (default 1),
            `flowxo_rate_limit` (a dictionary of `per_minute` and `retry_after`), `flowxo_empty_buckets` (`"omit"` or
            `"zero_fill"`), …; every one of Flex Instances with `instances_`: `instances_installed` (default false),
            `instances_fetches_to_ready` (default 2), `instances_final_status` (default `"ready"`), …. Its credentials
            are `account_sid`, `auth_token`, `api_key` and `api_secret`.

    Raises:
        ConfigError: There is no such option, or it doesn't have such a value; the message lists the choices.
    """

    def __new__(cls, **options: Any) -> Self: ...
    @property
    def url(self) -> str:
        """Root address, for instance `http://127.0.0.1:40123`."""

    @property
    def username(self) -> str:
        """The one user's name."""

    @property
    def password(self) -> str:
        """The one user's password."""

    @property
    def workspace(self) -> str:
        """Id of the first workspace."""

    @property
    def workspaces(self) -> list[str]:
        """Ids of all workspaces; the same object has another number in each."""

    @property
    def reports(self) -> dict[str, str]:
        """Title of each report of the first workspace by its object id."""

    @property
    def ca_file(self) -> str | None:
        """Certificate of the authority to trust, as a PEM file; `None` without `tls`."""

    @property
    def ledger(self) -> list[LedgerEntry]:
        """Every request so far, in order of arrival."""

    @property
    def executions(self) -> int:
        """Reports that were computed so far."""

    @property
    def flowxo_api_key(self) -> str:
        """API key of the first Flow XO account."""

    @property
    def flowxo_api_keys(self) -> dict[str, str]:
        """API key of each Flow XO account by its name: `account-1` and so on, as many as `flowxo_accounts`."""

    @property
    def account_sid(self) -> str:
        """Sid of the Twilio account."""

    @property
    def auth_token(self) -> str:
        """The account's token."""

    @property
    def api_key(self) -> str:
        """Sid of the account's API key."""

    @property
    def api_secret(self) -> str:
        """The key's secret."""

    @property
    def instances_created(self) -> int:
        """Flex instances that were created so far."""

    def advance(self, *, seconds: float = 0.0, minutes: float = 0.0, hours: float = 0.0, days: float = 0.0) -> None:
        """Puts the clock forward: tokens die and results expire as if the time had passed."""

    def fault(
        self,
        fault: str,
        *,
        path: str = "*",
        method: str | None = None,
        skip: int = 0,
        times: int | None = ...,
        **arguments: Any,
    ) -> None:
        """Makes requests go wrong.

        Args:
            fault: In which way: `latency`, `bandwidth`, `packets`, `slow_close`, `reset`, `cut`, `stall`, `refuse`,
                `status`, `retry_after`, `truncated_body`, `wrong_length`, `missing_final_chunk`, `duplicate_header`,
                `huge_header`, `garbage_json`, `html`, `redirect`, `expire_tt`, `expire_sst`, `changed_result`,
                `edited_report`, `gzip_bomb`, `wrong_encoding` or `clock_skew`.
            path: Which paths; `*` stands for any text.
            method: Which HTTP method. Default: every one.
            skip: Matching requests that pass first. Default 0.
            times: How many then go wrong; `None` means all. Default 1.
            **arguments: What the fault needs, for instance `status=503, retry_after="2"` or `after=100`.

        Raises:
            ConfigError: There is no such fault, or an argument is wrong.
        """

    def clear_faults(self) -> None:
        """Takes all faults back."""

    def clear_ledger(self) -> None:
        """Empties the ledger."""

    def close(self) -> None:
        """Stops, and closes all connections; does nothing when it has stopped."""

    def insights_client(self, *, virtual_time: bool = False, **overrides: Any) -> InsightsClient:
        """A client that is connected to this sandbox.

        Args:
            virtual_time: Whether the client lives by the sandbox's clock: its waits then put that clock forward instead
                of taking time, so that hours of polling pass in milliseconds. Default no.
            **overrides: Arguments of `InsightsClient`.
        """

    def flowxo_client(self, *, virtual_time: bool = False, **overrides: Any) -> FlowXoClient:
        """A client of the first Flow XO account of this sandbox; `api_key=sandbox.flowxo_api_keys` makes it one of all.

        Args:
            virtual_time: As in `insights_client`.
            **overrides: Arguments of `FlowXoClient`.
        """

    def instances_client(self, *, virtual_time: bool = False, **overrides: Any) -> FlexInstancesClient:
        """A client of this sandbox's Twilio account, by its API key.

        Args:
            virtual_time: As in `insights_client`.
            **overrides: Arguments of `FlexInstancesClient`.
        """

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

@final
class LedgerEntry:
    """One request to the sandbox, and what became of it."""

    @property
    def number(self) -> int:
        """Its number, counted from 1 over the life of the sandbox."""

    @property
    def method(self) -> str:
        """HTTP method."""

    @property
    def path(self) -> str:
        """Path as it was sent, without the query."""

    @property
    def query(self) -> str:
        """Query as it was sent, without the question mark; empty when there is none."""

    @property
    def status(self) -> int | None:
        """Status of the reply; `None` when it was never answered."""

    @property
    def received(self) -> datetime:
        """When it arrived, in UTC, on the sandbox's own clock."""

    @property
    def request_bytes(self) -> int:
        """Bytes of the request, head and body."""

    @property
    def response_bytes(self) -> int:
        """Bytes of the reply, head and framing included."""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Headers in order, names in lower case; secrets read `<sst>`, `<tt>` and `<password>`."""

    @property
    def fault(self) -> str | None:
        """Names of the faults that happened to it."""

    @property
    def connection(self) -> int:
        """Number of its connection, counted from 1."""

    @property
    def aborted(self) -> bool:
        """Whether the reply did not reach its end."""
