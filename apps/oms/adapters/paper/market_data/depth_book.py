"""Order book maintained from depth updates, as exchanges stream them.

Messages are ``{lt or T, U, u, b: [[price, qty]], a: [[price, qty]]}``; one of them is the
``snapshot`` of the whole book. Updates before it are buffered; those it already contains are
dropped.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from oms.adapters.paper.market_data.json_inputs import parse_timestamp
from oms.domain.errors import Invalid
from oms.simulation.inputs import BookUpdate, MarketUpdate
from oms.simulation.state.paper_market import Level

LEVELS_MAX = 20
"""Levels of each side that are emitted of a deeper book."""

PENDING_DELTAS_MAX = 10_000
"""Updates that may precede their snapshot."""


class _Side:
    """Prices of one side in ascending order, with the quantity at each."""

    def __init__(self) -> None:
        self.prices: list[Decimal] = []
        self.qty_by_price: dict[Decimal, Decimal] = {}

    def apply(self, levels: Iterable[Any]) -> None:
        """Replaces levels; a level without quantity is removed."""
        for price_text, qty_text in levels:
            price, qty = Decimal(price_text), Decimal(qty_text)
            if qty and price not in self.qty_by_price:
                insort(self.prices, price)
            if qty:
                self.qty_by_price[price] = qty
            elif self.qty_by_price.pop(price, None) is not None:
                del self.prices[bisect_left(self.prices, price)]

    def levels_at(self, prices: Iterable[Decimal]) -> tuple[Level, ...]:
        """Returns the levels at ``prices``."""
        return tuple((price, self.qty_by_price[price]) for price in prices)


class DepthBook:
    """The book of one symbol."""

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._pending: list[dict[str, Any]] = []
        self._last: int | None = None
        self._bids, self._asks = _Side(), _Side()

    def read(self, message: dict[str, Any]) -> list[MarketUpdate]:
        """Returns the book after ``message``; nothing before the snapshot. Raises ``Invalid``."""
        if message.get("snapshot"):
            self._bids, self._asks = _Side(), _Side()
            self._apply(message)
            pending, self._pending = self._pending, []
            for delta in pending:
                self._apply(delta)
        elif self._last is None:
            self._pending.append(message)
            if len(self._pending) > PENDING_DELTAS_MAX:
                raise Invalid("depth updates of a book without its snapshot")
            return []
        else:
            self._apply(message)
        return self._book(message)

    def _apply(self, message: dict[str, Any]) -> None:
        last = int(message["u"])
        if self._last is not None and last <= self._last and not message.get("snapshot"):
            return
        self._last = last
        self._bids.apply(message["b"])
        self._asks.apply(message["a"])

    def _book(self, message: dict[str, Any]) -> list[MarketUpdate]:
        bids = self._bids.levels_at(reversed(self._bids.prices[-LEVELS_MAX:]))
        asks = self._asks.levels_at(self._asks.prices[:LEVELS_MAX])
        if not bids or not asks:
            return []
        at = parse_timestamp(message["lt"] if "lt" in message else message["T"])
        return [BookUpdate(symbol=self._symbol, bids=bids, asks=asks, at=at)]
