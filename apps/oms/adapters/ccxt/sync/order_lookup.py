"""Find one order at the exchange, by its id there or by our name: where to look is the venue's.

``Absent`` is complete only where open and closed orders and executions were all searched. One order
is asked for by itself where the venue can; many at once are sought in whole lists, read once.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.orders.order_cache import TrackedOrder
from oms.adapters.ccxt.parsing.fields import require_rows, to_milliseconds
from oms.adapters.ccxt.parsing.order_parser import OrderSnapshot, VenueOrderStatus
from oms.adapters.ccxt.parsing.trade_parser import RowRejector, TradeSnapshot, reject_row, skip_row
from oms.adapters.ccxt.ratelimit.rate_bucket import Priority
from oms.adapters.ccxt.ratelimit.request_throttle import use_priority
from oms.adapters.ccxt.sync.shared_lists import ListResult, SharedListReader
from oms.adapters.ccxt.venues.profile import LookupMethod, VenueProfile
from oms.domain.value import value

_CLOSED, _OPEN = "fetch_canceled_and_closed_orders", "fetch_open_orders"
#: So many orders of a symbol are asked for one by one at the same time; the rest share lists, if
#: they are not so old that these would be long.
_ALONE_MAX = 3
_YOUNG = timedelta(hours=1)
#: Lists begin so long before the order was made here: clocks differ.
_BEFORE = timedelta(seconds=60)


@value
class OrderFound:
    """The order as shown, ``None`` where only its executions were found."""

    shown: OrderSnapshot | None
    trades: Sequence[TradeSnapshot]


@value
class OrderAbsent:
    """Not there; ``is_complete`` if all lists were searched."""

    is_complete: bool


class OrderLookup:
    """Looks orders of one account up."""

    def __init__(
        self,
        client: ExchangeClient,
        venue: str,
        profile: VenueProfile,
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._profile = profile
        self._clock = clock
        self._lists = SharedListReader(client, venue, profile)
        #: How many are being asked for alone, by symbol.
        self._alone: Counter[str] = Counter()

    async def find(self, tracked: TrackedOrder, *, proves: bool = True) -> OrderFound | OrderAbsent:
        """The order with its executions, or that there is none. Raises ``ReadFailed``.

        Without ``proves`` it is asked for alone: that it is not shown says nothing yet, so nobody
        searches lists and executions for it.
        """
        with use_priority(Priority.FIND), self._counted(tracked) as is_alone:
            return await self._found(tracked, is_alone=is_alone, proves=proves)

    @contextmanager
    def _counted(self, tracked: TrackedOrder) -> Iterator[bool]:
        """Whether it is asked for alone; where it is not, lists are read for many at once."""
        is_young = self._clock() - tracked.created_at < _YOUNG
        can_share = self._profile.look_up is LookupMethod.LISTS and is_young
        is_alone = not can_share or self._alone[tracked.symbol] < _ALONE_MAX
        self._alone[tracked.symbol] += is_alone
        try:
            yield is_alone
        finally:
            self._alone[tracked.symbol] -= is_alone

    async def _found(
        self, tracked: TrackedOrder, *, is_alone: bool, proves: bool
    ) -> OrderFound | OrderAbsent:
        shown, is_complete = await self._order(tracked, is_alone=is_alone, proves=proves)
        if shown is not None and shown.filled <= tracked.filled:
            return OrderFound(shown=shown, trades=())
        if shown is None and not proves:
            return OrderAbsent(is_complete=False)
        trades = await self.trades(tracked, shown, is_alone=is_alone)
        if shown is None and not trades:
            return OrderAbsent(is_complete=is_complete)
        return OrderFound(shown=shown, trades=trades)

    async def trades(
        self, tracked: TrackedOrder, shown: OrderSnapshot | None, *, is_alone: bool = True
    ) -> list[TradeSnapshot]:
        """The executions of one order. Raises ``ReadFailed``."""
        name = tracked.current_order_id
        if shown is not None and (name is None or tracked.has_separate_trigger):
            name = shown.exchange_order_id
        names: dict[str, object] = {}
        if is_alone and name is not None and self._profile.id_param:
            names = {self._profile.id_param: name}
        elif is_alone and self._profile.name_param and self._profile.trades_have_client_id:
            names = {self._profile.name_param: tracked.client_id}
        since = None if names else to_milliseconds(tracked.created_at - _BEFORE)
        told = await self._lists.trades(tracked.symbol, since, names)
        for row in told.unread:
            _unread(tracked)(row.message, row.row)
        wanted = {name, tracked.client_id} - {None}
        return [each for each in told.shown if wanted & {each.exchange_order_id, each.client_id}]

    async def _order(
        self, tracked: TrackedOrder, *, is_alone: bool, proves: bool
    ) -> tuple[OrderSnapshot | None, bool]:
        match self._profile.look_up:
            case LookupMethod.LISTS if is_alone:
                return await self._in_lists(tracked)
            case LookupMethod.BY_PARAM:
                return await self._by_param(tracked, proves=proves)
            case _:
                return await self._scanned(tracked)

    async def _in_lists(self, tracked: TrackedOrder) -> tuple[OrderSnapshot | None, bool]:
        """Lists that are asked for one order alone."""
        names: dict[str, object]
        if tracked.current_order_id is not None:
            names = {self._profile.id_param: tracked.current_order_id}
        else:
            names = {self._profile.name_param: tracked.client_id}
        for method in (_OPEN, _CLOSED):
            rows = await self._client.read(method, tracked.symbol, None, None, names)
            shown = _newest(tracked, self._lists.read(require_rows(rows, "orders")))
            if shown is not None:
                return shown, True
        return None, True

    async def _by_param(
        self, tracked: TrackedOrder, *, proves: bool
    ) -> tuple[OrderSnapshot | None, bool]:
        """One order by its id, or by our name in a parameter; at last among all lists."""
        if tracked.has_separate_trigger:
            return await self._apart(tracked), True
        name = tracked.exchange_order_id
        shown = await self._asked(tracked, {}, name)
        if (
            shown is None
            and self._profile.trigger_lookup_params is not None
            and self._may_wait(tracked)
        ):
            shown = await self._asked(tracked, self._profile.trigger_lookup_params, name)
        if shown is not None or not proves or not self._profile.absence_needs_lists:
            return shown, True
        return await self._scanned(tracked)

    async def _apart(self, tracked: TrackedOrder) -> OrderSnapshot | None:
        """What a conditional order of ours placed, by its name; else itself as it waits."""
        placed = await self._asked(tracked, {}, tracked.triggered_order_id)
        if placed is not None:
            return placed
        shown = await self._asked(
            tracked, self._profile.trigger_lookup_params or {}, tracked.exchange_order_id
        )
        if shown is None or shown.shown is not VenueOrderStatus.TRIGGERED:
            return shown
        tracked.triggered_order_id = shown.triggered_order_id
        placed = await self._asked(tracked, {}, tracked.triggered_order_id)
        if placed is None:
            message = "its trigger was met, what it placed is not shown yet"
            raise ReadFailed("exchange_unavailable", message, retryable=True)
        return placed

    async def _asked(
        self, tracked: TrackedOrder, more: Mapping[str, object], name: str | None = None
    ) -> OrderSnapshot | None:
        """What the venue answers to an id, else to the order's name."""
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
            return None  # some venues answer with nothing, and call it a success
        return _newest(tracked, self._lists.read(require_rows([row], "orders")))

    async def _scanned(self, tracked: TrackedOrder) -> tuple[OrderSnapshot | None, bool]:
        """Whole lists, compared one by one: open, conditional, ended."""
        shown, is_complete = await self._among_open(tracked)
        if shown is not None:
            return shown, True
        methods = self._profile.closed_order_methods or self._closed_lists()
        if not methods:
            return None, False
        since = to_milliseconds(tracked.created_at - _BEFORE)
        is_walked = bool(self._profile.newest_first or self._profile.offset_param)
        for method in methods:
            page = (
                self._profile.page_size(method) if is_walked or self._profile.uses_cursor else None
            )
            shown = _newest(
                tracked, await self._lists.orders(method, tracked.symbol, since, page, {})
            )
            if shown is not None:
                return shown, True
        return None, is_complete

    async def _among_open(self, tracked: TrackedOrder) -> tuple[OrderSnapshot | None, bool]:
        """The order, or whether no list of open ones was so full that it may be behind it."""
        kind, is_complete = self._client.instruments[tracked.symbol].kind, True
        for params in ({}, *self._profile.trigger_lists(kind)):
            page = self._profile.orders_page if params or self._profile.uses_cursor else None
            told = await self._lists.orders(_OPEN, tracked.symbol, None, page, params)
            shown = _newest(tracked, told)
            if shown is not None:
                return shown, True
            is_complete = is_complete and not self._may_be_cut(told.rows)
        return None, is_complete

    def _may_be_cut(self, rows: int) -> bool:
        """Lists of venues that walk from the newest end at their page."""
        return self._profile.newest_first and rows >= self._profile.orders_page

    def _closed_lists(self) -> Sequence[str]:
        if self._has("fetchCanceledAndClosedOrders"):
            return (_CLOSED,)
        return ("fetch_closed_orders",) if self._has("fetchClosedOrders") else ()

    def _may_wait(self, tracked: TrackedOrder) -> bool:
        """Whether it may stand in a list of conditional orders, and is none of ours."""
        kind = self._client.instruments[tracked.symbol].kind
        return not tracked.order_id and kind in self._profile.separate_trigger_kinds

    def _has(self, feature: str) -> bool:
        return bool(self._client.exchange.has.get(feature))


def _newest(tracked: TrackedOrder, told: ListResult[OrderSnapshot]) -> OrderSnapshot | None:
    """The order among what a list told; of several tellings the last."""
    for row in told.unread:
        _unread(tracked)(row.message, row.row)
    its = [each for each in told.shown if each.symbol == tracked.symbol and _is_it(each, tracked)]
    return its[-1] if its else None


def _unread(tracked: TrackedOrder) -> RowRejector:
    """What to do with rows that make no sense: any may be what is sought of an order of ours."""
    return reject_row if tracked.order_id else skip_row


def _is_it(shown: OrderSnapshot, tracked: TrackedOrder) -> bool:
    if tracked.client_id is not None and shown.client_id == tracked.client_id:
        return True
    return shown.exchange_order_id in (tracked.exchange_order_id, tracked.triggered_order_id)
