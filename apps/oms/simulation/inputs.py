"""What can happen to the paper exchange: a closed union of requests and of news of the market."""

from datetime import datetime
from decimal import Decimal

from oms.domain.orders.order import Side
from oms.domain.value import value
from oms.simulation.state.contract_overrides import MarginMode
from oms.simulation.state.exchange_state import PLAIN_TERMS, Leg, Level, OrderTerms
from oms.simulation.transport.faults import Fault


@value
class NewOrder:
    """Place an order; ``price`` is that of the limit, ``None`` of one that goes to the market.

    ``cost`` in quote, for a market buy, takes the place of ``qty``. ``leg`` is told by hedge
    accounts; where it is not, side and ``reduce_only`` decide.
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
    """Place two orders of which the first fill of one cancels the other; ``second`` waits."""

    first: NewOrder
    second: NewOrder
    at: datetime

    @property
    def fault(self) -> Fault | None:
        """What is to go wrong with both."""
        return self.first.fault


@value
class ChangeOrder:
    """Change price, total quantity and/or trigger price of an open order; ``None`` keeps."""

    client_id: str
    exchange_order_id: str
    symbol: str
    price: Decimal | None = None
    qty: Decimal | None = None
    trigger_price: Decimal | None = None
    fault: Fault | None = None
    at: datetime


@value
class CancelOrder:
    """Cancel what is left of an order."""

    client_id: str
    exchange_order_id: str
    symbol: str
    fault: Fault | None = None
    at: datetime


@value
class QueryOrder:
    """Tell now what is known about a client's order and was not told yet."""

    client_id: str
    at: datetime


@value
class QuoteUpdate:
    """Best prices are these now; ``None`` quantity is without limit."""

    symbol: str
    bid: Decimal
    ask: Decimal
    bid_qty: Decimal | None = None
    ask_qty: Decimal | None = None
    at: datetime


@value
class BookUpdate:
    """The book is this now; best levels first."""

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    at: datetime


@value
class TradeTick:
    """A trade of others; ``side`` is the taker's, ``None`` where it is not told."""

    symbol: str
    price: Decimal
    qty: Decimal
    side: Side | None = None
    at: datetime


@value
class CandleClosed:
    """A bar has closed."""

    symbol: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    at: datetime


@value
class MarkPriceUpdate:
    """The mark price of a contract is this now."""

    symbol: str
    price: Decimal
    at: datetime


@value
class FundingRateUpdate:
    """The funding rate of a contract is this from now on."""

    symbol: str
    rate: Decimal
    at: datetime


@value
class TimeUpdate:
    """Nothing but time has passed."""

    at: datetime


@value
class Deposit:
    """Money arrives from outside; ``amount`` is positive."""

    currency: str
    amount: Decimal
    at: datetime


@value
class Withdraw:
    """Money is to leave; ``amount`` is positive."""

    currency: str
    amount: Decimal
    client_id: str = ""
    at: datetime


@value
class Reset:
    """Begin anew with these amounts by currency, without orders and positions."""

    balances: tuple[tuple[str, Decimal], ...]
    at: datetime


@value
class SetLeverage:
    """Set the leverage of a contract."""

    symbol: str
    leverage: int
    client_id: str = ""
    at: datetime


@value
class SetMarginMode:
    """Set the margin mode of a contract."""

    symbol: str
    mode: MarginMode
    client_id: str = ""
    at: datetime


OrderRequest = NewOrder | NewOrderPair | ChangeOrder | CancelOrder
"""What a sender may ask of the exchange."""

MarketUpdate = (
    QuoteUpdate | BookUpdate | TradeTick | CandleClosed | MarkPriceUpdate | FundingRateUpdate
)
"""What a feed tells."""

AccountRequest = Withdraw | SetLeverage | SetMarginMode
"""What may be refused but is no order: it is carried out at once, whatever the latency."""

AccountInput = AccountRequest | Deposit | Reset
"""What is set or moved from outside."""

Input = OrderRequest | QueryOrder | MarketUpdate | TimeUpdate | AccountInput
