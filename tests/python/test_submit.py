"""Executing, waiting and fetching apart."""

import asyncio

import pytest

from insightframe.errors import ConfigError, DeadlineExceeded, InvalidCredentials, NotFound
from ledger import looks

DAY = {"start": "2023-12-01", "end": "2023-12-01"}


def test_what_one_client_submits_another_fetches(insights_sandbox):
    with insights_sandbox.insights_client() as client:
        handle = client.submit("3035643", **DAY)
        assert looks(insights_sandbox) == []
        expected = client.export("3035643", **DAY).to_dicts()
    assert insights_sandbox.password not in handle
    with insights_sandbox.insights_client() as client:
        client.wait(handle)
        assert client.resume(handle).to_dicts() == expected
        with client.resume_stream(handle) as stream:
            assert [row for table in stream for row in table.to_dicts()] == expected
    assert insights_sandbox.executions == 2


def test_it_is_the_same_in_coroutines(insights_sandbox):
    async def use():
        async with insights_sandbox.insights_client() as client:
            handle = await client.submit_async("3035643", **DAY)
            await client.wait_async(handle)
            stream = await client.resume_stream_async(handle)
            return sum([table.num_rows async for table in stream])

    assert asyncio.run(use()) == 3360
    assert insights_sandbox.executions == 1


@pytest.mark.insights_sandbox(rows_per_day=5)
def test_of_windows_as_many_are_executed_as_may_be_under_way(insights_sandbox):
    with insights_sandbox.insights_client(max_concurrency=3) as client:
        handle = client.submit("3035643", start="2023-12-01", end="2023-12-10", every="1d")
        assert insights_sandbox.executions == 3
        client.wait(handle)
        assert client.resume(handle).num_rows == 50
    assert insights_sandbox.executions == 10


@pytest.mark.insights_sandbox(compute_seconds=7200)
def test_waiting_ends_at_its_deadline_and_may_begin_again(insights_sandbox):
    with insights_sandbox.insights_client(virtual_time=True) as client:
        handle = client.submit("3035643", **DAY)
        with pytest.raises(DeadlineExceeded) as expired:
            client.wait(handle, timeout=3600)
        assert expired.value.handle == handle
        client.wait(handle, timeout=7200)
        assert client.resume(handle).num_rows == 3360
    assert insights_sandbox.executions == 1


def test_waiting_fetches_nothing_and_takes_no_place(insights_sandbox):
    async def use(client):
        handle = await client.submit_async("3035643", **DAY)
        await asyncio.gather(*(client.wait_async(handle) for _ in range(20)))
        return handle

    with insights_sandbox.insights_client(max_concurrency=1) as client:
        asyncio.run(use(client))
        assert client.export("3035643", **DAY).num_rows == 3360


def test_what_can_not_be_submitted_is_not_executed(insights_sandbox):
    with insights_sandbox.insights_client() as client:
        with pytest.raises(NotFound):
            client.submit("99999999", **DAY)
        with pytest.raises(ConfigError, match="not the handle"):
            client.wait("no handle")
    with insights_sandbox.insights_client(password="wrong") as client, pytest.raises(InvalidCredentials):
        client.submit("3035643", **DAY)
    assert insights_sandbox.executions == 0
