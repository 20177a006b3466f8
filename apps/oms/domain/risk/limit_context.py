"""What the checks of a risk policy read: one account, prices and equity at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from oms.domain.instrument import Instrument
from oms.domain.money import ZERO, add, divide, multiply, subtract
from oms.domain.orders.order import Side
from oms.domain.quotes import PriceLevel
from oms.domain.risk.exposure import Entry, Exposure
from oms.domain.risk.recent import Recent
from oms.domain.value import value

_HALF = Decimal("0.5")


@value
class Market:
    """Best prices of the entry's symbol, and their time as a text."""

    bid: Decimal
    ask: Decimal
    at: str
    #: The order book as far as it is known, best prices first.
    bids: tuple[PriceLevel, ...] = ()
    asks: tuple[PriceLevel, ...] = ()

    @property
    def mid(self) -> Decimal:
        """Return the middle of bid and ask."""
        return multiply(add(self.bid, self.ask), _HALF)

    def fill_price(self, side: Side, qty: Decimal) -> Decimal:
        """Return the average price of a market order, as far as the order book is known.

        What exceeds the known depth counts at its last price.
        """
        levels = self.asks if side is Side.BUY else self.bids
        price, left, paid = (self.ask if side is Side.BUY else self.bid), qty, ZERO
        for level, depth in levels:
            price = level
            if depth is None or depth >= left:
                if left is qty:
                    return price
                break
            left, paid = subtract(left, depth), add(paid, multiply(depth, level))
        return divide(add(paid, multiply(left, price)), qty) if qty else price


@value
class AccountEquity:
    """Equity of the account and what its day has earned, in ``currency``; ``None`` is unknown."""

    currency: str
    equity: Decimal | None = None
    day_result: Decimal | None = None
    at_day_start: Decimal | None = None
    #: Begin of the day.
    day_start: datetime | None = None
    #: What was earned since the account exists, less fees, with unrealized profit.
    profit: Decimal | None = None


NO_EQUITY = AccountEquity(currency="")
"""That of an account of which nothing is known."""


@value
class HighWater:
    """The highest profit of an account since the last reset, or since it exists.

    The high-water mark is the equity with the profit that is missing to this: deposits and
    withdrawals move both.
    """

    currency: str
    peak: Decimal
    #: Time of the last snapshot of equity that it counts.
    as_of: datetime
    reset_at: datetime | None = None


@value
class Trip:
    """A limit on losses that was reached."""

    key: str
    #: Scope of the limit.
    scope: str
    tripped_at: datetime
    #: The limit at that time, and what reached it; ``None`` if that has no number.
    limit: Decimal
    actual: Decimal | None


@value
class RiskState:
    """What the gateway keeps of an account's losses."""

    trips: tuple[Trip, ...] = ()
    #: ``None`` until a limit needs it.
    high_water: HighWater | None = None

    def trip_of(self, key: str) -> Trip | None:
        """Return the last time at which the account reached a limit."""
        return next((trip for trip in self.trips if trip.key == key), None)


NO_TRIPS = RiskState()


@value
class Breach:
    """A limit on losses that is reached: by how much, and in words."""

    actual: Decimal | None
    message: str


class LossVerdict(NamedTuple):
    """A limit on losses as it stands, whatever is ordered."""

    #: ``None`` if it is not reached.
    breach: Breach | None
    measured: Decimal | None


@value
class RepeatedOrder:
    """An order with the same terms by the same API key, and how long ago it was sent."""

    id: int
    age: timedelta
    #: Whether ``id`` is that of a command which called a ccxt method.
    is_call: bool = False


@value
class LimitContext:
    """What the checks read: one account at one moment."""

    exposure: Exposure
    instruments: Mapping[str, Instrument]
    #: Prices by symbol: of the entry, and of what is held or reserved.
    markets: Mapping[str, Market] = field(default_factory=dict)
    #: Worth of a unit of a currency in that of limits: of the quotes, and of the equity.
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    #: Read only where a limit needs it.
    equity: AccountEquity = NO_EQUITY
    risk: RiskState = NO_TRIPS
    #: Read only where a limit counts it.
    recent: Recent | None = None
    #: Entries on their way that have no order yet.
    pending: Sequence[Entry] = ()
    #: Limits on losses that were judged before, by key.
    losses: Mapping[str, LossVerdict] = field(default_factory=dict)
    #: The last order that this one repeats, where a limit asks for it.
    repeated: RepeatedOrder | None = None

    def in_limit_currency(self, amount: Decimal | None) -> Decimal | None:
        """Return an amount of the equity in the currency of limits; ``None`` if not known."""
        rate = self.rates.get(self.equity.currency)
        return None if amount is None or rate is None else multiply(amount, rate)
