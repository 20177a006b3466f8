"""What an exchange tells without being asked: time passing, answers that come later, sweeps.

It is recorded like any other report, and ends the commands that waited for it.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from oms.domain.commands.command import Command, CommandResult
from oms.domain.event import Event, Namespace
from oms.ports.exchange import StalePrice
from oms.services.account_state.state import AccountState
from oms.services.commands.ccxt_call import take_finished_calls
from oms.services.commands.pending_commands import complete_pending
from oms.services.exchange_sync.unknown_orders import newly_overdue_orders, query_unknown_orders
from oms.services.ledger.record import Changes, RecordReports
from oms.services.reconcile import Reconciling

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PollExchange:
    """Listens to the exchange of one home at a time."""

    record: RecordReports
    reconcile: Reconciling

    async def __call__(self, state: AccountState, now: datetime) -> bool:
        """Record what is told; whether that changed anything."""
        for order in newly_overdue_orders(state, now):
            logger.warning(
                "order_in_doubt account_id=%d order_id=%d symbol=%s seconds=%d",
                state.account.id,
                order.id,
                order.symbol,
                (now - order.updated_at).total_seconds(),
            )
        exchange, changes = state.exchange, Changes()
        called = take_finished_calls(state)  # before what they found is taken in
        reports = [*await exchange.poll_reports(now)]
        changes.events += map(_stale_event, exchange.take_stale_prices())
        if not exchange.sends_after_commit():
            reports += await query_unknown_orders(state, now)
        await self.record(state, reports, changes)
        over: list[tuple[Command, CommandResult]] = []
        for seen in exchange.take_snapshots():
            told, take_snapshots = await self.reconcile.finish(state, seen, changes, now)
            reports += told
            over += take_snapshots
        over += [*complete_pending(state, reports, changes), *called]
        if not changes.has_content() and not over:
            return state.work.has_content()
        endings: list[tuple[Command, CommandResult] | None] = [*over]
        for ending in endings or [None]:
            await self.record.append_events(state, changes, ending)
            changes = Changes()
        return True


def _stale_event(take_stale_prices: StalePrice) -> Event:
    facts = {"symbol": take_stale_prices.symbol, "age_ms": take_stale_prices.age_ms}
    return Event(name="stop_price_stale", namespace=Namespace.RISK, facts=facts)
