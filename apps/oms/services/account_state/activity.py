"""What an account did lately, in memory once a limit has asked for it.

It is kept with the state: each order and position that the state takes is noted, so that no limit
reads the same rows before each order. A state that is dropped is read again from stored rows.
"""

from bisect import insort
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from oms.domain.ledger.position import Position, PositionState
from oms.domain.orders.order import Order
from oms.domain.risk.recent import ORDERS_WINDOW, RESULTS_MAX, ClosedResult, Recent, RecentOrder
from oms.domain.value import constructor

_new_order, _new_recent = constructor(RecentOrder), constructor(Recent)


@dataclass(slots=True)
class Activity:
    """Entry orders of the last minute and the newest closed positions."""

    #: By id; ``None`` until they are read.
    _orders: dict[int, RecentOrder] | None = None
    #: The same, oldest first, with those that count no longer.
    _oldest_first: deque[RecentOrder] = field(default_factory=deque)
    _counts: Counter[int] = field(default_factory=Counter)
    #: Oldest first; ``None`` until they are read.
    _results: list[ClosedResult] | None = None

    @property
    def has_orders(self) -> bool:
        """Whether stored orders were read."""
        return self._orders is not None

    @property
    def has_results(self) -> bool:
        """Whether stored results were read."""
        return self._results is not None

    def load_orders(self, stored: Iterable[RecentOrder], uncommitted: Iterable[Order]) -> None:
        """Take the stored entry orders of the window, and those that are not committed."""
        self._orders = {order.id: order for order in stored}
        self._counts = Counter(order.strategy_id for order in self._orders.values())
        for order in uncommitted:
            self.note_order(order)
        oldest_first = sorted(self._orders.values(), key=lambda each: (each.created_at, each.id))
        self._oldest_first = deque(oldest_first)

    def load_results(self, stored: Iterable[ClosedResult], uncommitted: Iterable[Position]) -> None:
        """Take the stored results, and those that are not committed."""
        self._results = sorted(stored, key=_result_key)
        for position in uncommitted:
            self.note_position(position)

    def note_order(self, order: Order) -> None:
        """Count an entry order; one that the gateway refuses counts no longer."""
        if self._orders is None:
            return
        if order.reduce_only or order.reject_source == "oms":
            self._forget(order.id)
        elif order.id not in self._orders and _is_recent(order):
            recent = _new_order(
                id=order.id, strategy_id=order.strategy_id, created_at=order.created_at
            )
            self._orders[order.id] = recent
            self._oldest_first.append(recent)
            self._counts[order.strategy_id] += 1

    def note_position(self, position: Position) -> None:
        """Keep the result of a position that has ended; one that is open again has none."""
        if self._results is None:
            return
        if any(each.id == position.id for each in self._results):
            self._results = [each for each in self._results if each.id != position.id]
        if position.state is not PositionState.CLOSED or position.closed_at is None:
            return
        result = ClosedResult(
            id=position.id,
            strategy_id=position.strategy_id,
            closed_at=position.closed_at,
            profit=position.realized_pnl,
        )
        insort(self._results, result, key=_result_key)
        del self._results[:-RESULTS_MAX]

    def recent(self, now: datetime) -> Recent:
        """Return what was read, without orders that have left the window."""
        oldest_first, since = self._oldest_first, now - ORDERS_WINDOW
        while oldest_first and oldest_first[0].created_at <= since:
            self._forget(oldest_first.popleft().id)
        results = self._results[::-1] if self._results else ()
        total = 0 if self._orders is None else len(self._orders)
        return _new_recent(now=now, orders=self._counts, orders_total=total, results=results)

    def _forget(self, order_id: int) -> None:
        """Count an order no longer, if it counts."""
        removed = None if self._orders is None else self._orders.pop(order_id, None)
        if removed is not None:
            self._counts[removed.strategy_id] -= 1


def _is_recent(order: Order) -> bool:
    """Return whether an order that changed now was made in the window."""
    return order.updated_at - order.created_at < ORDERS_WINDOW


def _result_key(result: ClosedResult) -> tuple[datetime, int]:
    return result.closed_at, result.id
