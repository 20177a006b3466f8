"""The websocket connections under a ccxt.pro object: whether they stand, when they were heard.

Reads what ccxt keeps of them. It dials nothing and hears nothing itself.
"""

import asyncio
from collections.abc import Iterable
from functools import cache
from typing import Any

#: A connection that does not answer a goodbye is left to end by itself.
_GOODBYE_SECONDS = 2.0


def is_url(url: str) -> bool:
    """Whether it is an address; ccxt keeps notes under names without a scheme, too."""
    return "://" in url


def adopt_connection(line: Any) -> None:
    """Make a connection of ccxt one that can be left at any time, and that nobody misses."""
    if not hasattr(line, "is_left"):
        line.is_left, line.opening = False, None
        base: Any = type(line)
        line.__class__ = _left_at_any_time(base)


@cache
def _left_at_any_time(base: Any) -> type[Any]:
    class Line(base):  # type: ignore[misc]
        async def open(self, session: Any, backoff_delay: float = 0) -> None:
            if not self.is_left:
                self.opening = asyncio.current_task()
                await super().open(session, backoff_delay)

        def future(self, message_hash: str) -> Any:
            # All fail with the connection. Of those that nobody waits for, asyncio would log the
            # failure with the whole address that was dialled.
            made = super().future(message_hash)
            made.remove_done_callback(_seen)
            made.add_done_callback(_seen)
            return made

    return Line


def _seen(made: Any) -> None:
    if not made.cancelled():
        made.exception()


def _leave(line: Any) -> None:
    """Do not go on dialling: the connection would stand though nobody knows of it."""
    line.is_left = True
    if line.opening is not None:
        line.opening.cancel()


def are_connected(exchange: Any, listeners: Iterable[asyncio.Task[str]]) -> bool:
    """Whether the connection of each of them is open."""
    clients = exchange.clients or {}
    found = [clients.get(exchange.line_of.get(each)) for each in listeners]
    return all(line is not None and line.isConnected and not line.closed() for line in found)


def silent_seconds(exchange: Any) -> float:
    """How long the connection that was silent longest has told nothing at all, not even a pong."""
    now: int = exchange.milliseconds()
    lines = [line for url, line in (exchange.clients or {}).items() if is_url(url)]
    heard = [int(line.last_message_at or line.connectionEstablished or now) for line in lines]
    return (now - min(heard, default=now)) / 1000


async def close_streams(exchange: Any) -> None:
    """Close all connections and forget what they were signed in with."""
    exchange.cancel_delayed()
    for told in exchange.options.values():
        if isinstance(told, dict) and "lastAuthenticatedTime" in told:
            told["lastAuthenticatedTime"] = 0
    for line in (exchange.clients or {}).values():
        _leave(line)
    try:
        async with asyncio.timeout(_GOODBYE_SECONDS):
            await exchange.close_ws_clients()
    except TimeoutError:
        exchange.clients = {}
