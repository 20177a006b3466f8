"""Own conditional orders in lists that have no client order id: known again by all their terms.

Such an order has a tag that follows from its client order id and that the venue returns. A row
belongs to an own order whose exchange id is not known if symbol, side, quantity, price, trigger
and tag are equal, the row is not older than the request, and neither fits another one. A row with
another tag is not taken for the order, but it is no proof that there is none either.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal, InvalidOperation

from oms.adapters.ccxt.orders.order_cache import OrderCache, TrackedOrder
from oms.adapters.ccxt.parsing.order_snapshot import OrderSnapshot
from oms.adapters.ccxt.venues.trigger_tag import TriggerTag
from oms.domain.value import evolve

#: A row may seem this much older than its request: clocks differ.
_CLOCK_MARGIN = timedelta(seconds=60)
_TRIGGER_PARAMS = ("stopLossPrice", "takeProfitPrice", "triggerPrice")


class TaggedOrders:
    """The tagged orders of one account; ``tag`` ``None``: every row has a client order id."""

    def __init__(self, orders: OrderCache, tag: TriggerTag | None) -> None:
        self._orders = orders
        self._tag = tag

    def named(self, rows: Sequence[OrderSnapshot]) -> list[OrderSnapshot]:
        """Returns the rows of a list; those of own orders with the client order id."""
        if self._tag is None:
            return list(rows)
        matches = {id(row): list(self._matching(row)) for row in rows if _is_unnamed(row)}
        return [self._named(row, rows, matches.get(id(row), ())) for row in rows]

    def is_unclear(self, row: OrderSnapshot) -> bool:
        """Returns whether the row may be an own order in doubt, without being known as one."""
        if self._tag is None or not _is_unnamed(row):
            return False
        return any(self.may_be(row, each) for each in self._candidates())

    def may_be(self, row: OrderSnapshot, tracked: TrackedOrder) -> bool:
        """Returns whether the row has the terms of an own order in doubt, the tag aside."""
        if self._tag is None or not self._has_terms(row, tracked):
            return False
        return not tracked.is_ended or self._fits(row, tracked)

    def _named(
        self,
        row: OrderSnapshot,
        rows: Sequence[OrderSnapshot],
        matches: Sequence[TrackedOrder],
    ) -> OrderSnapshot:
        if not _is_unnamed(row):
            return row
        known = self._orders.find(row.symbol, row.exchange_order_id, None)
        if known is not None:
            return evolve(row, client_id=known.client_id) if known.order_id else row
        if len(matches) != 1 or sum(self._fits(each, matches[0]) for each in rows) != 1:
            return row
        return evolve(row, client_id=matches[0].client_id)

    def _matching(self, row: OrderSnapshot) -> Iterator[TrackedOrder]:
        return (each for each in self._candidates() if self._fits(row, each))

    def _candidates(self) -> Iterator[TrackedOrder]:
        for order in self._orders:
            yield from (each for each in (order, order.successor) if each is not None)

    def _fits(self, row: OrderSnapshot, tracked: TrackedOrder) -> bool:
        assert self._tag is not None, "orders are tagged"
        has_tag = row.tag == str(tracked.params.get(self._tag.param))
        return has_tag and self._has_terms(row, tracked)

    def _has_terms(self, row: OrderSnapshot, tracked: TrackedOrder) -> bool:
        is_free = tracked.exchange_order_id is None and tracked.client_id is not None
        if not is_free or not _is_unnamed(row) or self._is_known(row):
            return False
        if row.created_at is None or row.created_at < tracked.created_at - _CLOCK_MARGIN:
            return False
        terms = (tracked.symbol, tracked.side, tracked.qty, tracked.price, _trigger_of(tracked))
        return (row.symbol, row.side, row.qty, row.price, row.trigger_price) == terms

    def _is_known(self, row: OrderSnapshot) -> bool:
        return self._orders.find(row.symbol, row.exchange_order_id, None) is not None


def unnamed_ids(rows: Iterable[OrderSnapshot]) -> list[str]:
    """Returns the exchange ids of the rows that have a tag and no client order id."""
    return [row.exchange_order_id for row in rows if _is_unnamed(row)]


def _is_unnamed(row: OrderSnapshot) -> bool:
    return row.is_conditional and row.tag is not None and row.client_id is None


def _trigger_of(tracked: TrackedOrder) -> Decimal | None:
    text = next((tracked.params[name] for name in _TRIGGER_PARAMS if name in tracked.params), None)
    try:
        return None if text is None else Decimal(str(text))
    except InvalidOperation:
        return None
