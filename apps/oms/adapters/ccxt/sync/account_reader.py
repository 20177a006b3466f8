"""Reads the sections of an account: open and closed orders, executions, positions, balances."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.parsing.fields import malformed_response, require_rows
from oms.adapters.ccxt.parsing.funding_rows import parse_funding
from oms.adapters.ccxt.parsing.holdings import parse_average, parse_balances, parse_position
from oms.adapters.ccxt.parsing.order_snapshot import OrderSnapshot, parse_order
from oms.adapters.ccxt.parsing.trade_snapshot import TradeSnapshot, parse_trades
from oms.adapters.ccxt.sync.activity_reader import ActivityReader
from oms.adapters.ccxt.sync.funding_legs import with_legs
from oms.adapters.ccxt.sync.funding_reader import FundingReader
from oms.adapters.ccxt.sync.list_reader import TRADES, ListReader
from oms.adapters.ccxt.sync.paging import clamp_to_history
from oms.adapters.ccxt.sync.raw_row_buffer import (
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

POSITION_MODE_INTERVAL = timedelta(hours=1)
"""How often the account's position mode is read: orders that do not fit it are rejected anyway."""

_CLOSED = "fetch_canceled_and_closed_orders"
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
        self._raw_rows = raw_rows
        #: Called with the rows of each list of positions.
        self._on_positions = on_positions
        self._activity = ActivityReader(client, profile)
        self._lists = ListReader(client, profile, symbols, raw_rows, self._activity)
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

    async def active_symbols(self, since: datetime, now: datetime) -> set[str]:
        """Returns symbols of contracts that were active since then, as far as the venue lists them.

        Nothing is read for a short span.
        """
        active = set[str]()
        for section in self.sections():
            if self._lists.has_windows(section, since, now):
                active |= await self._activity.read(section, since, now)
        return active

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
            orders += self._parse_orders(await self._lists.rows(_OPEN, section, params, symbols))
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
            rows = await self._lists.history(method, section, since, until, section.params, symbols)
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
            rows += await self._lists.history(TRADES, section, since, until, params, symbols, now)
        instruments = self._client.instruments
        quarantine = partial(self._raw_rows.quarantine, TRADE)
        trades = parse_trades(rows, self._venue, instruments, quarantine)
        paid = parse_funding(rows, instruments, now, quarantine)
        return trades, await with_legs(self._client, paid)

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
        starts = (self._lists.clamp_to_history(since, now, each) for each in self.sections())
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
