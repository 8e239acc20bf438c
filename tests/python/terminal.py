"""The command on a terminal: a pseudo-terminal whose other end the test holds."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Self

COMMAND = Path(sys.executable).with_name("insightframe")

# What a terminal does with colours and the cursor is not text.
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A command whose three streams are one terminal, or whose stdout goes elsewhere."""

    def __init__(self, *words: str, columns: int = 80, stdout: int | None = None, cwd: Path | None = None) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self._fd = theirs
        self.process = subprocess.Popen(
            [COMMAND, *words],
            stdin=theirs,
            stdout=theirs if stdout is None else stdout,
            stderr=theirs,
            cwd=cwd,
            env=os.environ | {"TERM": "xterm"},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.raw = ""

    @property
    def text(self) -> str:
        """What was shown so far, without colours and moves of the cursor."""
        return CONTROL.sub("", self.raw).replace("\r\n", "\n")

    @property
    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._fd)[3] & termios.ECHO)

    def _read(self, wait: float) -> bool:
        if not select.select([self._ours], [], [], wait)[0]:
            return False
        self.raw += os.read(self._ours, 65536).decode(errors="replace")
        return True

    def until(self, words: str, seconds: float = 30) -> None:
        """Reads until these words are shown."""
        ends = time.monotonic() + seconds
        while words not in self.text:
            assert time.monotonic() < ends, self.text
            self._read(0.05)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def end(self, seconds: float = 30) -> int:
        """Reads until the command ends, and gives its exit code."""
        ends = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < ends, self.text
            self._read(0.05)
        while self._read(0):
            pass
        return self.process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._fd)
        os.close(self._ours)
