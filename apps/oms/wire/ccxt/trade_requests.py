"""What a trading call of ccxt asks, in one form for each kind of trade.

``wire.ccxt_trades`` reads them. Whether a symbol exists, what its grid is and what the exchange can
do is not asked here.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from oms.domain.errors import Invalid
from oms.domain.money import NotADecimal, parse_decimal
from oms.domain.orders.order import Side

ORDERS_MAX = 50
"""Orders that one call may make, change or cancel by name."""

Params = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRequest:
    """One order to make; ``amount`` in base, or ``cost`` in quote in its place."""

    symbol: str
    order_type: str
    side: Side
    amount: Decimal | None
    price: Decimal | None
    params: Params
    cost: Decimal | None = None

    @property
    def reduce_only(self) -> bool:
        """Whether it may only make a position smaller."""
        return has_flag(self.params, "reduceOnly", "reduce_only")


@dataclass(frozen=True, slots=True, kw_only=True)
class EditRequest:
    """One order to change; ``None`` keeps. ``name`` is the exchange's id, or the sender's."""

    name: str
    symbol: str | None
    amount: Decimal | None
    price: Decimal | None
    params: Params
    is_client_id: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequest:
    """One order to cancel; ``name`` is the exchange's id, or the sender's."""

    name: str
    symbol: str | None
    is_client_id: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOrders:
    """Orders to make; ``is_list`` where the answer is a list."""

    orders: tuple[CreateRequest, ...]
    is_list: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EditOrders:
    """Orders to change."""

    orders: tuple[EditRequest, ...]
    is_list: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrders:
    """Orders to cancel."""

    orders: tuple[CancelRequest, ...]
    is_list: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAllRequest:
    """Every open order to cancel, of one symbol or of all."""

    symbol: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseRequest:
    """Positions to close at the market; ``None`` is each symbol, each side."""

    symbol: str | None
    side: Side | None
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRequest:
    """A setting of a contract or the account: the method's name, its value, the symbol."""

    func: str
    value: object
    symbol: str | None


TradeRequest = (
    CreateOrders | EditOrders | CancelOrders | CancelAllRequest | CloseRequest | SettingRequest
)


def positive_number(name: str, told: object) -> Decimal | None:
    """A number above 0 from JSON's or from text, exactly; ``None`` stays. Raises ``Invalid``."""
    if told is None:
        return None
    if isinstance(told, float) and math.isfinite(told):
        told = repr(told)  # the shortest text that means this number: what its sender wrote
    if isinstance(told, bool) or not isinstance(told, int | str | Decimal):
        raise Invalid(f"{name}: a number is expected")
    try:
        read = parse_decimal(told)
    except NotADecimal:
        raise Invalid(f"{name}: a number is expected") from None
    if read <= 0:
        raise Invalid(f"{name}: a number above 0 is expected")
    return read


def has_flag(params: Params, *names: str) -> bool:
    """Whether one of the flags is set."""
    return any(params.get(name) is True for name in names)
