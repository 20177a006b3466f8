"""Sweeps that nobody asked for: each account held, as often as its owner wants it.

Accounts at real exchanges are swept as a matter of course. The book of a paper account is written
in the transaction of its exchange's memory: it is swept where an interval is set, to try it out.
What a quiet sweep came to is told by the worker's heartbeat and written nowhere else.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from oms.domain.account import Engine
from oms.domain.errors import Refused
from oms.domain.reconcile.reconcile_schedule import ReconcileSchedule
from oms.ports.reconcile_store import ReconcileStore, ScheduledAccount
from oms.wire.json import time_text
from oms.worker.dispatch import CommandProcessor

logger = logging.getLogger(__name__)

SETTINGS_REFRESH_INTERVAL = timedelta(seconds=60)
"""How often the owners' settings are read anew."""

PASSES_PER_ROUND = 5
"""Sweeps that one round begins, so that commands need not wait."""

RETRY_INTERVAL = timedelta(seconds=5)


@dataclass(slots=True, kw_only=True)
class ReconcileScheduler:
    """The timetables of one worker."""

    accounts: CommandProcessor
    rows: ReconcileStore
    _plans: dict[int, ScheduledAccount] = field(default_factory=dict)
    _tables: dict[int, ReconcileSchedule] = field(default_factory=dict)
    #: Accounts that cannot be read, and why.
    _degraded: dict[int, Refused] = field(default_factory=dict)
    #: Accounts whose turn comes later, though something is due.
    _later: dict[int, datetime] = field(default_factory=dict)
    _held: frozenset[int] = frozenset()
    _read_at: datetime | None = None

    async def __call__(self, now: datetime) -> None:
        """Begin what is due. Raises ``Unavailable``."""
        held = frozenset(account_id for account_id in self.accounts.keeper.held if account_id)
        if (
            self._read_at is None
            or held != self._held
            or now - self._read_at >= SETTINGS_REFRESH_INTERVAL
        ):
            await self._read(held, now)
        begun = 0
        for account_id, table in list(self._tables.items()):
            scope = table.scope_due(now)
            if scope is None or now < self._later.get(account_id, now):
                continue
            if begun == PASSES_PER_ROUND:
                return
            begun += 1
            plan = self._plans[account_id].plan
            self._later[account_id] = now + RETRY_INTERVAL
            unavailable_reason = await self.accounts.reconcile_account(account_id, scope, plan)
            if unavailable_reason is not None:
                await self._note(
                    account_id, unavailable_reason if unavailable_reason.code != "busy" else None
                )
                continue
            await self._note(account_id, None)
            self._tables[account_id] = table.mark_reconciled(scope, plan, now)

    async def _read(self, held: frozenset[int], now: datetime) -> None:
        """The plans of the accounts held; an account that is new begins its timetable."""
        found = {row.account_id: row for row in await self.rows.scheduled_accounts(sorted(held))}
        self._plans = {key: row for key, row in found.items() if is_scheduled(row)}
        self._held, self._read_at = held, now
        for each in (self._tables, self._degraded, self._later):
            for account_id in each.keys() - self._plans.keys():
                del each[account_id]
        for account_id, row in self._plans.items():
            if account_id not in self._tables:
                waits = _engine(row) is Engine.PAPER
                self._tables[account_id] = ReconcileSchedule.initial(
                    account_id, row.plan, now, waits=waits
                )

    async def _note(self, account_id: int, unavailable_reason: Refused | None) -> None:
        """That an account cannot be read, or can be again, is told once."""
        if _why(unavailable_reason) == _why(self._degraded.get(account_id)):
            return
        if unavailable_reason is None:
            del self._degraded[account_id]
            logger.info("account_recovered account_id=%d", account_id)
            return
        self._degraded[account_id] = unavailable_reason
        logger.warning(
            "account_degraded account_id=%d code=%s", account_id, unavailable_reason.code
        )
        await self.accounts.record_unreachable(account_id, unavailable_reason)

    def told(self) -> Mapping[str, Mapping[str, str]]:
        """Up to when accounts were read, and which cannot be, for the heartbeat.

        And from when on executions are told, where some were asked for from before.
        """
        times = {
            str(account_id): time_text(state.reconciled_until)
            for account_id, state in self.accounts.states.items()
            if state.reconciled_until is not None
        }
        degraded = {str(account_id): why.code for account_id, why in self._degraded.items()}
        told = {"reconciled": times, "degraded": degraded}
        unreachable = {
            str(account_id): time_text(state.reaches_from)
            for account_id, state in self.accounts.states.items()
            if state.reaches_from is not None
        }
        return told | ({"unreachable": unreachable} if unreachable else {})


def is_scheduled(row: ScheduledAccount) -> bool:
    """Whether an account is swept by itself."""
    if not row.plan.enabled:
        return False
    return _engine(row) is not Engine.PAPER or bool(row.plan.intervals)


def _why(unavailable_reason: Refused | None) -> tuple[str, str | None] | None:
    return (
        None if unavailable_reason is None else (unavailable_reason.code, unavailable_reason.reason)
    )


def _engine(row: ScheduledAccount) -> Engine:
    return Engine(row.exchange_id.partition(".")[0])
