"""Inputs of the paper exchange: a closed union of requests and market updates."""

from datetime import datetime
from decimal import Decimal

from oms.domain.orders.order import Side
from oms.domain.value import value
from oms.simulation.state.contract_overrides import MarginMode
from oms.simulation.state.paper_market import Level
from oms.simulation.state.paper_order import PLAIN_TERMS, Leg, OrderTerms, TimeInForce
from oms.simulation.transport.faults import Fault


@value
class NewOrder:
    """Places an order; ``price`` is the limit price, ``None`` for market orders.

    ``cost`` in quote replaces ``qty`` of a market buy. ``leg`` is set by hedge accounts; without it
    side and ``reduce_only`` decide.
    """

    client_id: str
    symbol: str
    side: Side
    order_type: str
    qty: Decimal
    price: Decimal | None
    reduce_only: bool = False
    post_only: bool = False
    terms: OrderTerms = PLAIN_TERMS
    cost: Decimal | None = None
    leg: Leg | None = None
    fault: Fault | None = None
    at: datetime


@value
class NewOrderPair:
    """Places an OCO pair: the first fill of one cancels the other. ``second`` has a trigger."""

    first: NewOrder
    second: NewOrder
    at: datetime

    @property
    def fault(self) -> Fault | None:
        """Returns the fault injected into the pair."""
        return self.first.fault


@value
class ChangeOrder:
    """Changes terms of an open order; ``None`` keeps one.

    An expiry makes it GTD, another time in force ends its expiry.
    """

    client_id: str
    exchange_order_id: str
    symbol: str
    price: Decimal | None = None
    qty: Decimal | None = None
    trigger_price: Decimal | None = None
    trailing_amount: Decimal | None = None
    trailing_percent: Decimal | None = None
    time_in_force: TimeInForce | None = None
    expires_at: datetime | None = None
    fault: Fault | None = None
    at: datetime


@value
class CancelOrder:
    """Cancels the rest of an order."""

    client_id: str
    exchange_order_id: str
    symbol: str
    fault: Fault | None = None
    at: datetime


@value
class QueryOrder:
    """Delivers at once all events of a client's order that are in flight."""

    client_id: str
    at: datetime


@value
class QuoteUpdate:
    """Best prices; a quantity of ``None`` is unlimited."""

    symbol: str
    bid: Decimal
    ask: Decimal
    bid_qty: Decimal | None = None
    ask_qty: Decimal | None = None
    at: datetime


@value
class BookUpdate:
    """The order book, best levels first."""

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    at: datetime


@value
class TradeTick:
    """A public trade; ``side`` is the taker's, ``None`` where it is unknown."""

    symbol: str
    price: Decimal
    qty: Decimal
    side: Side | None = None
    at: datetime


@value
class CandleClosed:
    """A closed candle."""

    symbol: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    at: datetime


@value
class MarkPriceUpdate:
    """The mark price of a contract."""

    symbol: str
    price: Decimal
    at: datetime


@value
class FundingRateUpdate:
    """The funding rate of a contract from now on."""

    symbol: str
    rate: Decimal
    at: datetime


@value
class TimeUpdate:
    """Time passes without any other input."""

    at: datetime


@value
class Deposit:
    """Deposits money; ``amount`` is positive."""

    currency: str
    amount: Decimal
    at: datetime


@value
class Withdraw:
    """Withdraws money; ``amount`` is positive."""

    currency: str
    amount: Decimal
    client_id: str = ""
    at: datetime


@value
class Reset:
    """Resets the account to these amounts by currency, without orders and positions."""

    balances: tuple[tuple[str, Decimal], ...]
    at: datetime


@value
class SetLeverage:
    """Sets the leverage of a contract."""

    symbol: str
    leverage: int
    client_id: str = ""
    at: datetime


@value
class SetMarginMode:
    """Sets the margin mode of a contract."""

    symbol: str
    mode: MarginMode
    client_id: str = ""
    at: datetime


OrderRequest = NewOrder | NewOrderPair | ChangeOrder | CancelOrder
"""Requests about orders; they are subject to latency and faults."""

MarketUpdate = (
    QuoteUpdate | BookUpdate | TradeTick | CandleClosed | MarkPriceUpdate | FundingRateUpdate
)
"""Updates of market data."""

AccountRequest = Withdraw | SetLeverage | SetMarginMode
"""Requests about the account; they may be rejected and are processed without latency."""

AccountInput = AccountRequest | Deposit | Reset
"""Inputs that change an account from outside."""

Input = OrderRequest | QueryOrder | MarketUpdate | TimeUpdate | AccountInput
