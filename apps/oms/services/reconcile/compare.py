"""Compare: findings become rows, rows open when they are seen again, and end by themselves.

What the account's policy leaves to nobody is put right at once. Seeing the same again writes
nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from oms.domain.deal import Deal
from oms.domain.discrepancy import (
    Class,
    Discrepancy,
    Finding,
    Policy,
    Status,
    ended,
    is_answered,
    seen,
)
from oms.domain.errors import Refused
from oms.domain.value import evolve
from oms.ports.exchange import Snapshot
from oms.ports.ids import IdBlocks
from oms.ports.reconciliation import Reconciliations
from oms.services.home import Home
from oms.services.reconcile.fixes import Fixes
from oms.services.reconcile.shown import LAG, Shown, Trade
from oms.services.reconcile.standing import Standing, read, standing
from oms.services.record import Changes

ITSELF = "policy auto"
"""Who decided where nobody was asked."""

_DEALS = (Class.DEAL_EXTRA, Class.DEAL_DIFFERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """Compares one account at a time."""

    ids: IdBlocks
    rows: Reconciliations
    fixes: Fixes

    async def __call__(
        self,
        home: Home,
        snapshot: Snapshot,
        booked: Mapping[Trade, Sequence[Deal]],
        fresh: Collection[str],
        changes: Changes,
        now: datetime,
    ) -> Standing:
        """The rows as they stand afterwards; ``fresh`` are symbols with executions just found."""
        found = await standing(self.rows, home, changes)
        shown = Shown(home=home, seen=snapshot, booked=booked, now=now)
        findings = await self._findings(shown, found)
        await self.ids.ensure("discrepancy", len(findings))
        answered = {self._noted(found, finding, fresh, now) for finding in findings}
        for row in list(found.rows.values()):
            if row.id not in answered and _is_over(row, shown):
                after = ended(row, now)
                if after is not row:
                    found.put(after)
        await self._fix(home, found, answered, changes, now)
        await found.settle(self.ids)
        return found

    async def _findings(self, shown: Shown, found: Standing) -> list[Finding]:
        findings = [*shown.positions(found.rows.values()), *shown.vanished(), *shown.differing()]
        findings += shown.mode()
        if shown.seen.balances is not None:
            findings += shown.balances(await self.rows.balance_entries(shown.home.account.id))
        whole_from = shown.whole_from()
        if whole_from is not None:
            home, until = shown.home, shown.now - LAG
            deals = [*await self.rows.executions(home.account.id, whole_from, until)]
            drafted = (d for d in home.deals_not_stored() if whole_from <= d.executed_at < until)
            findings += shown.extra([*deals, *drafted])
        return findings

    def _noted(
        self, found: Standing, finding: Finding, fresh: Collection[str], now: datetime
    ) -> int:
        """The id of the row that says it: one that stands, or a new one."""
        mine = (row for row in found.rows.values() if row.subject == finding.subject)
        row = next((row for row in mine if is_answered(row, finding)), None)
        if row is None:
            row = self._first(found.home, finding, now)
            if finding.symbol in fresh and _takes_back(finding):
                row = evolve(row, status=Status.OPEN.value)  # what it stood for was just told
            found.put(row)
            return row.id
        after = seen(row, finding, now)
        if after is not row:
            found.put(after)
        return row.id

    def _first(self, home: Home, finding: Finding, now: datetime) -> Discrepancy:
        return Discrepancy(
            id=self.ids("discrepancy"),
            account_id=home.account.id,
            kind=finding.kind.value,
            symbol=finding.symbol,
            subject=finding.subject,
            status=Status.PENDING.value,
            policy=finding.policy.value,
            evidence=finding.evidence,
            fix=finding.fix,
            first_seen=now,
            last_seen=now,
        )

    async def _fix(
        self,
        home: Home,
        found: Standing,
        mine: Collection[int],
        changes: Changes,
        now: datetime,
    ) -> None:
        """Put right what nobody need be asked about; what cannot be stays open."""
        for row in list(found.rows.values()):
            if row.id in mine and row.status == Status.OPEN and row.policy == Policy.AUTO:
                after = await self._fixed(home, found, row, changes, now)
                if not isinstance(after, Refused):
                    found.put(evolve(after, decided_by=ITSELF))

    async def _fixed(
        self, home: Home, found: Standing, row: Discrepancy, changes: Changes, now: datetime
    ) -> Discrepancy | Refused:
        if not _takes_back(row):
            return await self.fixes.apply(home, row, changes, now)
        first = found.rows[read(row.fix)["of"]]
        undone = await self.fixes.reverse(home, first, changes, now)
        if isinstance(undone, Refused):
            return undone
        found.put(undone)
        return evolve(row, status=Status.CLOSED.value, last_seen=now)


def _takes_back(row: Discrepancy | Finding) -> bool:
    return read(row.fix).get("action") == "reverse"


def _is_over(row: Discrepancy, shown: Shown) -> bool:
    """Whether what was compared now would have shown it again."""
    if row.kind in _DEALS:
        start = shown.whole_from() if row.kind == Class.DEAL_EXTRA else shown.seen.since
        executed = datetime.fromisoformat(read(row.evidence)["booked"]["executed_at"])
        return start is not None and start <= executed < shown.now - LAG
    if row.kind == Class.BALANCE_DIFFERS:
        return shown.seen.balances is not None
    return row.symbol not in shown.busy()
