"""Exports in windows, filters, and plans that are run elsewhere."""

import asyncio
import copy
import json
import pickle
import signal
import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from conftest import Child
from insightframe import ExportTask, InsightsClient, Last
from insightframe.errors import ConfigError, NotFound, ResultTooLarge
from insightframe.sandbox import Sandbox
from ledger import logins, looks

REPORT = "3035643"
DAY, QUEUE = "date.date.mmddyyyy", "label.conversations.queue"
pytestmark = pytest.mark.insights_sandbox(
    rows_per_day=20, data_start="2024-01-01", data_end="2024-05-15", raw_202_count=0
)


def test_windows_give_what_one_export_gives(insights_client: InsightsClient, tmp_path: Path) -> None:
    days = {"start": date(2024, 1, 31), "end": "2024-03-04"}
    one = insights_client.export(REPORT, **days)  # type: ignore[arg-type]
    for every, count in (("1d", 34), ("1w", 6), ("1mo", 3)):
        many = insights_client.export(REPORT, **days, every=every)  # type: ignore[arg-type]
        assert many.to_dicts() == one.to_dicts()
        assert many.schema == one.schema
        assert many.receipt is not None
        assert len(many.receipt.windows) == count
        with insights_client.stream(REPORT, **days, every=every) as stream:  # type: ignore[arg-type]
            pieces = [piece.to_dicts() for piece in stream]
        assert len(pieces) == count
        assert [row for piece in pieces for row in piece] == one.to_dicts()
    insights_client.download(REPORT, tmp_path / "one.csv", **days)  # type: ignore[arg-type]
    receipt = insights_client.download(REPORT, tmp_path / "many.csv", **days, every="1w")  # type: ignore[arg-type]
    assert (tmp_path / "many.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()
    assert receipt.windows[0] == ("2024-01-31", "2024-02-04")


def test_windows_in_an_event_loop(insights_client: InsightsClient) -> None:
    async def export() -> tuple[int, int]:
        table = await insights_client.export_async(REPORT, start="2024-02-28", end="2024-03-01", every="1d")
        stream = await insights_client.stream_async(REPORT, start="2024-02-28", end="2024-03-01", every="1d")
        return len(table), len([piece async for piece in stream])

    assert asyncio.run(export()) == (60, 3)


def test_cancelling_windows_lets_all_their_connections_go(
    insights_client: InsightsClient, insights_sandbox: Sandbox
) -> None:
    insights_client.export(REPORT, start="2024-01-01", end="2024-01-01")
    insights_sandbox.clear_ledger()
    insights_sandbox.fault("stall", path="/gdc/projects/*/execute/raw/*", times=None)

    async def cancel() -> None:
        export = asyncio.create_task(
            insights_client.export_async(REPORT, start="2024-01-01", end="2024-02-28", every="1d")
        )
        while len(looks(insights_sandbox)) < 4:
            await asyncio.sleep(0.005)
        export.cancel()
        with pytest.raises(asyncio.CancelledError):
            await export

    asyncio.run(cancel())
    ends = time.monotonic() + 5
    while not all(look.aborted for look in looks(insights_sandbox)):
        assert time.monotonic() < ends
        time.sleep(0.005)
    assert len(looks(insights_sandbox)) == 4


@pytest.mark.insights_sandbox(rows_per_day=20, data_start="2024-01-01", data_end="2024-01-31", oversize_export=70)
def test_windows_that_are_too_large_are_halved(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    days = {"start": "2024-01-01", "end": "2024-01-31"}
    table = insights_client.export(REPORT, **days, every="1mo")  # type: ignore[arg-type]
    assert len(table) == 620
    assert table.receipt is not None
    assert len(table.receipt.windows) == 15
    assert table.receipt.warnings[0] == snapshot(
        "the result of 2024-01-01..2024-01-31 was too large for the service and was halved"
    )


@pytest.mark.insights_sandbox(rows_per_day=20, data_start="2024-01-01", data_end="2024-01-31", oversize_export=10)
def test_a_day_that_is_too_large_is_named(insights_client: InsightsClient) -> None:
    with pytest.raises(ResultTooLarge) as caught:
        insights_client.export(REPORT, start="2024-01-05", end="2024-01-05", every="1mo")
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("the result of the single day 2024-01-05 is too large for the service: GET /gdc/")
    assert lines[1:] == snapshot(['hint: filter it further: `where={"label": ["value", …]}`'])


def test_filters(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    every_row = insights_client.export(REPORT).to_dicts()
    queues = sorted({row["Queue"] for row in every_row})[:2]
    last_week = {"2024-05-06", "2024-05-07", "2024-05-08", "2024-05-09", "2024-05-10", "2024-05-11", "2024-05-12"}
    where = {QUEUE: queues, DAY: Last(weeks=1)}
    found = insights_client.export(REPORT, where=where).to_dicts()  # type: ignore[arg-type]
    expected = [row for row in every_row if row["Queue"] in queues and row["Date"].isoformat() in last_week]
    assert found == expected != []
    raw = {DAY: {"type": "interval", "from": "2024-05-06", "to": "2024-05-12"}, QUEUE: tuple(queues)}
    assert insights_client.export(REPORT, where=raw).to_dicts() == expected  # type: ignore[arg-type]
    april = insights_client.export(REPORT, where={DAY: Last(months=1)}, start="2024-04-29", end="2024-05-02")
    assert {row["Date"].isoformat() for row in april.to_dicts()} == {"2024-04-29", "2024-04-30"}
    with pytest.raises(NotFound) as caught:
        insights_client.export(REPORT, where={QUEUE: ["Biling", queues[0], "xyzzy"]})
    message = str(caught.value).replace(insights_sandbox.workspace, "WORKSPACE")
    assert message == snapshot("""\
POST /gdc/md/WORKSPACE/obj/1141/validElements answered 200: `label.conversations.queue` doesn't have the elements `Biling`, `xyzzy`
hint: did you mean `Billing`?\
""")


def plan(client: InsightsClient) -> list[ExportTask]:
    return client.plan(
        REPORT,
        start="2024-01-31",
        end="2024-03-01",
        every="1mo",
        where={
            QUEUE: ["Billing", "Support EN"],
            DAY: Last(years=1, current=True),
            "label.conversations.kind": {"x": [1]},
        },
        schema={"Date": "text", "Offered Contacts": "float64"},
        timeout=60,
    )


def test_a_plan_is_made_of_tasks_that_travel(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    tasks = plan(insights_client)
    assert [(str(task.start), str(task.end)) for task in tasks] == snapshot(
        [("2024-01-31", "2024-01-31"), ("2024-02-01", "2024-02-29"), ("2024-03-01", "2024-03-01")]
    )
    task = tasks[1]
    assert repr(task) == snapshot(
        "ExportTask('3035643', start='2024-02-01', end='2024-02-29', where={'label.conversations.queue': ['Billing', 'Support EN'], 'date.date.mmddyyyy': Last(days=None, weeks=None, months=None, quarters=None, years=1, current=True), 'label.conversations.kind': {'x': [1]}}, workspace='sandboxws0000000000000000000one1')"
    )
    assert task.to_dict() == snapshot(
        {
            "insightframe_task": 1,
            "report": "3035643",
            "workspace": "sandboxws0000000000000000000one1",
            "start": "2024-02-01",
            "end": "2024-02-29",
            "date": "date.date.mmddyyyy",
            "every": "1mo",
            "where": {
                "label.conversations.queue": ["Billing", "Support EN"],
                "date.date.mmddyyyy": {"last": {"years": 1, "current": True}},
                "label.conversations.kind": {"raw": {"x": [1]}},
            },
            "schema": {"base": "report", "columns": {"Date": "utf8", "Offered Contacts": "float64"}},
            "timeout": 60.0,
        }
    )
    assert (task.report, task.workspace, task.date, task.every, task.timeout) == (
        REPORT,
        insights_sandbox.workspace,
        DAY,
        "1mo",
        60,
    )
    assert task.where[DAY] == Last(years=1, current=True)
    assert task.schema == {"Date": "utf8", "Offered Contacts": "float64"}
    for same in (
        pickle.loads(pickle.dumps(task)),
        copy.deepcopy(task),
        ExportTask.from_json(task.to_json()),
        ExportTask.from_json(json.dumps(task.to_dict(), indent=2)),
        plan(insights_client)[1],
    ):
        assert same == task
        assert hash(same) == hash(task)
    assert len({*tasks, *plan(insights_client)}) == 3
    assert task != tasks[0]
    assert task != task.to_json()
    with pytest.raises(AttributeError):
        task.timeout = 5  # type: ignore[misc]
    for secret in (insights_sandbox.password, insights_sandbox.username):
        assert secret not in task.to_json() + repr(task) + repr(pickle.dumps(task))
    assert insights_sandbox.ledger == []


def test_a_task_is_run_like_the_export_that_it_is_of(insights_client: InsightsClient) -> None:
    days = {"start": "2024-02-28", "end": "2024-03-03", "where": {QUEUE: ["Billing", "Support EN"]}, "schema": "text"}
    tasks = insights_client.plan(REPORT, **days)  # type: ignore[arg-type]
    assert len(tasks) == 5
    whole = insights_client.export(REPORT, **days)  # type: ignore[arg-type]
    rows = [row for task in tasks for row in task.run(insights_client).to_dicts()]
    assert rows == whole.to_dicts() != []
    table = asyncio.run(tasks[0].run_async(insights_client))
    assert table.to_dicts() == tasks[0].run(insights_client).to_dicts()
    (all_days,) = insights_client.plan(REPORT, every=None)
    assert all_days.start is None
    assert len(all_days.run(insights_client)) == 20 * 136


def test_a_text_that_is_no_task(insights_client: InsightsClient) -> None:
    text = plan(insights_client)[0].to_json()
    for other in ("", "[]", text.replace("1mo", "1y"), text.replace(REPORT, "../x"), text.replace('"start"', '"from"')):
        with pytest.raises(ConfigError):
            ExportTask.from_json(other)
    with pytest.raises(ConfigError) as caught:
        ExportTask.from_json(text.replace('"insightframe_task": 1', "").replace(":1,", ":9,", 1))
    assert str(caught.value) == snapshot("""\
this is not the text of an export task: its version is 9
hint: pass what `to_json` gave unchanged, to the same version of insightframe\
""")


@pytest.mark.usefixtures("credentials")
@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_tasks_run_in_forked_and_in_spawned_processes(insights_sandbox: Sandbox, child: Child, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        """
import multiprocessing, sys, warnings
warnings.filterwarnings("ignore", message=".*multi-threaded.*")
from insightframe import InsightsClient, Last

def rows(task):
    with InsightsClient() as client:
        return len(task.run(client))

if __name__ == "__main__":
    client = InsightsClient()
    where = {"date.date.mmddyyyy": Last(years=1, current=True)}
    tasks = client.plan("3035643", start="2024-01-31", end="2024-03-01", every="1mo", where=where)
    print([rows(task) for task in tasks])
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            print(pool.map(rows, tasks))
            pool.close()
            pool.join()
"""
    )
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "[20, 580, 20]\n" * 3), done.stderr
    assert len(logins(insights_sandbox)) == 9


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as on POSIX")
@pytest.mark.insights_sandbox(rows_per_day=20, data_start="2024-01-01", data_end="2024-01-31", raw_202_count=1)
def test_ctrl_c_leaves_a_handle(insights_sandbox: Sandbox) -> None:
    with insights_sandbox.insights_client() as client:
        for arguments in ({}, {"every": "1d"}):
            insights_sandbox.clear_ledger()
            insights_sandbox.fault("stall", path="/gdc/projects/*/execute/raw/*", times=None)
            wanted = 4 if arguments else 1

            def interrupt(wanted: int = wanted) -> None:
                while len(looks(insights_sandbox)) < wanted:
                    time.sleep(0.005)
                signal.raise_signal(signal.SIGINT)

            thread = threading.Thread(target=interrupt)
            thread.start()
            with pytest.raises(KeyboardInterrupt) as caught:
                client.export(REPORT, start="2024-01-01", end="2024-01-31", **arguments)  # type: ignore[arg-type]
            thread.join()
            insights_sandbox.clear_faults()
            assert caught.value.__notes__ == ["`client.resume(error.handle)` goes on where this was interrupted"]
            handle = caught.value.handle  # type: ignore[attr-defined]
            before = insights_sandbox.executions
            assert len(client.resume(handle)) == 620
            assert insights_sandbox.executions == before + (27 if arguments else 0)
