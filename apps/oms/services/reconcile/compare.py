"""Compare: findings become rows, rows open when they are seen again, and end by themselves.

What the account's policy leaves to nobody is put right at once. Seeing the same again writes
nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from oms.domain.errors import Refused
from oms.domain.ledger.deal import Deal
from oms.domain.reconcile.discrepancy import (
    Discrepancy,
    DiscrepancyClass,
    DiscrepancyPolicy,
    DiscrepancyStatus,
    Finding,
    close_ended,
    is_covered,
    update_seen,
)
from oms.domain.value import evolve
from oms.ports.exchange import ExchangeSnapshot
from oms.ports.ids import IdBlocks
from oms.ports.reconcile_store import ReconcileStore
from oms.services.account_state.state import AccountState
from oms.services.ledger.record import Changes
from oms.services.reconcile.diff import HISTORY_LAG, ReconcileDiff, Trade
from oms.services.reconcile.fixes import Fixes
from oms.services.reconcile.open_discrepancies import (
    OpenDiscrepancies,
    load_open_discrepancies,
    parse_facts,
)

AUTO_POLICY_ACTOR = "policy auto"
"""Who decided where nobody was asked."""

_DEALS = (DiscrepancyClass.DEAL_EXTRA, DiscrepancyClass.DEAL_DIFFERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDiscrepancies:
    """Compares one account at a time."""

    ids: IdBlocks
    rows: ReconcileStore
    fixes: Fixes

    async def __call__(
        self,
        state: AccountState,
        snapshot: ExchangeSnapshot,
        booked: Mapping[Trade, Sequence[Deal]],
        fresh: Collection[str],
        changes: Changes,
        now: datetime,
    ) -> OpenDiscrepancies:
        """The rows as they stand afterwards; ``fresh`` are symbols with executions just found."""
        found = await load_open_discrepancies(self.rows, state, changes)
        shown = ReconcileDiff(state=state, seen=snapshot, booked=booked, now=now)
        findings = await self._findings(shown, found)
        await self.ids.ensure("discrepancy", len(findings))
        answered = {self._noted(found, finding, fresh, now) for finding in findings}
        for row in list(found.rows.values()):
            if row.id not in answered and _is_over(row, shown):
                after = close_ended(row, now)
                if after is not row:
                    found.put(after)
        await self._fix(state, found, answered, changes, now)
        await found.settle(self.ids)
        return found

    async def _findings(self, shown: ReconcileDiff, found: OpenDiscrepancies) -> list[Finding]:
        findings = [*shown.positions(found.rows.values()), *shown.vanished(), *shown.differing()]
        findings += shown.mode()
        if shown.seen.balances is not None:
            findings += shown.balances(await self.rows.balance_entries(shown.state.account.id))
        whole_from = shown.whole_from()
        if whole_from is not None:
            state, until = shown.state, shown.now - HISTORY_LAG
            deals = [*await self.rows.booked_executions(state.account.id, whole_from, until)]
            drafted = (d for d in state.uncommitted_deals() if whole_from <= d.executed_at < until)
            findings += shown.extra([*deals, *drafted])
        return findings

    def _noted(
        self, found: OpenDiscrepancies, finding: Finding, fresh: Collection[str], now: datetime
    ) -> int:
        """The id of the row that says it: one that stands, or a new one."""
        mine = (row for row in found.rows.values() if row.subject == finding.subject)
        row = next((row for row in mine if is_covered(row, finding)), None)
        if row is None:
            row = self._first(found.state, finding, now)
            if finding.symbol in fresh and _takes_back(finding):
                row = evolve(
                    row, status=DiscrepancyStatus.OPEN.value
                )  # what it stood for was just told
            found.put(row)
            return row.id
        after = update_seen(row, finding, now)
        if after is not row:
            found.put(after)
        return row.id

    def _first(self, state: AccountState, finding: Finding, now: datetime) -> Discrepancy:
        return Discrepancy(
            id=self.ids("discrepancy"),
            account_id=state.account.id,
            kind=finding.kind.value,
            symbol=finding.symbol,
            subject=finding.subject,
            status=DiscrepancyStatus.PENDING.value,
            policy=finding.policy.value,
            evidence=finding.evidence,
            fix=finding.fix,
            first_seen=now,
            last_seen=now,
        )

    async def _fix(
        self,
        state: AccountState,
        found: OpenDiscrepancies,
        mine: Collection[int],
        changes: Changes,
        now: datetime,
    ) -> None:
        """Put right what nobody need be asked about; what cannot be stays open."""
        for row in list(found.rows.values()):
            if (
                row.id in mine
                and row.status == DiscrepancyStatus.OPEN
                and row.policy == DiscrepancyPolicy.AUTO
            ):
                after = await self._fixed(state, found, row, changes, now)
                if not isinstance(after, Refused):
                    found.put(evolve(after, decided_by=AUTO_POLICY_ACTOR))

    async def _fixed(
        self,
        state: AccountState,
        found: OpenDiscrepancies,
        row: Discrepancy,
        changes: Changes,
        now: datetime,
    ) -> Discrepancy | Refused:
        if not _takes_back(row):
            return await self.fixes.apply(state, row, changes, now)
        first = found.rows[parse_facts(row.fix)["of"]]
        undone = await self.fixes.reverse(state, first, changes, now)
        if isinstance(undone, Refused):
            return undone
        found.put(undone)
        return evolve(row, status=DiscrepancyStatus.CLOSED.value, last_seen=now)


def _takes_back(row: Discrepancy | Finding) -> bool:
    return parse_facts(row.fix).get("action") == "reverse"


def _is_over(row: Discrepancy, shown: ReconcileDiff) -> bool:
    """Whether what was compared now would have shown it again."""
    if row.kind in _DEALS:
        start = shown.whole_from() if row.kind == DiscrepancyClass.DEAL_EXTRA else shown.seen.since
        executed = datetime.fromisoformat(parse_facts(row.evidence)["booked"]["executed_at"])
        return start is not None and start <= executed < shown.now - HISTORY_LAG
    if row.kind == DiscrepancyClass.BALANCE_DIFFERS:
        return shown.seen.balances is not None
    return row.symbol not in shown.busy()
