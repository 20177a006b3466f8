"""Find one order at the exchange, by its id there or by our name: where to look is the venue's.

``Absent`` is complete only where open and closed orders and executions were all searched. One order
is asked for by itself where the venue can; many at once are sought in whole lists, read once.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from oms.adapters.ccxt.exact import milliseconds, rows_of
from oms.adapters.ccxt.faults import ReadFailed
from oms.adapters.ccxt.known import Known
from oms.adapters.ccxt.lists import Listed, Lists
from oms.adapters.ccxt.orders_read import OrderShown, Shown
from oms.adapters.ccxt.pacing import Urgency
from oms.adapters.ccxt.rules import LookUp, VenueRules
from oms.adapters.ccxt.trades_read import Aside, TradeShown, leave_out, refuse
from oms.adapters.ccxt.turns import urgent
from oms.adapters.ccxt.venue import Venue
from oms.domain.value import value

_CLOSED, _OPEN = "fetch_canceled_and_closed_orders", "fetch_open_orders"
#: So many orders of a symbol are asked for one by one at the same time; the rest share lists, if
#: they are not so old that these would be long.
_ALONE_MAX = 3
_YOUNG = timedelta(hours=1)
#: Lists begin so long before the order was made here: clocks differ.
_BEFORE = timedelta(seconds=60)


@value
class Found:
    """The order as shown, ``None`` where only its executions were found."""

    shown: OrderShown | None
    trades: Sequence[TradeShown]


@value
class Absent:
    """Not there; ``is_complete`` if all lists were searched."""

    is_complete: bool


class Finder:
    """Looks orders of one account up."""

    def __init__(
        self, client: Venue, venue: str, rules: VenueRules, clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._rules = rules
        self._clock = clock
        self._lists = Lists(client, venue, rules)
        #: How many are being asked for alone, by symbol.
        self._alone: Counter[str] = Counter()

    async def find(self, known: Known, *, proves: bool = True) -> Found | Absent:
        """The order with its executions, or that there is none. Raises ``ReadFailed``.

        Without ``proves`` it is asked for alone: that it is not shown says nothing yet, so nobody
        searches lists and executions for it.
        """
        with urgent(Urgency.FIND), self._counted(known) as is_alone:
            return await self._found(known, is_alone=is_alone, proves=proves)

    @contextmanager
    def _counted(self, known: Known) -> Iterator[bool]:
        """Whether it is asked for alone; where it is not, lists are read for many at once."""
        is_young = self._clock() - known.created_at < _YOUNG
        can_share = self._rules.look_up is LookUp.LISTS and is_young
        is_alone = not can_share or self._alone[known.symbol] < _ALONE_MAX
        self._alone[known.symbol] += is_alone
        try:
            yield is_alone
        finally:
            self._alone[known.symbol] -= is_alone

    async def _found(self, known: Known, *, is_alone: bool, proves: bool) -> Found | Absent:
        shown, is_complete = await self._order(known, is_alone=is_alone, proves=proves)
        if shown is not None and shown.filled <= known.filled:
            return Found(shown=shown, trades=())
        if shown is None and not proves:
            return Absent(is_complete=False)
        trades = await self.trades(known, shown, is_alone=is_alone)
        if shown is None and not trades:
            return Absent(is_complete=is_complete)
        return Found(shown=shown, trades=trades)

    async def trades(
        self, known: Known, shown: OrderShown | None, *, is_alone: bool = True
    ) -> list[TradeShown]:
        """The executions of one order. Raises ``ReadFailed``."""
        name = known.live_id
        if shown is not None and (name is None or known.is_apart):
            name = shown.exchange_order_id
        names: dict[str, object] = {}
        if is_alone and name is not None and self._rules.id_param:
            names = {self._rules.id_param: name}
        elif is_alone and self._rules.name_param and self._rules.trades_tell_names:
            names = {self._rules.name_param: known.client_id}
        since = None if names else milliseconds(known.created_at - _BEFORE)
        told = await self._lists.trades(known.symbol, since, names)
        for row in told.unread:
            _unread(known)(row.message, row.row)
        wanted = {name, known.client_id} - {None}
        return [each for each in told.shown if wanted & {each.exchange_order_id, each.client_id}]

    async def _order(
        self, known: Known, *, is_alone: bool, proves: bool
    ) -> tuple[OrderShown | None, bool]:
        match self._rules.look_up:
            case LookUp.LISTS if is_alone:
                return await self._in_lists(known)
            case LookUp.BY_PARAM:
                return await self._by_param(known, proves=proves)
            case _:
                return await self._scanned(known)

    async def _in_lists(self, known: Known) -> tuple[OrderShown | None, bool]:
        """Lists that are asked for one order alone."""
        names: dict[str, object]
        if known.live_id is not None:
            names = {self._rules.id_param: known.live_id}
        else:
            names = {self._rules.name_param: known.client_id}
        for method in (_OPEN, _CLOSED):
            rows = await self._client.read(method, known.symbol, None, None, names)
            shown = _newest(known, self._lists.read(rows_of(rows, "orders")))
            if shown is not None:
                return shown, True
        return None, True

    async def _by_param(self, known: Known, *, proves: bool) -> tuple[OrderShown | None, bool]:
        """One order by its id, or by our name in a parameter; at last among all lists."""
        if known.is_apart:
            return await self._apart(known), True
        name = known.exchange_order_id
        shown = await self._asked(known, {}, name)
        if shown is None and self._rules.finds_stops is not None and self._may_wait(known):
            shown = await self._asked(known, self._rules.finds_stops, name)
        if shown is not None or not proves or not self._rules.lists_prove_absence:
            return shown, True
        return await self._scanned(known)

    async def _apart(self, known: Known) -> OrderShown | None:
        """What a conditional order of ours placed, by its name; else itself as it waits."""
        placed = await self._asked(known, {}, known.placed_id)
        if placed is not None:
            return placed
        shown = await self._asked(known, self._rules.finds_stops or {}, known.exchange_order_id)
        if shown is None or shown.shown is not Shown.TRIGGERED:
            return shown
        known.placed_id = shown.placed_id
        placed = await self._asked(known, {}, known.placed_id)
        if placed is None:
            message = "its trigger was met, what it placed is not shown yet"
            raise ReadFailed("exchange_unavailable", message, retryable=True)
        return placed

    async def _asked(
        self, known: Known, more: Mapping[str, object], name: str | None = None
    ) -> OrderShown | None:
        """What the venue answers to an id, else to the order's name."""
        params = dict(more)
        if name is None:
            name = self._rules.without_id
            params[self._rules.name_param] = known.client_id
        try:
            row = await self._client.read("fetch_order", name, known.symbol, params)
        except ReadFailed as failed:
            if failed.code == "order_not_found":
                return None
            raise
        if isinstance(row, Mapping) and not row.get("info") and not row.get("id"):
            return None  # some venues answer with nothing, and call it a success
        return _newest(known, self._lists.read(rows_of([row], "orders")))

    async def _scanned(self, known: Known) -> tuple[OrderShown | None, bool]:
        """Whole lists, compared one by one: open, conditional, ended."""
        shown, is_complete = await self._among_open(known)
        if shown is not None:
            return shown, True
        methods = self._rules.closed_lists or self._closed_lists()
        if not methods:
            return None, False
        since = milliseconds(known.created_at - _BEFORE)
        is_walked = bool(self._rules.newest_first or self._rules.offset_param)
        for method in methods:
            page = self._rules.page_of(method) if is_walked or self._rules.by_cursor else None
            shown = _newest(known, await self._lists.orders(method, known.symbol, since, page, {}))
            if shown is not None:
                return shown, True
        return None, is_complete

    async def _among_open(self, known: Known) -> tuple[OrderShown | None, bool]:
        """The order, or whether no list of open ones was so full that it may be behind it."""
        kind, is_complete = self._client.instruments[known.symbol].kind, True
        for params in ({}, *self._rules.stop_lists_of(kind)):
            page = self._rules.orders_page if params or self._rules.by_cursor else None
            told = await self._lists.orders(_OPEN, known.symbol, None, page, params)
            shown = _newest(known, told)
            if shown is not None:
                return shown, True
            is_complete = is_complete and not self._may_be_cut(told.rows)
        return None, is_complete

    def _may_be_cut(self, rows: int) -> bool:
        """Lists of venues that walk from the newest end at their page."""
        return self._rules.newest_first and rows >= self._rules.orders_page

    def _closed_lists(self) -> Sequence[str]:
        if self._has("fetchCanceledAndClosedOrders"):
            return (_CLOSED,)
        return ("fetch_closed_orders",) if self._has("fetchClosedOrders") else ()

    def _may_wait(self, known: Known) -> bool:
        """Whether it may stand in a list of conditional orders, and is none of ours."""
        kind = self._client.instruments[known.symbol].kind
        return not known.order_id and kind in self._rules.stops_apart

    def _has(self, feature: str) -> bool:
        return bool(self._client.exchange.has.get(feature))


def _newest(known: Known, told: Listed[OrderShown]) -> OrderShown | None:
    """The order among what a list told; of several tellings the last."""
    for row in told.unread:
        _unread(known)(row.message, row.row)
    its = [each for each in told.shown if each.symbol == known.symbol and _is_it(each, known)]
    return its[-1] if its else None


def _unread(known: Known) -> Aside:
    """What to do with rows that make no sense: any may be what is sought of an order of ours."""
    return refuse if known.order_id else leave_out


def _is_it(shown: OrderShown, known: Known) -> bool:
    if known.client_id is not None and shown.client_id == known.client_id:
        return True
    return shown.exchange_order_id in (known.exchange_order_id, known.placed_id)
