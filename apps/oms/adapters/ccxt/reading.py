"""Reads the parts of an account whole: open and closed orders, executions, what is held."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from oms.adapters.ccxt.balances_read import totals_shown
from oms.adapters.ccxt.evidence import (
    AGAIN_OTHERWISE,
    NOT_TRADED,
    ORDER,
    POSITION,
    TRADE,
    Evidence,
    Row,
)
from oms.adapters.ccxt.exact import malformed, milliseconds, rows_of
from oms.adapters.ccxt.faults import ReadFailed
from oms.adapters.ccxt.holdings_read import holding_shown
from oms.adapters.ccxt.orders_read import OrderShown, order_shown
from oms.adapters.ccxt.paging import until_params, whole_list, windows
from oms.adapters.ccxt.position_modes import MODES_BY_POSITIONS
from oms.adapters.ccxt.rules import Part, VenueRules, parts_of
from oms.adapters.ccxt.trades_read import TradeShown, funding_of, trades_shown
from oms.adapters.ccxt.venue import Venue
from oms.domain.instrument import Kind
from oms.domain.money import ZERO, total
from oms.domain.reconciliation import Holding
from oms.domain.report import Charge

#: What two tellings of one execution must agree on.
_FACTS = ("side", "price", "amount", "timestamp")
LEGS_EVERY = timedelta(hours=1)
"""How often the account is asked for its mode: orders that do not fit it are refused anyway."""

_CLOSED, _TRADES = "fetch_canceled_and_closed_orders", "fetch_my_trades"
_OPEN, _POSITIONS = "fetch_open_orders", "fetch_positions"


class Reader:
    """Asks; nothing is told here. Each method raises ``ReadFailed``.

    A row that makes no sense is set aside: the others are read.
    """

    def __init__(
        self,
        client: Venue,
        venue: str,
        rules: VenueRules,
        symbols: Callable[[], Iterable[str]],
        evidence: Evidence,
    ) -> None:
        self._client = client
        self._venue = venue
        self._rules = rules
        #: Symbols to ask for where a venue tells nothing without one.
        self._symbols = symbols
        self._evidence = evidence
        self._has_legs: bool | None = None
        self._legs_read_at: datetime | None = None

    def parts(self) -> list[Part]:
        """The parts of the account."""
        return parts_of(self._venue, self._client.instruments)

    async def open_orders(self, part: Part) -> list[OrderShown]:
        """All open orders of the part, with those that stand in lists of their own."""
        found = await self._orders(_OPEN, part, None, part.params)
        for params in self._rules.stop_lists_of(_kind(part)):
            found += await self._orders(_OPEN, part, None, {**part.params, **params})
        return found

    async def closed_orders(self, part: Part, since: datetime, until: datetime) -> list[OrderShown]:
        """Orders of the part that ended, made since then."""
        has = self._client.exchange.has
        lists = self._rules.closed_lists
        if not lists and has.get("fetchCanceledAndClosedOrders"):
            lists = (_CLOSED,)
        found = []
        for window in windows(self._reachable(since, until), until, self._rules.span_days):
            params = self._until(part.params, window.until)
            for method in lists:
                found += await self._orders(method, part, milliseconds(window.since), params)
        return found

    async def trades(
        self, part: Part, since: datetime, until: datetime, *, all_kinds: bool, now: datetime
    ) -> tuple[list[TradeShown], list[Charge]]:
        """Executions of the part, oldest first, and funding, where all kinds are asked for."""
        more = self._rules.more_executions if all_kinds and part.has_positions else ()
        rows: list[Row] = []
        for window in windows(self._reachable(since, until), until, self._rules.span_days):
            for kind in (None, *more):
                named = {} if kind is None else {"execType": kind}
                params = {**self._until(part.params, window.until), **named}
                start, page = milliseconds(window.since), self._rules.trades_page
                rows += await self._rows(_TRADES, part, start, page, params)
        instruments, aside = self._client.instruments, partial(self._evidence.aside, TRADE)
        shown = trades_shown(rows, self._venue, instruments, aside)
        return shown, funding_of(rows, instruments, now, aside)

    async def holdings(self, parts: Sequence[Part]) -> dict[Holding, Decimal]:
        """Contracts held, signed; by side where the exchange holds two legs."""
        held: dict[Holding, Decimal] = {}
        for part in parts:
            if part.has_positions:
                params = self._rules.words(_POSITIONS, _kind(part), part.params)
                rows = await self._client.read(_POSITIONS, None, params)
                self._add_holdings(held, part, rows_of(rows, "positions"))
        return held

    async def balances(self, parts: Sequence[Part]) -> dict[str, Decimal] | None:
        """Totals of the part that holds coins; ``None`` where there is none, or none are told."""
        for part in parts:
            if not part.has_positions:
                try:
                    told = await self._client.read("fetch_balance", dict(part.params))
                except ReadFailed as failed:
                    if failed.retryable:
                        raise
                    return None
                return totals_shown(told)
        return None

    def _add_holdings(self, held: dict[Holding, Decimal], part: Part, rows: Iterable[Row]) -> None:
        for row in rows:
            if not row.get("symbol"):
                raise malformed("a position without a symbol")  # what is held is anyone's guess
            try:
                shown = holding_shown(row, self._client.instruments)
            except ReadFailed as wrong:
                if wrong.message != NOT_TRADED:
                    raise  # left out, it would look like nothing held
                self._evidence.aside(POSITION, wrong.message, row)
                continue
            # A venue may tell all parts in each.
            if shown is not None and shown[0][0] in part.symbols:
                key, qty = shown
                held[key] = total(held.get(key, ZERO), qty)

    async def _orders(
        self, method: str, part: Part, since: int | None, params: Mapping[str, object]
    ) -> list[OrderShown]:
        rows = await self._rows(method, part, since, self._rules.page_of(method), params)
        found = []
        for row in rows:
            try:
                shown = order_shown(row, self._venue, self._client.instruments)
            except ReadFailed as wrong:
                self._evidence.aside(ORDER, wrong.message, row)
                continue
            if shown is None:
                self._evidence.aside(ORDER, NOT_TRADED, row)
            else:
                found.append(shown)
        return found

    async def _rows(
        self,
        method: str,
        part: Part,
        since: int | None,
        page: int,
        params: Mapping[str, object],
    ) -> list[Row]:
        """All rows of a list, of each symbol where the venue asks for one."""
        rows: list[Row] = []
        what = TRADE if method == _TRADES else ORDER
        params, by_cursor = self._rules.words(method, _kind(part), params), self._rules.by_cursor
        other = partial(self._told_otherwise, what)
        for symbol in self._asked(part):
            rows += await whole_list(
                self._client,
                method,
                symbol,
                since,
                page,
                params,
                by_cursor=by_cursor,
                other=other,
                newest_first=self._rules.newest_first,
                offset_param=self._rules.offset_param,
            )
        self._evidence.told(what, rows)
        return rows

    def _told_otherwise(self, what: str, row: Row, kept: Row) -> None:
        """An older version of an order, or an execution in other words."""
        self._evidence.told(what, [row])
        if what == TRADE and any(row.get(name) != kept.get(name) for name in _FACTS):
            self._evidence.aside(what, AGAIN_OTHERWISE, row)

    def _until(self, params: Mapping[str, object], until: datetime) -> dict[str, object]:
        """Where lists are walked by offsets, an end would move them."""
        return dict(params) if self._rules.offset_param else until_params(params, until)

    def _asked(self, part: Part) -> Sequence[str | None]:
        if not self._rules.symbol_required:
            return (None,)
        return sorted(set(self._symbols()) & part.symbols)

    def whole_from(self, since: datetime, now: datetime) -> datetime | None:
        """From when on ``trades`` leaves nothing out; ``None`` where symbols must be named."""
        return None if self._rules.symbol_required else self._reachable(since, now)

    def reaches_from(self, since: datetime, now: datetime) -> datetime | None:
        """From when on executions are told, where that is later than ``since``."""
        start = self._reachable(since, now)
        return start if start > since else None

    async def has_legs(self, now: datetime) -> bool | None:
        """Whether contracts are held in two legs, where one mode is told for the whole account.

        Where each symbol has its own, what is held shows it.
        """
        has = self._client.exchange.has.get("fetchPositionMode")
        symbols = [min(part.symbols) for part in self.parts() if part.has_positions]
        if has is not True or self._venue in MODES_BY_POSITIONS or not symbols:
            return None
        if self._legs_read_at is None or now - self._legs_read_at >= LEGS_EVERY:
            try:
                told = await self._client.read("fetch_position_mode", symbols[0])
            except ReadFailed as failed:
                if failed.retryable:
                    raise
                told = {}
            self._has_legs = told.get("hedged")
            self._legs_read_at = now
        return self._has_legs

    def _reachable(self, since: datetime, until: datetime) -> datetime:
        """``since``, or as far back as anything is told."""
        if not self._rules.back_days:
            return since
        return max(since, until - timedelta(days=self._rules.back_days) + timedelta(hours=1))


def _kind(part: Part) -> Kind:
    """What the part holds; inverse contracts are not traded."""
    return Kind.LINEAR if part.has_positions else Kind.SPOT
