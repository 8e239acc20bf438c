"""The kernel of a notebook: whether there is one, and how its stop button reaches a cell that awaits."""

from __future__ import annotations

import sys

# Whether a loop is woken already.
_heeds = False


def is_notebook() -> bool:
    """Whether the code runs in a kernel, as that of Jupyter."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def heed_interrupts() -> None:
    """Lets a signal wake the event loop that runs on this thread, once and for all.

    The stop button sends a signal. The kernel's handler for it cancels what a cell awaits, but only schedules that, and
    a loop that sleeps until something arrives doesn't notice: a cell that awaits an export would end when the export
    does. (So it is with any other `await`: issue 881 of ipykernel.) asyncio wakes a loop by the same means as soon as
    it has signal handlers of its own; where it has, or somebody else has, nothing is changed.
    """
    global _heeds
    if _heeds or not is_notebook():
        return
    import asyncio
    import signal
    import socket
    import threading

    if threading.current_thread() is not threading.main_thread():
        # Signals are handled by the main thread, and wake no other.
        return
    _heeds = True
    loop = asyncio.get_running_loop()
    woken, waking = socket.socketpair()
    for end in (woken, waking):
        end.setblocking(False)
    taken = signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
    if taken != -1:
        signal.set_wakeup_fd(taken)
        woken.close()
        waking.close()
        return
    # The loop keeps one end by this, and the other one by the name that the callback has for it.
    loop.add_reader(woken, lambda _: woken.recv(4096), waking)
