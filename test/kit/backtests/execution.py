"""Executes queued backtests of a store by the runner's own task, in this process."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime

from kit.polling import poll_until
from oms.adapters.child_process import Send
from oms.adapters.clock import SystemClock
from oms.adapters.sql.store import SqlStore
from oms.bootstrap.backtest_process import execute_stored
from oms.config import Settings
from oms.domain.market.candle import Candle
from oms.domain.market.candle_rows import CandleRow, CandleSource
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe
from oms.ports.audit_log import AuditContext
from oms.ports.market.candle_store import CandleSeries
from oms.ports.research.backtest_runs import (
    BACKTESTS_TASK,
    BacktestMessage,
    BacktestMessages,
    BacktestProgress,
    StoredBacktest,
)
from oms.runner.backtests import BacktestExecution
from oms.runner.task_run import TaskRun


class ThreadExecutor:
    """Executes in a thread what the runner executes in a process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def __call__(self, run: StoredBacktest, processes: int) -> BacktestMessages:
        """Yield what the execution reports."""
        messages: list[BacktestMessage] = []
        await asyncio.to_thread(execute_stored, self._settings, run, processes, messages.append)
        for message in messages:
            yield message


def report_and_hang(send: Send) -> None:
    """What a process does that hangs: it reports once, and nothing more."""
    send(BacktestProgress(done=0, total=1))
    time.sleep(600)


async def execute_queued(
    store: SqlStore, dsn: str, *, owner: str = "test", **settings: object
) -> None:
    """Execute what is queued, and return when nothing is queued or running any more."""
    chosen = Settings.model_validate({"database_url": dsn, **settings})
    clock = SystemClock()
    (lease,) = await store.task_leases.acquire(owner, [BACKTESTS_TASK], 60)
    run = TaskRun(lease=lease, stop=asyncio.Event(), valid_until=float("inf"))
    task = BacktestExecution(
        queue=store.backtest_queue,
        execute=ThreadExecutor(chosen),
        clock=clock,
        processes=1,
        round_seconds=0.02,
    )
    work = asyncio.create_task(task(run))

    async def is_done() -> bool:
        if work.done():
            work.result()
        return not await store.backtests.active()

    try:
        await poll_until(is_done, bool, 60)
    finally:
        run.stop.set()
        await work
        await store.task_leases.release(owner, [lease])


async def store_series(
    store: SqlStore,
    candles: Sequence[Candle],
    instrument: MarketInstrument,
    timeframe: Timeframe = Timeframe.HOUR,
) -> MarketInstrument:
    """Store candles of a new instrument; returns it as it is stored."""
    at = datetime.now(tz=candles[0].open_time.tzinfo)
    added = await store.instruments.add(instrument, AuditContext(actor="test", at=at))
    series = CandleSeries(instrument_id=added.id, timeframe=timeframe)
    rows = [
        CandleRow(candle=each, is_closed=True, source=CandleSource.FILE, updated_at=at)
        for each in candles
    ]
    await store.candles.upsert(series, rows)
    return added
