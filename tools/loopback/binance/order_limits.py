"""Limits on new orders of the Binance dialect: the venue's documented numbers, per key."""

from collections.abc import Mapping
from types import MappingProxyType

from loopback.formatting import Json

#: Orders allowed in a window of so many seconds.
SPOT: Mapping[int, int] = MappingProxyType({10: 100})
CONTRACTS: Mapping[int, int] = MappingProxyType({10: 300, 60: 1200})
_NAMES = {10: ("SECOND", 10, "10S"), 60: ("MINUTE", 1, "1M")}


def order_limits_json(*, spot: bool) -> list[Json]:
    """Returns the ``rateLimits`` of ``exchangeInfo`` about orders."""
    return [
        {
            "rateLimitType": "ORDERS",
            "interval": _NAMES[seconds][0],
            "intervalNum": _NAMES[seconds][1],
            "limit": allowed,
        }
        for seconds, allowed in (SPOT if spot else CONTRACTS).items()
    ]


def count_headers(counts: Mapping[int, int]) -> dict[str, str]:
    """Returns the headers that say how many orders were counted."""
    return {
        f"X-MBX-ORDER-COUNT-{_NAMES[seconds][2]}": str(count) for seconds, count in counts.items()
    }
