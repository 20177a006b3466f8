"""Record the differences of a reconcile pass as discrepancies.

A difference opens when it is seen again and closes when it is gone. A difference whose policy is
automatic is fixed immediately. Seeing the same difference again writes nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from oms.domain.errors import Refused
from oms.domain.instrument import InstrumentKind
from oms.domain.ledger.deal import Deal
from oms.domain.reconcile.balance_comparison import coins_outside_positions, is_outside_positions
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
from oms.services.account_state.unit_of_work import current_deals
from oms.services.ledger.record import Changes
from oms.services.reconcile.deal_diff import Trade, changed_deals, extra_deals
from oms.services.reconcile.diff import HISTORY_LAG, ReconcileDiff
from oms.services.reconcile.fixes import Fixes
from oms.services.reconcile.open_discrepancies import (
    OpenDiscrepancies,
    load_open_discrepancies,
)
from oms.wire.responses.reconcile_rows import parse_facts

AUTO_POLICY_ACTOR = "policy auto"
"""The actor of automatic decisions."""

#: A difference is seen, by the clock here, after it happened, by that of the exchange.
_CLOCKS_DIFFER_MAX = timedelta(hours=1)
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
        fresh_symbols: Collection[str],
        changes: Changes,
        now: datetime,
    ) -> OpenDiscrepancies:
        """Return the discrepancies after the comparison.

        ``fresh_symbols`` are symbols with executions found by this pass.
        """
        since = _start_of(snapshot) - _CLOCKS_DIFFER_MAX
        discrepancies = await load_open_discrepancies(self.rows, state, changes, since)
        diff = ReconcileDiff(state=state, snapshot=snapshot, now=now)
        findings = await self._findings(diff, booked, discrepancies)
        await self.ids.ensure("discrepancy", len(findings))
        seen_ids = {
            self._record(discrepancies, finding, fresh_symbols, now) for finding in findings
        }
        for row in list(discrepancies.rows.values()):
            if row.id not in seen_ids and _is_over(row, diff):
                after = close_ended(row, now)
                if after is not row:
                    discrepancies.put(after)
        await self._apply_automatic(state, discrepancies, seen_ids, changes, now)
        await discrepancies.update_quarantine(self.ids)
        return discrepancies

    async def _findings(
        self,
        diff: ReconcileDiff,
        booked: Mapping[Trade, Sequence[Deal]],
        discrepancies: OpenDiscrepancies,
    ) -> list[Finding]:
        account = diff.state.account
        findings = [
            *diff.positions(discrepancies.rows.values()),
            *diff.vanished_orders(),
            *changed_deals(account, diff.snapshot, booked),
        ]
        findings += diff.position_modes()
        if diff.snapshot.balances is not None:
            entries = diff.with_uncommitted(await self.rows.balance_entries(account.id))
            coins = await self._coins_outside_positions(diff, entries)
            findings += await diff.balances(entries, coins)
        findings += await self._funding(diff)
        complete_from = diff.complete_from()
        if complete_from is not None:
            state, until = diff.state, diff.now - HISTORY_LAG
            deals = [*await self.rows.booked_executions(state.account.id, complete_from, until)]
            uncommitted = (
                d for d in state.uncommitted_deals() if complete_from <= d.executed_at < until
            )
            findings += extra_deals(account, diff.snapshot, [*deals, *uncommitted])
        return findings

    async def _coins_outside_positions(
        self, diff: ReconcileDiff, entries: Mapping[str, Decimal]
    ) -> Mapping[str, Decimal]:
        """Return the coins by currency that belong to no position, committed or not.

        Dust of a coin counts unless there is nothing else of it: no total, no position, no sale
        beyond positions, and no balance of ``entries``.
        """
        state, totals = diff.state, diff.snapshot.balances or {}
        instruments = state.exchange.instruments()
        coins = {
            name: one.base for name, one in instruments.items() if one.kind is InstrumentKind.SPOT
        }
        if not coins:
            return {}
        units = state.units_of_work()
        stored = (await self._deals_outside_positions(state)).values()
        changed = [deal for work in units for deal in work.deals_changed.values()]
        current = current_deals(units, (*stored, *changed)).values()
        sold = filter(is_outside_positions, current)
        symbols = {deal.symbol for deal in sold} | {row.symbol for row in state.positions.values()}
        used = {coins.get(symbol) for symbol in symbols}
        used |= {coin for sums in (totals, entries) for coin, amount in sums.items() if amount}
        dust = await self.rows.dust_deals(
            state.account.id, sorted(name for name, coin in coins.items() if coin in used)
        )
        deals = current_deals(units, (*stored, *dust, *changed)).values()
        return coins_outside_positions(deals, instruments)

    async def _deals_outside_positions(self, state: AccountState) -> Mapping[int, Deal]:
        """Return the stored ones; they are read once and kept up to date by each commit."""
        if state.deals_outside_positions is None:
            committing, _ = state.units_of_work()
            deals = await self.rows.deals_outside_positions(state.account.id)
            stored = {deal.id: deal for deal in deals}
            committing.update_outside(stored)
            state.deals_outside_positions = stored
        return state.deals_outside_positions

    async def _funding(self, diff: ReconcileDiff) -> list[Finding]:
        since, state = diff.funding_from(), diff.state
        if since is None:
            return []
        units = state.units_of_work()
        until = diff.now - HISTORY_LAG
        booked = await self.rows.booked_funding(state.account.id, since, until)
        return diff.funding(current_deals(units, booked).values())

    def _record(
        self,
        discrepancies: OpenDiscrepancies,
        finding: Finding,
        fresh_symbols: Collection[str],
        now: datetime,
    ) -> int:
        """Return the id of the discrepancy of a finding: an existing one, or a new one."""
        candidates = (row for row in discrepancies.rows.values() if row.subject == finding.subject)
        row = next((row for row in candidates if is_covered(row, finding)), None)
        if row is None:
            row = self._new_row(discrepancies.state, finding, now)
            if finding.symbol in fresh_symbols and _is_reversal(finding):
                row = evolve(
                    row, status=DiscrepancyStatus.OPEN.value
                )  # The reason for the correction was reported just now.
            discrepancies.put(row)
            return row.id
        after = update_seen(row, finding, now)
        if after is not row:
            discrepancies.put(after)
        return row.id

    def _new_row(self, state: AccountState, finding: Finding, now: datetime) -> Discrepancy:
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

    async def _apply_automatic(
        self,
        state: AccountState,
        discrepancies: OpenDiscrepancies,
        own_ids: Collection[int],
        changes: Changes,
        now: datetime,
    ) -> None:
        """Apply the automatic fixes; a fix that fails leaves its discrepancy open."""
        for row in list(discrepancies.rows.values()):
            if (
                row.id in own_ids
                and row.status == DiscrepancyStatus.OPEN
                and row.policy == DiscrepancyPolicy.AUTO
            ):
                after = await self._apply_or_reverse(state, discrepancies, row, changes, now)
                if not isinstance(after, Refused):
                    discrepancies.put(evolve(after, decided_by=AUTO_POLICY_ACTOR))

    async def _apply_or_reverse(
        self,
        state: AccountState,
        discrepancies: OpenDiscrepancies,
        row: Discrepancy,
        changes: Changes,
        now: datetime,
    ) -> Discrepancy | Refused:
        if not _is_reversal(row):
            return await self.fixes.apply(state, row, changes, now)
        corrected = discrepancies.rows[parse_facts(row.fix)["of"]]
        reversed_row = await self.fixes.reverse(state, corrected, changes, now)
        if isinstance(reversed_row, Refused):
            return reversed_row
        discrepancies.put(reversed_row)
        return evolve(row, status=DiscrepancyStatus.CLOSED.value, last_seen=now)


def _start_of(snapshot: ExchangeSnapshot) -> datetime:
    """Return the time of the snapshot's oldest execution or payment, or its start if earlier."""
    trades = (report.execution for _, report in snapshot.trades)
    times = [trade.executed_at for trade in trades if trade is not None]
    times += [paid.executed_at for paid in snapshot.funding]
    return min([snapshot.since, *times])


def _is_reversal(row: Discrepancy | Finding) -> bool:
    return parse_facts(row.fix).get("action") == "reverse"


def _is_over(row: Discrepancy, diff: ReconcileDiff) -> bool:
    """Return whether the comparison would have found the discrepancy again."""
    if row.kind in _DEALS:
        start = (
            diff.complete_from() if row.kind == DiscrepancyClass.DEAL_EXTRA else diff.snapshot.since
        )
        executed = datetime.fromisoformat(parse_facts(row.evidence)["booked"]["executed_at"])
        return start is not None and start <= executed < diff.now - HISTORY_LAG
    if row.kind == DiscrepancyClass.FUNDING_DIFFERS:
        start, due = diff.funding_from(), parse_facts(row.evidence)["due_at"]
        return start is not None and start <= datetime.fromisoformat(due) < diff.now - HISTORY_LAG
    if row.kind == DiscrepancyClass.ORDER_OVER_FILLED:
        return row.status == DiscrepancyStatus.DISMISSED  # it was executed: only a user ends it
    if row.kind == DiscrepancyClass.BALANCE_DIFFERS:
        return diff.snapshot.balances is not None
    return row.symbol not in diff.pending_symbols()
