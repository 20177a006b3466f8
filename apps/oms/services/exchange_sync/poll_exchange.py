"""Poll an exchange for reports: elapsed time, delayed answers, finished reconcile passes.

The reports are recorded like those of a command, and complete the commands that waited for them.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from oms.domain.commands.command import Command, CommandResult
from oms.domain.event import Event, Namespace
from oms.ports.exchange import StalePrice
from oms.services.account_state.state import AccountState
from oms.services.commands.ccxt_call import take_finished_calls
from oms.services.commands.flatten import Flatten
from oms.services.commands.kill_switch import KillSwitchCache
from oms.services.commands.pending_commands import complete_pending
from oms.services.commands.reverse_position import Reverse
from oms.services.exchange_sync.unknown_orders import newly_overdue_orders, query_unknown_orders
from oms.services.ledger.record import Changes, RecordReports
from oms.services.protection.overfills import overfill_events
from oms.services.protection.own_cancels import repeat_cancels
from oms.services.protection.watch_alerts import watch_alerts
from oms.services.protection.watch_expiries import watch_expiries
from oms.services.protection.watch_pairs import watch_pairs
from oms.services.protection.watch_stops import WatchStops
from oms.services.reconcile import ReconcileAccount
from oms.services.risk.observe_losses import ObserveLosses
from oms.services.risk.session_overrides import SessionOverrideRefresh
from oms.services.signals.expand_signal import ExpandSignals

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PollExchange:
    """Polls the exchange of one account at a time."""

    record: RecordReports
    reconcile: ReconcileAccount
    #: Continues kill switch commands that close positions.
    flatten: Flatten
    #: Continues commands that reverse positions.
    reverse: Reverse
    #: Continues signals.
    signals: ExpandSignals
    #: Judges stop levels; ``None`` where nothing watches them.
    watch_stops: WatchStops | None = None
    #: Compares losses with their limits; ``None`` where there are no limits.
    observe_losses: ObserveLosses | None = None
    #: Reads the limits of scopes over many accounts.
    kill_switches: KillSwitchCache | None = None
    #: Reads overridden trading days; ``None`` where nothing has sessions.
    session_overrides: SessionOverrideRefresh | None = None

    async def __call__(self, state: AccountState, now: datetime) -> bool:
        """Record the new reports. Returns whether there is anything to commit."""
        if self.session_overrides is not None:
            await self.session_overrides(state)
        for order in newly_overdue_orders(state, now):
            logger.warning(
                "order_in_doubt account_id=%d order_id=%d symbol=%s seconds=%d",
                state.account.id,
                order.id,
                order.symbol,
                (now - order.updated_at).total_seconds(),
            )
        exchange, changes = state.exchange, Changes()
        # Before the reports: the orders of a call are among them.
        finished_calls = take_finished_calls(state)
        reports = [*await exchange.poll_reports(now)]
        if state.paper is not None:
            stale = state.paper.take_stale_prices()
            changes.events += map(_stale_event, stale)
            state.stale_symbols.update(each.symbol for each in stale)
        if not exchange.sends_after_commit():
            reports += await query_unknown_orders(state, now)
        await self.record(state, reports, changes)
        finished: list[tuple[Command, CommandResult]] = []
        for snapshot in exchange.take_snapshots():
            applied, completed = await self.reconcile.finish(state, snapshot, changes, now)
            reports += applied
            finished += completed
        finished += [*complete_pending(state, reports, changes), *finished_calls]
        finished += await self.flatten.advance(state, changes, now)
        if state.pending_signals:
            finished += await self.signals.advance(state, changes, now)
        if state.pending_reverses:
            finished += await self.reverse.advance(state, changes, now)
        await self.record.value_fees(state, changes, now)
        if self.watch_stops is not None and exchange.is_ready():
            changes.events += overfill_events(changes)
            if state.armed or state.native_positions:
                await self.watch_stops(state, changes, now)
            if state.alerts:
                watch_alerts(state, changes, now, self.watch_stops.price_age)
        if state.is_valued:
            await self._observe_losses(state, changes, now)
        if changes.orders:
            await watch_pairs(state, changes, self.record.ids, now)
        if state.expiries:
            await watch_expiries(state, changes, self.record.ids, now)
        if state.own_cancels:
            await repeat_cancels(state, self.record.ids, now)
        state.work.has_exchange_requests |= exchange.needs_commit()
        if not changes.has_content() and not finished:
            return state.work.has_content()
        endings: list[tuple[Command, CommandResult] | None] = [*finished]
        for ending in endings or [None]:
            await self.record.append_events(state, changes, ending)
            changes = Changes()
        return True

    async def _observe_losses(self, state: AccountState, changes: Changes, now: datetime) -> None:
        """Compare losses with their limits after a snapshot of equity."""
        state.is_valued = False
        if self.kill_switches is not None:
            await self.kill_switches(state)
        if self.observe_losses is not None:
            await self.observe_losses(state, changes, now)


def _stale_event(stale: StalePrice) -> Event:
    facts = {"symbol": stale.symbol, "age_ms": stale.age_ms}
    return Event(name="stop_price_stale", namespace=Namespace.RISK, facts=facts)
