"""What an export tells while it runs: to a callable given as ``progress=``, to a bar, to everyone who listens.

``progress=`` is ``"auto"`` (the default): a bar on a terminal and in a notebook, if tqdm is installed, that disappears
at the end; elsewhere nothing. ``True``: a bar wherever it is, which stays; without tqdm, lines of the logger
``insightframe.progress`` at level INFO. ``False``: nothing. A callable gets the `Event`s themselves.

`on_progress` listens to all exports of the process, whatever their ``progress=`` says.
"""

from __future__ import annotations

import contextvars
import importlib.util
import logging
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ._kernel import is_notebook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Progress = Literal["auto"] | bool | Callable[["Event"], object]

__all__ = ["Event", "on_progress"]

_log = logging.getLogger("insightframe.progress")

# Seconds until a bar is shown: what is over sooner needs none.
_DELAY = 0.5


@dataclass(frozen=True, slots=True)
class Event:
    """A moment of an export. There is one at every new phase, and within a phase at most ten each second."""

    phase: str
    """``logging in``, ``resolving``, ``executing``, ``polling``, ``downloading`` or ``handing off``; at last ``done``,
    or ``stopped`` when it failed, was interrupted, or was a stream that was closed before its end."""
    elapsed: float
    """Seconds since the call began."""
    polls: int
    """Looks at the result so far."""
    bytes: int
    """Bytes of the result so far, inflated."""
    rows: int
    """Records decoded so far."""
    call: int = 0
    """A number of the call, to tell the exports of a process apart."""

    @property
    def is_last(self) -> bool:
        """Whether no more events of this call come."""
        return self.phase in ("done", "stopped")


_listeners: list[Callable[[Event], object]] = []


@contextmanager
def on_progress(listener: Callable[[Event], object]) -> Iterator[None]:
    """Within a ``with`` block, calls `listener` with every `Event` of every export that begins in this process.

    It is called on threads of the library, must not block, and what it raises is logged.

    ```python
    with on_progress(lambda event: gauge.set(event.rows)):
        client.export("3035643")
    ```
    """
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def _check(progress: object) -> None:
    if not (progress == "auto" or isinstance(progress, bool) or callable(progress)):
        raise TypeError('`progress` must be "auto", a bool or a callable')


def _listener(progress: Progress) -> Callable[[Event], object] | None:
    """Whom to call, if anybody, for a call that begins now on this thread."""
    _check(progress)
    told = list(_listeners)
    if callable(progress):
        told.append(progress)
    elif progress is True or (progress == "auto" and _is_watched()):
        shown = _bar(stays=progress is True) or (_Lines() if progress is True else None)
        told.extend([shown] if shown else [])
    if len(told) < 2:
        return told[0] if told else None
    return _Several(told)


def _is_watched() -> bool:
    """Whether a person sees what is drawn: on a terminal, or in a notebook."""
    if is_notebook():
        return True
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:
        # A closed one.
        return False


def _bar(*, stays: bool) -> _Bar | _CellBar | None:
    if importlib.util.find_spec("tqdm") is None:
        return None
    from tqdm.std import tqdm

    return _CellBar(tqdm, stays=stays) if is_notebook() else _Bar(tqdm, stays=stays)


def _form(event: Event) -> str | None:
    """As tqdm has it once there are bytes; before, the time alone."""
    return None if event.bytes else "{desc}: {elapsed}{postfix}"


def _counted(event: Event) -> dict[str, str]:
    return {"rows": f"{event.rows:,}"} if event.rows else {"polls": f"{event.polls:,}"} if event.polls else {}


class _Bar:
    """A bar of tqdm: the phase, the bytes so far and their rate, rows and looks."""

    def __init__(self, tqdm: Any, *, stays: bool) -> None:
        self._bar = tqdm(
            desc="waiting", unit="B", unit_scale=True, unit_divisor=1024, leave=stays, delay=0 if stays else _DELAY
        )

    def __call__(self, event: Event) -> None:
        bar = self._bar
        bar.bar_format = _form(event)
        bar.set_description_str(event.phase, refresh=False)
        bar.set_postfix(_counted(event), refresh=False)
        bar.update(event.bytes - bar.n)
        if event.is_last:
            bar.close()
        else:
            bar.refresh()


class _CellBar:
    """The same in the output of a notebook's cell.

    It is text that is changed in place, no widget: a widget that is gone leaves a hole in the notebook when it is
    saved, and there is nothing to fill, because nobody knows how long a report will be.
    """

    def __init__(self, tqdm: Any, *, stays: bool) -> None:
        self._meter, self._stays = tqdm.format_meter, stays
        self._shown: Any = None
        self._is_over = False
        # Windows are exported side by side, and tell of it side by side.
        self._lock = threading.Lock()
        # Made here, on the thread of the call, which knows the cell; events come on other threads.
        self._cell = contextvars.copy_context()

    def __call__(self, event: Event) -> None:
        with self._lock:
            if self._is_over:
                return
            self._is_over = event.is_last
            if self._stays or self._shown is not None or (event.elapsed >= _DELAY and not event.is_last):
                self._cell.run(self._show, event)

    def _show(self, event: Event) -> None:
        line = self._meter(
            event.bytes,
            None,
            event.elapsed,
            prefix=event.phase,
            bar_format=_form(event),
            unit="B",
            unit_scale=True,
            unit_divisor=1024,
            postfix=", ".join(f"{name}={count}" for name, count in _counted(event).items()),
        )
        shown = {} if event.is_last and not self._stays else {"text/plain": line}
        if self._shown is not None:
            self._shown.update(shown, raw=True)
        else:
            from IPython.display import display

            self._shown = display(shown, raw=True, display_id=True)


class _Lines:
    """A line of the log for each phase."""

    def __init__(self) -> None:
        self._phase = ""

    def __call__(self, event: Event) -> None:
        if event.phase != self._phase:
            self._phase = event.phase
            _log.info(
                "%s (%.1f s, %d polls, %d bytes, %d rows)",
                event.phase,
                event.elapsed,
                event.polls,
                event.bytes,
                event.rows,
            )


class _Several:
    """Calls all, also when one of them raises."""

    def __init__(self, told: list[Callable[[Event], object]]) -> None:
        self._told = told

    def __call__(self, event: Event) -> None:
        for listener in self._told:
            try:
                listener(event)
            except Exception:
                _log.warning("a progress callable raised", exc_info=True)
