"""Orders and executions at the paper exchange; quantities in base, prices in quote, both exact."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from oms.domain.money import ZERO, subtract
from oms.domain.side import Side
from oms.domain.value import value


class Leg(StrEnum):
    """One of a symbol's positions: the only one, or one of the two of a hedge account."""

    BOTH = "both"
    LONG = "long"
    SHORT = "short"


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
