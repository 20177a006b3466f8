"""What a trading call of ccxt asks, in one form for each kind of trade.

``wire.ccxt_trades`` reads them. Whether a symbol exists, what its grid is and what the exchange can
do is not asked here.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from oms.domain.errors import Invalid
from oms.domain.money import NotADecimal, decimal
from oms.domain.order import Side

ORDERS_MAX = 50
"""Orders that one call may make, change or cancel by name."""

Params = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
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
        return is_true(self.params, "reduceOnly", "reduce_only")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One order to change; ``None`` keeps. ``name`` is the exchange's id, or the sender's."""

    name: str
    symbol: str | None
    amount: Decimal | None
    price: Decimal | None
    params: Params
    is_client_id: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """One order to cancel; ``name`` is the exchange's id, or the sender's."""

    name: str
    symbol: str | None
    is_client_id: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Creates:
    """Orders to make; ``is_list`` where the answer is a list."""

    orders: tuple[Create, ...]
    is_list: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edits:
    """Orders to change."""

    orders: tuple[Edit, ...]
    is_list: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancels:
    """Orders to cancel."""

    orders: tuple[Cancel, ...]
    is_list: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAll:
    """Every open order to cancel, of one symbol or of all."""

    symbol: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """Positions to close at the market; ``None`` is each symbol, each side."""

    symbol: str | None
    side: Side | None
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting of a contract or the account: the method's name, its value, the symbol."""

    func: str
    value: object
    symbol: str | None


Trade = Creates | Edits | Cancels | CancelAll | Close | Setting


def number(name: str, told: object) -> Decimal | None:
    """A number above 0 from JSON's or from text, exactly; ``None`` stays. Raises ``Invalid``."""
    if told is None:
        return None
    if isinstance(told, float) and math.isfinite(told):
        told = repr(told)  # the shortest text that means this number: what its sender wrote
    if isinstance(told, bool) or not isinstance(told, int | str | Decimal):
        raise Invalid(f"{name}: a number is expected")
    try:
        read = decimal(told)
    except NotADecimal:
        raise Invalid(f"{name}: a number is expected") from None
    if read <= 0:
        raise Invalid(f"{name}: a number above 0 is expected")
    return read


def is_true(params: Params, *names: str) -> bool:
    """Whether one of the flags is set."""
    return any(params.get(name) is True for name in names)
