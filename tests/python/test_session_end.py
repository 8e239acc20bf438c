"""What was logged in is logged out, exactly once, however the program ends."""

import gc
import time

import pytest

from conftest import Child
from insightframe import InsightsClient
from insightframe.errors import NotFound, SessionLost
from insightframe.sandbox import Sandbox
from ledger import is_logged_out_once, logins, logouts

REPORT = "3035643"
pytestmark = pytest.mark.insights_sandbox(rows=50, raw_202_count=0)


def test_after_a_block(insights_sandbox: Sandbox) -> None:
    with insights_sandbox.insights_client() as client:
        client.export(REPORT)
        assert logouts(insights_sandbox) == []
    assert is_logged_out_once(insights_sandbox)
    client.close()
    del client
    assert is_logged_out_once(insights_sandbox)


def test_after_an_error(insights_sandbox: Sandbox) -> None:
    with pytest.raises(NotFound), insights_sandbox.insights_client() as client:
        client.export("999")
    assert is_logged_out_once(insights_sandbox)


def test_after_an_error_of_the_caller_s(insights_sandbox: Sandbox) -> None:
    with pytest.raises(ZeroDivisionError), insights_sandbox.insights_client() as client:
        client.login()
        _ = 1 / 0
    assert is_logged_out_once(insights_sandbox)


def test_after_ctrl_c_in_the_block(insights_sandbox: Sandbox) -> None:
    with pytest.raises(KeyboardInterrupt), insights_sandbox.insights_client() as client:
        client.login()
        raise KeyboardInterrupt
    assert is_logged_out_once(insights_sandbox)


def test_when_the_last_reference_goes(insights_sandbox: Sandbox) -> None:
    client = insights_sandbox.insights_client()
    client.export(REPORT)
    del client
    gc.collect()
    assert is_logged_out_once(insights_sandbox)


def test_nobody_is_logged_out_who_was_not_logged_in(insights_sandbox: Sandbox) -> None:
    with insights_sandbox.insights_client():
        pass
    assert insights_sandbox.ledger == []


def test_logging_out_by_hand_and_in_again(insights_sandbox: Sandbox) -> None:
    with insights_sandbox.insights_client() as client:
        for _ in range(2):
            client.login()
            client.login()
            assert client.profile_id is not None
            client.logout()
            client.logout()
            assert client.profile_id is None
    assert (len(logins(insights_sandbox)), len(logouts(insights_sandbox))) == (2, 2)


ENDS = {
    "end of the program": "",
    "exit": "raise SystemExit(0)",
    "uncaught error": "raise LookupError('the cause')",
    "ctrl-c": "raise KeyboardInterrupt",
    "cycle": "cycle = [client]; cycle.append(cycle); del client",
    "multiprocessing imported": "import multiprocessing.util",
}


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("debug", ["", "import logging; logging.basicConfig(level=1)\n"], ids=["quiet", "logging"])
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_when_the_interpreter_ends(insights_sandbox: Sandbox, child: Child, end: str, debug: str) -> None:
    process = child(f"{debug}import insightframe\nclient = insightframe.InsightsClient()\nclient.login()\n{end}")
    _, err = process.communicate(timeout=20)
    assert is_logged_out_once(insights_sandbox)
    match end.partition("(")[0]:
        case "raise LookupError":
            assert process.returncode == 1
            assert "\nLookupError: the cause\n" in err
        case "raise KeyboardInterrupt":
            assert "\nKeyboardInterrupt\n" in err
        case _:
            assert process.returncode == 0, err


@pytest.mark.usefixtures("credentials")
def test_work_in_the_background_does_not_disturb_the_end(insights_sandbox: Sandbox, child: Child) -> None:
    """Threads of ours that still log, tell of progress or read must not meet an interpreter that is gone."""
    insights_sandbox.fault("bandwidth", path="*/execute/raw/*", bytes_per_second=50_000, times=None)
    process = child("""
import asyncio, logging, threading, time
import insightframe
logging.basicConfig(level=1)
client = insightframe.InsightsClient(progress=lambda event: None)

class Endless:
    def read(self, size):
        time.sleep(0.001)
        return b"a,b\\n" * 100_000

reading = insightframe.stream_csv(Endless())
stream = client.stream("3035643")
for _ in range(3):
    threading.Thread(target=lambda: client.export("3035643"), daemon=True).start()
time.sleep(0.05)
""")
    _, err = process.communicate(timeout=20)
    assert process.returncode == 0, err[-2000:]
    assert is_logged_out_once(insights_sandbox)


DEAD = {"stall": {"times": None}, "reset": {"times": None}, "latency": {"ms": 10_000, "times": None}}


@pytest.mark.parametrize("fault", DEAD)
def test_a_dead_service_masks_no_cause_and_costs_two_seconds_at_most(insights_sandbox: Sandbox, fault: str) -> None:
    client = insights_sandbox.insights_client()
    client.login()
    insights_sandbox.fault(fault, method="DELETE", **DEAD[fault])  # type: ignore[arg-type]
    began = time.monotonic()
    with pytest.raises(LookupError, match="the cause"), client:
        raise LookupError("the cause")
    assert time.monotonic() - began < 2.3
    # Nobody tries a second time.
    began = time.monotonic()
    client.close()
    del client
    assert time.monotonic() - began < 0.3
    assert len(logouts(insights_sandbox)) == 1


@pytest.mark.usefixtures("credentials")
def test_a_dead_service_holds_the_end_of_the_interpreter_up_for_two_seconds_at_most(
    insights_sandbox: Sandbox, child: Child
) -> None:
    insights_sandbox.fault("stall", method="DELETE", times=None)
    process = child("""
import time
import insightframe
clients = [insightframe.InsightsClient() for _ in range(5)]
for client in clients:
    client.login()
print(time.time(), flush=True)
raise LookupError("the cause")
""")
    out, err = process.communicate(timeout=20)
    assert time.time() - float(out) < 2.8
    assert process.returncode == 1
    assert "LookupError: the cause" in err
    assert len(logouts(insights_sandbox)) == 5


def test_a_session_that_the_service_forgot_counts_as_logged_out(insights_sandbox: Sandbox) -> None:
    with insights_sandbox.insights_client() as client:
        client.login()
        insights_sandbox.advance(days=15)
    assert len(logins(insights_sandbox)) == 1


def test_a_session_that_can_not_be_kept_is_an_error(insights_sandbox: Sandbox, insights_client: InsightsClient) -> None:
    insights_sandbox.fault("expire_tt", path="/gdc/md/*", times=None)
    with pytest.raises(SessionLost, match="refuses a token that it has just issued"):
        insights_client.identifiers(["date.date.mmddyyyy"])
