"""Scheduled passes are due by a monotonic clock, whatever the system's clock shows."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from kit.builders import NOON
from oms.domain.errors import Refused
from oms.domain.reconcile.position_comparison import Scope
from oms.domain.reconcile.reconcile_schedule import DEFAULT_INTERVALS, ReconcileIntervals
from oms.ports.reconcile_store import ScheduledAccount
from oms.worker.reconcile_schedule import RETRY_INTERVAL, ReconcileScheduler

ACCOUNT = 7
UNREADABLE = Refused(code="exchange_unavailable", message="no response")


class Clocks:
    """The system's clock, which may be set, beside the monotonic one."""

    def __init__(self) -> None:
        self.time, self.seconds = NOON, 1000.0

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, interval: timedelta) -> None:
        self.time += interval
        self.seconds += interval.total_seconds()


class Passes:
    """The processor of one leased account, whose passes fail while ``reason`` is set."""

    def __init__(self, clock: Clocks) -> None:
        self.clock, self.keeper = clock, SimpleNamespace(held={ACCOUNT})
        self.states: dict[int, Any] = {}
        self.reason: Refused | None = None
        self.scopes: list[Scope] = []

    async def reconcile_account(self, account_id: int, scope: Scope, _: Any) -> Refused | None:
        assert account_id == ACCOUNT
        self.scopes.append(scope)
        return self.reason

    async def record_unreachable(self, account_id: int, reason: Refused) -> None:
        assert (account_id, reason) == (ACCOUNT, self.reason)


class Rows:
    async def scheduled_accounts(self, account_ids: list[int]) -> list[ScheduledAccount]:
        return [
            ScheduledAccount(account_id=each, exchange_id="ccxt.bybit", plan=ReconcileIntervals())
            for each in account_ids
        ]


def schedule() -> tuple[ReconcileScheduler, Passes, Clocks]:
    clocks = Clocks()
    passes: Any = Passes(clocks)
    rows: Any = Rows()
    return (
        ReconcileScheduler(processor=passes, rows=rows, monotonic=clocks.monotonic),
        passes,
        clocks,
    )


async def test_a_clock_set_back_does_not_delay_the_retry() -> None:
    scheduler, passes, clocks = schedule()
    passes.reason = UNREADABLE
    await scheduler()
    clocks.time -= timedelta(hours=1)
    clocks.advance(RETRY_INTERVAL / 2)
    await scheduler()
    assert len(passes.scopes) == 1, "the retry waits for its interval"
    clocks.advance(RETRY_INTERVAL / 2)
    await scheduler()
    assert len(passes.scopes) == 2


async def test_a_clock_set_back_does_not_delay_the_next_pass() -> None:
    scheduler, passes, clocks = schedule()
    await scheduler()
    clocks.time -= timedelta(hours=1)
    clocks.advance(DEFAULT_INTERVALS[Scope.SHORT])
    await scheduler()
    assert len(passes.scopes) == 2


async def test_a_clock_set_forward_does_not_repeat_a_pass() -> None:
    scheduler, passes, clocks = schedule()
    await scheduler()
    clocks.time += timedelta(days=2)
    clocks.advance(RETRY_INTERVAL)
    await scheduler()
    assert passes.scopes == [Scope.SHORT]
