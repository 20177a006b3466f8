"""The websocket connections under a ccxt.pro object: whether they stand, when they were heard.

Reads what ccxt keeps of them. It dials nothing and hears nothing itself.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

#: A connection that does not answer a goodbye is left to end by itself.
_GOODBYE_SECONDS = 2.0


def is_dialled(url: str) -> bool:
    """Whether it is an address; ccxt keeps notes under names without a scheme, too."""
    return "://" in url


def stand(exchange: Any, listeners: Iterable[asyncio.Task[str]]) -> bool:
    """Whether the connection of each of them is open."""
    clients = exchange.clients or {}
    found = [clients.get(exchange.line_of.get(each)) for each in listeners]
    return all(line is not None and line.isConnected and not line.closed() for line in found)


def silent_seconds(exchange: Any) -> float:
    """How long the connection that was silent longest has told nothing at all, not even a pong."""
    now: int = exchange.milliseconds()
    lines = [line for url, line in (exchange.clients or {}).items() if is_dialled(url)]
    heard = [int(line.last_message_at or line.connectionEstablished or now) for line in lines]
    return (now - min(heard, default=now)) / 1000


async def hang_up(exchange: Any) -> None:
    """Close all connections and forget what they were signed in with."""
    exchange.cancel_delayed()
    for told in exchange.options.values():
        if isinstance(told, dict) and "lastAuthenticatedTime" in told:
            told["lastAuthenticatedTime"] = 0
    try:
        async with asyncio.timeout(_GOODBYE_SECONDS):
            await exchange.close_ws_clients()
    except TimeoutError:
        exchange.clients = {}
