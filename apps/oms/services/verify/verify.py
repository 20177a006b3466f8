"""Verifies the books of accounts against their invariants; read-only, on any database.

Rows are read in pages, so memory does not grow with the history. The gateway may run at the same
time: a row with a finding is read again until it is unchanged before and after its check (for a
paper account: until the event number is unchanged), and only findings that remain are returned.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from oms.domain.account import Account, Engine
from oms.domain.errors import NotFound
from oms.domain.instrument import Instrument
from oms.ports.audit_log import AuditLog
from oms.ports.clock import Clock
from oms.ports.command_chain import CommandChain
from oms.ports.command_queue import CommandQueue
from oms.ports.history_reads import HistoryReads
from oms.ports.leases import Leases
from oms.ports.ledger_store import LedgerStore
from oms.ports.registry import AccountRow, Registry
from oms.ports.verification_reads import VerificationReads
from oms.services.verify.audit_chain import check_audit_chain
from oms.services.verify.command_chain import check_command_chain
from oms.services.verify.event_projection import UnreportedRows
from oms.services.verify.findings import Finding, Findings, make_finding
from oms.services.verify.history_pages import PAGE_ROWS
from oms.services.verify.paper_checker import PaperChecker
from oms.services.verify.registry_rules import check_registry
from oms.services.verify.row_checker import RowChecker
from oms.services.verify.signals.decision_checker import DecisionChecker
from oms.services.verify.signals.signal_checker import SignalChecker
from oms.services.verify.stopped_check import stopped_check
from oms.services.verify.stream_checker import CommandChecker, EventChecker

INTEGRITY_ERRORS_MAX = 20
NO_ACCOUNT = 0
"""Account id of findings that belong to no account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationResult:
    """Result of the verification of one account."""

    account_id: int
    #: Number of checked event numbers.
    events: int
    findings: tuple[Finding, ...]
    #: Whether the hash chains of audit log and commands, common to all accounts, are valid.
    is_chain_valid: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """Verifies one or all accounts; raises ``Unavailable``, ``NotFound``."""

    registry: Registry
    history: HistoryReads
    ledger: LedgerStore
    queue: CommandQueue
    leases: Leases
    audit: VerificationReads
    audit_log: AuditLog
    command_chain: CommandChain
    clock: Clock
    instruments: Callable[[Account], Awaitable[Mapping[str, Instrument]]]
    #: Events younger than this are never deleted.
    retention: timedelta

    async def __call__(
        self,
        account_id: int | None = None,
        from_seq: int = 0,
        checkpoint_findings: Sequence[Finding] = (),
    ) -> AsyncIterator[VerificationResult]:
        """Yield results by account, ascending; events are checked from number ``from_seq`` on.

        A result of account 0 comes first if orphan rows or the chains have findings;
        ``checkpoint_findings`` are the ones of a comparison of the chains with a checkpoint.
        """
        findings = Findings(NO_ACCOUNT)
        rows: Sequence[AccountRow] = ()
        with stopped_check(findings, "accounts", NO_ACCOUNT):
            rows = await self.registry.accounts(None if account_id is None else [account_id])
            if account_id is not None and not rows:
                raise NotFound(f"account {account_id} does not exist", code="account_not_found")
        findings.add(checkpoint_findings)
        with stopped_check(findings, "audit_log", NO_ACCOUNT):
            findings.add(await check_audit_chain(self.audit_log))
        with stopped_check(findings, "command_chain", NO_ACCOUNT):
            findings.add(await check_command_chain(self.command_chain))
        is_chain_valid = not findings.kept
        if account_id is None:
            with stopped_check(findings, "database", NO_ACCOUNT):
                await self._check_values(findings)
            with stopped_check(findings, "accounts", NO_ACCOUNT):
                await self._check_orphans(findings)
            with stopped_check(findings, "users", NO_ACCOUNT):
                findings.add(await check_registry(self.audit_log, self.audit))
        if orphan_findings := findings.to_tuple():
            yield VerificationResult(
                account_id=NO_ACCOUNT,
                events=0,
                findings=orphan_findings,
                is_chain_valid=is_chain_valid,
            )
        for row in rows:
            yield replace(await self._verify_account(row, from_seq), is_chain_valid=is_chain_valid)

    async def _check_values(self, findings: Findings) -> None:
        """Check the file of the database, and that each stored value is one that is written."""
        errors = await self.audit.integrity_errors(INTEGRITY_ERRORS_MAX)
        findings.add(
            make_finding("database_integrity", "database", 1, "ok", error) for error in errors
        )
        async for value in self.audit.invalid_values():
            findings.add(
                [
                    Finding(
                        invariant="row_value",
                        entity=value.table,
                        id=value.row_id,
                        column=value.column,
                        expected=value.expected,
                        found=value.found,
                    )
                ]
            )

    async def _verify_account(self, row: AccountRow, from_seq: int) -> VerificationResult:
        account = row.account
        findings = Findings(account.id)
        count = 0
        with stopped_check(findings, "account", account.id):
            count = await self._check_ledger(row, from_seq, findings)
        if account.engine is Engine.PAPER:
            paper = PaperChecker(
                account=account,
                instruments=await self.instruments(account),
                history=self.history,
                ledger=self.ledger,
                audit=self.audit,
            )
            with stopped_check(findings, "paper_state", account.id):
                findings.add(await paper.run())
        return VerificationResult(account_id=account.id, events=count, findings=findings.to_tuple())

    async def _check_ledger(self, row: AccountRow, from_seq: int, findings: Findings) -> int:
        """Check events, commands and rows of an account; returns the number of events."""
        account = row.account
        is_young = self.clock.now() - row.created_at < self.retention
        events = EventChecker(history=self.history, account_id=account.id, from_seq=from_seq)
        check = await events.run(findings, is_young=is_young)
        commands = CommandChecker(
            history=self.history,
            queue=self.queue,
            leases=self.leases,
            audit=self.audit,
            chain=self.command_chain,
        )
        await commands.run(account.id, check, events, findings)
        signals = SignalChecker(history=self.history, queue=self.queue, audit=self.audit)
        await signals.run(account.id, findings)
        await DecisionChecker(audit=self.audit).run(account.id, findings)
        unreported = UnreportedRows(projection=check.projection, oldest_at=check.oldest_at)
        await RowChecker(
            account=account,
            instruments=await self.instruments(account),
            findings=findings,
            unreported=unreported,
            history=self.history,
            ledger=self.ledger,
            queue=self.queue,
            audit=self.audit,
        ).run()
        await events.check_rows(check, unreported, findings)
        return check.events

    async def _check_orphans(self, findings: Findings) -> None:
        """Check for rows of non-existent accounts and idempotency keys without commands."""
        for orphan in await self.audit.orphan_rows():
            found = f"{orphan.rows} rows of account {orphan.account_id}"
            findings.add(
                [make_finding("row_account", orphan.table, orphan.account_id, "an account", found)]
            )
        after = ""
        while keys := await self.audit.used_idempotency_keys(after, PAGE_ROWS):
            command_ids = sorted({command_id for key in keys for command_id in key.command_ids})
            commands = await self.queue.find(command_ids)
            for key in keys:
                for command_id in sorted(set(key.command_ids) - commands.keys()):
                    expected = f"command {command_id}"
                    findings.add(
                        [
                            make_finding(
                                "key_command", "idempotency_key", key.scope_hash, expected, None
                            )
                        ]
                    )
            after = keys[-1].scope_hash
