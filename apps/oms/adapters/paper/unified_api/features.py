"""ccxt's ``features`` and ``has`` of a paper exchange."""

from collections.abc import Iterable

from oms.adapters.paper.unified_api.structures import Structure
from oms.simulation.settings import SimulationSettings
from oms.wire.ccxt.trade_requests import ORDERS_MAX

ROWS_MAX = 1000
CANDLES_MAX = 500


def build_features(settings: SimulationSettings) -> Structure:
    """Returns the features by kind of market; inverse contracts and options are not traded."""
    return {
        "spot": _kind(settings, is_spot=True),
        "swap": {"linear": _kind(settings, is_spot=False), "inverse": None},
        "future": {"linear": None, "inverse": None},
    }


def camel_case(func: str) -> str:
    """Returns ccxt's camelCase spelling, as used in ``has``."""
    first, *rest = func.split("_")
    return first + "".join("OHLCV" if part == "ohlcv" else part.capitalize() for part in rest)


def build_has(answered: Iterable[str]) -> Structure:
    """Returns ccxt's ``has`` for the supported methods."""
    kinds = {"CORS": None, "spot": True, "margin": False, "swap": True}
    return {
        **kinds,
        "future": False,
        "option": False,
        **{camel_case(name): True for name in sorted(answered) if "_" in name},
    }


def _kind(settings: SimulationSettings, *, is_spot: bool) -> Structure:
    rows: Structure = {"marginMode": False, "limit": ROWS_MAX, "symbolRequired": False}
    past = {"daysBack": None, "untilDays": None}
    conditional = {"trigger": False, "trailing": False}
    return {
        "sandbox": False,
        "createOrder": _orders(settings, is_spot=is_spot),
        "createOrders": {"max": ORDERS_MAX},
        "fetchMyTrades": {**rows, **past},
        "fetchOrder": {"marginMode": False, **conditional, "symbolRequired": False},
        "fetchOpenOrders": {**rows, **conditional},
        "fetchOrders": {**rows, **past, **conditional},
        "fetchClosedOrders": {**rows, **past, "daysBackCanceled": None, **conditional},
        "fetchOHLCV": {"limit": CANDLES_MAX},
    }


def _orders(settings: SimulationSettings, *, is_spot: bool) -> Structure:
    return {
        "marginMode": False,
        "triggerPrice": True,
        "triggerPriceType": {"last": True, "mark": not is_spot, "index": False},
        "triggerDirection": True,
        "stopLossPrice": True,
        "takeProfitPrice": True,
        "attachedStopLossTakeProfit": {
            "triggerPriceType": {"last": True, "mark": False, "index": False},
            "price": True,
        },
        "timeInForce": {"IOC": True, "FOK": True, "PO": True, "GTD": True},
        "hedged": not is_spot and settings.hedge,
        "trailing": True,
        "leverage": False,
        "marketBuyByCost": is_spot,
        "marketBuyRequiresPrice": False,
        "selfTradePrevention": False,
        "iceberg": False,
    }
