"""How callers name ccxt methods, and what ``/ccxt/core`` takes. What may be called stands in
``domain.ccxt_methods``."""

import re

from oms.domain.ccxt_methods import MethodClass, method_class_of

CORE_TRADE_METHODS = frozenset({"create_order", "cancel_order"})
"""The methods of ``/ccxt/core`` that trade."""

CORE_READ_METHODS = frozenset(
    {
        "fetch_order",
        "fetch_open_orders",
        "fetch_balance",
        "load_markets",
        "fetch_markets",
        "fetch_ticker",
        "fetch_tickers",
    }
)
"""The methods of ``/ccxt/core`` that read."""

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])|(?<=[A-Z])([A-Z])(?=[a-z])")


def snake_case(func: str) -> str:
    """``fetchOrderBook`` as ``fetch_order_book``; snake_case stays as it is."""
    if func.islower():
        return func
    return _HUMP.sub(lambda match: "_" + match.group(0), func).lower()


def is_stream_method(func: str) -> bool:
    """Whether the method streams, which calls cannot."""
    return method_class_of(func) is MethodClass.STREAM
