"""A faithful local copy of the services, to develop and test against without credentials."""

from ._core import LedgerEntry, Sandbox

__all__ = ["LedgerEntry", "Sandbox"]
