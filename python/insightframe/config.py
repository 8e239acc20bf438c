"""The numbers that may be changed. Times are in seconds, sizes in bytes; every default is argued beside its field."""

import math
import os
from dataclasses import dataclass

from .errors import ConfigError

__all__ = ["Limits", "Polling", "Retry", "Tls"]


def _require(condition: bool, owner: object, field: str, requirement: str) -> None:
    if not condition:
        raise ConfigError(f"`{type(owner).__name__}.{field}` must be {requirement}, not `{getattr(owner, field)!r}`")


def _is_integer(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < 1 << 63


def _is_number(value: object, least: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value >= least


@dataclass(frozen=True, kw_only=True)
class Retry:
    """How a request is repeated after a failure that may pass.

    Only requests that can be repeated safely are. Each wait is drawn at random between nothing and its bound, so that
    clients that failed together don't come back together.
    """

    attempts: int = 3
    """Sends of one request at most, the first included; 1 switches repetition off. Default 3: a failure that outlives
    two more tries seldom passes within a call."""
    base: float = 0.5
    """Bound of the wait before the second send; it doubles with each further one. Default 0.5 s."""
    cap: float = 20.0
    """No wait is longer, except one that the service asks for by ``Retry-After``. Default 20 s."""
    patience: float = 120.0
    """A service that asks for a longer wait than this is not waited for: its refusal is raised at once, with
    ``retry_after``. Default 120 s."""

    def __post_init__(self) -> None:
        _require(_is_integer(self.attempts, 1), self, "attempts", "an integer from 1")
        _require(_is_number(self.base, 0), self, "base", "a number of seconds from 0")
        _require(_is_number(self.cap, self.base), self, "cap", "a number of seconds not below `base`")
        _require(_is_number(self.patience, 0), self, "patience", "a number of seconds from 0")


@dataclass(frozen=True, kw_only=True)
class Polling:
    """How the result of an export is waited for. The first look is at once; then the waits grow.

    Small reports are there at the first or second look, large ones take minutes: growing waits serve both.
    """

    initial: float = 0.5
    """The wait after the first look that found nothing. Default 0.5 s."""
    factor: float = 1.5
    """Each wait is this many times the one before. Default 1.5: a result is found within half of the time that it took
    to compute, in the mean within a sixth."""
    max: float = 15.0
    """The longest wait between two looks. Default 15 s."""
    timeout: float = 3600.0
    """How long an export, or a new Flex instance, may take when the call doesn't say. Default 1 hour.

    Waiting ends as soon as the next look would come after this time, or after the call's own ``timeout``: there is no
    last look at the very end."""

    def __post_init__(self) -> None:
        _require(_is_number(self.initial, 0.001), self, "initial", "a number of seconds from 0.001")
        _require(_is_number(self.factor, 1), self, "factor", "a number from 1")
        _require(_is_number(self.max, self.initial), self, "max", "a number of seconds not below `initial`")
        _require(_is_number(self.timeout, 0), self, "timeout", "a number of seconds from 0")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an answer may cost before it is given up with `LimitExceeded` or `Stalled`.

    They protect the process from a service, or a proxy, that has gone wrong; no honest answer comes near them.
    """

    json_bytes: int = 1 << 20
    """Bytes of a JSON answer, inflated. Default 1 MiB."""
    error_bytes: int = 4 << 10
    """Bytes of an answer that is an error; the rest is not read. Default 4 KiB. Of Flow XO and Flex Instances 64 KiB
    are read at least, because a JSON envelope that is cut can't be read at all."""
    csv_bytes: int = 4 << 30
    """Bytes of an exported CSV, inflated. Default 4 GiB: four times what the service documents for a raw export."""
    record_bytes: int = 128 << 20
    """Bytes of one CSV record. Default 128 MiB."""
    connect: float = 10.0
    """Seconds to connect, the TLS handshake included. Default 10."""
    idle: float = 60.0
    """Seconds of silence that count as a stall. Default 60."""
    slow_window: float = 30.0
    """Seconds over which the speed of an answer is looked at. Default 30."""
    slow_bytes: int = 1024
    """Bytes a second below which an answer counts as stalled; 0 switches that off. Default 1024."""

    def __post_init__(self) -> None:
        for field in ("json_bytes", "error_bytes", "csv_bytes", "record_bytes"):
            _require(_is_integer(getattr(self, field), 1), self, field, "an integer from 1")
        for field in ("connect", "idle", "slow_window"):
            _require(_is_number(getattr(self, field), 0.001), self, field, "a number of seconds from 0.001")
        _require(_is_integer(self.slow_bytes, 0), self, "slow_bytes", "an integer from 0")


@dataclass(frozen=True, kw_only=True)
class Tls:
    """Whom to trust, besides the authorities that the operating system trusts."""

    ca_file: str | os.PathLike[str] | None = None
    """A file of PEM certificates that are trusted too, for instance a company's own. Default none."""

    def __post_init__(self) -> None:
        is_path = self.ca_file is None or isinstance(self.ca_file, (str, os.PathLike))
        _require(is_path, self, "ca_file", "a path or `None`")
