"""Checks the books of accounts against their invariants, on any database, and changes nothing.

Rows are read in pages, so the length of a history does not matter. The gateway may run meanwhile:
what is found is looked at again, between two equal looks at the row (for a paper account: at the
account's event number), and only what is still found then is told.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from oms.domain.account import Account, Engine
from oms.domain.errors import NotFound
from oms.domain.instrument import Instrument
from oms.ports.audit_log import AuditLog
from oms.ports.clock import Clock
from oms.ports.command_queue import CommandQueue
from oms.ports.history_reads import HistoryReads
from oms.ports.leases import Leases
from oms.ports.ledger_store import LedgerStore
from oms.ports.registry import AccountRow, Registry
from oms.ports.verification_reads import VerificationReads
from oms.services.verify.audit_chain import check_audit_chain
from oms.services.verify.event_projection import UnreportedRows
from oms.services.verify.findings import Finding, Findings, make_finding
from oms.services.verify.history_pages import PAGE_ROWS
from oms.services.verify.paper_checker import PaperChecker
from oms.services.verify.row_checker import RowChecker
from oms.services.verify.stream_checker import CommandChecker, EventChecker

NO_ACCOUNT = 0
"""The account of what belongs to none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationResult:
    """What was checked of one account, and what was found."""

    account_id: int
    #: Event numbers checked.
    events: int
    findings: tuple[Finding, ...]
    #: Whether the chain of the audit log, one for all accounts, holds.
    is_chain_valid: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """Looks at one account or at all; raises ``Unavailable``, ``NotFound``."""

    registry: Registry
    history: HistoryReads
    ledger: LedgerStore
    queue: CommandQueue
    leases: Leases
    audit: VerificationReads
    audit_log: AuditLog
    clock: Clock
    instruments: Callable[[Account], Mapping[str, Instrument]]
    #: Events younger than this are kept.
    retention: timedelta

    async def __call__(
        self, account_id: int | None = None, from_seq: int = 0
    ) -> AsyncIterator[VerificationResult]:
        """Verdicts, by account ascending; events are checked from number ``from_seq`` on.

        One of account 0 comes first if rows of no account are wrong, or the audit log's chain.
        """
        rows = await self.registry.accounts(None if account_id is None else [account_id])
        if account_id is not None and not rows:
            raise NotFound(f"account {account_id} does not exist", code="account_not_found")
        findings = Findings(NO_ACCOUNT)
        findings.add(await check_audit_chain(self.audit_log))
        holds = not findings.kept
        if account_id is None:
            await self._nobodys(findings)
        if told := findings.told():
            yield VerificationResult(
                account_id=NO_ACCOUNT, events=0, findings=told, is_chain_valid=holds
            )
        for row in rows:
            yield replace(await self._verdict(row, from_seq), is_chain_valid=holds)

    async def _verdict(self, row: AccountRow, from_seq: int) -> VerificationResult:
        account = row.account
        findings = Findings(account.id)
        is_young = self.clock.now() - row.created_at < self.retention
        events = EventChecker(history=self.history, account_id=account.id, from_seq=from_seq)
        check = await events.run(findings, is_young=is_young)
        commands = CommandChecker(
            history=self.history, queue=self.queue, leases=self.leases, audit=self.audit
        )
        await commands.run(account.id, check, events, findings)
        unreported = UnreportedRows(projection=check.projection, oldest_at=check.oldest_at)
        instruments = self.instruments(account)
        await RowChecker(
            account=account,
            instruments=instruments,
            findings=findings,
            unreported=unreported,
            history=self.history,
            ledger=self.ledger,
            queue=self.queue,
            audit=self.audit,
        ).run()
        await events.check_rows(check, unreported, findings)
        if account.engine is Engine.PAPER:
            paper = PaperChecker(
                account=account,
                instruments=instruments,
                history=self.history,
                ledger=self.ledger,
                audit=self.audit,
            )
            findings.add(await paper.run())
        return VerificationResult(
            account_id=account.id, events=check.events, findings=findings.told()
        )

    async def _nobodys(self, findings: Findings) -> None:
        """What no account shows: rows of accounts that are not there, keys without commands."""
        for stray in await self.audit.orphan_rows():
            told = f"{stray.rows} rows of account {stray.account_id}"
            findings.add(
                [make_finding("row_account", stray.table, stray.account_id, "an account", told)]
            )
        after = ""
        while keys := await self.audit.used_idempotency_keys(after, PAGE_ROWS):
            named = sorted({command_id for key in keys for command_id in key.command_ids})
            known = await self.queue.find(named)
            for key in keys:
                for command_id in sorted(set(key.command_ids) - known.keys()):
                    expected = f"command {command_id}"
                    findings.add(
                        [
                            make_finding(
                                "key_command", "idempotency_key", key.scope_hash, expected, None
                            )
                        ]
                    )
            after = keys[-1].scope_hash
