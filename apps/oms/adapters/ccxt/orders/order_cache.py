"""Orders tracked by this process: its own by their attempts, external ones by the rows read.

A cache, not a source of truth: it says which order an id belongs to and what was reported of it.
All of it can be lost and is read again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from oms.adapters.ccxt.orders.client_order_ids import ClientOrderIdCodec
from oms.domain.money import ZERO, add
from oms.domain.orders.execution_report import ExternalOrderInfo
from oms.domain.side import Side


@dataclass(slots=True, kw_only=True)
class TrackedOrder:
    """One order at the exchange; ``order_id`` 0 is an external order, which ``external`` describes.

    An order of the ledger that is amended by a replacement has several of these, one after the
    other; ``qty`` and ``filled`` are those of this one alone.
    """

    order_id: int
    symbol: str
    side: Side
    order_type: str
    #: Quantity in base and price as the exchange is believed to hold them.
    qty: Decimal
    price: Decimal | None
    created_at: datetime
    #: The client order id of the request that placed it; ``None`` for external orders.
    client_id: str | None = None
    exchange_order_id: str | None = None
    external: ExternalOrderInfo | None = None
    #: The other parameters of the request that placed it.
    params: Mapping[str, object] = field(default_factory=dict)
    #: Trigger price as the exchange is believed to hold it, where it amends that in place.
    trigger_price: Decimal | None = None
    #: For a replacement: the exchange's id of the first order, and what the orders before it
    #: filled.
    first_exchange_order_id: str | None = None
    filled_before: Decimal = ZERO
    #: A replacement is under way: that this one is canceled does not end the ledger's order.
    is_replacing: bool = False
    successor: "TrackedOrder | None" = None
    #: The number of requests about it.
    attempts: int = 0
    is_accepted: bool = False
    accepted_at: datetime | None = None
    is_ended: bool = False
    #: It was declared not placed; it may appear all the same.
    is_declared_absent: bool = False
    #: Its trigger has not been met.
    is_waiting: bool = False
    #: It waits, or waited, under an id of its own, and the order that it placed has another one:
    #: ``triggered_order_id``.
    has_separate_trigger: bool = False
    triggered_order_id: str | None = None
    #: How many of its requests were answered (amended or rejected): reported, and fetched by the
    #: worker. Each answer ends the ledger's pending change.
    answer_count: int = 0
    delivered_answer_count: int = 0
    #: An amendment was sent and is not answered: its terms may differ from those believed.
    is_changing: bool = False
    #: The last lookup because a list did not contain it.
    missing_checked_at: datetime | None = None
    #: Whether it is unknown if it exists.
    is_in_doubt: bool = False
    ended_at: datetime | None = None
    #: ``updated_at`` of the newest snapshot that was applied.
    last_snapshot_at: datetime | None = None
    #: Σ of the executions reported, and since when more should have been.
    filled: Decimal = ZERO
    fills_missing_since: datetime | None = None
    #: Ids of the executions reported, and the quantity inferred.
    trade_ids: set[str] = field(default_factory=set)
    inferred: Decimal = ZERO

    @property
    def reported_order_id(self) -> str | None:
        """The exchange's id that the ledger's order has."""
        return self.first_exchange_order_id or self.exchange_order_id

    @property
    def current_order_id(self) -> str | None:
        """The exchange's id under which it is found and executed now."""
        return self.triggered_order_id or self.exchange_order_id

    @property
    def total_qty(self) -> Decimal:
        """Quantity of the ledger's order."""
        return add(self.filled_before, self.qty)

    @property
    def is_reduce_only(self) -> bool:
        """Whether the exchange was asked to refuse what would enlarge the position."""
        return self.params.get("reduceOnly") is True

    @property
    def is_live(self) -> bool:
        """Whether it is open at the exchange."""
        return self.is_accepted and not self.is_ended


class OrderCache:
    """The tracked orders of one account."""

    def __init__(self, client_ids: ClientOrderIdCodec) -> None:
        self.client_ids = client_ids
        self._by_order_id: dict[int, TrackedOrder] = {}
        self._by_exchange_id: dict[tuple[str, str], TrackedOrder] = {}
        #: Those that have not ended, and some that have, by identity: a day has many orders.
        self._active: dict[int, TrackedOrder] = {}

    def add(self, tracked: TrackedOrder) -> TrackedOrder:
        """Track an order; returns it."""
        self._active[id(tracked)] = tracked
        if tracked.order_id:
            self._by_order_id[tracked.order_id] = tracked
        if tracked.exchange_order_id is not None:
            self.link(tracked, tracked.exchange_order_id)
        return tracked

    def link(self, tracked: TrackedOrder, exchange_order_id: str) -> None:
        """Add an id of the exchange to the order; its first id stays its own."""
        if tracked.exchange_order_id is None:
            tracked.exchange_order_id = exchange_order_id
        self._by_exchange_id[tracked.symbol, exchange_order_id] = tracked
        self._active[id(tracked)] = tracked

    def reinstate(self, tracked: TrackedOrder) -> None:
        """The order was declared not placed and has appeared."""
        tracked.is_ended, tracked.ended_at, tracked.is_declared_absent = False, None, False
        self._active[id(tracked)] = tracked

    def mark_triggered(self, tracked: TrackedOrder, exchange_order_id: str) -> None:
        """Its trigger was met: the order that it placed has this id."""
        tracked.triggered_order_id = exchange_order_id
        self.link(tracked, exchange_order_id)

    def promote(self, tracked: TrackedOrder, now: datetime) -> TrackedOrder:
        """Put the successor in the order's place and return it."""
        new = tracked.successor
        assert new is not None, "a replaced order has a successor"
        tracked.successor, tracked.is_replacing, tracked.is_changing = None, False, False
        mark_ended(tracked, now)
        new.answer_count, new.delivered_answer_count = (
            tracked.answer_count,
            tracked.delivered_answer_count,
        )
        new.attempts = tracked.attempts
        accepted_at = new.accepted_at or now
        new.is_accepted, new.is_in_doubt, new.accepted_at = True, False, accepted_at
        return self.add(new)

    def by_order_id(self, order_id: int) -> TrackedOrder | None:
        """Returns the gateway's order of that id."""
        return self._by_order_id.get(order_id)

    def find(
        self, symbol: str, exchange_order_id: str | None, name: str | None
    ) -> TrackedOrder | None:
        """Returns the order by the exchange's id, else by the client order id."""
        tracked = None
        if exchange_order_id is not None:
            tracked = self._by_exchange_id.get((symbol, exchange_order_id))
        if tracked is None:
            tracked = self._by_client_id(name)
        if tracked is None or tracked.symbol != symbol:
            return None
        if exchange_order_id is not None:
            self.link(tracked, exchange_order_id)
        return tracked

    def symbols(self) -> list[str]:
        """Returns the symbols of the gateway's own orders, with repetitions."""
        return [tracked.symbol for tracked in self]

    def __iter__(self) -> Iterator[TrackedOrder]:
        return iter(list(self._by_order_id.values()))

    def live_orders(self) -> Sequence[TrackedOrder]:
        """Returns all open orders, own and external."""
        return [tracked for tracked in self._active_orders() if tracked.is_live]

    def has_unidentified(self, symbol: str) -> bool:
        """Whether an own order in the symbol has no exchange id yet, or is about to get another."""
        return any(
            tracked.order_id
            and tracked.symbol == symbol
            and (tracked.exchange_order_id is None or tracked.is_replacing)
            for tracked in self._active_orders()
        )

    def may_have_placed(
        self, symbol: str, side: Side, qty: Decimal | None, price: Decimal | None
    ) -> bool:
        """Whether the trigger of an own stop may have placed an order with these terms.

        It has the stop's side and price, and at most its quantity; ``None`` is not known.
        """
        return any(
            stop.is_changing
            or (
                stop.side is side
                and (qty is None or qty <= stop.qty)
                and (price is None or stop.price in (None, price))
            )
            for stop in self._active_orders()
            if stop.order_id
            and stop.symbol == symbol
            and stop.has_separate_trigger
            and stop.triggered_order_id is None
        )

    def prune(self, before: datetime) -> None:
        """Forget orders that ended before then."""
        expired = [k for k in self._all() if k.ended_at is not None and k.ended_at < before]
        for tracked in expired:
            self._by_order_id.pop(tracked.order_id, None)
        names = {id(tracked) for tracked in expired}
        self._by_exchange_id = {
            key: tracked
            for key, tracked in self._by_exchange_id.items()
            if id(tracked) not in names
        }

    def _active_orders(self) -> Sequence[TrackedOrder]:
        """Those that have not ended."""
        self._active = {
            key: tracked for key, tracked in self._active.items() if not tracked.is_ended
        }
        return list(self._active.values())

    def _by_client_id(self, client_id: str | None) -> TrackedOrder | None:
        """An own order by a client order id; one that is being replaced has two."""
        order_id = self.client_ids.order_id_of(client_id)
        tracked = None if order_id is None else self._by_order_id.get(order_id)
        new = None if tracked is None else tracked.successor
        return new if new is not None and new.client_id == client_id else tracked

    def _all(self) -> Sequence[TrackedOrder]:
        """Each order once, though it may have several ids."""
        orders = [*self._by_order_id.values(), *self._by_exchange_id.values()]
        return list({id(tracked): tracked for tracked in orders}.values())


def mark_ended(tracked: TrackedOrder, now: datetime) -> None:
    """Mark the order as no longer open at the exchange."""
    tracked.is_ended, tracked.is_in_doubt = True, False
    tracked.ended_at = tracked.ended_at or now
