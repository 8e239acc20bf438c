"""The whole public API, as its users write it. Never run: mypy and basedpyright read it, both strict."""

import datetime
import io
from pathlib import Path
from typing import Any, Literal, assert_type
from zoneinfo import ZoneInfo

import pandas as pd  # pyright: ignore[reportMissingTypeStubs]
import polars as pl

import insightframe
from insightframe import (
    Configuration,
    ExportTask,
    FlexInstancesClient,
    FlowXoClient,
    InsightframeError,
    InsightsClient,
    InsightsWorkspace,
    Instance,
    Last,
    Limits,
    Polling,
    Receipt,
    Report,
    ReportColumn,
    Retry,
    Stream,
    Table,
    Tls,
    decode_csv,
    errors,
    stream_csv,
)
from insightframe.progress import Event
from insightframe.sandbox import LedgerEntry, Sandbox


def clients() -> None:
    InsightsClient()
    client = InsightsClient(
        "user@example.com",
        "password",
        workspace="a" * 32,
        base_url="https://analytics.ytica.com",
        auth="cookie",
        retry=Retry(attempts=5, base=1, cap=30),
        polling=Polling(initial=1, factor=2, max=30, timeout=60),
        limits=Limits(
            json_bytes=1,
            error_bytes=1,
            csv_bytes=1,
            record_bytes=1,
            connect=1,
            idle=1,
            slow_window=1,
            slow_bytes=0,
        ),
        tls=Tls(ca_file=Path("ca.pem")),
        proxy="http://proxy:3128",
        max_concurrency=2,
        progress=False,
    )
    assert_type(client.login(), None)
    assert_type(client.profile_id, str | None)
    assert_type(client.username, str)
    assert_type(client.workspace, str | None)
    assert_type(client.base_url, str)
    assert_type(client.identifiers(["date.date.mmddyyyy"]), dict[str, str])
    assert_type(client.uris({"/gdc/md/w/obj/1"}, workspace="b" * 32), dict[str, str])
    assert_type(client.logout(), None)
    assert_type(client.close(), None)


def catalogue(client: InsightsClient) -> None:
    tables: list[Table] = [client.workspaces(), client.workspaces(refresh=True)]
    for listing in (
        client.reports,
        client.metrics,
        client.attributes,
        client.labels,
        client.facts,
        client.datasets,
    ):
        tables.append(listing())
        tables.append(listing(workspace="b" * 32, refresh=True))
    assert_type(client.elements("label.conversations.queue"), Table)
    assert_type(client.elements(5193, "supp", 10, workspace="b" * 32), Table)
    assert_type(client.elements("/gdc/md/w/obj/1", contains="x", limit=1), Table)
    report = client.describe(3035643)
    assert_type(report, Report)
    assert_type(client.describe("aaosExgHgF8r", workspace="b" * 32, refresh=True), Report)
    assert_type([report.title, report.id, report.workspace, report.uri, report.definition], list[str])
    assert_type((report.identifier, report.pivoted), tuple[str | None, bool])
    assert_type(report.columns, list[ReportColumn])
    column = report.columns[0]
    assert_type((column.name, column.type, column.source), tuple[str, str, str])
    assert_type(column.kind, Literal["attribute", "metric"])
    assert_type((column.identifier, column.format), tuple[str | None, str | None])
    assert_type({report: column == column}, dict[Report, bool])
    assert_type(client.delete_profile(confirm=client.profile_id or ""), None)


def exports(client: InsightsClient) -> None:
    with client as same:
        assert_type(same, InsightsClient)
    assert_type(client.export(3035643), Table)
    table = client.export(
        "3035643",
        start="2023-12-01",
        end=datetime.date(2023, 12, 30),
        date="date.date.mmddyyyy",
        where={
            "label.agents.team_name": ["Billing", "Sales"],
            "date.date.yyyymmdd": Last(months=1, current=True),
            "label.conversations.queue": {"type": "list", "elements": []},
        },
        every="1w",
        schema={"Date": "date[mm/dd/yyyy]"},
        workspace="b" * 32,
        timeout=60,
        progress=listen,
    )
    tables(table)
    assert_type(client.resume("handle", schema="infer", timeout=60, progress="auto"), Table)
    with client.stream("3035643", schema="text") as stream:
        for batch in stream:
            assert_type(batch, Table)
        assert_type(stream.schema, dict[str, str])
        assert_type(stream.receipt, Receipt | None)
        assert_type(stream.error, BaseException | None)
    assert_type(client.stream("3035643").write_parquet("report.parquet"), int)
    assert_type(client.stream("3035643").write_csv("report.csv"), int)
    assert_type(client.stream("3035643").write_ipc("report.arrow"), int)
    receipts(client.download("3035643", Path("report.csv"), start="2023-12-01", end="2023-12-01"))
    receipts(
        client.export_dataset(
            "3035643",
            "s3://bucket/calls",
            start="2023-12-01",
            end="2023-12-31",
            every="1w",
            restate=3,
            format="ipc",
            where={"label.conversations.queue": ["Billing"]},
            widen=True,
            storage_options={"aws_region": "eu-west-1"},
        )
    )


def plans(client: InsightsClient) -> None:
    tasks = client.plan("3035643", start="2023-12-01", end="2023-12-30", every="1mo", where={"x": ("a",)}, timeout=60)
    assert_type(tasks, list[ExportTask])
    task = ExportTask.from_json(tasks[0].to_json())
    assert_type(task, ExportTask)
    assert_type(task.run(client, progress=False), Table)
    assert_type((task.start, task.end), tuple[datetime.date | None, datetime.date | None])
    assert_type([task.workspace, task.date], list[str | None])
    assert_type((task.report, task.timeout), tuple[str, float | None])
    assert_type(task.every, Literal["1d", "1w", "1mo"] | None)
    assert_type(task.schema, str | dict[str, str])
    assert_type(task.where, dict[str, list[str] | Last | dict[str, Any]])
    assert_type(task.to_dict(), dict[str, Any])
    assert_type({task: hash(task)}, dict[ExportTask, int])


def listen(event: Event) -> None:
    assert_type((event.phase, event.elapsed, event.polls, event.bytes, event.rows), tuple[str, float, int, int, int])


async def asynchronous(client: InsightsClient) -> None:
    async with client as same:
        assert_type(same, InsightsClient)
    assert_type(await client.login_async(), None)
    assert_type(await client.identifiers_async(["date.date.mmddyyyy"]), dict[str, str])
    assert_type(await client.workspaces_async(refresh=True), Table)
    for listing in (
        client.reports_async,
        client.metrics_async,
        client.attributes_async,
        client.labels_async,
        client.facts_async,
        client.datasets_async,
    ):
        assert_type(await listing(workspace="b" * 32, refresh=True), Table)
    assert_type(await client.elements_async("label.conversations.queue", "supp", limit=3), Table)
    assert_type(await client.describe_async("3035643", refresh=True), Report)
    assert_type(await client.delete_profile_async("id"), None)
    assert_type(await client.uris_async(["/gdc/md/w/obj/1"]), dict[str, str])
    assert_type(await client.export_async("3035643", start="2023-12-01", end="2023-12-30"), Table)
    async with await client.stream_async("3035643") as stream:
        assert_type(stream, Stream)
        async for batch in stream:
            assert_type(batch, Table)
    assert_type(await client.download_async("3035643", "report.csv"), Receipt)
    days = datetime.date(2023, 12, 1), "2023-12-31"
    assert_type(
        await client.export_dataset_async(3035643, Path("calls"), start=days[0], end=days[1], every=None), Receipt
    )
    client.export_dataset("3035643", "calls", start="2023-12-01", end="2023-12-31", format="xlsx")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.export_dataset("3035643", "calls", end="2023-12-31")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert_type(await client.resume_async("handle"), Table)
    (task,) = client.plan("3035643", every=None)
    assert_type(await task.run_async(client), Table)
    assert_type(await client.logout_async(), None)
    assert_type(await client.close_async(), None)


def tables(table: Table) -> None:
    assert_type(len(table), int)
    assert_type(table.num_rows, int)
    assert_type(table.column_names, list[str])
    assert_type(table.schema, dict[str, str])
    assert_type(table.receipt, Receipt | None)
    assert_type(table.rejects, Table | None)
    assert_type(table.to_polars(), pl.DataFrame)
    frame: pd.DataFrame = table.to_pandas()
    backend: Literal["numpy_nullable"] = "numpy_nullable"
    frame = table.to_pandas(dtype_backend=backend)
    # pyarrow has no types, so there is no more to say about its table.
    print(frame, table.to_dicts(), table.to_arrow())  # pyright: ignore
    assert_type(pl.DataFrame(table), pl.DataFrame)
    assert_type(table.write_parquet("report.parquet"), int)
    assert_type(table.write_csv("s3://bucket/report.csv", storage_options={"aws_region": "eu-west-1"}), int)
    assert_type(table.write_csv(Path("report.csv")), int)
    assert_type(table.write_ipc("report.arrow"), int)


def receipts(receipt: Receipt) -> None:
    assert_type(receipt.report, str)
    assert_type(receipt.workspace, str | None)
    assert_type(receipt.windows, list[tuple[str, str]])
    numbers = [receipt.rows, receipt.bytes, receipt.polls, receipt.retries, receipt.token_refreshes]
    assert_type(numbers, list[int])
    assert_type(receipt.seconds, dict[str, float])
    assert_type(receipt.skipped, list[tuple[str, str]])
    assert_type(receipt.schema_fingerprint, str | None)
    assert_type(receipt.warnings, list[str])
    print(receipt, receipt.to_dict())


def csv_at_hand() -> None:
    assert_type(decode_csv(b"a\n1\n"), Table)
    assert_type(decode_csv("report.csv", schema="text", strict=False, encoding="windows-1252", threads=2), Table)
    assert_type(stream_csv(io.BytesIO(b"a\n1\n"), schema={"a": "int64"}), Stream)


async def flowxo() -> None:
    client = FlowXoClient({"a": "key", "b": "key"}, base_url="https://flowxo.com/api", max_concurrency=2)
    assert_type(client.accounts, list[str] | None)
    assert_type(client.base_url, str)
    zone = ZoneInfo("Europe/Zurich")
    assert_type(client.stats("2023-05-01", datetime.date(2023, 5, 2), tz=zone, timeout=1), dict[str, Any] | None)
    now = datetime.datetime.now(datetime.UTC)
    assert_type(client.metrics(end=now, unit="hour", offset=-300, fill=True), Table)
    assert_type(client.insights("2023-05-01", unit="month", tz="UTC"), tuple[dict[str, Any] | None, Table])
    assert_type([client.top_messages(limit=5), client.top_flows(limit=5), client.workflows()], list[Table])
    assert_type(await client.metrics_async("2023-05-01"), Table)


async def instances() -> None:
    client = FlexInstancesClient("SK", "secret", account_sid="AC", polling=Polling(max=60))
    assert_type([client.username, client.account_sid, client.base_url], list[str])
    assert_type(client.create(conversations_default=False, wait=True, timeout=600), Instance)
    instance = await client.wait_async("GO", timeout=1)
    assert_type(client.fetch(instance.sid), Instance)
    assert_type([instance.account_sid, instance.status], list[str])
    assert_type([instance.date_created, instance.date_updated], list[datetime.datetime | None])
    configuration = client.configuration()
    assert_type(configuration, Configuration)
    assert_type([configuration.flex_instance_sid, configuration.status], list[str | None])
    assert_type(configuration.insights_workspaces, list[InsightsWorkspace])
    assert_type(configuration.raw, dict[str, Any])
    workspace = configuration.insights_workspaces[0]
    assert_type((workspace.id, workspace.timezone), tuple[str, str | None])


def sandboxes() -> None:
    with Sandbox(rows=10, tls=True) as sandbox, sandbox.insights_client(virtual_time=True, progress=False) as client:
        assert_type(client, InsightsClient)
        addresses = [sandbox.url, sandbox.username, sandbox.password, sandbox.workspace, *sandbox.workspaces]
        assert_type(addresses, list[str])
        assert_type(sandbox.reports, dict[str, str])
        assert_type(sandbox.ca_file, str | None)
        assert_type([sandbox.executions, sandbox.instances_created], list[int])
        credentials = [sandbox.account_sid, sandbox.auth_token, sandbox.api_key, sandbox.api_secret]
        assert_type([*credentials, sandbox.flowxo_api_key], list[str])
        assert_type(sandbox.flowxo_api_keys, dict[str, str])
        assert_type(sandbox.flowxo_client(virtual_time=True), FlowXoClient)
        assert_type(sandbox.instances_client(retry=Retry()), FlexInstancesClient)
        sandbox.advance(seconds=1, minutes=11, hours=0.5, days=14)
        sandbox.fault("cut", path="/gdc/projects/*/execute/raw/*", method="GET", skip=1, times=None, after=100)
        sandbox.clear_faults()
        for entry in sandbox.ledger:
            ledger(entry)
        sandbox.clear_ledger()
        sandbox.close()


def ledger(entry: LedgerEntry) -> None:
    assert_type([entry.number, entry.request_bytes, entry.response_bytes, entry.connection], list[int])
    assert_type([entry.method, entry.path, entry.query], list[str])
    assert_type(entry.status, int | None)
    assert_type(entry.received, datetime.datetime)
    assert_type(entry.headers, list[tuple[str, str]])
    assert_type(entry.fault, str | None)
    assert_type(entry.aborted, bool)


def failures(client: InsightsClient) -> None:
    try:
        client.export("3035643")
    except errors.LoginThrottled as error:
        assert_type(error.retry_after, float | None)
    except errors.DeadlineExceeded as error:
        assert_type(error.phase, str)
        assert_type(error.handle, str | None)
    except errors.ApiError as error:
        assert_type((error.status, error.request_id, error.code), tuple[int, str | None, str])
        assert_type(error.more_info, str | None)
    except errors.PartialResult as error:
        assert_type(error.failures, dict[str, InsightframeError])
        assert_type(error.result, object)
    except errors.SchemaMismatch as error:
        assert_type((error.column, error.record, error.value, error.expected), tuple[str, int, str, str])
    except errors.CsvError as error:
        assert_type((error.record, error.line, error.byte, error.column), tuple[int, int, int, str | None])
    except InsightframeError as error:
        assert_type((error.code, error.attempts, error.elapsed, error.retryable), tuple[str, int, float, bool])
    assert_type(insightframe.__version__, str)
