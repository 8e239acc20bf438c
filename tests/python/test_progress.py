"""What exports tell while they run: events, bars, lines."""

import asyncio
import io
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from insightframe import InsightsClient
from insightframe.errors import ResultIncomplete
from insightframe.progress import Event, _listener, on_progress
from insightframe.sandbox import Sandbox

REPORT = "3035643"
pytestmark = pytest.mark.insights_sandbox(rows=500, raw_202_count=1)


def phases(events: list[Event]) -> list[str]:
    return list(dict.fromkeys(event.phase for event in events))


def test_the_last_event_says_how_it_ended(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    events: list[Event] = []
    insights_client.export(REPORT, progress=events.append)
    assert phases(events)[-2:] == ["downloading", "done"]
    assert [event.is_last for event in events].index(True) == len(events) - 1
    assert events[-1].rows == 500
    events.clear()
    insights_sandbox.fault("status", path="*/execute/raw", status=400)
    with pytest.raises(Exception, match="400"):
        insights_client.export(REPORT, progress=events.append)
    assert phases(events)[-1] == "stopped"


def test_every_call_tells_its_end(insights_client: InsightsClient, insights_sandbox: Sandbox, tmp_path: Path) -> None:
    events: list[Event] = []
    told = {"progress": events.append}
    handle = insights_client.submit(REPORT, **told)  # type: ignore[arg-type]
    days = {"start": "2023-12-01", "end": "2023-12-02"}
    calls: dict[str, Callable[[], object]] = {
        "wait": lambda: insights_client.wait(handle, **told),  # type: ignore[arg-type]
        "resume": lambda: insights_client.resume(handle, **told),  # type: ignore[arg-type]
        "download": lambda: insights_client.download(REPORT, tmp_path / "report.csv", **told),  # type: ignore[arg-type]
        "dataset": lambda: insights_client.export_dataset(REPORT, tmp_path / "days", **days, **told),  # type: ignore[arg-type]
        "nothing new": lambda: insights_client.export_dataset(REPORT, tmp_path / "days", **days, **told),  # type: ignore[arg-type]
    }
    ends = {"submit": [event.phase for event in events if event.is_last]}
    for name, call in calls.items():
        events.clear()
        call()
        ends[name] = [event.phase for event in events if event.is_last]
    assert ends == {name: ["done"] for name in ["submit", *calls]}
    events.clear()
    insights_sandbox.fault("status", path="*/execute/raw", status=400)
    with pytest.raises(Exception, match="400"):
        insights_client.export_dataset(REPORT, tmp_path / "others", **days, **told)  # type: ignore[arg-type]
    assert [event.phase for event in events if event.is_last] == ["stopped"]


@pytest.mark.insights_sandbox(rows=140_000, raw_202_count=0)
def test_streams_end_too(insights_client: InsightsClient, insights_sandbox: Sandbox) -> None:
    events: list[Event] = []
    assert sum(len(piece) for piece in insights_client.stream(REPORT, progress=events.append)) == 140_000
    assert events[-1].phase == "done"
    with insights_client.stream(REPORT, progress=events.append) as stream:
        next(stream)
        assert not events[-1].is_last
    assert events[-1].phase == "stopped"

    async def read() -> None:
        stream = await insights_client.stream_async(REPORT, progress=events.append)
        assert sum([len(piece) async for piece in stream]) == 140_000

    asyncio.run(read())
    assert events[-1].phase == "done"
    assert len({event.call for event in events}) == 3
    insights_sandbox.fault("reset", path="*/execute/raw/*", method="GET", times=None, after=10_000_000)
    with pytest.raises(ResultIncomplete):
        list(insights_client.stream(REPORT, progress=events.append))
    assert events[-1].phase == "stopped"


def test_everyone_who_listens_is_told(insights_client: InsightsClient) -> None:
    mine: list[Event] = []
    everyones: list[Event] = []

    def broken(_: Event) -> None:
        raise ZeroDivisionError

    with on_progress(broken), on_progress(everyones.append):
        insights_client.export(REPORT, progress=mine.append)
        assert mine == everyones
        insights_client.export(REPORT, progress=False)
        assert len({event.call for event in everyones}) == 2
    told = len(everyones)
    insights_client.export(REPORT)
    assert len(everyones) == told


def test_a_client_tells_unless_a_call_says_otherwise(insights_sandbox: Sandbox) -> None:
    events: list[Event] = []
    with insights_sandbox.insights_client(progress=events.append) as client:
        client.export(REPORT, progress=False)
        assert events == []
        client.export(REPORT)
        assert events[-1].phase == "done"


@pytest.mark.parametrize("wrong", ["bar", 1, None])
def test_what_is_no_listener_is_refused(insights_client: InsightsClient, wrong: object) -> None:
    with pytest.raises(TypeError, match='`progress` must be "auto", a bool or a callable'):
        _listener(wrong)  # type: ignore[arg-type]
    if wrong is not None:
        with pytest.raises(TypeError, match='`progress` must be "auto", a bool or a callable'):
            insights_client.export(REPORT, progress=wrong)  # type: ignore[arg-type]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_on_a_terminal(insights_client: InsightsClient, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tqdm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    insights_client.export(REPORT, progress=True)
    assert "done: " in terminal.getvalue()
    assert "rows=500" in terminal.getvalue()
    assert terminal.getvalue().endswith("\n")
    # What is over within half a second draws nothing, and what drew something leaves nothing.
    quick = Terminal()
    monkeypatch.setattr(sys, "stderr", quick)
    insights_client.export(REPORT)
    assert "done" not in quick.getvalue()


def test_nobody_watches_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert _listener("auto") is None
    monkeypatch.setattr(sys, "stderr", None)
    assert _listener("auto") is None


def test_lines_without_tqdm(
    insights_client: InsightsClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert _listener("auto") is None
    with caplog.at_level(logging.INFO, logger="insightframe.progress"):
        insights_client.export(REPORT, progress=True)
    lines = [record.getMessage() for record in caplog.records if record.name == "insightframe.progress"]
    assert lines[-1].startswith("done (")
    assert lines[-1].endswith("500 rows)")
