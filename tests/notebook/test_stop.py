"""The stop button: a real kernel is interrupted in the middle of a real cell, synchronous or not."""

import sys

import pytest

from conftest import Kernel, connecting, wait_for
from insightframe.sandbox import Sandbox
from ledger import is_logged_out_once
from tap import unanswering

pytestmark = pytest.mark.insights_sandbox(rows=140_000, raw_202_count=0)

# What is promised, and what a machine that is busy with other tests may add to it.
PROMISED, SLACK = 0.100, 0.150

REPORT = "3035643"
RESULT = "*/execute/raw/*"
EXPORTS = {
    "export": f"client.export('{REPORT}')",
    "await export": f"await client.export_async('{REPORT}')",
    "stream": f"for piece in client.stream('{REPORT}'): rows = len(piece)",
    "async for": f"async for piece in await client.stream_async('{REPORT}'): rows = len(piece)",
    "gather": f"import asyncio\nawait asyncio.gather(*(client.export_async('{REPORT}') for _ in range(3)))",
}


def has_stopped(kernel: Kernel, cell: str, where: str) -> None:
    """The cell ends in time, by `KeyboardInterrupt`, with a traceback that a person can read."""
    seconds, outcome = kernel.stop(cell)
    assert outcome.status == "error"
    assert outcome.error in ("KeyboardInterrupt", "CancelledError")
    # A cell that only sleeps tells what kernel and machine take for themselves, for the traceback above all.
    asleep = kernel.begin("import time; print('here', flush=True); time.sleep(60)")
    is_at_work(kernel)
    theirs, _ = kernel.stop(asleep)
    print(f"{where}: {seconds * 1000:.0f} ms, {outcome.error}; a cell that sleeps: {theirs * 1000:.0f} ms")
    assert seconds < PROMISED + SLACK + theirs


def is_at_work(kernel: Kernel) -> None:
    """Waits until a cell has printed something."""
    while kernel.client.get_iopub_msg(timeout=20)["msg_type"] != "stream":
        pass


def is_still_good(kernel: Kernel, sandbox: Sandbox) -> None:
    """Kernel, client and session: the next cell has what it asks for, and nobody is left logged in."""
    sandbox.clear_faults()
    assert kernel.check(f"table = client.export('{REPORT}', every=None)\nprint(len(table))").text == "140000\n"
    kernel.check("client.close()")
    assert is_logged_out_once(sandbox)


@pytest.mark.parametrize("name", EXPORTS)
def test_polling(name: str, connected: Kernel, insights_sandbox: Sandbox) -> None:
    insights_sandbox.fault("status", path=RESULT, status=202, times=None)
    cell = connected.begin(EXPORTS[name])
    wait_for(lambda: any("execute/raw/" in entry.path for entry in insights_sandbox.ledger))
    has_stopped(connected, cell, f"polling, {name}")
    is_still_good(connected, insights_sandbox)


@pytest.mark.parametrize("name", EXPORTS)
def test_downloading(name: str, connected: Kernel, insights_sandbox: Sandbox) -> None:
    insights_sandbox.fault("stall", path=RESULT, after=2_000_000, times=None)
    cell = connected.begin(EXPORTS[name])
    wait_for(lambda: any(entry.fault for entry in insights_sandbox.ledger))
    has_stopped(connected, cell, f"downloading, {name}")
    wait_for(lambda: all(entry.aborted for entry in insights_sandbox.ledger if entry.fault))
    is_still_good(connected, insights_sandbox)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems answer for a listener that is busy")
@pytest.mark.parametrize("work", ["client.login()", "await client.login_async()"])
def test_connecting(work: str, kernel: Kernel, insights_sandbox: Sandbox) -> None:
    with unanswering() as address:
        kernel.check(connecting(insights_sandbox, base_url=address))
        cell = kernel.begin(f"print('here', flush=True)\n{work}")
        is_at_work(kernel)
        has_stopped(kernel, cell, f"connecting, {work}")
    assert kernel.check("print(1 + 1)").text == "2\n"


def test_what_was_accepted_is_gone_on_with(connected: Kernel, insights_sandbox: Sandbox) -> None:
    insights_sandbox.fault("status", path=RESULT, status=202, times=None)
    cell = connected.begin(EXPORTS["export"])
    wait_for(lambda: any("execute/raw/" in entry.path for entry in insights_sandbox.ledger))
    _, outcome = connected.stop(cell)
    assert "`client.resume(error.handle)` goes on where this was interrupted" in outcome.traceback
    insights_sandbox.clear_faults()
    assert connected.check("import sys\nprint(len(client.resume(sys.last_value.handle)))").text == "140000\n"
    assert insights_sandbox.executions == 1


@pytest.mark.insights_sandbox(rows=200, raw_202_count=0)
def test_the_end_of_a_kernel_logs_out(insights_sandbox: Sandbox) -> None:
    kernel = Kernel()
    kernel.check(connecting(insights_sandbox) + f"\ntable = client.export('{REPORT}')")
    kernel.close(now=False)
    assert is_logged_out_once(insights_sandbox)
