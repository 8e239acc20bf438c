"""The kernel of a notebook: whether there is one, and how its stop button reaches a cell that awaits."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

# The ends of the wire by which signals wake the loop, kept as long as the process lives; empty when others laid one.
_wire: tuple[socket.socket, ...] | None = None


def is_notebook() -> bool:
    """Whether the code runs in a kernel, as that of Jupyter, and not in a child that the kernel was forked into."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return False
    # A child has the kernel's memory and not its sockets: what it shows is refused, with a warning for each word.
    return getattr(getattr(kernel, "session", None), "pid", None) in (None, os.getpid())


def heed_interrupts() -> None:
    """Lets a signal wake the event loop that runs on this thread, once and for all.

    The stop button sends a signal. The kernel's handler for it cancels what a cell awaits, but only schedules that, and
    a loop that sleeps until something arrives doesn't notice: a cell that awaits an export would end when the export
    does. (So it is with any other `await`, up to ipykernel 7 at least.) asyncio wakes a loop by the same means as soon
    as it has signal handlers of its own; where it has, or somebody else has, nothing is changed.
    """
    global _wire
    if _wire is not None or not is_notebook():
        return
    import asyncio
    import signal
    import socket
    import threading

    if threading.current_thread() is not threading.main_thread():
        # Signals are handled by the main thread, and wake no other.
        return
    woken, waking = socket.socketpair()
    for end in (woken, waking):
        end.setblocking(False)
    taken = signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
    if taken != -1:
        signal.set_wakeup_fd(taken)
        woken.close()
        waking.close()
        _wire = ()
        return
    asyncio.get_running_loop().add_reader(woken, woken.recv, 4096)
    _wire = (woken, waking)
