"""Looks up one order at the exchange, by its id or client order id, in the way of the venue.

``OrderAbsent`` is complete only where open and closed orders and executions were all searched. A
single order is fetched alone where the venue can; many at once are searched in whole lists, read
once.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.orders.order_cache import OrderCache, TrackedOrder
from oms.adapters.ccxt.parsing.fields import malformed_response, require_rows, to_milliseconds
from oms.adapters.ccxt.parsing.order_snapshot import OrderSnapshot
from oms.adapters.ccxt.parsing.trade_snapshot import (
    RowRejector,
    TradeSnapshot,
    reject_row,
    skip_row,
)
from oms.adapters.ccxt.ratelimit.rate_bucket import Priority
from oms.adapters.ccxt.ratelimit.request_throttle import use_priority
from oms.adapters.ccxt.sync.raw_row_buffer import drop_oldest
from oms.adapters.ccxt.sync.shared_lists import ListResult, SharedListReader
from oms.adapters.ccxt.sync.tagged_orders import TaggedOrders
from oms.adapters.ccxt.venues.order_status import VenueOrderStatus
from oms.adapters.ccxt.venues.profile import LookupMethod, VenueProfile
from oms.domain.value import value

_CLOSED, _OPEN = "fetch_canceled_and_closed_orders", "fetch_open_orders"
#: Orders of a symbol that are looked up one by one at the same time; the rest share lists, if they
#: are not so old that the lists would be long.
_SINGLE_LOOKUPS_MAX = 3
_SHARED_AGE_MAX = timedelta(hours=1)
#: Lists start this long before the order was created here: clocks differ.
_CLOCK_MARGIN = timedelta(seconds=60)


@value
class OrderFound:
    """``order`` is ``None`` where only its executions were found."""

    order: OrderSnapshot | None
    trades: Sequence[TradeSnapshot]


@value
class OrderAbsent:
    """Not found; ``is_complete`` if all lists were searched."""

    is_complete: bool


class OrderLookup:
    """Looks up orders of one account."""

    def __init__(
        self,
        client: ExchangeClient,
        venue: str,
        profile: VenueProfile,
        clock: Callable[[], datetime],
        orders: OrderCache,
    ) -> None:
        self._client = client
        self._profile = profile
        self._clock = clock
        self._orders = orders
        self._tagged = TaggedOrders(orders, profile.trigger_tag)
        self._shared_lists = SharedListReader(client, venue, profile, self._tagged.named)
        #: Ids of orders that conditional orders placed, by the ids of these: they do not change.
        #: The oldest are dropped.
        self._placed_order_ids: dict[str, str] = {}
        #: Orders being looked up one by one, by symbol.
        self._single_lookups: Counter[str] = Counter()

    async def find(
        self, tracked: TrackedOrder, *, prove_absence: bool = True
    ) -> OrderFound | OrderAbsent:
        """Returns the order with its executions, or that there is none. Raises ``ReadFailed``.

        Without ``prove_absence`` it is only fetched alone: its absence would prove nothing yet, so
        lists and executions are not searched.
        """
        with use_priority(Priority.LOOKUP), self._single_slot(tracked) as is_single:
            return await self._find(tracked, is_single=is_single, prove_absence=prove_absence)

    @contextmanager
    def _single_slot(self, tracked: TrackedOrder) -> Iterator[bool]:
        """Yields whether it is looked up alone; else lists are read for many at once."""
        is_recent = self._clock() - tracked.created_at < _SHARED_AGE_MAX
        can_share = self._profile.lookup_method is LookupMethod.LISTS and is_recent
        is_single = not can_share or self._single_lookups[tracked.symbol] < _SINGLE_LOOKUPS_MAX
        self._single_lookups[tracked.symbol] += is_single
        try:
            yield is_single
        finally:
            self._single_lookups[tracked.symbol] -= is_single

    async def _find(
        self, tracked: TrackedOrder, *, is_single: bool, prove_absence: bool
    ) -> OrderFound | OrderAbsent:
        snapshot, is_complete = await self._order(
            tracked, is_single=is_single, prove_absence=prove_absence
        )
        if snapshot is not None and snapshot.filled <= tracked.filled:
            return OrderFound(order=snapshot, trades=())
        if snapshot is None and not prove_absence:
            return OrderAbsent(is_complete=False)
        trades = await self.trades(tracked, snapshot, is_single=is_single)
        if snapshot is None and not trades:
            return OrderAbsent(is_complete=is_complete)
        return OrderFound(order=snapshot, trades=trades)

    async def trades(
        self, tracked: TrackedOrder, snapshot: OrderSnapshot | None, *, is_single: bool = True
    ) -> list[TradeSnapshot]:
        """Returns the executions of one order. Raises ``ReadFailed``."""
        name = tracked.current_order_id
        if snapshot is not None and (name is None or tracked.has_separate_trigger):
            name = snapshot.exchange_order_id
        names: dict[str, object] = {}
        if is_single and name is not None and self._profile.id_param:
            names = {self._profile.id_param: name}
        elif is_single and self._profile.name_param and self._profile.trades_have_client_id:
            names = {self._profile.name_param: tracked.client_id}
        since = None if names else to_milliseconds(tracked.created_at - _CLOCK_MARGIN)
        listing = await self._shared_lists.trades(tracked.symbol, since, names)
        for row in listing.unreadable:
            _row_rejector(tracked)(row.message, row.row)
        ids = {name, tracked.client_id} - {None}
        return [each for each in listing.items if ids & {each.exchange_order_id, each.client_id}]

    async def _order(
        self, tracked: TrackedOrder, *, is_single: bool, prove_absence: bool
    ) -> tuple[OrderSnapshot | None, bool]:
        if tracked.has_separate_trigger:
            return await self._find_with_trigger(tracked, prove_absence=prove_absence)
        match self._profile.lookup_method:
            case LookupMethod.LISTS if is_single:
                return await self._filter_lists(tracked)
            case LookupMethod.BY_PARAM:
                return await self._fetch_by_id(tracked, prove_absence=prove_absence)
            case _:
                return await self._scan_lists(tracked)

    async def _filter_lists(self, tracked: TrackedOrder) -> tuple[OrderSnapshot | None, bool]:
        """Lists filtered by one order."""
        names: dict[str, object]
        if tracked.current_order_id is not None:
            names = {self._profile.id_param: tracked.current_order_id}
        else:
            names = {self._profile.name_param: tracked.client_id}
        for method in (_OPEN, _CLOSED):
            rows = await self._client.read(method, tracked.symbol, None, None, names)
            snapshot = _newest_match(tracked, self._shared_lists.read(require_rows(rows, "orders")))
            if snapshot is not None:
                return snapshot, True
        return None, True

    async def _fetch_by_id(
        self, tracked: TrackedOrder, *, prove_absence: bool
    ) -> tuple[OrderSnapshot | None, bool]:
        """One order by its id, or by its client order id as a parameter; last in all lists."""
        name = tracked.exchange_order_id
        snapshot = await self._fetch_order(tracked, {}, name)
        if (
            snapshot is None
            and self._profile.trigger_lookup_params is not None
            and self._may_be_conditional(tracked)
        ):
            snapshot = await self._fetch_order(tracked, self._profile.trigger_lookup_params, name)
        if snapshot is not None or not prove_absence or not self._profile.absence_needs_lists:
            return snapshot, True
        return await self._scan_lists(tracked)

    async def _find_with_trigger(
        self, tracked: TrackedOrder, *, prove_absence: bool
    ) -> tuple[OrderSnapshot | None, bool]:
        profile = self._profile
        snapshot = await self._find_separate_trigger(tracked)
        needs_lists = (
            profile.absence_needs_lists or profile.lookup_method is not LookupMethod.BY_PARAM
        )
        if snapshot is not None or not prove_absence or not needs_lists:
            return snapshot, True
        found, is_complete = await self._scan_lists(tracked)
        return found, is_complete and await self._is_no_conditional(tracked)

    async def _is_no_conditional(self, tracked: TrackedOrder) -> bool:
        """Whether the lists of ended conditional orders, a page each, reach back to the order.

        And whether none of a list that lacks client order ids may be the order all the same.
        """
        kind, page = self._client.instruments[tracked.symbol].kind, self._profile.orders_page
        ended = await self._ended_triggers(tracked.symbol)
        waiting = [
            await self._shared_lists.orders(_OPEN, tracked.symbol, None, page, params)
            for params in self._profile.trigger_lists(kind)
            if self._profile.tag_of(kind) is not None
        ]
        rows = (row for listing in (*ended, *waiting) for row in listing.items)
        if any(self._tagged.may_be(row, tracked) for row in rows):
            return False
        start = tracked.created_at - _CLOCK_MARGIN
        for listing in ended:
            times = [each.created_at for each in listing.items if each.created_at is not None]
            is_cut = listing.rows >= page
            if is_cut and min(times, default=start) >= start:
                return False
        return True

    async def _find_separate_trigger(self, tracked: TrackedOrder) -> OrderSnapshot | None:
        """The order that a conditional order placed; else the conditional order."""
        triggered = await self._fetch_placed(tracked)
        if triggered is not None:
            return triggered
        snapshot = await self._find_conditional(tracked)
        if snapshot is None or snapshot.status is not VenueOrderStatus.TRIGGERED:
            return snapshot
        placed_id = await self.placed_order_id(snapshot)
        if placed_id is not None:
            self._orders.mark_triggered(tracked, placed_id)
        triggered = await self._fetch_placed(tracked)
        if triggered is None:
            message = "the trigger was met, the order that it placed is not listed yet"
            raise ReadFailed("exchange_unavailable", message, retryable=True)
        return triggered

    async def _fetch_placed(self, tracked: TrackedOrder) -> OrderSnapshot | None:
        """The order that a conditional order placed, by its id or the client order id."""
        if tracked.triggered_order_id is None and not self._profile.name_param:
            return None
        return await self._fetch_order(tracked, {}, tracked.triggered_order_id)

    async def _find_conditional(self, tracked: TrackedOrder) -> OrderSnapshot | None:
        """The conditional order itself: fetched alone where the venue can, else from the lists."""
        profile, name = self._profile, tracked.exchange_order_id
        if profile.trigger_lookup_params is not None and (name or profile.name_param):
            return await self._fetch_order(tracked, profile.trigger_lookup_params, name)
        kind, page = self._client.instruments[tracked.symbol].kind, profile.orders_page
        for params in profile.trigger_lists(kind):
            listing = await self._shared_lists.orders(_OPEN, tracked.symbol, None, page, params)
            snapshot = _newest_match(tracked, listing)
            if snapshot is not None:
                return snapshot
        for listing in await self._ended_triggers(tracked.symbol):
            snapshot = _newest_match(tracked, listing)
            if snapshot is not None:
                return snapshot
        return None

    async def placed_order_id(self, stop: OrderSnapshot) -> str | None:
        """Returns the id of the order that a conditional order placed; ``None`` if there is none.

        Raises ``ReadFailed``.
        """
        query, stop_id = self._profile.placed_order_query, stop.exchange_order_id
        if stop.triggered_order_id is not None or query is None:
            return stop.triggered_order_id
        kind = self._client.instruments[stop.symbol].kind
        if kind not in query.kinds or stop.status is not VenueOrderStatus.TRIGGERED:
            return None
        if stop_id not in self._placed_order_ids:
            reply = await self._client.read(
                "request", query.path, list(query.api), "GET", {query.param: stop_id}
            )
            try:
                placed_id = query.parse(reply)
            except (AttributeError, LookupError, TypeError, ValueError):
                raise malformed_response("the order that a conditional one placed") from None
            if placed_id is None:
                return None
            self._placed_order_ids[stop_id] = placed_id
            drop_oldest(self._placed_order_ids)
        return self._placed_order_ids[stop_id]

    async def ended_triggers(self, symbol: str) -> list[OrderSnapshot]:
        """Returns the conditional orders that ended, the latest page. Raises ``ReadFailed``."""
        return [each for listing in await self._ended_triggers(symbol) for each in listing.items]

    async def _ended_triggers(self, symbol: str) -> list[ListResult[OrderSnapshot]]:
        profile, kind = self._profile, self._client.instruments[symbol].kind
        return [
            await self._shared_lists.orders(method, symbol, None, profile.orders_page, params)
            for method in profile.closed_order_methods
            for params in profile.ended_trigger_lists(kind)
        ]

    async def _fetch_order(
        self, tracked: TrackedOrder, more: Mapping[str, object], name: str | None = None
    ) -> OrderSnapshot | None:
        """Fetches by the exchange's id, else by the client order id; ``None`` if not found."""
        params = dict(more)
        if name is None:
            name = self._profile.id_placeholder
            params[self._profile.name_param] = tracked.client_id
        try:
            row = await self._client.read("fetch_order", name, tracked.symbol, params)
        except ReadFailed as failed:
            if failed.code == "order_not_found":
                return None
            raise
        if isinstance(row, Mapping) and not row.get("info") and not row.get("id"):
            return None  # some venues answer with an empty success
        return _newest_match(tracked, self._shared_lists.read(require_rows([row], "orders")))

    async def _scan_lists(self, tracked: TrackedOrder) -> tuple[OrderSnapshot | None, bool]:
        """Searches whole lists: open, conditional, closed."""
        snapshot, is_complete = await self._scan_open(tracked)
        if snapshot is not None:
            return snapshot, True
        methods = self._profile.closed_order_methods or self._closed_lists()
        if not methods:
            return None, False
        since = to_milliseconds(tracked.created_at - _CLOCK_MARGIN)
        is_paged = bool(self._profile.newest_first or self._profile.offset_param)
        for method in methods:
            page = (
                self._profile.page_size(method) if is_paged or self._profile.uses_cursor else None
            )
            snapshot = _newest_match(
                tracked, await self._shared_lists.orders(method, tracked.symbol, since, page, {})
            )
            if snapshot is not None:
                return snapshot, True
        return None, is_complete

    async def _scan_open(self, tracked: TrackedOrder) -> tuple[OrderSnapshot | None, bool]:
        """Returns the order, and whether the lists of open orders were complete."""
        kind, is_complete = self._client.instruments[tracked.symbol].kind, True
        for params in ({}, *self._profile.trigger_lists(kind)):
            has_page = params or self._profile.uses_cursor or self._profile.open_orders_need_limit
            page = self._profile.orders_page if has_page else None
            listing = await self._shared_lists.orders(_OPEN, tracked.symbol, None, page, params)
            snapshot = _newest_match(tracked, listing)
            if snapshot is not None:
                return snapshot, True
            is_complete = is_complete and not self._may_be_truncated(listing.rows)
        return None, is_complete

    def _may_be_truncated(self, rows: int) -> bool:
        """Lists of venues that page from the newest end or need a limit, at their page size."""
        is_cut = self._profile.newest_first or self._profile.open_orders_need_limit
        return is_cut and rows >= self._profile.orders_page

    def _closed_lists(self) -> Sequence[str]:
        if self._has_method("fetchCanceledAndClosedOrders"):
            return (_CLOSED,)
        return ("fetch_closed_orders",) if self._has_method("fetchClosedOrders") else ()

    def _may_be_conditional(self, tracked: TrackedOrder) -> bool:
        """Whether an external order may be in a list of conditional orders."""
        kind = self._client.instruments[tracked.symbol].kind
        return not tracked.order_id and kind in self._profile.separate_trigger_kinds

    def _has_method(self, feature: str) -> bool:
        return bool(self._client.exchange.has.get(feature))


def _newest_match(
    tracked: TrackedOrder, listing: ListResult[OrderSnapshot]
) -> OrderSnapshot | None:
    """The order in a list; of several versions the last."""
    for row in listing.unreadable:
        _row_rejector(tracked)(row.message, row.row)
    matching = [
        each for each in listing.items if each.symbol == tracked.symbol and _matches(each, tracked)
    ]
    return matching[-1] if matching else None


def _row_rejector(tracked: TrackedOrder) -> RowRejector:
    """Handles malformed rows: for an own order any of them could be the order."""
    return reject_row if tracked.order_id else skip_row


def _matches(snapshot: OrderSnapshot, tracked: TrackedOrder) -> bool:
    if tracked.client_id is not None and snapshot.client_id == tracked.client_id:
        return True
    return snapshot.exchange_order_id in (tracked.exchange_order_id, tracked.triggered_order_id)
