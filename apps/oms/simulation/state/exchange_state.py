"""What the paper exchange remembers: frozen values, replaced by every step and never edited.

Quantities in base, prices in quote, both exact. Final orders are not kept: their ids are below
``orders_made`` and no longer among the open ones, and their trades have been told.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from oms.domain.money import ZERO, add, multiply, subtract
from oms.domain.orders.order import Side
from oms.domain.value import value
from oms.simulation.state.contract_overrides import ContractOverrides

if TYPE_CHECKING:
    from oms.simulation.state.in_flight import InFlight

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HALF = Decimal("0.5")

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
        return add(self.free, self.used)


class TimeInForce(StrEnum):
    """How long what is left of an order may wait."""

    #: Until it is canceled.
    GTC = "GTC"
    #: Not at all.
    IOC = "IOC"
    #: Not at all, and all or nothing is executed.
    FOK = "FOK"
    #: Until ``expires_at``.
    GTD = "GTD"


class TriggerBy(StrEnum):
    """Which price releases a conditional order; ``bid_ask``: what it would meet at once."""

    LAST = "last"
    MARK = "mark"
    BID_ASK = "bid_ask"


class OrderSource(StrEnum):
    """Who made an order: the user, or the exchange by itself (without a client id)."""

    USER = "user"
    #: Take profit or stop loss of a parent.
    ATTACHED = "attached"
    LIQUIDATION = "liquidation"
    #: Closes what an account holds that is begun anew.
    CORRECTION = "correction"


@value
class AttachedExit:
    """Where an attached order gets out: a price, or percent from the parent's average price.

    A take profit rests there as a limit order; a stop loss is released there and then goes to
    the market, or rests at ``limit_price``.
    """

    price: Decimal | None = None
    percent: Decimal | None = None
    limit_price: Decimal | None = None


@value
class OrderTerms:
    """What an order wishes beyond side, quantity and price; plain orders share ``PLAIN``."""

    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: datetime | None = None
    trigger_price: Decimal | None = None
    trigger_by: TriggerBy = TriggerBy.LAST
    #: Distance behind the best price since arrival; one of both makes a trailing stop.
    trailing_amount: Decimal | None = None
    trailing_percent: Decimal | None = None
    take_profit: AttachedExit | None = None
    stop_loss: AttachedExit | None = None
    #: The other one of a pair: the first fill of one cancels the other.
    sibling: str = ""
    #: The order that this one was attached to.
    parent: str = ""
    source: OrderSource = OrderSource.USER


PLAIN_TERMS = OrderTerms()


@value
class QueuePosition:
    """Place of a resting order at its price.

    ``ahead`` is what trades must still eat before it is reached; ``shown`` what the book showed
    there last.
    """

    ahead: Decimal
    shown: Decimal


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
    terms: OrderTerms = PLAIN_TERMS
    #: When its trigger was reached.
    triggered_at: datetime | None = None
    #: Best price since arrival, of a trailing stop.
    best: Decimal | None = None
    #: ``None`` before it rests, and where nobody can tell.
    queue: QueuePosition | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether a trigger must be reached before it may trade."""
        terms = self.terms
        return (
            terms is not PLAIN_TERMS
            and self.triggered_at is None
            and (
                terms.trigger_price is not None
                or terms.trailing_amount is not None
                or terms.trailing_percent is not None
            )
        )

    @property
    def reserve_price(self) -> Decimal | None:
        """The price at which it reserves money: its limit, else where it is released."""
        if self.price is not None:
            return self.price
        return self.best if self.terms.trigger_price is None else self.terms.trigger_price

    @property
    def number(self) -> int:
        """Orders are counted: the place of its id."""
        return int(self.exchange_order_id[1:])

    @property
    def remaining(self) -> Decimal:
        """What may still be executed."""
        return subtract(self.qty, self.filled)


@value
class PaperPosition:
    """An open position in a contract: signed quantity, signed cost, and what it locks.

    The cost is in value space: Σ quantity × price, or − Σ quantity ÷ price on inverse. A cross
    position locks the initial margin of its cost, an isolated one the margin that stands for it.
    """

    symbol: str
    leg: Leg
    qty: Decimal
    cost: Decimal
    margin: Decimal
    #: Until when funding was paid; ``None`` never pays.
    funded_at: datetime | None = None


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
    source: OrderSource = OrderSource.USER
    #: Of an order that the exchange attached to another.
    parent: str = ""


@value
class BookSide:
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
    bids: BookSide
    asks: BookSide
    at: datetime
    #: Price of the last trade, moved into the spread by what was quoted since.
    last: Decimal | None = None
    mark: Decimal | None = None

    @property
    def mark_price(self) -> Decimal | None:
        """The mark that was told, else the middle of what is offered, else the last price."""
        if self.mark is not None:
            return self.mark
        bids, asks = self.bids.levels, self.asks.levels
        if bids and asks:
            return multiply(add(bids[0][0], asks[0][0]), _HALF)
        bid, ask = self.bids.best, self.asks.best
        if bid is not None and ask is not None:
            return multiply(add(bid[0], ask[0]), _HALF)
        best = bid or ask
        return self.last if best is None else best[0]

    def opposite(self, side: Side) -> BookSide:
        """The side of the book that an order of ``side`` meets."""
        return self.asks if side is Side.BUY else self.bids


@value
class ExchangeState:
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
    #: Time of the last input; no later fact is older, whatever the host's clock says.
    clock: datetime = EPOCH
    #: Symbols of the open orders that have more than plain terms; follows from ``orders``.
    orders_with_terms: Mapping[str, str] = field(default_factory=dict)
    #: What is under way between exchange and sender; ``None`` is nothing.
    in_flight: "InFlight | None" = None
    #: When a position pays or is paid funding next; follows from ``positions``.
    next_funding_at: datetime | None = None
    #: What was set for contracts, by symbol.
    contracts: Mapping[str, ContractOverrides] = field(default_factory=dict)
    #: Dollars traded by day, of the last 30 days; counted where there are fee tiers.
    volumes: Mapping[str, Decimal] = field(default_factory=dict)
    #: Deposits, withdrawals and what the insurance paid.
    transfers_made: int = 0

    def order(self, symbol: str, exchange_order_id: str) -> PaperOrder | None:
        """An open order."""
        held = self.orders.get(symbol)
        return None if held is None else held.get(exchange_order_id)
