"""One session with Flex Insights for all windows that a Python worker of Spark reads.

A worker reads many windows, one after another, and nobody tells it which is the last one. A login for each of them
would be hundreds of logins for a year, at a service that locks logins. So the session is left as soon as no window has
come for a moment; a worker that Spark kills before leaves it to the service to end it.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from insightframe import InsightsClient

__all__ = ["SESSION"]

_IDLE = 2.0
"""Seconds without a window after which a worker logs out."""


class _Session:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: InsightsClient | None = None
        self._users = 0
        self._timer = threading.Timer(0, self._leave)

    @contextmanager
    def client(self) -> Iterator[InsightsClient]:
        """The client of this process, for as long as a window is read."""
        with self._lock:
            self._timer.cancel()
            if self._client is None:
                self._client = InsightsClient(progress=False)
            self._users += 1
            client = self._client
        # Where Spark doesn't keep the worker for further windows, nothing runs in it once this one is read, nor when
        # it has failed.
        wait = _IDLE if "SPARK_REUSE_WORKER" in os.environ else 0.0
        try:
            yield client
        except Exception:
            wait = 0.0
            raise
        finally:
            with self._lock:
                self._users -= 1
            if wait:
                self._timer = threading.Timer(wait, self._leave)
                self._timer.daemon = True
                self._timer.start()
            else:
                self._leave()

    def _leave(self) -> None:
        """Logs out, unless somebody reads."""
        with self._lock:
            if self._users > 0 or self._client is None:
                return
            client, self._client = self._client, None
        client.close()


SESSION = _Session()
"""That of this process."""
