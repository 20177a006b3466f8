"""What can happen to the paper exchange: a closed union of requests and of news of the market."""

from datetime import datetime
from decimal import Decimal

from oms.domain.order import Side
from oms.domain.value import value
from oms.simulation.memory import Level


@value
class Place:
    """Place an order of type ``market`` or ``limit``; ``price`` is that of the limit."""

    client_id: str
    symbol: str
    side: Side
    order_type: str
    qty: Decimal
    price: Decimal | None
    reduce_only: bool = False
    post_only: bool = False
    at: datetime


@value
class Change:
    """Change price and/or total quantity of an open order; ``None`` keeps."""

    client_id: str
    exchange_order_id: str
    symbol: str
    price: Decimal | None = None
    qty: Decimal | None = None
    at: datetime


@value
class Cancel:
    """Cancel what is left of an order."""

    client_id: str
    exchange_order_id: str
    symbol: str
    at: datetime


@value
class QuoteSeen:
    """Best prices are these now; ``None`` quantity is without limit."""

    symbol: str
    bid: Decimal
    ask: Decimal
    bid_qty: Decimal | None = None
    ask_qty: Decimal | None = None
    at: datetime


@value
class BookSeen:
    """The book is this now; best levels first."""

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    at: datetime


@value
class Deposit:
    """Money arrives from outside; ``amount`` is positive."""

    currency: str
    amount: Decimal
    at: datetime


Input = Place | Change | Cancel | QuoteSeen | BookSeen | Deposit
