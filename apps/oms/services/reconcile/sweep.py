"""Reconcile: read what the exchange shows, apply it as reports, and note what still differs.

A sweep tells nothing twice: what the book knows changes nothing. Executions that were missed
become deals, orders that nobody sent become external ones, orders of ours that the exchange does
not show are asked for. What no fact explains is a discrepancy (``compare``). A sweep that nobody
asked for and that finds nothing leaves nothing behind but the time it was done, in memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from oms.domain.commands.account_commands import Reconcile
from oms.domain.commands.command import Command, CommandResult, CommandStatus
from oms.domain.errors import Refused
from oms.domain.event import Event
from oms.domain.ledger.deal import Deal
from oms.domain.orders.execution_report import ExecutionReport
from oms.domain.orders.order import OrderState
from oms.domain.reconcile.discrepancy import DiscrepancyStatus
from oms.domain.reconcile.position_comparison import Scope, lookback_start
from oms.domain.reconcile.reconcile_schedule import ReconcileIntervals
from oms.domain.value import evolve
from oms.ports.exchange import ExchangeSnapshot
from oms.ports.ids import IdBlocks
from oms.ports.ledger_store import LedgerStore
from oms.ports.reconcile_store import TRADES_CURSOR, ReconcileRows, ReconcileRun, ReconcileStore
from oms.services.account_state.state import AccountState, PendingReconcile
from oms.services.ledger.record import Changes, RecordReports
from oms.services.reconcile.compare import RecordDiscrepancies
from oms.services.reconcile.credential_owner import record_owner_change
from oms.services.reconcile.diff import Trade
from oms.services.reconcile.fixes import Fixes
from oms.services.reconcile.open_discrepancies import OpenDiscrepancies
from oms.services.reconcile.raw_payloads import RawPayloadRecorder
from oms.wire.json import dumps_fast, time_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciling:
    """Sweeps over one account at a time, by the account's one writer."""

    ledger: LedgerStore
    record: RecordReports
    ids: IdBlocks
    rows: ReconcileStore
    #: Keeps what the exchange told; ``None`` keeps nothing.
    raw: RawPayloadRecorder | None = None

    async def __call__(
        self,
        state: AccountState,
        wish: Reconcile,
        changes: Changes,
        now: datetime,
        *,
        is_asked: bool = True,
    ) -> CommandResult:
        """Sweep; the facts found, the run and the watermark are in one draft."""
        since = await self._since(state, wish, state.account.reconcile_intervals, now)
        await self.record(state, await state.exchange.poll_reports(now), changes)
        seen = await state.exchange.snapshot(since, now)
        value, _ = await self._book(state, wish, seen, changes, now, is_asked=is_asked)
        return CommandResult(status=CommandStatus.DONE, value=value)

    async def begin(self, state: AccountState, command: Command, now: datetime) -> CommandResult:
        """Ask for a sweep that takes time; ``finish`` ends the command."""
        wish = command.payload
        assert isinstance(wish, Reconcile)
        since = await self._since(state, wish, state.account.reconcile_intervals, now)
        state.pending_reconciles.append(PendingReconcile(command=command, wish=wish, since=since))
        state.exchange.start_snapshot(since, _until(wish))
        return CommandResult(status=CommandStatus.RUNNING)

    async def start_scheduled(
        self,
        state: AccountState,
        scope: Scope,
        plan: ReconcileIntervals,
        changes: Changes,
        now: datetime,
    ) -> None:
        """Sweep though nobody asked, or begin to."""
        wish = Reconcile(scope=scope)
        if not state.exchange.sends_after_commit():
            await self(state, wish, changes, now, is_asked=False)
            return
        since = await self._since(state, wish, plan, now)
        state.pending_reconciles.append(PendingReconcile(command=None, wish=wish, since=since))
        state.exchange.start_snapshot(since)

    async def record_failure(
        self, state: AccountState, unavailable_reason: Refused, now: datetime
    ) -> None:
        """Write a run that came to nothing, and the item that says why, where it is one."""
        run, changes = await self._run(state, Reconcile(), {}, now), Changes()
        noted = await record_owner_change(
            self.rows, self.ids, state, unavailable_reason, changes, now
        )
        state.work.reconciled.append(
            ReconcileRows(run=evolve(run, error=unavailable_reason.code), discrepancies=noted)
        )
        if changes.has_content():
            await self.record.append_events(state, changes)

    async def finish(
        self, state: AccountState, seen: ExchangeSnapshot, changes: Changes, now: datetime
    ) -> tuple[list[ExecutionReport], list[tuple[Command, CommandResult]]]:
        """Book a sweep that was read meanwhile: its reports, and the commands that it ends.

        One that nobody asked for is the exchange's own, of the short scope.
        """
        mine = [each for each in state.pending_reconciles if _answers(seen, each)]
        state.pending_reconciles = [each for each in state.pending_reconciles if each not in mine]
        asked = [each for each in mine if each.command is not None]
        wish = next((each.wish for each in (*asked, *mine)), Reconcile(scope=Scope.SHORT))
        value, told = await self._book(state, wish, seen, changes, now, is_asked=bool(asked))
        done = CommandResult(status=CommandStatus.DONE, value=value)
        return told, [(each.command, done) for each in asked if each.command is not None]

    async def _book(
        self,
        state: AccountState,
        wish: Reconcile,
        seen: ExchangeSnapshot,
        changes: Changes,
        now: datetime,
        *,
        is_asked: bool,
    ) -> tuple[str, list[ExecutionReport]]:
        """What the sweep came to, as JSON text, and the reports it told."""
        told = () if self.raw is None else await self.raw(state, seen.since, now, seen.raw)
        deals, orders = len(changes.deals), len(changes.orders)
        trades = [each for each in seen.trades if _is_meant(wish, each[1])]
        booked = await self._booked(state, trades)
        new = [*seen.orders, *(r for symbol, r in trades if not booked.get((symbol, _name_of(r))))]
        await self.record(state, new, changes)
        vanished = await self._vanished(state, seen, now)
        await self.record(state, vanished, changes)
        fresh = {deal.symbol for deal in changes.deals[deals:]}
        counts: dict[str, object] = {
            "fetched": len(seen.orders) + len(trades),
            "new_deals": len(changes.deals) - deals,
            "new_orders": len(changes.orders) - orders,
            "discrepancies": 0,
        }
        standing: OpenDiscrepancies | None = None
        if seen.until is None or seen.until >= now:
            standing = await self._compare()(state, seen, booked, fresh, changes, now)
            rows = standing.rows.values()
            counts["discrepancies"] = sum(row.status == DiscrepancyStatus.OPEN for row in rows)
        noted = () if standing is None else tuple(standing.changed.values())
        if wish.scope is not Scope.PERIOD:
            state.reconciled_until = now
        if seen.reaches_from is not None:
            counts["history_unreachable"] = time_text(seen.reaches_from)
            state.reaches_from = seen.reaches_from
        value: dict[str, object] = {**counts, "run_id": None, "watermark": time_text(now)}
        found = fresh or noted or told or counts["new_orders"] or vanished
        if is_asked or found:
            run = await self._run(state, wish, counts, now)
            cursors = {} if wish.scope is Scope.PERIOD else {TRADES_CURSOR: time_text(now)}
            state.work.reconciled.append(
                ReconcileRows(run=run, cursors=cursors, discrepancies=noted, raw=told)
            )
            changes.events.append(_tick(wish, seen, counts | {"raw": len(told)}, now))
            value |= {"run_id": run.id, "watermark": cursors.get(TRADES_CURSOR)}
        return dumps_fast(value), [*new, *vanished]

    def fixes(self) -> Fixes:
        """What carries fixes out."""
        return Fixes(ledger=self.ledger, record=self.record, ids=self.ids)

    def _compare(self) -> RecordDiscrepancies:
        return RecordDiscrepancies(ids=self.ids, rows=self.rows, fixes=self.fixes())

    async def _since(
        self, state: AccountState, wish: Reconcile, plan: ReconcileIntervals, now: datetime
    ) -> datetime:
        look_back = None if wish.scope is Scope.PERIOD else plan.look_back(wish.scope)
        watermark = state.reconciled_until or await self._watermark(state)
        return lookback_start(wish.scope, watermark, wish.start, now, look_back)

    async def _watermark(self, state: AccountState) -> datetime | None:
        for cursor in await self.rows.cursors([state.account.id]):
            if cursor.entity == TRADES_CURSOR:
                return datetime.fromisoformat(cursor.value).astimezone(UTC)
        return None

    async def _booked(
        self, state: AccountState, trades: Sequence[tuple[str, ExecutionReport]]
    ) -> Mapping[Trade, Sequence[Deal]]:
        """The deals under these trade ids, and those that take them back."""
        names: dict[str, list[str]] = {}
        for symbol, report in trades:
            names.setdefault(symbol, []).append(_name_of(report))
        known: dict[Trade, list[Deal]] = {}
        for symbol, told in names.items():
            stored = await self.ledger.deals_of(state.account.id, symbol, told)
            known |= {(symbol, name): [*deals] for name, deals in stored.items()}
        for deal in state.uncommitted_deals():
            known.setdefault((deal.symbol, deal.exchange_trade_id), []).append(deal)
        return known

    async def _vanished(
        self, state: AccountState, seen: ExchangeSnapshot, now: datetime
    ) -> list[ExecutionReport]:
        """What is told of orders of ours that are open here and not shown there."""
        if state.exchange.sends_after_commit():
            return []  # it looks them up by itself: that takes time
        shown = {report.exchange_order_id for report in seen.orders}
        told: list[ExecutionReport] = []
        for order in list(state.orders.values()):
            is_placed = order.state is not OrderState.PENDING_SUBMIT
            if is_placed and order.exchange_order_id not in shown:
                told += await state.exchange.query_order(order, now)
        return told

    async def _run(
        self, state: AccountState, wish: Reconcile, counts: Mapping[str, object], now: datetime
    ) -> ReconcileRun:
        await self.ids.ensure("reconcile_run", 1)
        return ReconcileRun(
            id=self.ids("reconcile_run"),
            account_id=state.account.id,
            scope=wish.scope.value,
            started_at=now,
            finished_at=now,
            counts=dumps_fast(counts),
        )


def _until(wish: Reconcile) -> datetime | None:
    """Up to when executions are read; ``None`` is now."""
    return wish.end if wish.scope is Scope.PERIOD else None


def _answers(seen: ExchangeSnapshot, waiting: PendingReconcile) -> bool:
    """Whether all that is waited for was read."""
    until = _until(waiting.wish)
    return seen.since <= waiting.since and (seen.until is None or seen.until == until)


def _is_meant(wish: Reconcile, report: ExecutionReport) -> bool:
    """Whether an execution lies within the bounds of the sweep."""
    assert report.execution is not None, "a trade is an execution"
    until = _until(wish)
    return until is None or report.execution.executed_at <= until


def _name_of(report: ExecutionReport) -> str:
    assert report.execution is not None, "a trade is an execution"
    return report.execution.exchange_trade_id


def _tick(
    wish: Reconcile, seen: ExchangeSnapshot, counts: Mapping[str, object], now: datetime
) -> Event:
    skipped = len(seen.trades) - int(str(counts["new_deals"]))
    facts: dict[str, object] = {
        "scope": wish.scope.value,
        "lookback_seconds": int((now - seen.since).total_seconds()),
        "trades_count": len(seen.trades),
        "cursor": now,
        "fetch_path": "snapshot",
        "raw_inserted_count": counts["raw"],
        "projected_deals_count": counts["new_deals"],
        "projected_orders_count": counts["new_orders"],
        "skipped_duplicate_count": max(skipped, 0),
        "lag_ms": 0,
    }
    return Event(name="reconciliation_tick", facts=facts)
