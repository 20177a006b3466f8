"""Reconcile: read what the exchange shows, apply it as reports, and note what still differs.

A sweep tells nothing twice: what the book knows changes nothing. Executions that were missed
become deals, orders that nobody sent become external ones, orders of ours that the exchange does
not show are asked for. What no fact explains is a discrepancy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from oms.domain.command import Command, CommandResult, CommandStatus
from oms.domain.control import Reconcile
from oms.domain.event import Event
from oms.domain.instrument import Kind
from oms.domain.order import OrderState
from oms.domain.reconciliation import SETTLE, Difference, Scope, differences, read_from
from oms.domain.report import Report
from oms.domain.value import evolve
from oms.ports.exchange import Snapshot
from oms.ports.ids import IdBlocks
from oms.ports.ledger import LedgerStore
from oms.ports.reconciliation import (
    TRADES_READ,
    Discrepancy,
    ReconcileRows,
    ReconcileRun,
    Reconciliations,
)
from oms.services.home import Home, Sweeping
from oms.services.raw_told import RawTold
from oms.services.record import Changes, Record
from oms.wire.json import dumps_plain, time_text

_POSITION = "position_differs"


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
        self, home: Home, wish: Reconcile, changes: Changes, now: datetime
    ) -> CommandResult:
        """Sweep; the facts found, the run and the watermark are in one draft."""
        since = read_from(wish.scope, await self._watermark(home), wish.start, now)
        await self.record(home, await home.exchange.advance(now), changes)
        seen = await home.exchange.snapshot(since, now)
        value, _ = await self._book(home, wish, seen, since, changes, now)
        return CommandResult(status=CommandStatus.DONE, value=value)

    async def begin(self, home: Home, command: Command, now: datetime) -> CommandResult:
        """Ask for a sweep that takes time; ``finish`` ends the command."""
        wish = command.payload
        assert isinstance(wish, Reconcile)
        since = read_from(wish.scope, await self._watermark(home), wish.start, now)
        home.sweeping.append(Sweeping(command=command, since=since))
        home.exchange.begin_sweep(since)
        return CommandResult(status=CommandStatus.RUNNING)

    async def finish(
        self, home: Home, seen: Snapshot, changes: Changes, now: datetime
    ) -> tuple[list[Report], list[tuple[Command, CommandResult]]]:
        """Book a sweep that was read meanwhile: its reports, and the commands that it ends.

        One that nobody asked for is the exchange's own, of the short scope.
        """
        mine = [each for each in home.sweeping if seen.since <= each.since]
        home.sweeping = [each for each in home.sweeping if seen.since > each.since]
        asked = mine[0].command.payload if mine else None
        wish = asked if isinstance(asked, Reconcile) else Reconcile(scope=Scope.SHORT)
        value, told = await self._book(home, wish, seen, seen.since, changes, now)
        done = CommandResult(status=CommandStatus.DONE, value=value)
        return told, [(each.command, done) for each in mine]

    async def _book(
        self,
        home: Home,
        wish: Reconcile,
        seen: Snapshot,
        since: datetime,
        changes: Changes,
        now: datetime,
    ) -> tuple[str, list[Report]]:
        """What the sweep came to, as JSON text, and the reports it told."""
        told = () if self.raw is None else await self.raw(home, since, now, seen.raw)
        deals, orders = len(changes.deals), len(changes.orders)
        new = [*seen.orders, *await self._unknown(home, seen.trades)]
        await self.record(home, new, changes)
        vanished = await self._vanished(home, seen, now)
        await self.record(home, vanished, changes)
        noted = await self._differing(home, seen, changes, now)
        counts = {
            "fetched": len(seen.orders) + len(seen.trades),
            "new_deals": len(changes.deals) - deals,
            "new_orders": len(changes.orders) - orders,
            "discrepancies": sum(row.status == "open" for row in noted),
        }
        run = await self._run(home, wish, counts, now)
        cursors = {} if wish.scope is Scope.PERIOD else {TRADES_READ: time_text(now)}
        home.draft.reconciled.append(
            ReconcileRows(run=run, cursors=cursors, discrepancies=noted, raw=told)
        )
        changes.events.append(_tick(wish, since, seen, counts | {"raw": len(told)}, now))
        value = counts | {"run_id": run.id, "watermark": cursors.get(TRADES_READ)}
        return dumps_plain(value), [*new, *vanished]

    async def _watermark(self, home: Home) -> datetime | None:
        for cursor in await self.rows.cursors([home.account.id]):
            if cursor.entity == TRADES_READ:
                return datetime.fromisoformat(cursor.value).astimezone(UTC)
        return None

    async def _unknown(self, home: Home, trades: Sequence[tuple[str, Report]]) -> list[Report]:
        """Executions that no deal tells of."""
        names: dict[str, list[str]] = {}
        for symbol, report in trades:
            names.setdefault(symbol, []).append(_trade_id(report))
        known = {(deal.symbol, deal.exchange_trade_id) for deal in home.deals_not_stored()}
        for symbol, told in names.items():
            stored = await self.ledger.deals_of(home.account.id, symbol, told)
            known |= {(symbol, name) for name in stored}
        return [report for symbol, report in trades if (symbol, _trade_id(report)) not in known]

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

    async def _differing(
        self, home: Home, seen: Snapshot, changes: Changes, now: datetime
    ) -> list[Discrepancy]:
        """Differences seen now, and those that ended; one counts when it is seen twice."""
        busy = {order.symbol for order in home.orders.values() if order.pending_change}
        busy |= {o.symbol for o in home.orders.values() if o.state is OrderState.UNKNOWN}
        kinds = home.exchange.instruments()
        held = [p for p in home.positions.values() if kinds[p.symbol].kind is not Kind.SPOT]
        found = {_subject(each): each for each in differences(held, seen.holdings, busy)}
        known = {row.subject: row for row in await self.rows.unsettled([home.account.id])}
        await self.ids.ensure("discrepancy", len(found))
        noted: list[Discrepancy] = []
        for subject, difference in found.items():
            row = known.get(subject) or self._first(home, difference, now)
            if row.status == "pending" and now - row.first_seen >= SETTLE:
                row = evolve(row, status="open")
                changes.events.append(_event("discrepancy_opened", row, difference.evidence()))
            evidence = dumps_plain(difference.evidence())
            noted.append(evolve(row, evidence=evidence, last_seen=now))
        for subject, row in known.items():
            if subject not in found and row.symbol not in busy:
                if row.status == "open":
                    changes.events.append(_event("discrepancy_closed", row, {}))
                noted.append(evolve(row, status="closed", last_seen=now))
        return noted

    def _first(self, home: Home, difference: Difference, now: datetime) -> Discrepancy:
        return Discrepancy(
            id=self.ids("discrepancy"),
            account_id=home.account.id,
            kind=_POSITION,
            symbol=difference.symbol,
            subject=_subject(difference),
            status="pending",
            policy="ask",
            evidence="{}",
            first_seen=now,
            last_seen=now,
        )

    async def _run(
        self, home: Home, wish: Reconcile, counts: dict[str, int], now: datetime
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


def _trade_id(report: Report) -> str:
    assert report.execution is not None, "a trade is an execution"
    return report.execution.exchange_trade_id


def _subject(difference: Difference) -> str:
    leg = "" if difference.side is None else f":{difference.side.value}"
    return f"{_POSITION}:{difference.symbol}{leg}"


def _event(name: str, row: Discrepancy, evidence: dict[str, str | None]) -> Event:
    facts = {
        "discrepancy_id": row.id,
        "class": row.kind,
        "symbol": row.symbol,
        "evidence": evidence,
        "fix": row.fix,
    }
    return Event(name=name, facts=facts)


def _tick(
    wish: Reconcile, since: datetime, seen: Snapshot, counts: dict[str, int], now: datetime
) -> Event:
    skipped = len(seen.trades) - counts["new_deals"]
    facts: dict[str, object] = {
        "scope": wish.scope.value,
        "lookback_seconds": int((now - since).total_seconds()),
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
