"""A book kept from its differences, as exchanges stream them.

Lines ``{lt or T, U, u, b: [[price, qty]], a: [[price, qty]]}``; one of them is the ``snapshot``
of the whole book. Differences that came before it wait; those it already contains are dropped.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from oms.adapters.paper.market_data.json_inputs import parse_timestamp
from oms.adapters.paper.market_data.tape_prices import TapeUpdate
from oms.domain.errors import Invalid
from oms.simulation.inputs import BookUpdate
from oms.simulation.state.exchange_state import Level

LEVELS_MAX = 20
"""Levels of each side that are told of a deeper book."""

PENDING_DELTAS_MAX = 10_000
"""Differences that may come before their snapshot."""


class _Side:
    """Prices of one side in rising order, with what is offered there."""

    def __init__(self) -> None:
        self.prices: list[Decimal] = []
        self.offered: dict[Decimal, Decimal] = {}

    def put(self, levels: Iterable[Any]) -> None:
        """Take over levels; without quantity a level goes."""
        for told_price, told_qty in levels:
            price, qty = Decimal(told_price), Decimal(told_qty)
            if qty and price not in self.offered:
                insort(self.prices, price)
            if qty:
                self.offered[price] = qty
            elif self.offered.pop(price, None) is not None:
                del self.prices[bisect_left(self.prices, price)]

    def shown(self, prices: Iterable[Decimal]) -> tuple[Level, ...]:
        """Levels at ``prices``."""
        return tuple((price, self.offered[price]) for price in prices)


class DepthBook:
    """The book of one symbol."""

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._waiting: list[dict[str, Any]] = []
        self._last: int | None = None
        self._bids, self._asks = _Side(), _Side()

    def read(self, line: dict[str, Any]) -> list[TapeUpdate]:
        """The book after ``line``; nothing before there is a snapshot. Raises ``Invalid``."""
        if line.get("snapshot"):
            self._bids, self._asks = _Side(), _Side()
            self._put(line)
            waiting, self._waiting = self._waiting, []
            for known in waiting:
                self._put(known)
        elif self._last is None:
            self._waiting.append(line)
            if len(self._waiting) > PENDING_DELTAS_MAX:
                raise Invalid("differences of a book without its snapshot")
            return []
        else:
            self._put(line)
        return self._book(line)

    def _put(self, line: dict[str, Any]) -> None:
        last = int(line["u"])
        if self._last is not None and last <= self._last and not line.get("snapshot"):
            return
        self._last = last
        self._bids.put(line["b"])
        self._asks.put(line["a"])

    def _book(self, line: dict[str, Any]) -> list[TapeUpdate]:
        bids = self._bids.shown(reversed(self._bids.prices[-LEVELS_MAX:]))
        asks = self._asks.shown(self._asks.prices[:LEVELS_MAX])
        if not bids or not asks:
            return []
        at = parse_timestamp(line["lt"] if "lt" in line else line["T"])
        return [BookUpdate(symbol=self._symbol, bids=bids, asks=asks, at=at)]
