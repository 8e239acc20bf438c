"""How the loop of a notebook's kernel hears of signals; what comes of it in a real kernel is in `tests/notebook`."""

import asyncio
import signal
import socket
import sys
import time
from collections.abc import Iterator

import pytest

from insightframe import _kernel

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as on POSIX")


@pytest.fixture(autouse=True)
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(_kernel, "is_notebook", lambda: True)
    monkeypatch.setattr(_kernel, "_wire", None)
    yield
    signal.set_wakeup_fd(-1)
    for end in _kernel._wire or ():
        end.close()


async def seconds_until_a_handler_is_heard() -> float:
    """As a kernel's own handler: it schedules something, and wakes nobody."""
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    before = signal.signal(signal.SIGALRM, lambda *_: loop.call_soon(heard.set))
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    began = time.perf_counter()
    # By a timer the loop wakes too, at last.
    loop.call_later(0.5, lambda: None)
    await heard.wait()
    signal.signal(signal.SIGALRM, before)
    return time.perf_counter() - began


def test_a_signal_wakes_the_loop() -> None:
    async def program() -> tuple[float, float]:
        asleep = await seconds_until_a_handler_is_heard()
        _kernel.heed_interrupts()
        return asleep, await seconds_until_a_handler_is_heard()

    asleep, awake = asyncio.run(program())
    assert asleep >= 0.4
    assert awake < 0.3


def test_what_others_arranged_is_left() -> None:
    mine, other = socket.socketpair()
    mine.setblocking(False)
    signal.set_wakeup_fd(mine.fileno())

    async def program() -> None:
        _kernel.heed_interrupts()

    asyncio.run(program())
    assert signal.set_wakeup_fd(-1) == mine.fileno()
    mine.close()
    other.close()


def test_outside_a_kernel_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert not _kernel.is_notebook()

    async def program() -> None:
        _kernel.heed_interrupts()

    asyncio.run(program())
    assert signal.set_wakeup_fd(-1) == -1
