"""Market data of the paper exchange: book sides and prices of a symbol."""

from datetime import datetime
from decimal import Decimal

from oms.domain.money import ZERO, add, multiply
from oms.domain.side import Side
from oms.domain.value import value

_HALF = Decimal("0.5")

Level = tuple[Decimal, Decimal | None]
"""Price and quantity of a book level; a quantity of ``None`` is unlimited."""


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
