"""The websocket connections under a ccxt.pro object: whether they are open, when they were active.

It reads ccxt's own fields, and changes connections so that they can be closed at any time.
"""

import asyncio
from collections.abc import Iterable
from functools import cache
from typing import Any

#: A connection that does not answer a close is left to end by itself.
_CLOSE_TIMEOUT_SECONDS = 2.0


def is_url(url: str) -> bool:
    """Returns whether it is a URL; ccxt keeps other entries under names without a scheme."""
    return "://" in url


def adopt_connection(connection: Any) -> None:
    """Makes a connection of ccxt one that can be closed at any time, with no failure logged."""
    if not hasattr(connection, "is_detached"):
        connection.is_detached, connection.opening = False, None
        base: Any = type(connection)
        connection.__class__ = _detachable_class(base)


@cache
def _detachable_class(base: Any) -> type[Any]:
    class DetachableConnection(base):  # type: ignore[misc]
        async def open(self, session: Any, backoff_delay: float = 0) -> None:
            if not self.is_detached:
                self.opening = asyncio.current_task()
                await super().open(session, backoff_delay)

        def future(self, message_hash: str) -> Any:
            # All futures fail with the connection. Of those without a waiter, asyncio would log the
            # failure with the whole URL.
            made = super().future(message_hash)
            made.remove_done_callback(_consume_exception)
            made.add_done_callback(_consume_exception)
            return made

    return DetachableConnection


def _consume_exception(made: Any) -> None:
    if not made.cancelled():
        made.exception()


def _detach(connection: Any) -> None:
    """Stop dialling: the connection would be open without an owner."""
    connection.is_detached = True
    if connection.opening is not None:
        connection.opening.cancel()


def are_connected(exchange: Any, listeners: Iterable[asyncio.Task[str]]) -> bool:
    """Returns whether the connection of each listener is open."""
    clients = exchange.clients or {}
    connections = [clients.get(exchange.url_of_task.get(each)) for each in listeners]
    return all(
        connection is not None and connection.isConnected and not connection.closed()
        for connection in connections
    )


def silent_seconds(exchange: Any) -> float:
    """Returns the seconds since the quietest connection received anything, a pong included."""
    now: int = exchange.milliseconds()
    connections = [
        connection for url, connection in (exchange.clients or {}).items() if is_url(url)
    ]
    last_seen = [
        int(connection.last_message_at or connection.connectionEstablished or now)
        for connection in connections
    ]
    return (now - min(last_seen, default=now)) / 1000


async def close_streams(exchange: Any) -> None:
    """Closes all connections and forgets their sign-in state."""
    exchange.cancel_delayed()
    for state in exchange.options.values():
        if isinstance(state, dict) and "lastAuthenticatedTime" in state:
            state["lastAuthenticatedTime"] = 0
    for connection in (exchange.clients or {}).values():
        _detach(connection)
    try:
        async with asyncio.timeout(_CLOSE_TIMEOUT_SECONDS):
            await exchange.close_ws_clients()
    except TimeoutError:
        exchange.clients = {}
