"""What an export tells while it runs, to a callable given as ``progress=``."""

from dataclasses import dataclass

__all__ = ["Event"]


@dataclass(frozen=True, slots=True)
class Event:
    """A moment of an export."""

    phase: str
    """``logging in``, ``resolving``, ``executing``, ``polling``, ``downloading`` or ``handing off``."""
    elapsed: float
    """Seconds since the call began."""
    polls: int
    """Looks at the result so far."""
    bytes: int
    """Bytes of the result so far, inflated."""
    rows: int
    """Records decoded so far."""
