"""Find one order at the exchange, by its id there or by our name: where to look is the venue's.

``Absent`` is complete only where open and closed orders and executions were all searched.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from oms.adapters.ccxt.exact import milliseconds, rows_of
from oms.adapters.ccxt.faults import ReadFailed
from oms.adapters.ccxt.known import Known
from oms.adapters.ccxt.orders_read import OrderShown, order_shown
from oms.adapters.ccxt.pacing import Urgency
from oms.adapters.ccxt.paging import whole_list
from oms.adapters.ccxt.rules import LookUp, VenueRules
from oms.adapters.ccxt.trades_read import Aside, TradeShown, leave_out, refuse, trades_shown
from oms.adapters.ccxt.turns import urgent
from oms.adapters.ccxt.venue import Venue
from oms.domain.value import value

_CLOSED, _OPEN = "fetch_canceled_and_closed_orders", "fetch_open_orders"


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

    def __init__(self, client: Venue, venue: str, rules: VenueRules) -> None:
        self._client = client
        self._venue = venue
        self._rules = rules

    async def find(self, known: Known, *, proves: bool = True) -> Found | Absent:
        """The order with its executions, or that there is none. Raises ``ReadFailed``.

        Without ``proves`` it is asked for alone: that it is not shown says nothing yet, so nobody
        searches lists and executions for it.
        """
        with urgent(Urgency.FIND):
            return await self._found(known, proves=proves)

    async def _found(self, known: Known, *, proves: bool) -> Found | Absent:
        shown, is_complete = await self._order(known, proves=proves)
        if shown is not None and shown.filled <= known.filled:
            return Found(shown=shown, trades=())
        if shown is None and not proves:
            return Absent(is_complete=False)
        trades = await self.trades(known, shown)
        if shown is None and not trades:
            return Absent(is_complete=is_complete)
        return Found(shown=shown, trades=trades)

    async def trades(self, known: Known, shown: OrderShown | None) -> list[TradeShown]:
        """The executions of one order. Raises ``ReadFailed``."""
        name = known.exchange_order_id or (None if shown is None else shown.exchange_order_id)
        names: dict[str, object] = {}
        if name is not None and self._rules.id_param:
            names = {self._rules.id_param: name}
        elif self._rules.name_param and self._rules.trades_tell_names:
            names = {self._rules.name_param: known.client_id}
        since = None if names else milliseconds(known.created_at - timedelta(seconds=60))
        rows = await self._list("fetch_my_trades", known, since, self._rules.trades_page, names)
        told = trades_shown(rows, self._venue, self._client.instruments, _unread(known))
        wanted = {name, known.client_id} - {None}
        return [each for each in told if wanted & {each.exchange_order_id, each.client_id}]

    async def _order(self, known: Known, *, proves: bool) -> tuple[OrderShown | None, bool]:
        match self._rules.look_up:
            case LookUp.LISTS:
                return await self._in_lists(known)
            case LookUp.BY_PARAM:
                return await self._by_param(known, proves=proves)
            case LookUp.SCAN:
                return await self._scanned(known)

    async def _in_lists(self, known: Known) -> tuple[OrderShown | None, bool]:
        """Lists that are asked for one order alone."""
        names: dict[str, object]
        if known.exchange_order_id is not None:
            names = {self._rules.id_param: known.exchange_order_id}
        else:
            names = {self._rules.name_param: known.client_id}
        for method in ("fetch_open_orders", _CLOSED):
            rows = await self._client.read(method, known.symbol, None, None, names)
            shown = self._newest(known, rows_of(rows, "orders"))
            if shown is not None:
                return shown, True
        return None, True

    async def _by_param(self, known: Known, *, proves: bool) -> tuple[OrderShown | None, bool]:
        """One order by its id, or by our name in a parameter; at last among all lists."""
        shown = await self._asked(known, {})
        if shown is None and self._may_wait(known) and self._rules.finds_stops is not None:
            shown = await self._asked(known, self._rules.finds_stops)
        if shown is not None or not proves or not self._rules.lists_prove_absence:
            return shown, True
        return await self._scanned(known)

    async def _asked(self, known: Known, more: Mapping[str, object]) -> OrderShown | None:
        """What the venue answers to the order's name."""
        name: str | None = known.exchange_order_id
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
        return self._newest(known, rows_of([row], "orders"))

    async def _scanned(self, known: Known) -> tuple[OrderShown | None, bool]:
        """Whole lists, compared one by one: open, conditional, ended."""
        shown, is_complete = await self._among_open(known)
        if shown is not None:
            return shown, True
        methods = self._rules.closed_lists or self._closed_lists()
        if not methods:
            return None, False
        since = milliseconds(known.created_at - timedelta(seconds=60))
        is_walked = bool(self._rules.newest_first or self._rules.offset_param)
        for method in methods:
            page = self._rules.page_of(method) if is_walked else None
            shown = self._newest(known, await self._list(method, known, since, page, {}))
            if shown is not None:
                return shown, True
        return None, is_complete

    async def _among_open(self, known: Known) -> tuple[OrderShown | None, bool]:
        """The order, or whether no list of open ones was so full that it may be behind it."""
        kind, is_complete = self._client.instruments[known.symbol].kind, True
        for params in ({}, *self._rules.stop_lists_of(kind)):
            asked = (known.symbol, None, self._rules.orders_page, params) if params else ()
            rows = await self._client.read(_OPEN, *(asked or (known.symbol,)))
            shown = self._newest(known, rows_of(rows, "orders"))
            if shown is not None:
                return shown, True
            is_complete = is_complete and not self._may_be_cut(rows)
        return None, is_complete

    def _may_be_cut(self, rows: Sequence[object]) -> bool:
        """Lists of venues that walk from the newest end at their page."""
        return self._rules.newest_first and len(rows) >= self._rules.orders_page

    def _closed_lists(self) -> Sequence[str]:
        if self._has("fetchCanceledAndClosedOrders"):
            return (_CLOSED,)
        return ("fetch_closed_orders",) if self._has("fetchClosedOrders") else ()

    def _may_wait(self, known: Known) -> bool:
        """Whether it may stand among the conditional orders: none of ours does."""
        return not known.order_id or known.is_waiting

    async def _list(
        self,
        method: str,
        known: Known,
        since: int | None,
        page: int | None,
        params: Mapping[str, object],
    ) -> list[Mapping[str, Any]]:
        """All rows of a list of the order's symbol."""
        return await whole_list(
            self._client,
            method,
            known.symbol,
            since,
            page,
            params,
            by_cursor=self._rules.by_cursor,
            newest_first=self._rules.newest_first,
            offset_param=self._rules.offset_param,
        )

    def _newest(self, known: Known, rows: Sequence[Mapping[str, Any]]) -> OrderShown | None:
        """The order among rows; of several tellings the last."""
        found = None
        for row in rows:
            try:
                shown = order_shown(row, self._venue, self._client.instruments)
            except ReadFailed as wrong:
                _unread(known)(wrong.message, row)
                continue
            if shown is not None and shown.symbol == known.symbol and _is_it(shown, known):
                found = shown
        return found

    def _has(self, feature: str) -> bool:
        return bool(self._client.exchange.has.get(feature))


def _unread(known: Known) -> Aside:
    """What to do with rows that make no sense: any may be what is sought of an order of ours."""
    return refuse if known.order_id else leave_out


def _is_it(shown: OrderShown, known: Known) -> bool:
    if known.exchange_order_id is not None:
        return shown.exchange_order_id == known.exchange_order_id
    return known.client_id is not None and shown.client_id == known.client_id
