"""Reads the sections of an account: open and closed orders, executions, positions, balances."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.fields import (
    get_timestamp,
    malformed_response,
    require_rows,
    to_milliseconds,
)
from oms.adapters.ccxt.parsing.funding_rows import parse_funding
from oms.adapters.ccxt.parsing.holdings import parse_average, parse_balances, parse_position
from oms.adapters.ccxt.parsing.order_snapshot import OrderSnapshot, parse_order
from oms.adapters.ccxt.parsing.trade_snapshot import TradeSnapshot, parse_trades
from oms.adapters.ccxt.sync.funding_reader import FundingReader
from oms.adapters.ccxt.sync.paging import (
    TimeWindow,
    clamp_to_history,
    fetch_all,
    split_windows,
    until_params,
)
from oms.adapters.ccxt.sync.raw_row_buffer import (
    CONFLICTING_DUPLICATE,
    NOT_TRADED,
    ORDER,
    POSITION,
    TRADE,
    RawRowBuffer,
    Row,
)
from oms.adapters.ccxt.venues.account_sections import AccountSection, list_sections
from oms.adapters.ccxt.venues.order_status import VenueOrderStatus
from oms.adapters.ccxt.venues.profile import VenueProfile
from oms.domain.errors import Refused
from oms.domain.money import ZERO, add
from oms.domain.orders.execution_report import Charge
from oms.domain.reconcile.position_comparison import HoldingKey

#: Fields in which two versions of one execution must agree.
_TRADE_FIELDS = ("side", "price", "amount", "timestamp")
POSITION_MODE_INTERVAL = timedelta(hours=1)
"""How often the account's position mode is read: orders that do not fit it are rejected anyway."""

_CLOSED, _TRADES = "fetch_canceled_and_closed_orders", "fetch_my_trades"
_OPEN, _POSITIONS = "fetch_open_orders", "fetch_positions"


@dataclass(frozen=True, slots=True)
class Holdings:
    """Contracts held, signed, and the average entries of those that have one."""

    quantities: dict[HoldingKey, Decimal] = field(default_factory=dict)
    averages: dict[HoldingKey, Decimal] = field(default_factory=dict)


class AccountReader:
    """Reads only. Each method raises ``ReadFailed``.

    A row that cannot be parsed is quarantined: the others are read.
    """

    def __init__(
        self,
        client: ExchangeClient,
        venue: str,
        profile: VenueProfile,
        symbols: Callable[[], Iterable[str]],
        raw_rows: RawRowBuffer,
        on_positions: Callable[[Iterable[Row]], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._venue = venue
        self._profile = profile
        #: Symbols to read where a venue lists nothing without one.
        self._symbols = symbols
        self._raw_rows = raw_rows
        #: Called with the rows of each list of positions.
        self._on_positions = on_positions
        self._funding = FundingReader(client, venue, profile, raw_rows)
        self._has_legs: bool | None = None
        self._legs_read_at: datetime | None = None

    def sections(self) -> list[AccountSection]:
        """Returns the sections of the account."""
        return list_sections(self._profile, self._client.instruments)

    @property
    def funding_unavailable(self) -> Refused | None:
        """Why the list of funding payments cannot be read now, if it cannot."""
        return self._funding.unavailable_reason

    @property
    def needs_symbols(self) -> bool:
        """Whether the venue lists orders and executions of named symbols only."""
        return self._profile.symbol_required

    @property
    def lists_all_open_orders(self) -> bool:
        """Whether open orders are listed without a symbol."""
        return self._profile.lists_all_open_orders or not self._profile.symbol_required

    async def open_orders(
        self, section: AccountSection, symbols: Collection[str] | None = ()
    ) -> list[OrderSnapshot]:
        """Returns all open orders of the section, with those of separate lists.

        Where symbols must be named: of own orders and ``symbols``; ``None`` lists all at once and
        needs ``lists_all_open_orders``.
        """
        kind, orders = section.kind, list[OrderSnapshot]()
        for more in ({}, *self._profile.trigger_lists(kind)):
            params = {**section.params, **more}
            orders += self._parse_orders(await self._rows(_OPEN, section, None, params, symbols))
        return orders

    async def closed_orders(
        self,
        section: AccountSection,
        since: datetime,
        until: datetime,
        symbols: Collection[str] = (),
    ) -> list[OrderSnapshot]:
        """Returns ended orders of the section, created since then."""
        has = self._client.exchange.has
        lists = self._profile.closed_order_methods
        if not lists and has.get("fetchCanceledAndClosedOrders"):
            lists = (_CLOSED,)
        orders = []
        for method in lists:
            rows = await self._history(method, section, since, until, section.params, symbols)
            orders += self._parse_orders(rows)
        return [each for each in orders if each.status is not VenueOrderStatus.OPEN]

    async def trades(
        self,
        section: AccountSection,
        since: datetime,
        until: datetime,
        *,
        all_kinds: bool,
        now: datetime,
        symbols: Collection[str] = (),
    ) -> tuple[list[TradeSnapshot], list[Charge]]:
        """Returns executions of the section, oldest first.

        With ``all_kinds`` funding payments, too, where they are among the executions.
        """
        more = self._profile.extra_execution_types if all_kinds and section.has_positions else ()
        rows: list[Row] = []
        for kind in (None, *more):
            params = {**section.params, **({} if kind is None else {"execType": kind})}
            rows += await self._history(_TRADES, section, since, until, params, symbols, now)
        instruments = self._client.instruments
        quarantine = partial(self._raw_rows.quarantine, TRADE)
        trades = parse_trades(rows, self._venue, instruments, quarantine)
        paid = parse_funding(rows, instruments, now, quarantine)
        return trades, paid

    async def funding(
        self,
        section: AccountSection,
        since: datetime,
        until: datetime,
        now: datetime,
        symbols: Collection[str],
    ) -> Sequence[Charge] | None:
        """Returns the payments of the venue's list of funding, if it has one.

        ``None`` while the list is refused for good: it is read again later.
        """
        if not section.has_positions or not self._profile.funding_page:
            return ()
        has_legs = await self.has_legs(now) is True
        return await self._funding(section, since, until, now, symbols, has_legs=has_legs)

    async def holdings(self, sections: Sequence[AccountSection]) -> Holdings:
        """Returns contracts held, by side where the exchange holds two legs."""
        held = Holdings()
        for section in sections:
            if section.has_positions:
                params = self._profile.request_params(_POSITIONS, section.kind, section.params)
                rows = await self._client.read(_POSITIONS, None, params)
                position_rows = require_rows(rows, "positions")
                self._on_positions(position_rows)
                self._add_holdings(held, section, position_rows)
        return held

    async def balances(self, sections: Sequence[AccountSection]) -> dict[str, Decimal] | None:
        """Returns the totals of the section with balances; ``None`` if there are none."""
        for section in sections:
            if not section.has_positions:
                try:
                    response = await self._client.read("fetch_balance", dict(section.params))
                except ReadFailed as failed:
                    if failed.retryable:
                        raise
                    return None
                return parse_balances(response)
        return None

    def _add_holdings(self, held: Holdings, section: AccountSection, rows: Iterable[Row]) -> None:
        for row in rows:
            if not row.get("symbol"):
                raise malformed_response(
                    "a position without a symbol"
                )  # which position it is cannot be known
            try:
                parsed = parse_position(row, self._client.instruments)
            except ReadFailed as error:
                if error.message != NOT_TRADED:
                    raise  # left out, it would look like a flat position
                self._raw_rows.quarantine(POSITION, error.message, row)
                continue
            # A venue may list all sections in each.
            if parsed is not None and parsed[0][0] in section.symbols:
                key, qty = parsed
                average = None if key in held.quantities else parse_average(row)
                held.averages.pop(key, None)
                if average is not None:
                    held.averages[key] = average
                held.quantities[key] = add(held.quantities.get(key, ZERO), qty)

    def _parse_orders(self, rows: Iterable[Row]) -> list[OrderSnapshot]:
        orders = []
        for row in rows:
            try:
                snapshot = parse_order(row, self._venue, self._client.instruments)
            except ReadFailed as error:
                self._raw_rows.quarantine(ORDER, error.message, row)
                continue
            if snapshot is None:
                self._raw_rows.quarantine(ORDER, NOT_TRADED, row)
            else:
                orders.append(snapshot)
        return orders

    async def _history(
        self,
        method: str,
        section: AccountSection,
        since: datetime,
        until: datetime,
        params: Mapping[str, object],
        symbols: Collection[str],
        now: datetime | None = None,
    ) -> list[Row]:
        """The rows of a span of time, in windows; by ids where these need fewer requests."""
        start = self._clamp_to_history(since, now or until, section)
        windows = split_windows(start, until, self._window_days(section))
        from_id_param = self._profile.from_id_params.get(section.kind, {}).get(method, "")
        if from_id_param and len(windows) > 1:
            span = TimeWindow(since=start, until=until)
            return await self._rows(method, section, span, params, symbols, from_id_param)
        rows: list[Row] = []
        for window in windows:
            window_params = self._with_until(params, window.until)
            rows += await self._rows(method, section, window, window_params, symbols)
        return rows

    async def _rows(
        self,
        method: str,
        section: AccountSection,
        span: TimeWindow | None,
        params: Mapping[str, object],
        symbols: Collection[str] | None,
        from_id_param: str = "",
    ) -> list[Row]:
        """All rows of a list, or those of a span of time, by symbol where the venue requires one.

        With ``from_id_param`` pages are read by ids.
        """
        rows: list[Row] = []
        since = None if span is None else to_milliseconds(span.since)
        what = TRADE if method == _TRADES else ORDER
        params, uses_cursor = (
            self._profile.request_params(method, section.kind, params),
            self._profile.uses_cursor,
        )
        params = {**self._profile.list_params.get(method, {}), **params}
        on_duplicate = partial(self._record_duplicate, what)
        for symbol in self._symbols_to_query(section, symbols):
            rows += await fetch_all(
                self._client,
                method,
                symbol,
                since,
                self._profile.page_size(method),
                params,
                uses_cursor=uses_cursor,
                on_duplicate=on_duplicate,
                newest_first=self._profile.newest_first,
                offset_param=self._profile.offset_param,
                from_id_param=from_id_param,
            )
        if from_id_param and span is not None:
            rows = [row for row in rows if _is_within(row, span)]
        self._raw_rows.add(what, rows)
        return rows

    def _record_duplicate(self, what: str, row: Row, newest: Row) -> None:
        """Keep another version of a row; executions that contradict each other are quarantined."""
        self._raw_rows.add(what, [row])
        if what == TRADE and any(row.get(name) != newest.get(name) for name in _TRADE_FIELDS):
            self._raw_rows.quarantine(what, CONFLICTING_DUPLICATE, row)

    def _window_days(self, section: AccountSection) -> int:
        profile = self._profile
        return profile.window_days.get(section.kind, profile.window_days_max)

    def _with_until(self, params: Mapping[str, object], until: datetime) -> dict[str, object]:
        """With offset paging an end would move the pages."""
        return dict(params) if self._profile.offset_param else until_params(params, until)

    def _symbols_to_query(
        self, section: AccountSection, symbols: Collection[str] | None
    ) -> Sequence[str | None]:
        if symbols is None or not self._profile.symbol_required:
            return (None,)
        return sorted({*self._symbols(), *symbols} & section.symbols)

    def complete_from(self, since: datetime, now: datetime) -> datetime | None:
        """Returns since when ``trades`` is complete; ``None`` where symbols must be named."""
        return None if self._profile.symbol_required else self._reach(since, now)

    def funding_from(self, since: datetime, now: datetime) -> datetime | None:
        """Returns since when funding that was read is complete; ``None`` where it is not read."""
        profile = self._profile
        if not profile.reads_funding:
            return None
        return clamp_to_history(self._reach(since, now), now, profile.funding_history_days)

    def reaches_from(self, since: datetime, now: datetime) -> datetime | None:
        """Returns the start of the venue's history where it is later than ``since``."""
        start = self._reach(since, now)
        return start if start > since else None

    def _reach(self, since: datetime, now: datetime) -> datetime:
        starts = (self._clamp_to_history(since, now, each) for each in self.sections())
        return max(starts, default=since)

    async def has_legs(self, now: datetime) -> bool | None:
        """Returns whether contracts are held in two legs, where the whole account has one mode.

        Where each symbol has its own mode, the positions show it.
        """
        has = self._client.exchange.has.get("fetchPositionMode")
        symbols = [min(section.symbols) for section in self.sections() if section.has_positions]
        if has is not True or self._profile.has_mode_per_symbol or not symbols:
            return None
        if self._legs_read_at is None or abs(now - self._legs_read_at) >= POSITION_MODE_INTERVAL:
            try:
                response = await self._client.read("fetch_position_mode", symbols[0])
            except ReadFailed as failed:
                if failed.retryable:
                    raise
                response = {}
            self._has_legs = response.get("hedged")
            self._legs_read_at = now
        return self._has_legs

    def _clamp_to_history(
        self, since: datetime, now: datetime, section: AccountSection
    ) -> datetime:
        """``since``, or the start of the venue's history."""
        profile = self._profile
        days = profile.history_days.get(section.kind, profile.history_days_max)
        return clamp_to_history(since, now, days)


def _is_within(row: Row, span: TimeWindow) -> bool:
    try:
        at = get_timestamp(row, "timestamp")
    except ReadFailed:
        return True  # the parser quarantines it
    if at is None:
        return True
    start, end = to_milliseconds(span.since), to_milliseconds(span.until)
    return start <= to_milliseconds(at) <= end
