"""Reads the decisions of the bots of an account and checks them with ``decision_rules``."""

from dataclasses import dataclass

from oms.ports.verification_reads import VerificationReads
from oms.services.verify.findings import Findings, make_finding
from oms.services.verify.history_pages import PAGE_ROWS
from oms.services.verify.signals.decision_rules import check_decision


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionChecker:
    """Checks the decisions of one account; a bot that was deleted took its decisions along."""

    audit: VerificationReads

    async def run(self, account_id: int, findings: Findings) -> None:
        """Check all decisions of the account, and that each signal of a bot has one."""
        after = 0
        while rows := await self.audit.decisions_of(account_id, after, PAGE_ROWS):
            named = sorted({row.signal_id for row in rows if row.signal_id is not None})
            signals = await self.audit.signals(named)
            for row in rows:
                signal = None if row.signal_id is None else signals.get(row.signal_id)
                findings.add(check_decision(row, account_id, signal))
            after = rows[-1].id
        findings.add(
            make_finding("signal_decision", "signal", signal_id, "a decision of its bot", None)
            for signal_id in await self.audit.signals_without_decision(account_id, PAGE_ROWS)
        )
