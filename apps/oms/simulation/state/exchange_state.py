"""State of one account at the paper exchange: frozen values that every step replaces.

Quantities are in base and prices in quote, both exact. Final orders are not part of it: their ids
are at most ``orders_made`` and not among the open orders, and their trades were reported.
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
"""Price and quantity of a book level; a quantity of ``None`` is unlimited."""


class Leg(StrEnum):
    """One of a symbol's positions: the only one, or one of the two of a hedge account."""

    BOTH = "both"
    LONG = "long"
    SHORT = "short"


PositionKey = tuple[str, Leg]
"""Symbol and leg."""


@value
class Balance:
    """Amounts of one currency; ``used`` is locked by orders and margins.

    ``free`` falls below zero by losses on contracts and where spot shorts are allowed.
    """

    free: Decimal = ZERO
    used: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """Returns free and used together."""
        return add(self.free, self.used)


class TimeInForce(StrEnum):
    """How long the unfilled rest of an order may rest."""

    #: Until it is canceled.
    GTC = "GTC"
    #: Not at all.
    IOC = "IOC"
    #: Not at all, and it is filled entirely or not at all.
    FOK = "FOK"
    #: Until ``expires_at``.
    GTD = "GTD"


class TriggerBy(StrEnum):
    """Price that triggers a conditional order; ``bid_ask`` is the best price it would trade at."""

    LAST = "last"
    MARK = "mark"
    BID_ASK = "bid_ask"


class OrderSource(StrEnum):
    """Origin of an order: the user, or the exchange itself (without a client id)."""

    USER = "user"
    #: Take profit or stop loss of a parent order.
    ATTACHED = "attached"
    LIQUIDATION = "liquidation"
    #: Closes a position when the account is reset.
    CORRECTION = "correction"


@value
class AttachedExit:
    """Price of an attached exit: absolute, or in percent from the parent's average price.

    A take profit rests there as a limit order. A stop loss is triggered there and is then a market
    order, or a limit order at ``limit_price``.
    """

    price: Decimal | None = None
    percent: Decimal | None = None
    limit_price: Decimal | None = None


@value
class OrderTerms:
    """Terms of an order beyond side, quantity and price; plain orders share ``PLAIN_TERMS``."""

    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: datetime | None = None
    trigger_price: Decimal | None = None
    trigger_by: TriggerBy = TriggerBy.LAST
    #: Distance behind the best price since arrival; exactly one of both makes a trailing stop.
    trailing_amount: Decimal | None = None
    trailing_percent: Decimal | None = None
    take_profit: AttachedExit | None = None
    stop_loss: AttachedExit | None = None
    #: Exchange order id of the other order of an OCO pair: the first fill of one cancels the other.
    sibling: str = ""
    #: Exchange order id of the order that this one was attached to.
    parent: str = ""
    source: OrderSource = OrderSource.USER


PLAIN_TERMS = OrderTerms()


@value
class QueuePosition:
    """Queue position of a resting order at its price.

    ``ahead`` is the quantity that trades must consume before it is filled; ``shown`` is the
    quantity that the book showed at its price last.
    """

    ahead: Decimal
    shown: Decimal


@value
class PaperOrder:
    """An order at the paper exchange."""

    exchange_order_id: str
    #: Client order id.
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
    #: Time priority among orders of the same price: lower is filled first.
    rank: int
    #: Amount it locks, in ``locked_currency``.
    locked: Decimal = ZERO
    locked_currency: str
    created_at: datetime
    terms: OrderTerms = PLAIN_TERMS
    #: When its trigger was reached.
    triggered_at: datetime | None = None
    #: Best price since the arrival of a trailing stop.
    best: Decimal | None = None
    #: ``None`` before it rests, and where its price is beyond all levels shown.
    queue: QueuePosition | None = None

    @property
    def is_waiting(self) -> bool:
        """Returns whether its trigger must still be reached before it may trade."""
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
        """Returns the price used to reserve money: its limit, else its trigger."""
        if self.price is not None:
            return self.price
        return self.best if self.terms.trigger_price is None else self.terms.trigger_price

    @property
    def number(self) -> int:
        """Returns the number in its exchange order id; orders are counted from 1."""
        return int(self.exchange_order_id[1:])

    @property
    def remaining(self) -> Decimal:
        """Returns the quantity that is not filled."""
        return subtract(self.qty, self.filled)


@value
class PaperPosition:
    """An open contract position: signed quantity, signed cost, and the margin it locks.

    The cost is Σ quantity × price, or − Σ quantity ÷ price on inverse contracts. A cross position
    locks the initial margin of its cost, an isolated one the margin assigned to it.
    """

    symbol: str
    leg: Leg
    qty: Decimal
    cost: Decimal
    margin: Decimal
    #: Time up to which funding is settled; ``None`` pays no funding.
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
    #: Whether it exceeded the depth that the book showed.
    extrapolated: bool
    #: Profit before fees, at 18 places; 0 on spot.
    realised: Decimal
    executed_at: datetime
    source: OrderSource = OrderSource.USER
    #: Parent of an attached order.
    parent: str = ""


@value
class BookSide:
    """One side of a book, best level first, less what orders consumed since it was shown."""

    levels: tuple[Level, ...]
    #: Price of the deepest level shown.
    last: Decimal | None
    #: Quantity of all levels when shown; ``None`` is unlimited.
    shown: Decimal | None
    #: Quantity consumed beyond the levels shown.
    beyond: Decimal = ZERO

    @property
    def best(self) -> Level | None:
        """Returns the best level; where all is consumed, the deepest price with quantity 0."""
        if self.levels:
            return self.levels[0]
        return None if self.last is None else (self.last, ZERO)


@value
class Market:
    """Market data of a symbol: ``bids`` of the buyers, ``asks`` of the sellers."""

    symbol: str
    bids: BookSide
    asks: BookSide
    at: datetime
    #: Price of the last trade, clamped to the spread quoted since.
    last: Decimal | None = None
    mark: Decimal | None = None

    @property
    def mark_price(self) -> Decimal | None:
        """Returns the mark price, else the mid price, else the last price."""
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
        """Returns the book side that an order of ``side`` trades against."""
        return self.asks if side is Side.BUY else self.bids


@value
class ExchangeState:
    """State of one account at the paper exchange."""

    balances: Mapping[str, Balance] = field(default_factory=dict)
    #: Open orders by symbol, then by exchange order id.
    orders: Mapping[str, Mapping[str, PaperOrder]] = field(default_factory=dict)
    positions: Mapping[PositionKey, PaperPosition] = field(default_factory=dict)
    markets: Mapping[str, Market] = field(default_factory=dict)
    orders_made: int = 0
    trades_made: int = 0
    #: Number of steps that changed anything but markets.
    version: int = 0
    #: Time of the last input; no later event is older, even if the host's clock goes back.
    clock: datetime = EPOCH
    #: Symbols of open orders with other than plain terms, by order id; derived from ``orders``.
    orders_with_terms: Mapping[str, str] = field(default_factory=dict)
    #: Messages in flight between exchange and client; ``None`` is none.
    in_flight: "InFlight | None" = None
    #: Next funding time of the open positions; derived from ``positions``.
    next_funding_at: datetime | None = None
    #: Settings made for single contracts, by symbol.
    contracts: Mapping[str, ContractOverrides] = field(default_factory=dict)
    #: Dollars traded by day in the last 30 days; counted only where there are fee tiers.
    volumes: Mapping[str, Decimal] = field(default_factory=dict)
    #: Number of deposits, withdrawals and insurance payments.
    transfers_made: int = 0

    def order(self, symbol: str, exchange_order_id: str) -> PaperOrder | None:
        """Returns an open order, or ``None``."""
        held = self.orders.get(symbol)
        return None if held is None else held.get(exchange_order_id)
