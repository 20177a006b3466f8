"""Names of ccxt methods, and the methods of ``/ccxt/core``.

Allow-lists: ``domain.ccxt_methods``.
"""

import re

CORE_TRADE_METHODS = frozenset({"create_order", "cancel_order"})
"""Methods of ``/ccxt/core`` that trade."""

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
"""Methods of ``/ccxt/core`` that read."""

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])|(?<=[A-Z])([A-Z])(?=[a-z])")


def snake_case(func: str) -> str:
    """Convert ``fetchOrderBook`` to ``fetch_order_book``; snake_case is unchanged."""
    if func.islower():
        return func
    return _HUMP.sub(lambda match: "_" + match.group(0), func).lower()
