"""Reads the signals of an account and checks them with ``signal_rules``.

A signal with findings is read again until it did not change meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from oms.ports.command_queue import CommandQueue
from oms.ports.history_reads import HistoryReads
from oms.ports.signals.stored_signals import SignalRow
from oms.ports.verification_reads import VerificationReads
from oms.services.verify.findings import Finding, Findings
from oms.services.verify.history_pages import PAGE_ROWS
from oms.services.verify.signals.signal_rules import Archived, check_signal
from oms.services.verify.stable_read import read_stable


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalChecker:
    """Checks the signals of one account."""

    history: HistoryReads
    queue: CommandQueue
    audit: VerificationReads

    async def run(self, account_id: int, findings: Findings) -> None:
        """Check all signals of the account."""
        after = 0
        while rows := await self.audit.signals_of(account_id, after, PAGE_ROWS):
            wrong = {finding.id for finding in await self._inspect(rows)}
            for row in rows:
                if row.id in wrong and not findings.is_full:
                    findings.add(await self._recheck(row.id))
            after = rows[-1].id

    async def _recheck(self, signal_id: int) -> Sequence[Finding]:
        async def read() -> Sequence[SignalRow]:
            return tuple((await self.audit.signals([signal_id])).values())

        return await read_stable(read, self._inspect)

    async def _inspect(self, rows: Sequence[SignalRow]) -> Sequence[Finding]:
        command_ids = {command_id for row in rows for command_id in row.command_ids}
        order_ids = {order_id for row in rows for order_id in row.order_ids}
        first = await self.audit.signals(sorted({row.group_signal_id for row in rows}))
        commands = await self.queue.find(sorted(command_ids))
        orders = {row.id: row for row in await self.history.orders_by_id(sorted(order_ids))}
        archived = Archived(
            await self.audit.archived("command", command_ids - commands.keys()),
            await self.audit.archived("order", order_ids - orders.keys()),
        )
        return [
            finding
            for row in rows
            for finding in check_signal(
                row, first.get(row.group_signal_id), commands, orders, archived
            )
        ]
