"""The task of backtests: executes what is queued, each in a process of its own.

The runner that holds the lease executes; what another one left running is executed again from its
start. The results of a run are stored once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial

from oms.domain.errors import Unavailable
from oms.domain.event import Event, Namespace
from oms.ports.clock import Clock
from oms.ports.research.backtest_runs import (
    BACKTESTS_TASK,
    BacktestExecutor,
    BacktestFailure,
    BacktestKind,
    BacktestMessage,
    BacktestOutcome,
    BacktestProgress,
    BacktestQueue,
    BacktestStatus,
    StoredBacktest,
)
from oms.runner.task_run import TaskRun

logger = logging.getLogger(__name__)

ROUND_SECONDS = 0.5
ATTEMPTS_MAX = 5
"""Executions of one backtest whose runner ended; then it has failed."""

SUMMARY = (
    *("total_return", "total_return_pct", "total_trades", "win_rate", "max_drawdown"),
    *("sharpe_ratio", "final_balance"),
)
"""Figures of the event of a run that is done."""


@dataclass(slots=True, kw_only=True)
class BacktestExecution:
    """``RunnerTask`` that executes backtests."""

    queue: BacktestQueue
    execute: BacktestExecutor
    clock: Clock
    #: Processes that execute at once.
    processes: int
    round_seconds: float = ROUND_SECONDS
    name: str = BACKTESTS_TASK
    #: By id.
    _running: dict[int, "asyncio.Task[None]"] = field(default_factory=dict)
    #: Processes that each of them uses.
    _used: dict[int, int] = field(default_factory=dict)

    async def __call__(self, run: TaskRun) -> None:
        """Work until the stop; what is running then is executed again by the next runner."""
        try:
            await self._take_over(run)
            while not run.stop.is_set():
                self._raise_failures()
                await self._look_for_work(run)
                await run.pause(self.round_seconds)
        finally:
            await self._end()

    async def _look_for_work(self, run: TaskRun) -> None:
        try:
            await self._cancel(run)
            await self._start(run)
        except Unavailable as error:  # what is running goes on while the lease is valid
            logger.warning("store_unavailable loop=%s message=%s", self.name, error.message)
            run.require_valid()
        else:
            run.show_progress()

    def _raise_failures(self) -> None:
        """Remove the executions that ended, and raise what one of them raised."""
        for run_id, work in list(self._running.items()):
            if work.done():
                self._forget(run_id)
                work.result()  # a lost lease, no database, or a bug: the task is started again

    async def _take_over(self, run: TaskRun) -> None:
        """Queue again what a runner that ended left running."""
        again = []
        for left in await self.queue.running():
            if left.is_cancel_requested:
                await self._close(run, left, BacktestStatus.CANCELED, None)
            elif left.attempts >= ATTEMPTS_MAX:
                error = f"the runner ended during each of {left.attempts} executions"
                await self._close(run, left, BacktestStatus.FAILED, error)
            else:
                again.append(left.id)
        if again:
            await self.queue.requeue(run.lease, again)
            logger.warning("backtests_executed_again ids=%s", again)

    async def _cancel(self, run: TaskRun) -> None:
        """End the processes of what is to be canceled."""
        if not self._running:
            return
        for backtest in await self.queue.running():
            if backtest.is_cancel_requested and backtest.id in self._running:
                work = self._running[backtest.id]
                work.cancel()
                await asyncio.wait({work})
                self._forget(backtest.id)
                await self._close(run, backtest, BacktestStatus.CANCELED, None)

    async def _start(self, run: TaskRun) -> None:
        """Begin what is queued while processes are free; a sweep uses all that are."""
        while (free := self.processes - sum(self._used.values())) > 0:
            claimed = await self.queue.claim(run.lease, self.clock.now())
            if claimed is None:
                return
            used = free if claimed.order.kind is BacktestKind.SWEEP else 1
            self._used[claimed.id] = used
            self._running[claimed.id] = asyncio.create_task(
                self._execute(run, claimed, used), name=f"backtest-{claimed.id}"
            )

    async def _execute(self, run: TaskRun, backtest: StoredBacktest, processes: int) -> None:
        logger.info("backtest_started id=%d attempt=%d", backtest.id, backtest.attempts)
        last: BacktestMessage = BacktestFailure(message="the process ended without a result")
        async with aclosing(self.execute(backtest, processes)) as messages:
            async for message in messages:
                if not isinstance(message, BacktestProgress):
                    last = message
                    break
                await self._record(run, backtest.id, message)
        await _until_stored(run, partial(self._store, run, backtest, last))

    async def _record(self, run: TaskRun, run_id: int, progress: BacktestProgress) -> None:
        try:
            await self.queue.record_progress(run.lease, run_id, progress, self.clock.now())
        except Unavailable as error:  # the next one follows soon
            logger.warning("progress_not_stored id=%d message=%s", run_id, error.message)

    async def _store(self, run: TaskRun, backtest: StoredBacktest, last: BacktestMessage) -> None:
        if isinstance(last, BacktestFailure):
            await self._close(run, backtest, BacktestStatus.FAILED, last.message)
        elif isinstance(last, BacktestOutcome):
            event = done_event(backtest, BacktestStatus.DONE, None, last.result)
            await self.queue.finish(run.lease, backtest.id, last, event, self.clock.now())
            logger.info("backtest_done id=%d", backtest.id)

    async def _close(
        self, run: TaskRun, backtest: StoredBacktest, status: BacktestStatus, error: str | None
    ) -> None:
        """End a backtest without a result."""
        event = done_event(backtest, status, error, {})
        await self.queue.end(run.lease, backtest.id, status, error, event, self.clock.now())
        logger.info("backtest_ended id=%d status=%s why=%s", backtest.id, status.value, error)

    def _forget(self, run_id: int) -> None:
        del self._running[run_id]
        del self._used[run_id]

    async def _end(self) -> None:
        """End the processes."""
        works = set(self._running.values())
        self._running.clear()
        self._used.clear()
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)


async def _until_stored(run: TaskRun, store: Callable[[], Awaitable[None]]) -> None:
    """Store a result that took long to calculate, as soon as the database answers."""
    while True:
        try:
            await store()
        except Unavailable as error:
            logger.warning("result_not_stored message=%s", error.message)
            run.require_valid()
            await run.pause(ROUND_SECONDS)
            if run.stop.is_set():
                raise
        else:
            return


def done_event(
    backtest: StoredBacktest,
    status: BacktestStatus,
    error: str | None,
    result: Mapping[str, object],
) -> Event:
    """Return the event of a backtest that ended; it names the user who requested it."""
    order = backtest.order
    facts: dict[str, object] = {
        "run_id": backtest.id,
        "user_id": order.user_id,
        "kind": order.kind.value,
        "status": status.value,
        "strategy": order.strategy,
        "exchange": order.exchange,
        "symbol": order.symbol,
        "timeframe": order.timeframe,
        "error": error,
        "summary": {name: result[name] for name in SUMMARY if name in result},
    }
    return Event(name="backtest_done", namespace=Namespace.RESEARCH, facts=facts)
