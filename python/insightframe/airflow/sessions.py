"""One session for all waiting exports of a connection in this process.

A triggerer may wait for hundreds of exports. Were each to log in by itself, the service would see hundreds of logins
and might refuse them; so whoever comes first makes the client and whoever leaves last closes it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from insightframe import InsightsClient

from .hooks import InsightsHook, insights_arguments

__all__ = ["shared_client"]


@dataclass
class _Shared:
    client: InsightsClient
    users: int = 0


# By what the client was made with, so that a connection that was edited meanwhile gets a new one. It stays in memory.
_SHARED: dict[tuple[Any, ...], _Shared] = {}


@asynccontextmanager
async def shared_client(insights_conn_id: str) -> AsyncIterator[InsightsClient]:
    """The client of a connection, as long as anybody uses it."""
    arguments = insights_arguments(await InsightsHook.aget_connection(insights_conn_id))
    key = (insights_conn_id, *sorted(arguments.items(), key=lambda item: item[0]))
    shared = _SHARED.get(key)
    if shared is None:
        shared = _SHARED[key] = _Shared(InsightsClient(**arguments))
    shared.users += 1
    try:
        yield shared.client
    finally:
        shared.users -= 1
        if shared.users == 0:
            # Whoever comes while this logs out makes a client of his own.
            del _SHARED[key]
            await asyncio.shield(shared.client.close_async())
