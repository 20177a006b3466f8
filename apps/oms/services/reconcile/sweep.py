"""Reconcile: read what the exchange shows, apply it as reports, and note what still differs.

A sweep tells nothing twice: what the book knows changes nothing. Executions that were missed
become deals, orders that nobody sent become external ones, orders of ours that the exchange does
not show are asked for. What no fact explains is a discrepancy (``compare``). A sweep that nobody
asked for and that finds nothing leaves nothing behind but the time it was done, in memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from oms.domain.command import Command, CommandResult, CommandStatus
from oms.domain.control import Reconcile
from oms.domain.deal import Deal
from oms.domain.discrepancy import Status
from oms.domain.errors import Refused
from oms.domain.event import Event
from oms.domain.order import OrderState
from oms.domain.reconciliation import Scope, read_from
from oms.domain.report import Report
from oms.domain.sweep_plan import SweepPlan
from oms.domain.value import evolve
from oms.ports.exchange import Snapshot
from oms.ports.ids import IdBlocks
from oms.ports.ledger import LedgerStore
from oms.ports.reconciliation import TRADES_READ, ReconcileRows, ReconcileRun, Reconciliations
from oms.services.home import Home, Sweeping
from oms.services.raw_told import RawTold
from oms.services.reconcile.compare import Compare
from oms.services.reconcile.fixes import Fixes
from oms.services.reconcile.owner import noted_owner
from oms.services.reconcile.shown import Trade
from oms.services.reconcile.standing import Standing
from oms.services.record import Changes, Record
from oms.wire.json import dumps_plain, time_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciling:
    """Sweeps over one account at a time, by the account's one writer."""

    ledger: LedgerStore
    record: Record
    ids: IdBlocks
    rows: Reconciliations
    #: Keeps what the exchange told; ``None`` keeps nothing.
    raw: RawTold | None = None

    async def __call__(
        self, home: Home, wish: Reconcile, changes: Changes, now: datetime, *, is_asked: bool = True
    ) -> CommandResult:
        """Sweep; the facts found, the run and the watermark are in one draft."""
        since = await self._since(home, wish, home.account.sweeps, now)
        await self.record(home, await home.exchange.advance(now), changes)
        seen = await home.exchange.snapshot(since, now)
        value, _ = await self._book(home, wish, seen, changes, now, is_asked=is_asked)
        return CommandResult(status=CommandStatus.DONE, value=value)

    async def begin(self, home: Home, command: Command, now: datetime) -> CommandResult:
        """Ask for a sweep that takes time; ``finish`` ends the command."""
        wish = command.payload
        assert isinstance(wish, Reconcile)
        since = await self._since(home, wish, home.account.sweeps, now)
        home.sweeping.append(Sweeping(command=command, wish=wish, since=since))
        home.exchange.begin_sweep(since, _until(wish))
        return CommandResult(status=CommandStatus.RUNNING)

    async def by_itself(
        self, home: Home, scope: Scope, plan: SweepPlan, changes: Changes, now: datetime
    ) -> None:
        """Sweep though nobody asked, or begin to."""
        wish = Reconcile(scope=scope)
        if not home.exchange.answers_later():
            await self(home, wish, changes, now, is_asked=False)
            return
        since = await self._since(home, wish, plan, now)
        home.sweeping.append(Sweeping(command=None, wish=wish, since=since))
        home.exchange.begin_sweep(since)

    async def unreadable(self, home: Home, trouble: Refused, now: datetime) -> None:
        """Write a run that came to nothing, and the item that says why, where it is one."""
        run, changes = await self._run(home, Reconcile(), {}, now), Changes()
        noted = await noted_owner(self.rows, self.ids, home, trouble, changes, now)
        home.draft.reconciled.append(
            ReconcileRows(run=evolve(run, error=trouble.code), discrepancies=noted)
        )
        if changes.has_content():
            await self.record.tell(home, changes)

    async def finish(
        self, home: Home, seen: Snapshot, changes: Changes, now: datetime
    ) -> tuple[list[Report], list[tuple[Command, CommandResult]]]:
        """Book a sweep that was read meanwhile: its reports, and the commands that it ends.

        One that nobody asked for is the exchange's own, of the short scope.
        """
        mine = [each for each in home.sweeping if _answers(seen, each)]
        home.sweeping = [each for each in home.sweeping if each not in mine]
        asked = [each for each in mine if each.command is not None]
        wish = next((each.wish for each in (*asked, *mine)), Reconcile(scope=Scope.SHORT))
        value, told = await self._book(home, wish, seen, changes, now, is_asked=bool(asked))
        done = CommandResult(status=CommandStatus.DONE, value=value)
        return told, [(each.command, done) for each in asked if each.command is not None]

    async def _book(
        self,
        home: Home,
        wish: Reconcile,
        seen: Snapshot,
        changes: Changes,
        now: datetime,
        *,
        is_asked: bool,
    ) -> tuple[str, list[Report]]:
        """What the sweep came to, as JSON text, and the reports it told."""
        told = () if self.raw is None else await self.raw(home, seen.since, now, seen.raw)
        deals, orders = len(changes.deals), len(changes.orders)
        trades = [each for each in seen.trades if _is_meant(wish, each[1])]
        booked = await self._booked(home, trades)
        new = [*seen.orders, *(r for symbol, r in trades if not booked.get((symbol, _name_of(r))))]
        await self.record(home, new, changes)
        vanished = await self._vanished(home, seen, now)
        await self.record(home, vanished, changes)
        fresh = {deal.symbol for deal in changes.deals[deals:]}
        counts: dict[str, object] = {
            "fetched": len(seen.orders) + len(trades),
            "new_deals": len(changes.deals) - deals,
            "new_orders": len(changes.orders) - orders,
            "discrepancies": 0,
        }
        standing: Standing | None = None
        if seen.until is None or seen.until >= now:
            standing = await self._compare()(home, seen, booked, fresh, changes, now)
            rows = standing.rows.values()
            counts["discrepancies"] = sum(row.status == Status.OPEN for row in rows)
        noted = () if standing is None else tuple(standing.changed.values())
        if wish.scope is not Scope.PERIOD:
            home.read_until = now
        if seen.reaches_from is not None:
            counts["history_unreachable"] = time_text(seen.reaches_from)
            home.reaches_from = seen.reaches_from
        value: dict[str, object] = {**counts, "run_id": None, "watermark": time_text(now)}
        found = fresh or noted or told or counts["new_orders"] or vanished
        if is_asked or found:
            run = await self._run(home, wish, counts, now)
            cursors = {} if wish.scope is Scope.PERIOD else {TRADES_READ: time_text(now)}
            home.draft.reconciled.append(
                ReconcileRows(run=run, cursors=cursors, discrepancies=noted, raw=told)
            )
            changes.events.append(_tick(wish, seen, counts | {"raw": len(told)}, now))
            value |= {"run_id": run.id, "watermark": cursors.get(TRADES_READ)}
        return dumps_plain(value), [*new, *vanished]

    def fixes(self) -> Fixes:
        """What carries fixes out."""
        return Fixes(ledger=self.ledger, record=self.record, ids=self.ids)

    def _compare(self) -> Compare:
        return Compare(ids=self.ids, rows=self.rows, fixes=self.fixes())

    async def _since(self, home: Home, wish: Reconcile, plan: SweepPlan, now: datetime) -> datetime:
        look_back = None if wish.scope is Scope.PERIOD else plan.look_back(wish.scope)
        watermark = home.read_until or await self._watermark(home)
        return read_from(wish.scope, watermark, wish.start, now, look_back)

    async def _watermark(self, home: Home) -> datetime | None:
        for cursor in await self.rows.cursors([home.account.id]):
            if cursor.entity == TRADES_READ:
                return datetime.fromisoformat(cursor.value).astimezone(UTC)
        return None

    async def _booked(
        self, home: Home, trades: Sequence[tuple[str, Report]]
    ) -> Mapping[Trade, Sequence[Deal]]:
        """The deals under these trade ids, and those that take them back."""
        names: dict[str, list[str]] = {}
        for symbol, report in trades:
            names.setdefault(symbol, []).append(_name_of(report))
        known: dict[Trade, list[Deal]] = {}
        for symbol, told in names.items():
            stored = await self.ledger.deals_of(home.account.id, symbol, told)
            known |= {(symbol, name): [*deals] for name, deals in stored.items()}
        for deal in home.deals_not_stored():
            known.setdefault((deal.symbol, deal.exchange_trade_id), []).append(deal)
        return known

    async def _vanished(self, home: Home, seen: Snapshot, now: datetime) -> list[Report]:
        """What is told of orders of ours that are open here and not shown there."""
        if home.exchange.answers_later():
            return []  # it looks them up by itself: that takes time
        shown = {report.exchange_order_id for report in seen.orders}
        told: list[Report] = []
        for order in list(home.orders.values()):
            is_placed = order.state is not OrderState.PENDING_SUBMIT
            if is_placed and order.exchange_order_id not in shown:
                told += await home.exchange.ask(order, now)
        return told

    async def _run(
        self, home: Home, wish: Reconcile, counts: Mapping[str, object], now: datetime
    ) -> ReconcileRun:
        await self.ids.ensure("reconcile_run", 1)
        return ReconcileRun(
            id=self.ids("reconcile_run"),
            account_id=home.account.id,
            scope=wish.scope.value,
            started_at=now,
            finished_at=now,
            counts=dumps_plain(counts),
        )


def _until(wish: Reconcile) -> datetime | None:
    """Up to when executions are read; ``None`` is now."""
    return wish.end if wish.scope is Scope.PERIOD else None


def _answers(seen: Snapshot, waiting: Sweeping) -> bool:
    """Whether all that is waited for was read."""
    until = _until(waiting.wish)
    return seen.since <= waiting.since and (seen.until is None or seen.until == until)


def _is_meant(wish: Reconcile, report: Report) -> bool:
    """Whether an execution lies within the bounds of the sweep."""
    assert report.execution is not None, "a trade is an execution"
    until = _until(wish)
    return until is None or report.execution.executed_at <= until


def _name_of(report: Report) -> str:
    assert report.execution is not None, "a trade is an execution"
    return report.execution.exchange_trade_id


def _tick(wish: Reconcile, seen: Snapshot, counts: Mapping[str, object], now: datetime) -> Event:
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
