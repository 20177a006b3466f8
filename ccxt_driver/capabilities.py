"""What the driver can do, and how that is laid over what the account's exchange can do."""

from collections.abc import Mapping
from typing import Any

from ccxt_driver.naming import is_trading, snake_case

OMS_ID = "oms"
OMS_NAME = "OMS First Exchange"

HAS: Mapping[str, bool] = dict.fromkeys(
    (
        *("createOrder", "editOrder", "cancelOrder", "fetchOrder", "fetchOpenOrders"),
        *("fetchClosedOrders", "fetchMyTrades", "fetchBalance", "fetchTicker", "fetchPositions"),
        *("createOrders", "cancelOrders", "cancelAllOrders", "fetchOrders"),
    ),
    True,
)
"""What the gateway gives on every account, whatever exchange stands behind it."""

PRESUMED_HAS: Mapping[str, bool] = dict.fromkeys(
    (
        *("createLimitOrder", "createMarketOrder", "fetchMarkets", "fetchOHLCV", "fetchTickers"),
        *("fetchOrderBook", "fetchL2OrderBook", "fetchTrades", "fetchTime"),
    ),
    True,
)
"""What nearly every exchange has. Programs for ccxt look it up on an object that has asked nobody
yet; as soon as the account's exchange has described itself, its own words are told instead."""

WATCH_HAS: Mapping[str, bool] = dict.fromkeys(
    (
        *("watchOrders", "watchMyTrades", "watchPositions", "watchTicker", "watchOrderBook"),
        *("watchTrades", "watchOHLCV", "ws"),
    ),
    True,
)
"""What the classes that stream have besides."""


def merge_has(own: Mapping[str, bool], remote: object, methods: type) -> dict[str, Any]:
    """``has``: the exchange's, then the driver's.

    Whatever trades and is no method of ``methods`` is told as absent: calls to it are refused, so
    that no order goes around the gateway.
    """
    theirs = remote if isinstance(remote, dict) else {}
    refused = {
        name: False
        for name in theirs
        if is_trading(name) and not hasattr(methods, snake_case(name))
    }
    return {**theirs, **refused, **own}


def build_description(has: Mapping[str, Any], remote: Mapping[str, Any]) -> dict[str, Any]:
    """What ``describe()`` answers; ``remote`` is the exchange's own description."""
    return {
        "id": OMS_ID,
        "name": OMS_NAME,
        "countries": [],
        "has": dict(has),
        "timeframes": remote.get("timeframes") or {},
        "features": remote.get("features") or {},
    }
