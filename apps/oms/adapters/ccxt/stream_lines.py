"""The websocket connections under a ccxt.pro object: whether they stand, when they were heard.

Reads what ccxt keeps of them. It dials nothing and hears nothing itself.
"""

from typing import Any


def lines(exchange: Any) -> list[Any]:
    """The connections that were dialled; ccxt keeps notes under names without a scheme, too."""
    return [line for url, line in (exchange.clients or {}).items() if is_dialled(url)]


def is_dialled(url: str) -> bool:
    """Whether it is an address, and not a name for something that is never dialled."""
    return "://" in url


def stand(exchange: Any, number: int) -> bool:
    """Whether there are so many connections and all are open."""
    found = lines(exchange)
    return len(found) >= number and all(line.isConnected and not line.closed() for line in found)


def silent_seconds(exchange: Any) -> float:
    """How long the connection that was silent longest has told nothing at all, not even a pong."""
    now: int = exchange.milliseconds()
    heard: list[int] = [
        line.last_message_at or line.connectionEstablished or now for line in lines(exchange)
    ]
    return (now - min(heard, default=now)) / 1000


async def hang_up(exchange: Any) -> None:
    """Close all connections and forget what they were signed in with."""
    exchange.cancel_delayed()
    for told in exchange.options.values():
        if isinstance(told, dict) and "lastAuthenticatedTime" in told:
            told["lastAuthenticatedTime"] = 0
    await exchange.close_ws_clients()
