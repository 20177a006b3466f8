"""Prices as an exchange reports them: best prices with their order book, and public trades."""

from datetime import datetime
from decimal import Decimal

from oms.domain.money import add, multiply
from oms.domain.side import Side
from oms.domain.value import value

_HALF = Decimal("0.5")

PriceLevel = tuple[Decimal, Decimal | None]
"""A price and the quantity at it; ``None``: unlimited."""


@value
class Quote:
    """Best prices of a symbol; depth ``None``: unlimited."""

    symbol: str
    bid: Decimal
    ask: Decimal
    bid_qty: Decimal | None
    ask_qty: Decimal | None
    #: Complete order book, best levels first, if more than the best prices is known.
    bids: tuple[PriceLevel, ...] = ()
    asks: tuple[PriceLevel, ...] = ()
    #: Price of the last trade, and mark price of a contract, where they are known.
    last: Decimal | None = None
    mark: Decimal | None = None
    at: datetime

    @property
    def mid(self) -> Decimal:
        """Return the middle of bid and ask."""
        return multiply(add(self.bid, self.ask), _HALF)


@value
class PublicTrade:
    """A public trade; ``side`` is the taker's."""

    symbol: str
    price: Decimal
    qty: Decimal
    side: Side | None
    at: datetime
