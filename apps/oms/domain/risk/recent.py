"""What an account did lately, for limits on the rate of its orders and on losses in a row."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

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
    orders: Sequence[RecentOrder] = ()
    #: Newest first.
    results: Sequence[ClosedResult] = ()

    def orders_of(self, strategy_id: int | None) -> int:
        """Return the number of entry orders in the window; ``None`` counts all strategies."""
        since = self.now - ORDERS_WINDOW
        return sum(
            order.created_at > since and strategy_id in (None, order.strategy_id)
            for order in self.orders
        )

    def last_of_losses(self, count: int, strategy_id: int | None) -> datetime | None:
        """Return when the last position ended, if the last ``count`` ended with losses."""
        own = [each for each in self.results if strategy_id in (None, each.strategy_id)][:count]
        if len(own) < count or any(each.profit >= 0 for each in own):
            return None
        return own[0].closed_at
