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
from oms.ports.audit_reads import AuditReads
from oms.ports.clock import Clock
from oms.ports.history import History
from oms.ports.leases import Leases
from oms.ports.ledger import LedgerStore
from oms.ports.queue import CommandQueue
from oms.ports.registry import AccountRow, Registry
from oms.services.verify.chain import chain_findings
from oms.services.verify.findings import Finding, Findings, breach
from oms.services.verify.looks import CommandLook, EventLook
from oms.services.verify.pages import PAGE_ROWS
from oms.services.verify.paper_look import PaperLook
from oms.services.verify.rows import RowLook
from oms.services.verify.told import Untold

NOBODY = 0
"""The account of what belongs to none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was checked of one account, and what was found."""

    account_id: int
    #: Event numbers checked.
    events: int
    findings: tuple[Finding, ...]
    #: Whether the chain of the audit log, one for all accounts, holds.
    chain_holds: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """Looks at one account or at all; raises ``Unavailable``, ``NotFound``."""

    registry: Registry
    history: History
    ledger: LedgerStore
    queue: CommandQueue
    leases: Leases
    audit: AuditReads
    audit_log: AuditLog
    clock: Clock
    instruments: Callable[[Account], Mapping[str, Instrument]]
    #: Events younger than this are kept.
    retention: timedelta

    async def __call__(
        self, account_id: int | None = None, from_seq: int = 0
    ) -> AsyncIterator[Verdict]:
        """Verdicts, by account ascending; events are checked from number ``from_seq`` on.

        One of account 0 comes first if rows of no account are wrong, or the audit log's chain.
        """
        rows = await self.registry.accounts(None if account_id is None else [account_id])
        if account_id is not None and not rows:
            raise NotFound(f"account {account_id} does not exist", code="account_not_found")
        findings = Findings(NOBODY)
        findings.add(await chain_findings(self.audit_log))
        holds = not findings.kept
        if account_id is None:
            await self._nobodys(findings)
        if told := findings.told():
            yield Verdict(account_id=NOBODY, events=0, findings=told, chain_holds=holds)
        for row in rows:
            yield replace(await self._verdict(row, from_seq), chain_holds=holds)

    async def _verdict(self, row: AccountRow, from_seq: int) -> Verdict:
        account = row.account
        findings = Findings(account.id)
        is_young = self.clock.now() - row.created_at < self.retention
        events = EventLook(history=self.history, account_id=account.id, from_seq=from_seq)
        check = await events.checked(findings, is_young=is_young)
        commands = CommandLook(
            history=self.history, queue=self.queue, leases=self.leases, audit=self.audit
        )
        await commands.checked(account.id, check, events, findings)
        untold = Untold(tales=check.tales, oldest_at=check.oldest_at)
        instruments = self.instruments(account)
        await RowLook(
            account=account,
            instruments=instruments,
            findings=findings,
            untold=untold,
            history=self.history,
            ledger=self.ledger,
            queue=self.queue,
            audit=self.audit,
        ).checked()
        await events.judge_rows(check, untold, findings)
        if account.engine is Engine.PAPER:
            paper = PaperLook(
                account=account,
                instruments=instruments,
                history=self.history,
                ledger=self.ledger,
                audit=self.audit,
            )
            findings.add(await paper.checked())
        return Verdict(account_id=account.id, events=check.events, findings=findings.told())

    async def _nobodys(self, findings: Findings) -> None:
        """What no account shows: rows of accounts that are not there, keys without commands."""
        for stray in await self.audit.strays():
            told = f"{stray.rows} rows of account {stray.account_id}"
            findings.add([breach("row_account", stray.table, stray.account_id, "an account", told)])
        after = ""
        while keys := await self.audit.used_keys(after, PAGE_ROWS):
            named = sorted({command_id for key in keys for command_id in key.command_ids})
            known = await self.queue.find(named)
            for key in keys:
                for command_id in sorted(set(key.command_ids) - known.keys()):
                    expected = f"command {command_id}"
                    findings.add(
                        [breach("key_command", "idempotency_key", key.scope_hash, expected, None)]
                    )
            after = keys[-1].scope_hash
