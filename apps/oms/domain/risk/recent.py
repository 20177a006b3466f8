"""What an account did lately, for limits on its orders, its signals and on losses in a row."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice

from oms.domain.value import value

ORDERS_WINDOW = timedelta(seconds=60)
"""The time over which orders are counted."""

RESULTS_MAX = 500
"""How many closed positions are read."""


@value
class RecentOrder:
    """An entry order that was not refused by the gateway."""

    id: int
    strategy_id: int
    created_at: datetime


@value
class ClosedResult:
    """A position that ended, with its profit less fees."""

    id: int
    strategy_id: int
    closed_at: datetime
    profit: Decimal


@value
class Recent:
    """What an account did until ``now``."""

    now: datetime
    #: Number of entry orders in the window by strategy.
    orders: Mapping[int, int] = field(default_factory=dict)
    #: Their sum, where it was counted.
    orders_total: int | None = None
    #: Newest first.
    results: Sequence[ClosedResult] = ()
    #: Number of signals received today and done, by strategy and symbol; ``None``: not read.
    signals: Mapping[tuple[int, str], int] | None = None

    def orders_of(self, strategy_id: int | None) -> int:
        """Return the number of entry orders in the window; ``None`` counts all strategies."""
        if strategy_id is not None:
            return self.orders.get(strategy_id, 0)
        return sum(self.orders.values()) if self.orders_total is None else self.orders_total

    def signals_by_symbol(self, strategy_id: int | None) -> Mapping[str, int] | None:
        """Return the numbers of signals by symbol; of all strategies for ``None``."""
        if self.signals is None:
            return None
        counts: Counter[str] = Counter()
        for (owner, symbol), count in self.signals.items():
            if strategy_id in (None, owner):
                counts[symbol] += count
        return counts

    def last_of_losses(self, count: int, strategy_id: int | None) -> datetime | None:
        """Return when the last position ended, if the last ``count`` ended with losses."""
        own = (each for each in self.results if strategy_id in (None, each.strategy_id))
        newest, found = None, 0
        for result in islice(own, count):
            if result.profit >= 0:
                return None
            newest, found = newest or result.closed_at, found + 1
        return newest if found == count else None
