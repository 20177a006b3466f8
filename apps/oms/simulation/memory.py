"""What the paper exchange remembers: frozen values, replaced by every step and never edited.

Quantities in base, prices in quote, both exact. Final orders are not kept: their ids are below
``orders_made`` and no longer among the open ones, and their trades have been told.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from oms.domain.money import ZERO, difference, total
from oms.domain.order import Side
from oms.domain.value import value

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Level = tuple[Decimal, Decimal | None]
"""A price and the quantity offered there; ``None`` is without limit."""


class Leg(StrEnum):
    """Which of a symbol's positions: the only one, or one of a hedge account's two."""

    BOTH = "both"
    LONG = "long"
    SHORT = "short"


PositionKey = tuple[str, Leg]
"""Symbol and leg."""


@value
class Balance:
    """What an account has of one currency; ``used`` is locked by orders and margins.

    ``free`` falls below zero by losses on contracts and where spot shorts are allowed.
    """

    free: Decimal = ZERO
    used: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """All of it."""
        return total(self.free, self.used)


@value
class PaperOrder:
    """An order at the paper exchange."""

    exchange_order_id: str
    #: The name that the sender gave it.
    client_id: str
    symbol: str
    side: Side
    order_type: str
    qty: Decimal
    price: Decimal | None
    leg: Leg
    reduce_only: bool
    post_only: bool
    filled: Decimal = ZERO
    #: Σ qty × price of its fills.
    value: Decimal = ZERO
    #: Place in time among orders of the same price: lower is served first.
    rank: int
    #: What it holds locked, in ``locked_currency``.
    locked: Decimal = ZERO
    locked_currency: str
    created_at: datetime

    @property
    def remaining(self) -> Decimal:
        """What may still be executed."""
        return difference(self.qty, self.filled)


@value
class PaperPosition:
    """An open position in a contract: signed quantity, signed cost, and its initial margin."""

    symbol: str
    leg: Leg
    qty: Decimal
    cost: Decimal
    margin: Decimal


@value
class PaperTrade:
    """One execution."""

    trade_id: str
    exchange_order_id: str
    client_id: str
    symbol: str
    side: Side
    leg: Leg
    qty: Decimal
    price: Decimal
    fee: Decimal
    fee_currency: str
    maker: bool
    #: Beyond the depth that was shown.
    extrapolated: bool
    #: Profit that it brought to the wallet before fees, at 18 places; 0 on spot.
    realised: Decimal
    executed_at: datetime


@value
class Ladder:
    """One side of a book, best level first, less what was taken from it since it was shown."""

    levels: tuple[Level, ...]
    #: Price of the deepest level shown.
    last: Decimal | None
    #: Quantity of all levels when shown; ``None`` is without limit.
    shown: Decimal | None
    #: Taken beyond what was shown.
    beyond: Decimal = ZERO

    @property
    def best(self) -> Level | None:
        """The best level; where all was taken, the last price with nothing left at it."""
        if self.levels:
            return self.levels[0]
        return None if self.last is None else (self.last, ZERO)


@value
class Market:
    """What the exchange offers in a symbol: buyers in ``bids``, sellers in ``asks``."""

    symbol: str
    bids: Ladder
    asks: Ladder
    at: datetime

    def opposite(self, side: Side) -> Ladder:
        """The side of the book that an order of ``side`` meets."""
        return self.asks if side is Side.BUY else self.bids


@value
class Memory:
    """One account at the paper exchange."""

    balances: Mapping[str, Balance] = field(default_factory=dict)
    #: Open orders by symbol, then by exchange order id.
    orders: Mapping[str, Mapping[str, PaperOrder]] = field(default_factory=dict)
    positions: Mapping[PositionKey, PaperPosition] = field(default_factory=dict)
    markets: Mapping[str, Market] = field(default_factory=dict)
    orders_made: int = 0
    trades_made: int = 0
    #: Steps that changed anything but the markets.
    version: int = 0
    #: Time of the last of these; no later fact is older.
    clock: datetime = EPOCH

    def order(self, symbol: str, exchange_order_id: str) -> PaperOrder | None:
        """An open order."""
        return self.orders.get(symbol, {}).get(exchange_order_id)
