"""Waiting in Airflow's triggerer."""

import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from insightframe.errors import DeadlineExceeded, InsightframeError

from .sessions import shared_client

__all__ = ["InsightsResultTrigger"]


class InsightsResultTrigger(BaseTrigger):
    """Waits until Flex Insights has computed what a handle names; it fetches nothing.

    What is kept of it in the metadata database is its arguments: a handle holds addresses of a report, its filters and
    its results, and no secret. A triggerer that takes it over looks the credentials up in the connection and goes on
    with the same execution. All triggers of a process that use one connection share one session and no thread.

    Its one event is a dict with the ``handle`` and a ``state``: ``ready``, ``expired`` (the deadline passed) or
    ``failed``, then with ``error`` (the class in `insightframe.errors`), ``message`` and ``retryable``.

    Args:
        handle: What `InsightsClient.submit` gave.
        insights_conn_id: Name of the connection.
        deadline: When to give up, in seconds since 1970. Default: never.
    """

    def __init__(self, handle: str, insights_conn_id: str, deadline: float | None = None):
        super().__init__()
        self.handle = handle
        self.insights_conn_id = insights_conn_id
        self.deadline = deadline

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The arguments, and nothing else."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        arguments = {"handle": self.handle, "insights_conn_id": self.insights_conn_id, "deadline": self.deadline}
        return path, arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Waits; one event."""
        yield TriggerEvent({"handle": self.handle, **await self._wait()})

    async def _wait(self) -> dict[str, Any]:
        try:
            async with shared_client(self.insights_conn_id) as client:
                await client.wait_async(self.handle, timeout=self._left())
        except DeadlineExceeded:
            return {"state": "expired"}
        except InsightframeError as error:
            failed = {"error": type(error).__name__, "message": str(error), "retryable": error.retryable}
            return {"state": "failed", **failed}
        return {"state": "ready"}

    def _left(self) -> float:
        """Seconds until the deadline; a year stands for none, because without a timeout the client has its own."""
        if self.deadline is None:
            return 365 * 86400.0
        return max(0.0, self.deadline - time.time())
