"""Reads events and commands of an account and checks them with ``stream_rules``.

Events are read up to the head at the start. A final command is then searched in them and in newer
events, as it may have ended while they were read.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from oms.domain.commands.command import CommandStatus
from oms.ports.command_chain import CommandChain
from oms.ports.command_queue import CommandQueue, CommandRow
from oms.ports.history_reads import HistoryReads, StoredEventRow
from oms.ports.leases import Leases
from oms.ports.verification_reads import VerificationReads
from oms.services.verify.command_chain import check_unlinked
from oms.services.verify.event_projection import EventProjection, UnreportedRows
from oms.services.verify.findings import Findings, make_finding
from oms.services.verify.history_pages import PAGE_ROWS, iterate_pages
from oms.services.verify.order_links import check_order_links, signal_named_by
from oms.services.verify.signals.signal_rules import check_signal_of_command, signal_id_of
from oms.services.verify.stream_rules import EventCheck, check_command, must_be_reported

_ALL = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class EventChecker:
    """Checks the events of one account from number ``from_seq`` on."""

    history: HistoryReads
    account_id: int
    from_seq: int

    async def run(self, findings: Findings, *, is_young: bool) -> EventCheck:
        """Check all retained events; a young account has not lost any to retention."""
        head = await self._head()
        start = max(self.from_seq, 1)
        oldest = await self._oldest()
        first = start if oldest is None or is_young else max(start, oldest)
        check = EventCheck(last=first - 1, from_seq=self.from_seq)
        async for stored in self._rows(start - 1):
            if stored.row.seq > head:
                await self._check_head(stored, findings)
                break
            if stored.row.seq > check.last + 1 and not is_young:
                await self._skip_deleted(stored, check)
            findings.add(check.add(stored))
            if len(check.projection.uncompared) >= PAGE_ROWS:
                await self._compare(check.projection)
        await self._compare(check.projection)
        if check.last < head and (check.events or is_young):
            findings.add(
                [make_finding("event_numbers", "account", self.account_id, head, check.last)]
            )
        return check

    async def apply_newer(self, check: EventCheck) -> None:
        """Apply the events after the checked ones."""
        async for stored in self._rows(check.last):
            check.apply(stored)

    async def check_rows(
        self, check: EventCheck, unreported: UnreportedRows, findings: Findings
    ) -> None:
        """Check that all rows equal their last event, including newer events."""
        if unreported.rows or check.projection.differing:
            await self.apply_newer(check)
        findings.add(unreported.findings)
        findings.add(check.projection.differing.values())
        findings.add(unreported.remaining_findings())

    async def _compare(self, projection: EventProjection) -> None:
        """Compare the rows with their last reported payloads."""
        for kind, ids in projection.batches(PAGE_ROWS):
            match kind:
                case "order":
                    projection.compare_orders(ids, await self.history.orders_by_id(ids))
                case "deal":
                    projection.compare_deals(ids, await self.history.deals_by_id(ids))
                case "position":
                    projection.compare_positions(ids, await self.history.positions_by_id(ids))

    async def _check_head(self, stored: StoredEventRow, findings: Findings) -> None:
        head = await self._head()
        if stored.row.seq_to > head:
            expected = f"event {stored.row.seq_to}"
            findings.add([make_finding("event_head", "account", self.account_id, expected, head)])

    async def _skip_deleted(self, stored: StoredEventRow, check: EventCheck) -> None:
        """Ignore a gap before the oldest row: its events expired during the check."""
        if await self._oldest() == stored.row.seq:
            check.last = stored.row.seq - 1

    async def _rows(self, last: int) -> AsyncIterator[StoredEventRow]:
        while rows := await self.history.events({self.account_id: last}, PAGE_ROWS):
            for stored in rows:
                yield stored
            last = rows[-1].row.seq_to

    async def _head(self) -> int:
        return (await self.history.heads([self.account_id])).get(self.account_id, 0)

    async def _oldest(self) -> int | None:
        return (await self.history.oldest([self.account_id])).get(self.account_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandChecker:
    """Checks the commands of one account."""

    history: HistoryReads
    queue: CommandQueue
    leases: Leases
    audit: VerificationReads
    chain: CommandChain

    async def run(
        self, account_id: int, check: EventCheck, events: EventChecker, findings: Findings
    ) -> None:
        """Check all commands and that each end was reported."""
        unreported: list[int] = []
        running: list[int] = []
        last_id = await self.chain.last_command_id()
        last = (await self.queue.find([last_id])).get(last_id)
        linked_to = None if last is None else last.created_at
        async for commands in iterate_pages(account_id, self.history.commands):
            await self._check_page(commands, findings)
            statuses = await self.chain.linked_statuses([command.id for command in commands])
            findings.add(check_unlinked(commands, statuses, last_id, linked_to))
            for command in commands:
                if command.status is CommandStatus.RUNNING:
                    running.append(command.id)
                if (
                    must_be_reported(command, check.oldest_at)
                    and command.id not in check.reported_command_ids
                ):
                    unreported.append(command.id)
        if unreported:
            await events.apply_newer(check)
        findings.add(
            make_finding("command_event", "command", command_id, "reported in an event", None)
            for command_id in unreported
            if command_id not in check.reported_command_ids
        )
        await self._check_running(account_id, running, findings)
        lease_tokens = await self.audit.lease_tokens(account_id)
        if lease_tokens.written > lease_tokens.given:
            expected = f"at most lease token {lease_tokens.given}"
            findings.add(
                [make_finding("lease_fence", "account", account_id, expected, lease_tokens.written)]
            )
        findings.add(
            make_finding("command_order", "command", command_id, "one order", "several")
            for command_id in await self.audit.commands_with_several_orders(account_id)
        )

    async def _check_page(self, commands: Sequence[CommandRow], findings: Findings) -> None:
        """Check a page; an order is written together with the end of its command."""
        order_ids = {command.order_id for command in commands if command.order_id is not None}
        orders = {row.id: row for row in await self.history.orders_by_id(sorted(order_ids))}
        archived = await self.audit.archived("order", order_ids - orders.keys())
        signal_ids = {signal_id_of(command) for command in commands}
        signal_ids |= {signal_named_by(command) for command in commands}
        signals = await self.audit.signals(sorted(filter(None, signal_ids)))
        for command in commands:
            findings.add(check_command(command, orders, archived))
            findings.add(check_signal_of_command(command, signals))
            findings.add(check_order_links(command, orders, signals))

    async def _check_running(self, account_id: int, ids: Sequence[int], findings: Findings) -> None:
        """Find running commands without a lease; the lease is checked before and after the read."""
        if not ids or account_id not in await self.leases.free(_ALL):
            return
        rows = await self.queue.find(ids)
        if account_id in await self.leases.free(_ALL):
            findings.add(
                make_finding("command_lease", "command", row.id, "a lease while it runs", None)
                for row in rows.values()
                if row.status is CommandStatus.RUNNING
            )
