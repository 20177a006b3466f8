"""Trade requests of programs: a dictionary with the keys of MqlTradeRequest, checked and exact."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mt5_driver.errors import CallFailed, invalid_argument
from mt5_driver.numbers import exact, to_seconds, whole
from mt5_driver.structures import TradeRequest

_INTEGERS = (
    *("action", "magic", "order", "deviation", "type", "type_filling", "type_time"),
    *("position", "position_by"),
)
_NUMBERS = ("volume", "price", "stoplimit", "sl", "tp")
_TEXTS = ("symbol", "comment")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactRequest:
    """A trade request with exact numbers; what is missing is 0 or empty."""

    action: int = 0
    magic: int = 0
    order: int = 0
    symbol: str = ""
    volume: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    stoplimit: Decimal = Decimal(0)
    sl: Decimal = Decimal(0)
    tp: Decimal = Decimal(0)
    deviation: int = 0
    type: int = 0
    type_filling: int = 0
    type_time: int = 0
    expiration: int = 0
    comment: str = ""
    position: int = 0
    position_by: int = 0


def read_trade_request(request: Any) -> ExactRequest:
    """Returns the request of a dictionary or of a ``TradeRequest``; other keys are ignored.

    Raises ``CallFailed`` with the name of a value that has a wrong type.
    """
    if isinstance(request, TradeRequest):
        request = request._asdict()
    if not isinstance(request, Mapping):
        raise CallFailed(-2, "Unnamed arguments not allowed")
    fields: dict[str, Any] = {}
    for name, value in request.items():
        if value is None:
            continue
        if name == "expiration":
            fields[name] = int(to_seconds(value, name))
        elif name in _INTEGERS:
            fields[name] = whole(value, name)
        elif name in _NUMBERS:
            fields[name] = exact(value, name)
        elif name in _TEXTS:
            if not isinstance(value, str):
                raise invalid_argument(name)
            fields[name] = value
    return ExactRequest(**fields)


def echo_request(request: ExactRequest) -> TradeRequest:
    """Returns the request as results of the package contain it."""
    values = {name: getattr(request, name) for name in TradeRequest._fields}
    return TradeRequest(**{**values, **{name: float(values[name]) for name in _NUMBERS}})
