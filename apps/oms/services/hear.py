"""What an exchange tells without being asked: time passing, answers that come later, sweeps.

It is recorded like any other report, and ends the commands that waited for it.
"""

from dataclasses import dataclass
from datetime import datetime

from oms.domain.command import Command, CommandResult
from oms.services.ask import asked
from oms.services.awaiting import ended
from oms.services.ccxt_call import ended_calls
from oms.services.home import Home
from oms.services.reconcile import Reconciling
from oms.services.record import Changes, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Hear:
    """Listens to the exchange of one home at a time."""

    record: Record
    reconcile: Reconciling

    async def __call__(self, home: Home, now: datetime) -> bool:
        """Record what is told; whether that changed anything."""
        exchange, changes = home.exchange, Changes()
        reports = [*await exchange.advance(now)]
        if not exchange.answers_later():
            reports += await asked(home, now)
        await self.record(home, reports, changes)
        over: list[tuple[Command, CommandResult]] = []
        for seen in exchange.swept():
            told, swept = await self.reconcile.finish(home, seen, changes, now)
            reports += told
            over += swept
        over += [*ended(home, reports, changes), *ended_calls(home)]
        if not changes.has_content() and not over:
            return home.draft.has_content()
        endings: list[tuple[Command, CommandResult] | None] = [*over]
        for ending in endings or [None]:
            await self.record.tell(home, changes, ending)
            changes = Changes()
        return True
