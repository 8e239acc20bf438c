"""What can go wrong, as classes.

::

    InsightframeError                  .code .attempts .elapsed .retryable .handle
    ├─ ConfigError(ValueError)
    ├─ AuthError
    │  ├─ InvalidCredentials           .code .more_info
    │  ├─ LoginThrottled               .retry_after
    │  └─ SessionLost
    ├─ TransportError
    │  ├─ ConnectFailed
    │  ├─ TlsFailed
    │  ├─ ProxyFailed
    │  ├─ Stalled
    │  ├─ Interrupted
    │  └─ DeadlineExceeded(TimeoutError)   .phase .allowed
    ├─ ApiError                        .status .method .path .request_id .code .more_info .excerpt .retry_after
    │  ├─ NotFound
    │  ├─ Forbidden
    │  ├─ RateLimited
    │  ├─ ServerFault
    │  ├─ UnexpectedReply
    │  └─ AmbiguousOutcome
    ├─ UntrustedUri                    .uri .reason
    ├─ ExportError
    │  ├─ ResultChanged
    │  ├─ ResultIncomplete
    │  ├─ ResultTooLarge
    │  └─ ResultGone
    ├─ LimitExceeded                   .limit .allowed .observed
    ├─ PartialResult                   .failures .result
    ├─ SchemaMismatch(ValueError)      .column .record .value .expected
    └─ CsvError(ValueError)            .record .line .byte .column .reason .snippet

A local file that can't be read or written is an ``OSError`` of Python's own, with its ``errno`` and ``filename``.

All have ``.attempts``, ``.elapsed``, ``.retryable`` and ``.handle``: with a handle, ``client.resume(handle)`` goes on
with what the service has computed, or is computing, instead of asking for it again.

Every message says what was asked, what came and where; a line that begins with ``hint:`` says what to do. No message
and no attribute holds a password or a token. All of them can be pickled, with their attributes.
"""

__all__ = [
    "AmbiguousOutcome",
    "ApiError",
    "AuthError",
    "ConfigError",
    "ConnectFailed",
    "CsvError",
    "DeadlineExceeded",
    "ExportError",
    "Forbidden",
    "InsightframeError",
    "Interrupted",
    "InvalidCredentials",
    "LimitExceeded",
    "LoginThrottled",
    "NotFound",
    "PartialResult",
    "ProxyFailed",
    "RateLimited",
    "ResultChanged",
    "ResultGone",
    "ResultIncomplete",
    "ResultTooLarge",
    "SchemaMismatch",
    "ServerFault",
    "SessionLost",
    "Stalled",
    "TlsFailed",
    "TransportError",
    "UnexpectedReply",
    "UntrustedUri",
]


class InsightframeError(Exception):
    """The base of everything that is raised here on purpose; never raised itself.

    Made with a message and any of the attributes by name; one that is left out, or given as ``None``, keeps its
    default.
    """

    code: str
    """A stable word for logs and counters: the name of the class, or the service's own code where it gave one."""
    attempts: int = 0
    """How often it was tried; 0 when nothing was sent."""
    elapsed: float = 0.0
    """How long it was tried, in seconds."""
    retryable: bool = False
    """Whether the same call may succeed later without a change."""
    handle: str | None = None
    """Names what the service goes on with, or has ready: `client.resume(handle)` doesn't compute it again."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.code = cls.__name__

    def __init__(self, message: str = "", **attributes: object) -> None:
        super().__init__(message)
        known = {name for cls in type(self).__mro__ for name in getattr(cls, "__annotations__", ())}
        for name, value in attributes.items():
            if name not in known:
                raise TypeError(f"`{type(self).__name__}` has no attribute `{name}`")
            if value is not None:
                setattr(self, name, value)


InsightframeError.code = "InsightframeError"


class ConfigError(InsightframeError, ValueError):
    """A value that the caller gave, or left out, can't be used. Nothing was sent."""


class AuthError(InsightframeError):
    """The service doesn't let the user in; always one of the classes below."""


class InvalidCredentials(AuthError):
    """The service refused the user name and password, or the API key. They were sent once and are not tried again."""

    code: str
    """The service's own error code, such as Twilio's ``20003``; the name of the class when it gave none."""
    more_info: str | None = None
    """Address where the service explains its code, when it named one."""


class LoginThrottled(AuthError):
    """Too many logins failed; the service refuses further ones for a while, right ones included (HTTP 429)."""

    retryable = True
    retry_after: float | None = None
    """Seconds that the service asks to wait; ``None`` when it doesn't say."""


class SessionLost(AuthError):
    """Logged in, but the session can't be kept: the service refused fresh tokens too."""


class TransportError(InsightframeError):
    """A request got no complete answer; always one of the classes below."""

    retryable = True


class ConnectFailed(TransportError):
    """No connection: refused, unreachable, or the name is unknown. Nothing was sent."""


class TlsFailed(TransportError):
    """The TLS handshake failed: an unknown or expired certificate, another host's, or no common version."""

    retryable = False


class ProxyFailed(TransportError):
    """The proxy refused or failed. Nothing reached the service."""


class Stalled(TransportError):
    """The service stopped sending, or sent too slowly; see ``idle`` and ``slow_bytes`` of `Limits`."""


class Interrupted(TransportError):
    """The connection broke after the request was, or may have been, sent."""


class DeadlineExceeded(TransportError, TimeoutError):
    """The time that the call was given ran out first."""

    phase: str = ""
    """What was going on, for instance ``polling``."""
    allowed: float = 0.0
    """Seconds that the call was given."""


class ApiError(InsightframeError):
    """The service answered, but not with what was asked for; always one of the classes below."""

    status: int = 0
    """HTTP status; 0 when none was received."""
    method: str = ""
    """HTTP method of the request."""
    path: str = ""
    """Path of the request, without its query."""
    request_id: str | None = None
    """The service's id of the request, for its support."""
    code: str
    """The service's own error code; the name of the class when it gave none."""
    more_info: str | None = None
    """Address where the service explains its code, when it named one."""
    excerpt: str = ""
    """The service's words, or the head of an answer that can't be read; at most 4 KiB."""
    retry_after: float | None = None
    """Seconds that the service asks to wait; ``None`` when it doesn't say."""


class NotFound(ApiError):
    """What was named doesn't exist, or not for this user: a workspace, report, identifier or uri."""


class Forbidden(ApiError):
    """The user may not do this (HTTP 403)."""


class RateLimited(ApiError):
    """Too many requests (HTTP 429), still so after the retries."""

    retryable = True


class ServerFault(ApiError):
    """The service failed (HTTP 5xx), still so after the retries."""

    retryable = True


class UnexpectedReply(ApiError):
    """An answer that the protocol doesn't have: HTML in place of JSON, a missing member, another status."""


class AmbiguousOutcome(ApiError):
    """It can't be told whether a request that must not be repeated took effect."""


class UntrustedUri(InsightframeError):
    """The service sent an address that would leave it, and that is therefore not followed."""

    uri: str = ""
    """The address, shortened."""
    reason: str = ""
    """Which rule it breaks."""


class ExportError(InsightframeError):
    """The result of an export can't be had whole; always one of the classes below."""

    retryable = True


class ResultChanged(ExportError):
    """The same result gave other bytes when it was fetched again, so the two parts don't belong together."""


class ResultIncomplete(ExportError):
    """The result ended early, still so after the retries."""


class ResultTooLarge(ExportError):
    """The service says that the result is too large (HTTP 413). Ask for fewer days at a time."""

    retryable = False


class ResultGone(ExportError):
    """The service no longer has the result (HTTP 410 or 404). Exporting again computes a new one."""


class LimitExceeded(InsightframeError):
    """An answer is larger than `Limits` allows. Reading stopped there."""

    limit: str = ""
    """Name of the limit in `Limits`."""
    allowed: int = 0
    """Its value, in bytes."""
    observed: int = 0
    """Bytes seen when reading stopped."""


class PartialResult(InsightframeError):
    """Some of several accounts failed. What the others gave is not lost: it is in ``result``.

    Only the client of several accounts raises it, and only when at least one account succeeded.
    """

    failures: dict[str, InsightframeError]
    """The error of each account that failed, by the account's name."""
    result: object = None
    """What the call would have returned, without these accounts. It stays here when the error is pickled: the twin's is
    ``None``."""

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self.args, {name: value for name, value in vars(self).items() if name != "result"}

    def __copy__(self) -> "PartialResult":
        return type(self)(*self.args, **vars(self))


class SchemaMismatch(InsightframeError, ValueError):
    """A cell doesn't fit the type of its column, or a column that was named isn't there."""

    column: str = ""
    """Name of the column."""
    record: int = 0
    """The record, counted from 1 without the header; 0 when the column itself is missing."""
    value: str = ""
    """The cell, shortened to 80 characters."""
    expected: str = ""
    """The type that was expected."""


class CsvError(InsightframeError, ValueError):
    """The bytes are not the CSV that they should be."""

    record: int = 0
    """The record, counted from 1 without the header; 0 is the header."""
    line: int = 0
    """The physical line, counted from 1: line breaks inside cells count."""
    byte: int = 0
    """The byte, counted from 0 at the beginning of the inflated input."""
    column: str | None = None
    """Name of the column, when it is known."""
    reason: str = ""
    """What is wrong."""
    snippet: str = ""
    """The input around the place, at most 80 characters."""
