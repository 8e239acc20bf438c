"""What arrived at a sandbox, in the words of the tests."""

from insightframe.sandbox import LedgerEntry, Sandbox

LOGIN = "/gdc/account/login"


def logins(sandbox: Sandbox) -> list[LedgerEntry]:
    return [entry for entry in sandbox.ledger if entry.method == "POST" and entry.path == LOGIN]


def logouts(sandbox: Sandbox) -> list[LedgerEntry]:
    return [entry for entry in sandbox.ledger if entry.method == "DELETE" and entry.path.startswith(LOGIN)]


def token_requests(sandbox: Sandbox) -> list[LedgerEntry]:
    return [entry for entry in sandbox.ledger if entry.path == "/gdc/account/token"]


def looks(sandbox: Sandbox) -> list[LedgerEntry]:
    """Requests for the result of an execution."""
    return [entry for entry in sandbox.ledger if entry.method == "GET" and "/execute/raw/" in entry.path]


def is_logged_out_once(sandbox: Sandbox) -> bool:
    """Whether there was one login, and one logout that the service accepted."""
    return len(logins(sandbox)) == 1 and [entry.status for entry in logouts(sandbox)] == [204]
