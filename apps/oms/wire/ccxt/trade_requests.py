"""Normalized trading calls of ccxt, one class per kind of trade.

Created by ``trade_parser``. Symbols, step sizes and capabilities are checked by the adapter.
"""

import math
from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal

from oms.domain.errors import Invalid
from oms.domain.money import NotADecimal, parse_decimal
from oms.domain.orders.order import Side
from oms.domain.value import value

ORDERS_MAX = 50
"""Maximum number of orders per call."""

Params = Mapping[str, object]


@value
class CreateRequest:
    """An order to create; ``amount`` in base, or ``cost`` in quote instead."""

    symbol: str
    order_type: str
    side: Side
    amount: Decimal | None
    price: Decimal | None
    params: Params
    cost: Decimal | None = None

    @property
    def reduce_only(self) -> bool:
        """Return whether the order may only reduce a position."""
        return has_flag(self.params, "reduceOnly", "reduce_only")


@value
class EditRequest:
    """An order to change; ``None`` keeps. ``name`` is the exchange's id or the client order id."""

    name: str
    symbol: str | None
    amount: Decimal | None
    price: Decimal | None
    params: Params
    is_client_id: bool = False


@value
class CancelRequest:
    """An order to cancel; ``name`` is the exchange's id or the client order id."""

    name: str
    symbol: str | None
    is_client_id: bool = False


@value
class CreateOrders:
    """Orders to create; ``is_list`` if the response is a list."""

    orders: tuple[CreateRequest, ...]
    is_list: bool = False


@value
class EditOrders:
    """Orders to change."""

    orders: tuple[EditRequest, ...]
    is_list: bool = False


@value
class CancelOrders:
    """Orders to cancel."""

    orders: tuple[CancelRequest, ...]
    is_list: bool = False


@value
class CancelAllRequest:
    """Cancel all open orders of one symbol or of all."""

    symbol: str | None


@value
class CloseRequest:
    """Positions to close at the market; ``None``: every symbol, every side."""

    symbol: str | None
    side: Side | None
    amount: Decimal | None = None
    params: Params = field(default_factory=dict)


@value
class SettingRequest:
    """A setting of a contract or the account: method name, value, symbol."""

    func: str
    value: object
    symbol: str | None


TradeRequest = (
    CreateOrders | EditOrders | CancelOrders | CancelAllRequest | CloseRequest | SettingRequest
)


def positive_number(name: str, value: object) -> Decimal | None:
    """Parse a number above 0 from JSON or text, exactly; ``None`` is returned.

    Raises ``Invalid``.
    """
    if value is None:
        return None
    if isinstance(value, float) and math.isfinite(value):
        value = repr(value)  # the shortest text of this float, which is what the client wrote
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise Invalid(f"{name}: a number is expected")
    try:
        parsed = parse_decimal(value)
    except NotADecimal:
        raise Invalid(f"{name}: a number is expected") from None
    if parsed <= 0:
        raise Invalid(f"{name}: a number above 0 is expected")
    return parsed


def has_flag(params: Params, *names: str) -> bool:
    """Return whether one of the flags is set."""
    return any(params.get(name) is True for name in names)
