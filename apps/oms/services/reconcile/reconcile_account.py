"""A reconcile pass: read the exchange's state, apply it as reports, record what still differs.

Applying is idempotent: what the ledger already has changes nothing. Missed executions become deals,
unknown orders become external orders, and orders of this system that the exchange does not list are
queried. A difference that no report explains is a discrepancy (``compare``). A scheduled pass
without findings writes nothing; its time is kept in memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from oms.domain.account import PositionMode
from oms.domain.commands.account_commands import Reconcile
from oms.domain.commands.command import Command, CommandResult, CommandStatus
from oms.domain.errors import Refused
from oms.domain.event import Event
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.replay_steps import BUST_PREFIX
from oms.domain.orders.execution_report import ExecutionReport
from oms.domain.orders.order import OrderState
from oms.domain.reconcile.discrepancy import DiscrepancyStatus
from oms.domain.reconcile.position_comparison import (
    Scope,
    average_differences,
    lookback_start,
)
from oms.domain.reconcile.reconcile_schedule import ReconcileIntervals, scopes_from
from oms.domain.value import evolve
from oms.ports.exchange import ExchangeSnapshot
from oms.ports.ids import IdBlocks
from oms.ports.ledger_store import LedgerStore
from oms.ports.reconcile_store import TRADES_CURSOR, ReconcileRows, ReconcileRun, ReconcileStore
from oms.services.account_state.pending import PendingReconcile
from oms.services.account_state.state import AccountState
from oms.services.ledger.booked_deals import find_deals
from oms.services.ledger.fee_rates import await_rates
from oms.services.ledger.record import Changes, RecordReports
from oms.services.reconcile.archived_facts import drop_archived
from oms.services.reconcile.compare import RecordDiscrepancies
from oms.services.reconcile.credential_owner import record_owner_change
from oms.services.reconcile.deal_diff import Trade
from oms.services.reconcile.fixes import Fixes
from oms.services.reconcile.open_discrepancies import OpenDiscrepancies
from oms.services.reconcile.raw_payloads import RawPayloadRecorder
from oms.wire.json import dumps_fast, time_text


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileAccount:
    """Runs reconcile passes, one account at a time."""

    ledger: LedgerStore
    record: RecordReports
    ids: IdBlocks
    rows: ReconcileStore
    #: Stores raw rows of the exchange; ``None`` stores nothing.
    raw: RawPayloadRecorder | None = None

    async def __call__(
        self,
        state: AccountState,
        payload: Reconcile,
        changes: Changes,
        now: datetime,
        *,
        is_requested: bool = True,
    ) -> CommandResult:
        """Run a pass; its reports, its run row and its watermark are in one unit of work."""
        since = await self._read_start(state, payload, state.account.reconcile_intervals, now)
        await self.record(state, await state.exchange.poll_reports(now), changes)
        snapshot = await state.exchange.snapshot(since, now)
        value, _ = await self._apply_snapshot(
            state, payload, snapshot, changes, now, is_requested=is_requested
        )
        return CommandResult(status=CommandStatus.DONE, value=value)

    async def begin(self, state: AccountState, command: Command, now: datetime) -> CommandResult:
        """Start a pass at an asynchronous exchange; ``finish`` completes the command."""
        payload = command.payload
        assert isinstance(payload, Reconcile)
        since = await self._read_start(state, payload, state.account.reconcile_intervals, now)
        request = state.exchange.start_snapshot(since, _until(payload), payload.symbols)
        state.pending_reconciles.append(
            PendingReconcile(command=command, payload=payload, since=since, request=request)
        )
        return CommandResult(status=CommandStatus.RUNNING)

    def is_running(self, state: AccountState, scope: Scope) -> bool:
        """Return whether a pass that reads as far back as this scope is in progress."""
        running = [pending.payload.scope for pending in state.pending_reconciles]
        return any(each in running for each in scopes_from(scope))

    async def start_scheduled(
        self,
        state: AccountState,
        scope: Scope,
        intervals: ReconcileIntervals,
        changes: Changes,
        now: datetime,
    ) -> None:
        """Run a scheduled pass, or start it at an asynchronous exchange."""
        payload = Reconcile(scope=scope)
        if not state.exchange.sends_after_commit():
            await self(state, payload, changes, now, is_requested=False)
            return
        since = await self._read_start(state, payload, intervals, now)
        request = state.exchange.start_snapshot(since)
        state.pending_reconciles.append(
            PendingReconcile(command=None, payload=payload, since=since, request=request)
        )

    async def record_failure(self, state: AccountState, reason: Refused, now: datetime) -> None:
        """Record a failed run, and the discrepancy that explains it if there is one."""
        run, changes = await self._run(state, Reconcile(), {}, now), Changes()
        changed_rows = await record_owner_change(self.rows, self.ids, state, reason, changes, now)
        state.work.reconciled.append(
            ReconcileRows(run=evolve(run, error=reason.code), discrepancies=changed_rows)
        )
        if changes.has_content():
            await self.record.append_events(state, changes)

    async def finish(
        self, state: AccountState, snapshot: ExchangeSnapshot, changes: Changes, now: datetime
    ) -> tuple[list[ExecutionReport], list[tuple[Command, CommandResult]]]:
        """Apply a finished snapshot. Returns its reports and the command results.

        A snapshot that nothing requested was started by the exchange itself and has the short
        scope. One that was requested for a period, too, is applied up to now.
        """
        covered = [pending for pending in state.pending_reconciles if _covers(snapshot, pending)]
        state.pending_reconciles = [
            pending for pending in state.pending_reconciles if pending not in covered
        ]
        requested = [pending for pending in covered if pending.command is not None]
        payloads = sorted((each.payload for each in (*requested, *covered)), key=_ends_early)
        payload = next(iter(payloads), Reconcile(scope=Scope.SHORT))
        value, reports = await self._apply_snapshot(
            state, payload, snapshot, changes, now, is_requested=bool(requested)
        )
        done = CommandResult(status=CommandStatus.DONE, value=value)
        return reports, [
            (pending.command, done) for pending in requested if pending.command is not None
        ]

    async def _apply_snapshot(
        self,
        state: AccountState,
        payload: Reconcile,
        snapshot: ExchangeSnapshot,
        changes: Changes,
        now: datetime,
        *,
        is_requested: bool,
    ) -> tuple[str, list[ExecutionReport]]:
        """Apply a snapshot. Returns the result as JSON text, and the reports applied."""
        raw_rows = await self.raw(state, snapshot.since, now, snapshot.raw) if self.raw else ()
        snapshot = await drop_archived(self.ledger, state, snapshot, now)
        deals, orders = len(changes.deals), len(changes.orders)
        trades = [trade for trade in snapshot.trades if _is_in_period(payload, trade[1])]
        booked = await self._booked_deals(state, trades, now)
        reports = [
            *snapshot.orders,
            *(r for symbol, r in trades if not booked.get((symbol, _trade_id_of(r)))),
        ]
        await self.record(state, reports, changes)
        vanished = await self._query_vanished(state, snapshot, now)
        await self.record(state, vanished, changes)
        fresh_symbols = {deal.symbol for deal in changes.deals[deals:]}
        counts: dict[str, object] = {
            "fetched": len(snapshot.orders) + len(trades),
            "new_deals": len(changes.deals) - deals,
            "new_orders": len(changes.orders) - orders,
            "discrepancies": 0,
        }
        open_discrepancies: OpenDiscrepancies | None = None
        if snapshot.until is None or snapshot.until >= now:
            open_discrepancies = await self._compare()(
                state, snapshot, booked, fresh_symbols, changes, now
            )
            rows = open_discrepancies.rows.values()
            counts["discrepancies"] = sum(row.status == DiscrepancyStatus.OPEN for row in rows)
            counts |= _differing_averages(state, snapshot)
        changed_rows = (
            () if open_discrepancies is None else tuple(open_discrepancies.changed.values())
        )
        if payload.scope is not Scope.PERIOD:
            state.reconciled_until = now
        if snapshot.reaches_from is not None:
            counts["history_unreachable"] = time_text(snapshot.reaches_from)
            state.reaches_from = snapshot.reaches_from
        value: dict[str, object] = {**counts, "run_id": None, "watermark": time_text(now)}
        has_findings = fresh_symbols or changed_rows or raw_rows or counts["new_orders"] or vanished
        if is_requested or has_findings:
            run = await self._run(state, payload, counts, now)
            cursors = {} if payload.scope is Scope.PERIOD else {TRADES_CURSOR: time_text(now)}
            state.work.reconciled.append(
                ReconcileRows(run=run, cursors=cursors, discrepancies=changed_rows, raw=raw_rows)
            )
            changes.events.append(
                _tick_event(payload, snapshot, counts | {"raw": len(raw_rows)}, now)
            )
            value |= {"run_id": run.id, "watermark": cursors.get(TRADES_CURSOR)}
        return dumps_fast(value), [*reports, *vanished]

    def fixes(self) -> Fixes:
        """Return the service that applies fixes."""
        return Fixes(ledger=self.ledger, record=self.record, ids=self.ids)

    def _compare(self) -> RecordDiscrepancies:
        return RecordDiscrepancies(ids=self.ids, rows=self.rows, fixes=self.fixes())

    async def _read_start(
        self, state: AccountState, payload: Reconcile, intervals: ReconcileIntervals, now: datetime
    ) -> datetime:
        look_back = None if payload.scope is Scope.PERIOD else intervals.look_back(payload.scope)
        watermark = state.reconciled_until or await self._watermark(state)
        return lookback_start(payload.scope, watermark, payload.start, now, look_back)

    async def _watermark(self, state: AccountState) -> datetime | None:
        for cursor in await self.rows.cursors([state.account.id]):
            if cursor.entity == TRADES_CURSOR:
                return datetime.fromisoformat(cursor.value).astimezone(UTC)
        return None

    async def _booked_deals(
        self, state: AccountState, trades: Sequence[tuple[str, ExecutionReport]], now: datetime
    ) -> Mapping[Trade, Sequence[Deal]]:
        """Return the deals under these trade ids, and those that reverse them.

        Those whose fees have no rate yet wait for one.
        """
        trade_ids_by_symbol: dict[str, list[str]] = {}
        for symbol, report in trades:
            trade_ids_by_symbol.setdefault(symbol, []).append(_trade_id_of(report))
        deals_by_trade: dict[Trade, list[Deal]] = {}
        for symbol, trade_ids in trade_ids_by_symbol.items():
            names = [*trade_ids, *(f"{BUST_PREFIX}{name}" for name in trade_ids)]
            for deal in await find_deals(self.ledger, state, symbol, names):
                deals_by_trade.setdefault((symbol, deal.exchange_trade_id), []).append(deal)
        await_rates(state, [deal for deals in deals_by_trade.values() for deal in deals], now)
        return deals_by_trade

    async def _query_vanished(
        self, state: AccountState, snapshot: ExchangeSnapshot, now: datetime
    ) -> list[ExecutionReport]:
        """Return reports about open orders of this system that the exchange does not list."""
        if state.exchange.sends_after_commit():
            return []  # Asynchronous exchanges query them on their own.
        listed = {report.exchange_order_id for report in snapshot.orders}
        reports: list[ExecutionReport] = []
        for order in list(state.orders.values()):
            is_placed = order.state is not OrderState.PENDING_SUBMIT
            if is_placed and order.exchange_order_id not in listed:
                reports += await state.exchange.query_order(order, now)
        return reports

    async def _run(
        self, state: AccountState, payload: Reconcile, counts: Mapping[str, object], now: datetime
    ) -> ReconcileRun:
        await self.ids.ensure("reconcile_run", 1)
        return ReconcileRun(
            id=self.ids("reconcile_run"),
            account_id=state.account.id,
            scope=payload.scope.value,
            started_at=now,
            finished_at=now,
            counts=dumps_fast(counts),
        )


def _differing_averages(state: AccountState, snapshot: ExchangeSnapshot) -> dict[str, object]:
    """Return positions with the exchange's quantity and another average; in mode netting only."""
    if state.account.position_mode is not PositionMode.NETTING:
        return {}
    instruments = state.exchange.instruments()
    held, averages = snapshot.holdings, snapshot.averages
    differing = average_differences(state.positions.values(), held, averages, instruments)
    return {"averages_differ": differing} if differing else {}


def _until(payload: Reconcile) -> datetime | None:
    """Return the end of the period of executions to read; ``None`` is now."""
    return payload.end if payload.scope is Scope.PERIOD else None


def _ends_early(payload: Reconcile) -> bool:
    """Return whether a pass applies executions of the past only."""
    return _until(payload) is not None


def _covers(snapshot: ExchangeSnapshot, pending: PendingReconcile) -> bool:
    """Return whether the snapshot covers what the pass waits for, and began after its request."""
    if snapshot.request < pending.request:
        return False
    until = _until(pending.payload)
    return snapshot.since <= pending.since and (snapshot.until is None or snapshot.until == until)


def _is_in_period(payload: Reconcile, report: ExecutionReport) -> bool:
    """Return whether an execution lies within the requested period."""
    assert report.execution is not None, "a trade is an execution"
    until = _until(payload)
    return until is None or report.execution.executed_at <= until


def _trade_id_of(report: ExecutionReport) -> str:
    assert report.execution is not None, "a trade is an execution"
    return report.execution.exchange_trade_id


def _tick_event(
    payload: Reconcile, snapshot: ExchangeSnapshot, counts: Mapping[str, object], now: datetime
) -> Event:
    skipped = len(snapshot.trades) - int(str(counts["new_deals"]))
    facts: dict[str, object] = {
        "scope": payload.scope.value,
        "lookback_seconds": int((now - snapshot.since).total_seconds()),
        "trades_count": len(snapshot.trades),
        "cursor": now,
        "fetch_path": "snapshot",
        "raw_inserted_count": counts["raw"],
        "projected_deals_count": counts["new_deals"],
        "projected_orders_count": counts["new_orders"],
        "skipped_duplicate_count": max(skipped, 0),
        "lag_ms": 0,
    }
    return Event(name="reconciliation_tick", facts=facts)
