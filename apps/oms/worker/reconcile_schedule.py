"""Scheduled reconcile passes of the leased accounts, at the intervals of their settings.

Accounts at real exchanges are reconciled by default. The ledger of a paper account is written in
the transaction of its exchange's state, so it is reconciled only if an interval is set. The result
of a pass without findings is reported by the worker's heartbeat and not stored.

Due times are those of a monotonic clock: a step of the system's clock neither delays a pass nor
repeats one.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from oms.domain.account import Engine
from oms.domain.errors import Refused
from oms.domain.reconcile.reconcile_schedule import ReconcileSchedule
from oms.ports.reconcile_store import ReconcileStore, ScheduledAccount
from oms.wire.json import time_text
from oms.worker.dispatch import CommandProcessor

logger = logging.getLogger(__name__)

SETTINGS_REFRESH_INTERVAL = timedelta(seconds=60)
"""How often the account settings are read again."""

PASSES_PER_ROUND = 5
"""Passes that one round starts, so that commands need not wait."""

RETRY_INTERVAL = timedelta(seconds=5)


@dataclass(slots=True, kw_only=True)
class ReconcileScheduler:
    """The schedules of one worker."""

    processor: CommandProcessor
    rows: ReconcileStore
    #: Seconds of a clock that never steps.
    monotonic: Callable[[], float] = time.monotonic
    _settings: dict[int, ScheduledAccount] = field(default_factory=dict)
    _schedules: dict[int, ReconcileSchedule] = field(default_factory=dict)
    #: Accounts that cannot be read, with the reason.
    _degraded: dict[int, Refused] = field(default_factory=dict)
    #: Accounts whose next attempt is delayed.
    _retry_at: dict[int, timedelta] = field(default_factory=dict)
    _held: frozenset[int] = frozenset()
    _read_at: timedelta | None = None

    async def __call__(self) -> None:
        """Start the passes that are due. Raises ``Unavailable``."""
        now = timedelta(seconds=self.monotonic())
        held = frozenset(account_id for account_id in self.processor.keeper.held if account_id)
        if (
            self._read_at is None
            or held != self._held
            or now - self._read_at >= SETTINGS_REFRESH_INTERVAL
        ):
            await self._read(held, now)
        started = 0
        for account_id, schedule in list(self._schedules.items()):
            scope = schedule.scope_due(now)
            if scope is None or now < self._retry_at.get(account_id, now):
                continue
            if started == PASSES_PER_ROUND:
                return
            started += 1
            intervals = self._settings[account_id].plan
            self._retry_at[account_id] = now + RETRY_INTERVAL
            reason = await self.processor.reconcile_account(account_id, scope, intervals)
            if reason is not None:
                await self._record_availability(
                    account_id, reason if reason.code != "busy" else None
                )
                continue
            await self._record_availability(account_id, None)
            self._schedules[account_id] = schedule.mark_reconciled(scope, intervals, now)

    async def _read(self, held: frozenset[int], now: timedelta) -> None:
        """Read the settings of the leased accounts; a new account begins its schedule."""
        settings = {row.account_id: row for row in await self.rows.scheduled_accounts(sorted(held))}
        self._settings = {key: row for key, row in settings.items() if is_scheduled(row)}
        self._held, self._read_at = held, now
        for each in (self._schedules, self._degraded, self._retry_at):
            for account_id in each.keys() - self._settings.keys():
                del each[account_id]
        for account_id, row in self._settings.items():
            if account_id not in self._schedules:
                is_delayed = _engine(row) is Engine.PAPER
                self._schedules[account_id] = ReconcileSchedule.initial(
                    account_id, row.plan, now, waits=is_delayed
                )

    async def _record_availability(self, account_id: int, reason: Refused | None) -> None:
        """Log and record changes between readable and unreadable, once each."""
        if _reason_key(reason) == _reason_key(self._degraded.get(account_id)):
            return
        if reason is None:
            del self._degraded[account_id]
            logger.info("account_recovered account_id=%d", account_id)
            return
        self._degraded[account_id] = reason
        logger.warning("account_degraded account_id=%d code=%s", account_id, reason.code)
        await self.processor.record_unreachable(account_id, reason)

    def status_fields(self) -> Mapping[str, Mapping[str, str]]:
        """Return fields for the heartbeat: times of the last passes, and unreadable accounts.

        Also from when on executions are available, where older ones were requested.
        """
        times = {
            str(account_id): time_text(state.reconciled_until)
            for account_id, state in self.processor.states.items()
            if state.reconciled_until is not None
        }
        degraded = {str(account_id): why.code for account_id, why in self._degraded.items()}
        status_fields = {"reconciled": times, "degraded": degraded}
        unreachable = {
            str(account_id): time_text(state.reaches_from)
            for account_id, state in self.processor.states.items()
            if state.reaches_from is not None
        }
        return status_fields | ({"unreachable": unreachable} if unreachable else {})


def is_scheduled(row: ScheduledAccount) -> bool:
    """Return whether an account is reconciled on schedule."""
    if not row.plan.enabled:
        return False
    return _engine(row) is not Engine.PAPER or bool(row.plan.intervals)


def _reason_key(reason: Refused | None) -> tuple[str, str | None] | None:
    return None if reason is None else (reason.code, reason.reason)


def _engine(row: ScheduledAccount) -> Engine:
    return Engine(row.exchange_id.partition(".")[0])
