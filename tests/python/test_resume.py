"""Waiting for a report: on a clock that is put forward, through tokens that die, and from where a deadline left it."""

import asyncio
import dataclasses
import threading
import time

import pytest
from inline_snapshot import snapshot

from insightframe import InsightsClient, Polling
from insightframe.errors import ConfigError, DeadlineExceeded, ResultGone
from insightframe.progress import Event
from insightframe.sandbox import Sandbox
from ledger import logins, looks, token_requests

REPORT = "3035643"
pytestmark = pytest.mark.insights_sandbox(rows=50)


@pytest.mark.insights_sandbox(compute_seconds=2 * 3600)
def test_hours_of_polling_take_milliseconds(insights_sandbox: Sandbox) -> None:
    began = time.monotonic()
    with insights_sandbox.insights_client(virtual_time=True, polling=Polling(timeout=4 * 3600)) as client:
        table = client.export(REPORT)
    assert time.monotonic() - began < 5
    receipt = table.receipt
    assert len(table) == 50
    assert receipt is not None
    assert receipt.polls > 400
    assert receipt.seconds["polling"] > 2 * 3600
    # A token every ten minutes, refreshed ahead of its end; the session lives for two weeks.
    assert 11 <= len(token_requests(insights_sandbox)) <= 30
    assert len(logins(insights_sandbox)) == 1
    assert insights_sandbox.executions == 1


@pytest.mark.insights_sandbox(raw_202_count=3)
def test_a_token_that_dies_while_the_report_is_computed_is_refreshed(insights_sandbox: Sandbox) -> None:
    with insights_sandbox.insights_client(polling=Polling(initial=0.01)) as client:
        client.login()
        insights_sandbox.fault("expire_tt", path="*/execute/raw/*", skip=1)
        assert len(client.export(REPORT)) == 50
    assert (len(token_requests(insights_sandbox)), len(logins(insights_sandbox))) == (1, 1)
    assert insights_sandbox.executions == 1


@pytest.mark.insights_sandbox(raw_202_count=0)
@pytest.mark.parametrize(("passed", "refreshes", "again"), [({"minutes": 11}, 1, 0), ({"days": 15}, 1, 1)])
def test_time_that_passes_costs_one_refresh_or_one_login(
    insights_sandbox: Sandbox, passed: dict[str, float], refreshes: int, again: int
) -> None:
    with insights_sandbox.insights_client(virtual_time=True) as client:
        client.export(REPORT)
        insights_sandbox.clear_ledger()
        insights_sandbox.advance(**passed)
        assert len(client.export(REPORT)) == 50
        assert (len(token_requests(insights_sandbox)), len(logins(insights_sandbox))) == (refreshes, again)


@pytest.mark.insights_sandbox(compute_seconds=600)
def test_what_a_deadline_left_is_gone_on_with(insights_sandbox: Sandbox) -> None:
    with insights_sandbox.insights_client(virtual_time=True) as client:
        with pytest.raises(DeadlineExceeded) as caught:
            client.export(REPORT, start="2023-12-01", end="2023-12-30", timeout=60)
        error = caught.value
        assert str(error) == snapshot("not done within 60.0 s; the time ran out while polling")
        assert (error.phase, error.allowed) == ("polling", 60)
        assert error.handle is not None
        # Not even the handle's own client is needed.
        insights_sandbox.advance(minutes=10)
        with insights_sandbox.insights_client(virtual_time=True) as other:
            table = other.resume(error.handle)
        assert table.to_dicts() == client.export(REPORT, start="2023-12-01", end="2023-12-30").to_dicts()
    assert len(table) > 0
    assert insights_sandbox.executions == 2


@pytest.mark.insights_sandbox(compute_seconds=600, raw_result_ttl=3600)
def test_what_is_gone_on_with_too_late_is_executed_again_once(insights_sandbox: Sandbox) -> None:
    with insights_sandbox.insights_client(virtual_time=True) as client:
        with pytest.raises(DeadlineExceeded) as caught:
            client.export(REPORT, start="2023-12-01", end="2023-12-30", timeout=60)
        handle = caught.value.handle
        assert handle is not None
        with pytest.raises(DeadlineExceeded) as again:
            client.resume(handle, timeout=60)
        assert again.value.handle == handle
        insights_sandbox.advance(days=2)
        table = client.resume(handle)
        assert table.to_dicts() == client.export(REPORT, start="2023-12-01", end="2023-12-30").to_dicts()
        assert table.receipt is not None
        assert table.receipt.warnings == snapshot(
            [
                "the service no longer had the result of 2023-12-01..2023-12-30 that it had accepted, so the report was executed again"
            ]
        )
        insights_sandbox.fault("status", path="/gdc/projects/*/execute/raw/*", status=410, times=None)
        with pytest.raises(ResultGone):
            client.resume(handle)
    assert insights_sandbox.executions == 4


@pytest.mark.insights_sandbox(compute_seconds=100, raw_202_count=0)
def test_windows_are_gone_on_with(insights_sandbox: Sandbox) -> None:
    days = {"start": "2023-12-01", "end": "2023-12-10", "every": "1d"}
    with insights_sandbox.insights_client(virtual_time=True) as client:
        with pytest.raises(DeadlineExceeded) as caught:
            client.export(REPORT, **days, timeout=150)  # type: ignore[arg-type]
        handle = caught.value.handle
        assert handle is not None
        assert insights_sandbox.password not in handle
        table = client.resume(handle)
        # Once each, but for those whose acceptance was on its way when the time ran out: time is virtual, the wire isn't.
        assert 10 <= insights_sandbox.executions < 10 + 4
        assert table.to_dicts() == client.export(REPORT, start="2023-12-01", end="2023-12-10").to_dicts()


def test_a_handle_of_another_service_is_refused(insights_sandbox: Sandbox) -> None:
    with insights_sandbox.insights_client() as client, Sandbox() as other:
        insights_sandbox.fault("stall", path="*/execute/raw/*")
        with pytest.raises(DeadlineExceeded) as caught:
            client.export(REPORT, timeout=0.05)
        handle = caught.value.handle
        assert handle is not None
        assert insights_sandbox.password not in handle
        with other.insights_client() as stranger, pytest.raises(ConfigError) as refused:
            stranger.resume(handle)
        message = str(refused.value).replace(insights_sandbox.url, "ONE").replace(other.url, "OTHER")
        assert message == snapshot("""\
the handle is of the service at `ONE`, not of `OTHER`
hint: go on with a client of the same `base_url`\
""")
        assert other.ledger == []
        assert len(client.resume(handle)) == 50


@pytest.mark.insights_sandbox(rows=140_000, raw_202_count=2)
def test_progress_is_told(insights_sandbox: Sandbox) -> None:
    events: list[Event] = []
    with insights_sandbox.insights_client(polling=Polling(initial=0.15), virtual_time=True) as client:
        client.export(REPORT, progress=events.append)
    phases = list(dict.fromkeys(event.phase for event in events))
    assert phases == ["resolving", "logging in", "executing", "polling", "downloading", "done"]
    assert [event.elapsed for event in events] == sorted(event.elapsed for event in events)
    for name in ("polls", "bytes", "rows"):
        counts = [getattr(event, name) for event in events]
        assert counts == sorted(counts)
    with pytest.raises(dataclasses.FrozenInstanceError):
        events[0].polls = 7  # type: ignore[misc]


@pytest.mark.insights_sandbox(raw_202_count=0)
def test_progress_of_the_client_and_of_the_call(insights_sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    told: list[Event] = []
    with insights_sandbox.insights_client(progress=told.append) as client:
        client.export(REPORT)
        assert told
        count = len(told)
        client.export(REPORT, progress=False)
        assert len(told) == count

        def broken(event: Event) -> None:
            raise LookupError("the listener's own fault")

        # It is logged, and the export goes on.
        assert len(client.export(REPORT, progress=broken)) == 50
    assert "the listener's own fault" in caplog.text


@pytest.mark.insights_sandbox(raw_202_count=0)
def test_a_progress_callable_may_use_the_client(insights_sandbox: Sandbox) -> None:
    asked: list[str] = []
    with insights_sandbox.insights_client() as client:

        def ask(_: Event) -> None:
            asked.extend(client.identifiers(["date.date.mmddyyyy"]))

        assert len(client.export(REPORT, progress=ask)) == 50
        assert len(asyncio.run(client.export_async(REPORT, progress=ask))) == 50
    assert len(asked) >= 4


@pytest.mark.insights_sandbox(raw_202_count=0)
def test_no_more_exports_are_under_way_than_allowed(insights_sandbox: Sandbox) -> None:
    insights_sandbox.fault("latency", path="*/execute/raw/*", ms=60, times=None)
    with insights_sandbox.insights_client(max_concurrency=1) as client:
        client.login()
        threads = [threading.Thread(target=client.export, args=(REPORT,)) for _ in range(3)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert time.monotonic() - began >= 0.18
    assert len(looks(insights_sandbox)) == 3


def test_a_timeout_of_a_call_ends_it(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    insights_sandbox.fault("latency", ms=5000, times=None)
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        insights_client.export(REPORT, timeout=0.1)
    assert time.monotonic() - began < 0.5
    insights_sandbox.clear_faults()
