"""Event loops: the synchronous methods work inside one, the others never block one, and cancelling lets go."""

import asyncio
import inspect
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from insightframe import InsightsClient, Polling
from insightframe.errors import ConfigError, NotFound
from insightframe.sandbox import Sandbox
from ledger import is_logged_out_once, logins, looks

REPORT = "3035643"
DATE = "date.date.mmddyyyy"
pytestmark = pytest.mark.insights_sandbox(rows=200, raw_202_count=0)


def test_every_method_works_inside_a_running_loop(insights_client: InsightsClient, tmp_path: Path) -> None:
    async def cell_of_a_notebook() -> None:
        insights_client.login()
        uris = insights_client.identifiers([DATE])
        assert insights_client.uris(uris.values()) == {uri: name for name, uri in uris.items()}
        assert len(insights_client.export(REPORT)) == 200
        assert sum(len(piece) for piece in insights_client.stream(REPORT)) == 200
        assert insights_client.download(REPORT, tmp_path / "report.csv").bytes > 0
        insights_client.logout()
        insights_client.close()

    asyncio.run(cell_of_a_notebook())


def test_every_method_has_an_asynchronous_twin(insights_client: InsightsClient, tmp_path: Path) -> None:
    async def program() -> None:
        async with insights_client as client:
            await client.login_async()
            assert client.profile_id is not None
            uris = await client.identifiers_async([DATE])
            assert await client.uris_async(list(uris.values())) == {uri: name for name, uri in uris.items()}
            assert len(await client.export_async(REPORT)) == 200
            stream = await client.stream_async(REPORT)
            assert sum([len(piece) async for piece in stream]) == 200
            assert (await client.download_async(REPORT, tmp_path / "report.csv")).bytes > 0
            await client.logout_async()
            assert client.profile_id is None
            with pytest.raises(NotFound):
                await client.export_async("999")
        with pytest.raises(ConfigError, match="the client is closed"):
            await client.export_async(REPORT)

    asyncio.run(program())


def test_the_twins_take_what_the_methods_take(insights_client: InsightsClient) -> None:
    names = [name for name in dir(insights_client) if not name.startswith("_")]
    twins = [name for name in names if name.endswith("_async")]
    assert len(twins) >= 9
    for twin in twins:
        method = inspect.signature(getattr(insights_client, twin.removesuffix("_async")))
        assert inspect.signature(getattr(insights_client, twin)).parameters.keys() == method.parameters.keys()


def test_a_coroutine_can_be_run_by_itself(insights_client: InsightsClient) -> None:
    assert len(asyncio.run(insights_client.export_async(REPORT))) == 200


@pytest.mark.insights_sandbox(rows=50)
def test_many_at_once_share_one_session(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    async def many() -> list[int]:
        return [
            len(table) for table in await asyncio.gather(*(insights_client.export_async(REPORT) for _ in range(20)))
        ]

    fast = insights_sandbox.insights_client(polling=Polling(initial=0.001), max_concurrency=20)
    with fast as insights_client:
        assert asyncio.run(many()) == [50] * 20
    assert is_logged_out_once(insights_sandbox)


def test_a_loop_turns_while_an_export_waits(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    insights_sandbox.fault("latency", ms=200)

    async def program() -> float:
        export = asyncio.ensure_future(insights_client.export_async(REPORT))
        longest, last = 0.0, time.perf_counter()
        while not export.done():
            await asyncio.sleep(0.001)
            longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
        assert len(await export) == 200
        return longest

    # Half of the wait that there was: the machine may be busy, but nothing blocked.
    assert asyncio.run(program()) < 0.1


def test_threads_go_on_while_an_export_waits(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    insights_sandbox.fault("stall", path="*/execute/raw/*")
    turns, ended = [], threading.Event()

    def count() -> None:
        while len(turns) < 100:
            turns.append(time.perf_counter())
            time.sleep(0.0005)
        # Only now may the export go on.
        ended.set()
        insights_sandbox.close()

    thread = threading.Thread(target=count)
    thread.start()
    with pytest.raises(Exception, match="connection"):
        insights_client.export(REPORT)
    assert ended.is_set()
    thread.join()


@asynccontextmanager
async def stalled(
    sandbox: Sandbox, work: Coroutine[Any, Any, object], path: str
) -> AsyncIterator["asyncio.Task[object]"]:
    """A task whose request for `path` has arrived and is never answered."""
    sandbox.fault("stall", path=path)
    task = asyncio.ensure_future(work)
    while not any(entry.fault == "stall" for entry in sandbox.ledger):
        await asyncio.sleep(0.001)
    yield task


async def seconds_until_it_is_let_go(sandbox: Sandbox) -> float:
    began = time.perf_counter()
    while not any(entry.aborted for entry in sandbox.ledger):
        await asyncio.sleep(0.001)
        assert time.perf_counter() - began < 10
    return time.perf_counter() - began


STEPS: dict[str, str] = {
    "login": "/gdc/account/login",
    "definition": "/gdc/md/*/obj/*",
    "execution": "*/execute/raw",
    "result": "*/execute/raw/*",
}


@pytest.mark.parametrize("path", STEPS.values(), ids=STEPS)
def test_cancelling_drops_the_socket(insights_client: InsightsClient, insights_sandbox: Sandbox, path: str) -> None:
    async def program() -> float:
        async with stalled(insights_sandbox, insights_client.export_async(REPORT), path) as task:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        return await seconds_until_it_is_let_go(insights_sandbox)

    assert asyncio.run(program()) < 0.1


@pytest.mark.insights_sandbox(rows=140_000, raw_202_count=0)
def test_cancelling_a_reader_drops_the_socket(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    insights_sandbox.fault("stall", path="*/execute/raw/*", after=10_000_000)

    async def program() -> float:
        stream = await insights_client.stream_async(REPORT)

        async def read() -> None:
            async for _ in stream:
                pass

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(read(), 0.3)
        waited = await seconds_until_it_is_let_go(insights_sandbox)
        with pytest.raises(ConfigError, match="its reading was interrupted"):
            await anext(stream)
        return waited

    assert asyncio.run(program()) < 0.1


def test_a_timeout_of_asyncio_s_is_obeyed(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    insights_sandbox.fault("stall", path="*/execute/raw/*")

    async def program() -> None:
        async with asyncio.timeout(0.1):
            await insights_client.export_async(REPORT)

    began = time.perf_counter()
    with pytest.raises(TimeoutError):
        asyncio.run(program())
    assert time.perf_counter() - began < 1
    # The session outlives it.
    assert len(insights_client.export(REPORT)) == 200
    assert len(logins(insights_sandbox)) == 1


def test_threads_share_one_session(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    rows: list[int] = []
    work: Callable[[], None] = lambda: rows.append(len(insights_client.export(REPORT)))  # noqa: E731
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows == [200] * 8
    assert len(logins(insights_sandbox)) == 1
    assert len(looks(insights_sandbox)) == 8
