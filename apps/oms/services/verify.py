"""Checks the books of accounts against their invariants, on any database, and changes nothing.

Rows are read in pages, so the size of a history does not matter. The gateway may run meanwhile:
what was found while an account moved is looked at again, and only what stays is told.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

from oms.domain.account import Account, Engine
from oms.domain.deal import Deal
from oms.domain.errors import NotFound
from oms.domain.instrument import Instrument
from oms.domain.position import Position
from oms.ports.audit_reads import AuditReads
from oms.ports.clock import Clock
from oms.ports.history import History, Page, Row, StoredEvents, Window
from oms.ports.registry import AccountRow, Registry
from oms.services.invariants import (
    Finding,
    command_findings,
    mode_findings,
    order_findings,
    paper_findings,
    position_findings,
)
from oms.simulation.canonical import StoredMemory, text_hash
from oms.wire.json import loads

PAGE_ROWS = 500
LOOKS_MAX = 4
FINDINGS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was checked of one account, and what was found; ``findings`` is cut at a hundred."""

    account_id: int
    #: Rows read by kind: events, commands, orders, positions, deals.
    checked: Mapping[str, int]
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class _Look:
    """One look at an account."""

    row: AccountRow
    from_seq: int
    instruments: Mapping[str, Instrument]
    open_positions: list[Position] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def account(self) -> Account:
        """The account looked at."""
        return self.row.account

    def found(self, invariant: str, message: str) -> None:
        """Note a breach."""
        self.findings.append(Finding(invariant=invariant, message=message))

    def counted(self, kind: str, rows: int) -> None:
        """Note that so many rows were read."""
        self.checked[kind] = self.checked.get(kind, 0) + rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """Looks at one account or at all; raises ``Unavailable``, ``NotFound``."""

    registry: Registry
    history: History
    audit: AuditReads
    clock: Clock
    instruments: Callable[[Account], Mapping[str, Instrument]]
    #: A command that waits longer than this is stuck.
    stuck_after: timedelta
    #: Events younger than this are kept.
    retention: timedelta

    async def __call__(
        self, account_id: int | None = None, from_seq: int = 0
    ) -> AsyncIterator[Verdict]:
        """Verdicts, by account ascending; events are checked behind number ``from_seq``."""
        rows = await self.registry.accounts(None if account_id is None else [account_id])
        if account_id is not None and not rows:
            raise NotFound(f"account {account_id} does not exist", code="account_not_found")
        for row in rows:
            yield await self._account(row, from_seq)

    async def _account(self, row: AccountRow, from_seq: int) -> Verdict:
        """Look until nothing is found, the account stood still, or the same is found for sure."""
        account_id = row.account.id
        before: frozenset[Finding] | None = None
        for number in count(1):
            head = (await self.history.heads([account_id])).get(account_id)
            look = await self._looked(row, from_seq)
            stood = head == (await self.history.heads([account_id])).get(account_id)
            found = frozenset(look.findings)
            stays = found if stood or before is None else found & before
            if not found or stood or number == LOOKS_MAX:
                break
            before = stays
        findings = sorted(stays, key=lambda f: (f.invariant, f.message))[:FINDINGS_MAX]
        return Verdict(account_id=account_id, checked=look.checked, findings=tuple(findings))

    async def _looked(self, row: AccountRow, from_seq: int) -> _Look:
        look = _Look(row, from_seq, self.instruments(row.account))
        await self._events(look)
        await self._commands(look)
        await self._orders(look)
        await self._positions(look)
        look.findings += mode_findings(look.account.position_mode, look.open_positions)
        if look.account.engine is Engine.PAPER:
            await self._paper(look)
        return look

    async def _events(self, look: _Look) -> None:
        account_id = look.account.id
        head = (await self.history.heads([account_id])).get(account_id, 0)
        kept = (await self.history.oldest([account_id])).get(account_id, head + 1)
        is_young = self.clock.now() - look.row.created_at < self.retention
        if kept > 1 and is_young:
            look.found("events", f"events before {kept} are missing")
        last = max(look.from_seq, kept - 1)
        while last < head:
            rows = await self.history.events({account_id: last}, PAGE_ROWS)
            if not rows:
                look.found("events", f"events from {last + 1} to {head} are missing")
                return
            look.counted("events", len(rows))
            for stored in rows:
                overlaps = stored.row.seq <= last and last != look.from_seq
                if stored.row.seq > last + 1 or overlaps:
                    look.found("events", f"event {stored.row.seq} follows {last}")
                elif not _is_whole(stored):
                    look.found("events", f"event row {stored.row.id} holds not what it numbers")
                last = stored.row.seq_to

    async def _commands(self, look: _Look) -> None:
        account_id, now = look.account.id, self.clock.now()
        async for commands in _pages(account_id, self.history.commands):
            look.counted("commands", len(commands))
            for command in commands:
                look.findings += command_findings(command, now, self.stuck_after)
        for command_id in await self.audit.commands_with_several_orders(account_id):
            look.found("commands", f"command {command_id}: more than one order")

    async def _orders(self, look: _Look) -> None:
        async for orders in _pages(look.account.id, self.history.orders):
            look.counted("orders", len(orders))
            deals = _grouped(
                await self.history.deals_by_order([order.id for order in orders]),
                lambda deal: deal.order_id,
            )
            for order in orders:
                look.findings += order_findings(order, deals[order.id])

    async def _positions(self, look: _Look) -> None:
        async for positions in _pages(look.account.id, self.history.positions):
            look.counted("positions", len(positions))
            found = await self.audit.deals_of_positions([row.id for row in positions])
            look.counted("deals", len(found))
            deals = _grouped(found, lambda deal: deal.position_id)
            for position in positions:
                instrument = look.instruments.get(position.symbol)
                look.findings += position_findings(position, instrument, deals[position.id])
            look.open_positions += [row for row in positions if row.is_open]
        stored = await self.history.deals(Window(account_ids=(look.account.id,), page_size=1))
        lost = (stored.total or 0) - look.checked.get("deals", 0)
        if lost:
            look.found("positions", f"{lost} deals belong to no position of the account")

    async def _paper(self, look: _Look) -> None:
        rows = await self.audit.paper_memory(look.account.id)
        if rows.state is None:
            return
        if rows.state_hash and rows.state_hash != text_hash(rows.state):
            look.found("paper", "the memory is not what was written")
            return
        orders = [text for text in rows.orders.values() if text is not None]
        memory = StoredMemory(books=rows.state, orders=orders, markets=rows.prices).memory()
        look.findings += paper_findings(look.account, memory, look.instruments, look.open_positions)


def _is_whole(stored: StoredEvents) -> bool:
    """Whether the row holds as many events as it numbers."""
    row = stored.row
    numbers = row.seq_to - row.seq + 1
    return numbers == (len(loads(row.payload)) if row.event_type == "batch" else 1)


async def _pages(
    account_id: int, read: Callable[[Window], Awaitable[Page[Row]]]
) -> AsyncIterator[Sequence[Row]]:
    """All rows of the account, page by page, ascending by id."""
    after_id: int | None = 0
    while after_id is not None:
        page = await read(
            Window(
                account_ids=(account_id,),
                page_size=PAGE_ROWS,
                after_id=after_id,
                with_total=False,
            )
        )
        after_id = page.next_after_id
        if page.items:
            yield page.items


def _grouped(
    deals: Iterable[Deal], key: Callable[[Deal], int | None]
) -> Mapping[int | None, list[Deal]]:
    """Deals by a key; a key without any has none."""
    groups: dict[int | None, list[Deal]] = defaultdict(list)
    for deal in deals:
        groups[key(deal)].append(deal)
    return groups
