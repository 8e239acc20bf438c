"""Forks, as Airflow, Celery and `multiprocessing` make them: the parent has used its client, the child uses it too.

The programs run in processes of their own: forking this one would take the threads of pytest and of the sandbox along.
"""

import sys

import pytest

from conftest import Child
from insightframe.sandbox import Sandbox
from ledger import logins, logouts

pytestmark = [
    pytest.mark.skipif(not hasattr(sys, "getrefcount") or sys.platform == "win32", reason="there is no fork"),
    pytest.mark.insights_sandbox(rows=20, raw_202_count=0),
    pytest.mark.usefixtures("credentials"),
]

# Python warns of forking with threads; that it works with ours is what is proved here.
BEGIN = """
import os, sys, time, warnings
warnings.filterwarnings("ignore", message=".*multi-threaded.*")
import insightframe

REPORT = "3035643"
client = insightframe.InsightsClient()
rows = len(client.export(REPORT))
assert rows == 20, rows

def ended(child, within=20):
    ends = time.monotonic() + within
    while time.monotonic() < ends:
        if os.waitpid(child, os.WNOHANG) != (0, 0):
            return True
        time.sleep(0.002)
    os.kill(child, 9)
    return False
"""


def run(child: Child, program: str) -> str:
    process = child(BEGIN + program)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    return out


def test_a_hundred_children_export_and_leave_the_parent_its_session(insights_sandbox: Sandbox, child: Child) -> None:
    out = run(
        child,
        """
good = 0
for _ in range(25):
    children = []
    for _ in range(4):
        pid = os.fork()
        if not pid:
            # As a worker does that is ended from within: no interpreter's end, no `del`.
            os._exit(0 if len(client.export(REPORT)) == 20 else 1)
        children.append(pid)
    for pid in children:
        ends = time.monotonic() + 20
        while (done := os.waitpid(pid, os.WNOHANG)) == (0, 0) and time.monotonic() < ends:
            time.sleep(0.002)
        good += done == (pid, 0)
print(good, len(client.export(REPORT)))
""",
    )
    assert out == "100 20\n"
    assert len(logins(insights_sandbox)) == 101
    # The parent's session lived until the parent's end.
    (logout,) = logouts(insights_sandbox)
    assert logout is insights_sandbox.ledger[-1] or logout.number == insights_sandbox.ledger[-1].number


def test_children_that_end_in_order_log_out_their_own_sessions(insights_sandbox: Sandbox, child: Child) -> None:
    run(
        child,
        """
for _ in range(3):
    pid = os.fork()
    if not pid:
        with client:
            client.export(REPORT)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
for _ in range(3):
    pid = os.fork()
    if not pid:
        client.export(REPORT)
        sys.exit(0)
    assert os.waitpid(pid, 0)[1] == 0
client.export(REPORT)
""",
    )
    assert len(logins(insights_sandbox)) == len(logouts(insights_sandbox)) == 7
    assert {entry.status for entry in logouts(insights_sandbox)} == {204}


def test_a_child_that_uses_nothing_sends_nothing(insights_sandbox: Sandbox, child: Child) -> None:
    run(
        child,
        """
stream = client.stream(REPORT)
for end in (lambda: sys.exit(0), lambda: os._exit(0)):
    pid = os.fork()
    if not pid:
        global_names = globals()
        for name in ("client", "stream"):
            del global_names[name]
        end()
    assert ended(pid)
assert sum(len(piece) for piece in stream) == 20
""",
    )
    assert (len(logins(insights_sandbox)), len(logouts(insights_sandbox))) == (1, 1)


def test_a_child_is_told_that_a_stream_is_its_parent_s(child: Child) -> None:
    out = run(
        child,
        """
stream = client.stream(REPORT)
pid = os.fork()
if not pid:
    try:
        next(stream)
    except insightframe.errors.ConfigError as error:
        print(str(error).splitlines()[0], flush=True)
    os._exit(0)
assert ended(pid)
""",
    )
    assert out == "the stream belongs to the process that asked for it\n"


def test_a_fork_while_other_threads_export(insights_sandbox: Sandbox, child: Child) -> None:
    out = run(
        child,
        """
import threading
going = True
def work():
    while going:
        client.export(REPORT)
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
good = 0
for _ in range(20):
    pid = os.fork()
    if not pid:
        os._exit(0 if len(client.export(REPORT)) == 20 else 1)
    good += ended(pid)
going = False
for thread in threads: thread.join()
print(good)
""",
    )
    assert out == "20\n"
    assert len(logins(insights_sandbox)) == 21


def test_workers_of_multiprocessing_log_out_when_they_end(insights_sandbox: Sandbox, child: Child) -> None:
    out = run(
        child,
        """
import multiprocessing

def export(_):
    return len(client.export(REPORT))

context = multiprocessing.get_context("fork")
processes = [context.Process(target=export, args=(0,)) for _ in range(3)]
for process in processes: process.start()
for process in processes: process.join(20)
print([process.exitcode for process in processes])
with context.Pool(2) as pool:
    print(pool.map(export, range(4)))
    pool.close()
    pool.join()
print(len(client.export(REPORT)))
""",
    )
    assert out == "[0, 0, 0]\n[20, 20, 20, 20]\n20\n"
    # The one of the parent ends last.
    assert len(logouts(insights_sandbox)) == len(logins(insights_sandbox)) >= 5
    assert {entry.status for entry in logouts(insights_sandbox)} == {204}


def test_a_client_travels_to_a_process_that_was_not_forked(insights_sandbox: Sandbox, child: Child) -> None:
    out = run(
        child,
        """
import pickle, subprocess
program = "import pickle, sys; print(len(pickle.load(sys.stdin.buffer).export('3035643')))"
print(subprocess.run([sys.executable, "-c", program], input=pickle.dumps(client), stdout=-1, check=True).stdout.decode())
""",
    )
    assert out == "20\n\n"
    assert len(logouts(insights_sandbox)) == 2
