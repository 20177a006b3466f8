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

_CLOSED = "fetch_canceled_and_closed_orders"


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

    async def find(self, known: Known) -> Found | Absent:
        """The order with its executions, or that there is none. Raises ``ReadFailed``."""
        with urgent(Urgency.FIND):
            return await self._found(known)

    async def _found(self, known: Known) -> Found | Absent:
        shown, is_complete = await self._order(known)
        if shown is not None and shown.filled <= known.filled:
            return Found(shown=shown, trades=())
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

    async def _order(self, known: Known) -> tuple[OrderShown | None, bool]:
        match self._rules.look_up:
            case LookUp.LISTS:
                return await self._in_lists(known)
            case LookUp.BY_PARAM:
                return await self._by_param(known)
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

    async def _by_param(self, known: Known) -> tuple[OrderShown | None, bool]:
        """One order by its id, or by our name in a parameter."""
        name = known.exchange_order_id
        params = {} if name is not None else {self._rules.name_param: known.client_id}
        try:
            row = await self._client.read("fetch_order", name, known.symbol, params)
        except ReadFailed as failed:
            if failed.code == "order_not_found":
                return None, True
            raise
        return self._newest(known, rows_of([row], "orders")), True

    async def _scanned(self, known: Known) -> tuple[OrderShown | None, bool]:
        """Whole lists, compared one by one."""
        rows = await self._client.read("fetch_open_orders", known.symbol)
        shown = self._newest(known, rows_of(rows, "orders"))
        if shown is not None:
            return shown, True
        method = _CLOSED if self._has("fetchCanceledAndClosedOrders") else "fetch_closed_orders"
        if method != _CLOSED and not self._has("fetchClosedOrders"):
            return None, False
        since = milliseconds(known.created_at - timedelta(seconds=60))
        closed = await self._list(method, known, since, None, {})
        return self._newest(known, closed), True

    async def _list(
        self,
        method: str,
        known: Known,
        since: int | None,
        page: int | None,
        params: Mapping[str, object],
    ) -> list[Mapping[str, Any]]:
        """All rows of a list of the order's symbol."""
        by_cursor = self._rules.by_cursor
        return await whole_list(
            self._client, method, known.symbol, since, page, params, by_cursor=by_cursor
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
