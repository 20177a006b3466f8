"""Checks the books of accounts against their invariants, on any database, and changes nothing.

Rows are read in pages, so the length of a history does not matter. The gateway may run meanwhile:
what is found is looked at again, between two equal looks at the row (for a paper account: at the
account's event number), and only what is still found then is told.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from oms.domain.account import Account, Engine
from oms.domain.deal import Deal
from oms.domain.errors import NotFound
from oms.domain.instrument import Instrument
from oms.domain.order import Order
from oms.domain.position import Position
from oms.ports.audit_reads import AuditReads
from oms.ports.clock import Clock
from oms.ports.history import History, Window
from oms.ports.leases import Leases
from oms.ports.ledger import LedgerStore
from oms.ports.queue import CommandQueue
from oms.ports.registry import AccountRow, Registry
from oms.services.verify.books import (
    deal_findings,
    one_open_findings,
    order_findings,
    position_findings,
    repeated_deals,
    several_open,
)
from oms.services.verify.findings import Finding, Findings
from oms.services.verify.looks import CommandLook, EventLook
from oms.services.verify.pages import pages
from oms.services.verify.paper import PaperLook

_ALL = 2**31 - 1
LOOKS_MAX = 50
"""Looks at a row that changes under each; then it is left alone."""

Mark = TypeVar("Mark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was checked of one account, and what was found."""

    account_id: int
    #: Event numbers checked.
    events: int
    findings: tuple[Finding, ...]


@dataclass(slots=True, kw_only=True)
class _Case:
    """One account under check."""

    account: Account
    instruments: Mapping[str, Instrument]
    findings: Findings
    #: Open positions, for the modes that allow but one.
    open_positions: list[Position] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """Looks at one account or at all; raises ``Unavailable``, ``NotFound``."""

    registry: Registry
    history: History
    ledger: LedgerStore
    queue: CommandQueue
    leases: Leases
    audit: AuditReads
    clock: Clock
    instruments: Callable[[Account], Mapping[str, Instrument]]
    #: Events younger than this are kept.
    retention: timedelta

    async def __call__(
        self, account_id: int | None = None, from_seq: int = 0
    ) -> AsyncIterator[Verdict]:
        """Verdicts, by account ascending; events are checked from number ``from_seq`` on."""
        rows = await self.registry.accounts(None if account_id is None else [account_id])
        if account_id is not None and not rows:
            raise NotFound(f"account {account_id} does not exist", code="account_not_found")
        for row in rows:
            yield await self._verdict(row, from_seq)

    async def _verdict(self, row: AccountRow, from_seq: int) -> Verdict:
        account = row.account
        findings = Findings(account.id)
        instruments = self.instruments(account)
        case = _Case(account=account, instruments=instruments, findings=findings)
        is_young = self.clock.now() - row.created_at < self.retention
        events = EventLook(history=self.history, account_id=account.id, from_seq=from_seq)
        check = await events.checked(findings, is_young=is_young)
        commands = CommandLook(
            history=self.history, queue=self.queue, leases=self.leases, audit=self.audit
        )
        await commands.checked(account.id, check, events, findings)
        await self._orders(case)
        await self._positions(case)
        await self._modes(case)
        await self._deals(case)
        if account.engine is Engine.PAPER:
            paper = PaperLook(account=account, instruments=instruments)
            findings.add(await self._paper(account.id, paper))
        return Verdict(account_id=account.id, events=check.events, findings=findings.told())

    async def _orders(self, case: _Case) -> None:
        async for orders in pages(case.account.id, self.history.orders):
            deals = _by_order(await self.history.deals_by_order([order.id for order in orders]))
            for order in orders:
                if order_findings(order, deals[order.id]) and not case.findings.are_full:
                    case.findings.add(await self._order_again(order.id))

    async def _order_again(self, order_id: int) -> Sequence[Finding]:
        async def look(rows: Sequence[Order]) -> Sequence[Finding]:
            deals = await self.history.deals_by_order([order_id])
            return [finding for row in rows for finding in order_findings(row, deals)]

        return await _settled(lambda: self.history.orders_by_id([order_id]), look)

    async def _positions(self, case: _Case) -> None:
        async for positions in pages(case.account.id, self.history.positions):
            found = await self.audit.deals_of_positions([row.id for row in positions])
            deals: dict[int, list[Deal]] = defaultdict(list)
            for deal in found:
                deals[deal.position_id].append(deal)
            for position in positions:
                instrument = case.instruments.get(position.symbol)
                wrong = position_findings(position, instrument, deals[position.id])
                if wrong and not case.findings.are_full:
                    case.findings.add(await self._position_again(case, position.id))
            case.open_positions += [row for row in positions if row.is_open]

    async def _position_again(self, case: _Case, position_id: int) -> Sequence[Finding]:
        async def look(rows: Sequence[Position]) -> Sequence[Finding]:
            deals = await self.audit.deals_of_positions([position_id])
            return [
                finding
                for row in rows
                for finding in position_findings(row, case.instruments.get(row.symbol), deals)
            ]

        return await _settled(lambda: self.history.positions_by_id([position_id]), look)

    async def _modes(self, case: _Case) -> None:
        """One may have closed and the next opened between two pages: one read tells."""
        mode = case.account.position_mode
        for group in several_open(mode, case.open_positions):
            rows = await self.history.positions_by_id([position.id for position in group])
            for still in several_open(mode, [row for row in rows if row.is_open]):
                case.findings.add(one_open_findings(mode, still))

    async def _deals(self, case: _Case) -> None:
        """A deal is written with its order and its position: they are there when it is seen."""
        async for deals in pages(case.account.id, self.history.deals):
            named = {deal.order_id for deal in deals if deal.order_id is not None}
            orders = {row.id: row for row in await self.history.orders_by_id(sorted(named))}
            held = sorted({deal.position_id for deal in deals})
            positions = {row.id: row for row in await self.history.positions_by_id(held)}
            for deal in deals:
                case.findings.add(deal_findings(deal, orders, positions))
            here = {deal.id for deal in deals}
            same = await self._same_trades(case.account.id, deals)
            case.findings.add(f for f in repeated_deals(same) if f.id in here)

    async def _same_trades(self, account_id: int, deals: Iterable[Deal]) -> Sequence[Deal]:
        """All deals of the executions that these deals are of."""
        trades: dict[str, set[str]] = defaultdict(set)
        for deal in deals:
            trades[deal.symbol].add(deal.exchange_trade_id)
        same: list[Deal] = []
        for symbol, names in trades.items():
            found = await self.ledger.deals_of(account_id, symbol, sorted(names))
            same.extend(deal for legs in found.values() for deal in legs)
        return same

    async def _paper(self, account_id: int, paper: PaperLook) -> Sequence[Finding]:
        whole = Window(account_ids=(account_id,))

        async def look(_: Mapping[int, int]) -> Sequence[Finding]:
            rows = await self.audit.paper_memory(account_id)
            orders = await self.history.open_orders(whole, _ALL)
            positions = await self.history.open_positions(whole, _ALL)
            return paper.findings(rows, orders, positions)

        return await _settled(lambda: self.history.heads([account_id]), look)


async def _settled(
    mark: Callable[[], Awaitable[Mark]], look: Callable[[Mark], Awaitable[Sequence[Finding]]]
) -> Sequence[Finding]:
    """What a look finds that nothing changed under: the mark before it is the mark after it."""
    before = await mark()
    for _ in range(LOOKS_MAX):
        found = await look(before)
        after = await mark()
        if before == after or not found:
            return found
        before = after
    return ()


def _by_order(deals: Iterable[Deal]) -> Mapping[int | None, list[Deal]]:
    groups: dict[int | None, list[Deal]] = defaultdict(list)
    for deal in deals:
        groups[deal.order_id].append(deal)
    return groups
