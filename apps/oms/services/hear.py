"""What an exchange tells without being asked: time passing, answers that come later, sweeps.

It is recorded like any other report, and ends the commands that waited for it.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from oms.domain.command import Command, CommandResult
from oms.domain.event import Event, Namespace
from oms.ports.exchange import StalePrice
from oms.services.ask import asked, overdue
from oms.services.awaiting import ended
from oms.services.ccxt_call import ended_calls
from oms.services.home import Home
from oms.services.reconcile import Reconciling
from oms.services.record import Changes, Record

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hear:
    """Listens to the exchange of one home at a time."""

    record: Record
    reconcile: Reconciling

    async def __call__(self, home: Home, now: datetime) -> bool:
        """Record what is told; whether that changed anything."""
        for order in overdue(home, now):
            logger.warning(
                "order_in_doubt account_id=%d order_id=%d symbol=%s seconds=%d",
                home.account.id,
                order.id,
                order.symbol,
                (now - order.updated_at).total_seconds(),
            )
        exchange, changes = home.exchange, Changes()
        called = ended_calls(home)  # before what they found is taken in
        reports = [*await exchange.advance(now)]
        changes.events += map(_stale_event, exchange.stale())
        if not exchange.answers_later():
            reports += await asked(home, now)
        await self.record(home, reports, changes)
        over: list[tuple[Command, CommandResult]] = []
        for seen in exchange.swept():
            told, swept = await self.reconcile.finish(home, seen, changes, now)
            reports += told
            over += swept
        over += [*ended(home, reports, changes), *called]
        if not changes.has_content() and not over:
            return home.draft.has_content()
        endings: list[tuple[Command, CommandResult] | None] = [*over]
        for ending in endings or [None]:
            await self.record.tell(home, changes, ending)
            changes = Changes()
        return True


def _stale_event(stale: StalePrice) -> Event:
    facts = {"symbol": stale.symbol, "age_ms": stale.age_ms}
    return Event(name="stop_price_stale", namespace=Namespace.RISK, facts=facts)
