"""Ctrl-C, in a process of its own: it is answered at once wherever an export waits, and leaves nothing behind."""

import json
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import Child
from insightframe.sandbox import Sandbox
from ledger import is_logged_out_once, logins
from tap import unanswering

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as on POSIX"),
    pytest.mark.insights_sandbox(rows=200, raw_202_count=0),
    pytest.mark.usefixtures("credentials"),
]

# What is promised, and what a machine that is busy with other tests may add to it.
PROMISED, SLACK = 0.100, 0.150

PROGRAM = """
import json, threading, time
import insightframe
from insightframe import InsightsClient, Retry

def say(**words):
    print(json.dumps(words), flush=True)

client = InsightsClient(retry=Retry(base=30, cap=30))
try:
    with client:
        say(ready=True)
        try:
            {work}
            say(done=True)
        except KeyboardInterrupt:
            say(interrupted=time.time())
            raise
except KeyboardInterrupt:
    say(left=time.time())
"""


class Program:
    """A program that says in lines of JSON where it is."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def hear(self, word: str) -> float:
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], 20)
        assert readable, f"`{word}` was not heard within 20 s"
        line = self.process.stdout.readline()
        assert self.process.stderr is not None
        assert line, self.process.stderr.read()
        said = json.loads(line)
        assert word in said, said
        return float(said[word])

    def interrupt(self) -> tuple[float, float]:
        """Seconds from Ctrl-C until the call raised, and until the `with` block was left."""
        began = time.time()
        self.process.send_signal(signal.SIGINT)
        raised = self.hear("interrupted") - began
        left = self.hear("left") - began
        assert self.process.wait(5) == 0
        return raised, left


def start(child: Child, work: str) -> Program:
    program = Program(child(PROGRAM.replace("{work}", work)))
    program.hear("ready")
    return program


def wait_for(sandbox: Sandbox, path: str) -> None:
    """Waits until a request for `path` has arrived."""
    ends = time.monotonic() + 20
    while not any(path in entry.path for entry in sandbox.ledger):
        assert time.monotonic() < ends
        time.sleep(0.002)


def files(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir() if path.is_file()]


EXPORT = "client.export('3035643')"
RESULT = "*/execute/raw/*"
FAULTS = {
    "login": ("/gdc/account/login", {"fault": "stall", "path": "/gdc/account/login"}, EXPORT),
    "backoff": ("execute/raw/", {"fault": "status", "path": RESULT, "status": 503, "times": None}, EXPORT),
    "stall before the reply": ("execute/raw/", {"fault": "stall", "path": RESULT}, EXPORT),
    "stall in the body": ("execute/raw/", {"fault": "stall", "path": RESULT, "after": 1000}, EXPORT),
    "slow body": ("execute/raw/", {"fault": "bandwidth", "path": RESULT, "bytes_per_second": 2000}, EXPORT),
    "stream": ("execute/raw/", {"fault": "stall", "path": RESULT, "after": 1000}, "list(client.stream('3035643'))"),
    "download": (
        "execute/raw/",
        {"fault": "stall", "path": RESULT, "after": 1000},
        "client.download('3035643', 'report.csv')",
    ),
    "asyncio": (
        "execute/raw/",
        {"fault": "stall", "path": RESULT},
        "import asyncio; asyncio.run(client.export_async('3035643'))",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_waiting(name: str, insights_sandbox: Sandbox, child: Child, tmp_path: Path) -> None:
    path, fault, work = FAULTS[name]
    insights_sandbox.fault(**fault)  # type: ignore[arg-type]
    program = start(child, work)
    wait_for(insights_sandbox, path)
    raised, left = program.interrupt()
    assert raised < PROMISED + SLACK
    assert left - raised < 2
    if name != "login":
        assert is_logged_out_once(insights_sandbox)
    assert len(logins(insights_sandbox)) == 1
    assert files(tmp_path) == []


@pytest.mark.insights_sandbox(rows=200, raw_202_count=1000)
def test_polling(insights_sandbox: Sandbox, child: Child) -> None:
    program = start(child, EXPORT)
    wait_for(insights_sandbox, "execute/raw/")
    raised, left = program.interrupt()
    assert raised < PROMISED + SLACK
    assert left - raised < 2
    assert is_logged_out_once(insights_sandbox)


@pytest.mark.insights_sandbox(rows=140_000)
@pytest.mark.parametrize("read", ["import pyarrow; pyarrow.table(stream)", "import polars; polars.DataFrame(stream)"])
def test_an_arrow_reader_that_waits(insights_sandbox: Sandbox, child: Child, read: str) -> None:
    insights_sandbox.fault("stall", path=RESULT, after=10_000_000)
    library, _, work = read.partition("; ")
    work = f"""{library}
            stream = client.stream('3035643')
            say(waiting=True)
            try:
                {work}
            except Exception as error:
                # Arrow's C interface has room for text alone.
                assert "KeyboardInterrupt" in str(error)
                raise stream.error"""
    program = start(child, work)
    program.hear("waiting")
    time.sleep(0.1)
    raised, left = program.interrupt()
    assert raised < PROMISED + SLACK
    assert left - raised < 2
    assert is_logged_out_once(insights_sandbox)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems answer for a listener that is busy")
def test_connecting(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    with unanswering() as address:
        monkeypatch.setenv("FLEX_INSIGHTS_BASE_URL", address)
        program = start(child, "threading.Timer(0.1, lambda: say(waiting=True)).start(); client.login()")
        program.hear("waiting")
        raised, left = program.interrupt()
    assert raised < PROMISED + SLACK
    assert left - raised < 2


# Work that takes seconds: long enough to be interrupted on any machine.
WORK = {
    "decoding": "insightframe.decode_csv(csv)",
    "writing parquet": "table.write_parquet('report')",
    "writing csv": "table.write_csv('report')",
    "writing ipc": "[table.write_ipc('report') for _ in range(100)]",
    "reading a slow file": "insightframe.stream_csv(slow)",
    "writing from a stream": "stream.write_parquet('report')",
}
AT_WORK = """
class Slow:
                def __init__(self): self.pieces = [b'a,b\\n', b'1,2\\n' * 3_000_000]
                def read(self, size):
                    if self.pieces: return self.pieces.pop(0)
                    time.sleep(0.02)
                    return b'1,2\\n'
            slow = Slow()
            csv = b'a,b\\n' + b'"some text with, a comma",2.5\\n' * 1_500_000
            if {name!r}.startswith('writing from'):
                stream = insightframe.stream_csv(slow)
            elif {name!r}.startswith('writing'):
                table = insightframe.decode_csv(csv)
            say(waiting=True)
            while True:
                {work}
"""


@pytest.mark.parametrize("name", WORK)
def test_working(name: str, child: Child, tmp_path: Path) -> None:
    program = start(child, AT_WORK.replace("{name!r}", repr(name)).replace("{work}", WORK[name]).strip())
    program.hear("waiting")
    time.sleep(0.15)
    raised, _ = program.interrupt()
    assert raised < PROMISED + SLACK
    # A file that was done before is complete; a draft has no name.
    assert set(files(tmp_path)) <= {"report"}
