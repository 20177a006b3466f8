"""ccxt's ``has``: capabilities of the gateway, merged with those of the account's exchange."""

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
"""Capabilities of the gateway, available on every account."""

PRESUMED_HAS: Mapping[str, bool] = dict.fromkeys(
    (
        *("createLimitOrder", "createMarketOrder", "fetchMarkets", "fetchOHLCV", "fetchTickers"),
        *("fetchOrderBook", "fetchL2OrderBook", "fetchTrades", "fetchTime"),
    ),
    True,
)
"""Capabilities of nearly every exchange. Programs for ccxt read them from an object that has sent
no request yet; the exchange's own values replace them as soon as they are loaded."""

WATCH_HAS: Mapping[str, bool] = dict.fromkeys(
    (
        *("watchOrders", "watchMyTrades", "watchPositions", "watchTicker", "watchOrderBook"),
        *("watchTrades", "watchOHLCV", "ws"),
    ),
    True,
)
"""Additional capabilities of the classes that stream."""

WATCH_MANY_HAS: Mapping[str, bool] = dict.fromkeys(
    (
        *("watchBalance", "watchTickers", "watchBidsAsks", "watchOrderBookForSymbols"),
        *("watchTradesForSymbols", "watchOHLCVForSymbols", "watchOrdersForSymbols"),
        *("watchMyTradesForSymbols", "createOrderWs", "editOrderWs", "cancelOrderWs"),
        *("unWatchTicker", "unWatchTickers", "unWatchBidsAsks", "unWatchOrderBook"),
        *("unWatchOrderBookForSymbols", "unWatchTrades", "unWatchTradesForSymbols"),
        *("unWatchOHLCV", "unWatchOHLCVForSymbols", "unWatchOrders", "unWatchMyTrades"),
        *("unWatchPositions",),
    ),
    True,
)
"""Capabilities of the same classes for several symbols."""


def merge_has(own: Mapping[str, bool], remote: object, methods: type) -> dict[str, Any]:
    """Returns ``has``: the exchange's values, overridden by ``own``.

    A capability that trades and is not a method of ``methods`` is ``False``: the driver refuses
    such calls, so that no order bypasses the gateway.
    """
    exchange_has = remote if isinstance(remote, dict) else {}
    refused = {
        name: False
        for name in exchange_has
        if is_trading(name) and not hasattr(methods, snake_case(name))
    }
    return {**exchange_has, **refused, **own}


def expand_features(features: Mapping[str, Any]) -> dict[str, Any]:
    """Returns ccxt's ``features`` with inherited parts filled in, as ccxt's objects have them."""
    return {
        name: _expand(part, features) for name, part in features.items() if isinstance(part, dict)
    }


def _expand(part: Mapping[str, Any], features: Mapping[str, Any]) -> dict[str, Any]:
    own = {
        name: _expand(value, features) if isinstance(value, dict) else value
        for name, value in part.items()
        if name != "extends"
    }
    if not part.get("extends"):
        return own
    parent: Any = features
    for name in str(part["extends"]).split("."):
        parent = (parent or {}).get(name)
    return _merge(_expand(parent or {}, features), own)


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in over.items():
        inherited = merged.get(name)
        is_nested = isinstance(value, dict) and isinstance(inherited, dict)
        merged[name] = _merge(merged[name], value) if is_nested else value
    return merged


def build_description(has: Mapping[str, Any], remote: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the result of ``describe()``; ``remote`` is the exchange's own description."""
    return {
        "id": OMS_ID,
        "name": OMS_NAME,
        "countries": [],
        "has": dict(has),
        "timeframes": remote.get("timeframes") or {},
        "features": remote.get("features") or {},
    }
