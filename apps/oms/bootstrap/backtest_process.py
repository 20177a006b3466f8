"""Executes stored backtests in processes of their own, which read the candles themselves."""

import asyncio
import logging
import time
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.child_process import ChildEnded, Send, messages_of
from oms.adapters.process_pool import ProcessPool
from oms.adapters.sql.store import SqlStore
from oms.config import Settings
from oms.domain.errors import OmsError
from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value
from oms.ports.market.candle_store import CandleSeries
from oms.ports.research.backtest_runs import (
    BacktestFailure,
    BacktestKind,
    BacktestMessages,
    BacktestOutcome,
    BacktestProgress,
    StoredBacktest,
)
from oms.services.backtests.execute_run import RunExecution, failed_message, stored_request
from oms.services.backtests.execute_sweep import SweepExecution
from oms.services.backtests.parameter_sweep import SweepInput, prepare_runs, run_task
from oms.services.candles.store_candles import require_instrument
from oms.strategies.catalog import find_strategy

PROGRESS_SECONDS = 0.5
CANDLES_PER_LOOK = 256

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestProcesses:
    """``ports.research.backtest_runs.BacktestExecutor``."""

    settings: Settings

    async def __call__(self, run: StoredBacktest, processes: int) -> BacktestMessages:
        """Yield what the process of the execution reports, an outcome or a failure last."""
        has_ended = False
        try:
            async with aclosing(
                messages_of(execute_stored, self.settings, run, processes)
            ) as messages:
                async for message in messages:
                    has_ended = not isinstance(message, BacktestProgress)
                    yield message
        except ChildEnded as error:
            if not has_ended:
                yield BacktestFailure(message=str(error))


def execute_stored(settings: Settings, run: StoredBacktest, processes: int, send: Send) -> None:
    """Execute a backtest in this process and send what it reports."""
    send(asyncio.run(_execute(settings, run, processes, send)))


async def _execute(
    settings: Settings, run: StoredBacktest, processes: int, send: Send
) -> BacktestOutcome | BacktestFailure:
    try:
        store = await SqlStore.open(settings.dsn, check_account)
        try:
            if run.order.kind is BacktestKind.SWEEP:
                return await _sweep(settings, store, run, processes, send)
            return await _run(store, run, send)
        finally:
            await store.close()
    except OmsError as error:
        return BacktestFailure(message=error.message)
    except Exception as error:  # the strategy failed: the run says where
        logger.exception("backtest_failed id=%d", run.id)
        return BacktestFailure(message=failed_message(error))


async def _run(store: SqlStore, run: StoredBacktest, send: Send) -> BacktestOutcome:
    """Run a strategy on the stored candles from the first one on."""
    request = stored_request(run, find_strategy)
    execution = RunExecution(request)
    series, end = await _series(store, run), request.settings.end
    total = await store.candles.count(series, end)
    done, report = 0, throttled(send)
    report(BacktestProgress(done=0, total=total))
    async for row in store.candles.closed(series, end=end):
        execution.push(row.candle)
        done += 1
        if not done % CANDLES_PER_LOOK:
            report(BacktestProgress(done=done, total=total))
    return execution.outcome()


async def _sweep(
    settings: Settings, store: SqlStore, run: StoredBacktest, processes: int, send: Send
) -> BacktestOutcome:
    """Run the combinations of a sweep, on further processes if it may use some."""
    request = stored_request(run, find_strategy)
    load = StoredCandles(
        settings=settings, series=await _series(store, run), end=request.settings.end
    )
    candles = await load.read(store)
    execution = SweepExecution(run, candles, throttled(send))
    if processes == 1:
        run_one = partial(run_task, request.definition, request.settings, candles)
        return execution.outcome(partial(map, run_one))
    find = partial(find_strategy, run.order.strategy)
    shared = SweepInput(find=find, settings=request.settings, load=load)
    with ProcessPool(partial(prepare_runs, shared), processes) as pool:
        return execution.outcome(pool.run)


def throttled(send: Send) -> Send:
    """Return ``send`` that leaves out progress within ``PROGRESS_SECONDS`` of the last one."""
    sent_at = -PROGRESS_SECONDS

    def send_some(progress: BacktestProgress) -> None:
        nonlocal sent_at
        now = time.monotonic()
        if now - sent_at >= PROGRESS_SECONDS or progress.done == progress.total:
            sent_at = now
            send(progress)

    return send_some


@value
class StoredCandles:
    """Reads the candles of a series in any process."""

    settings: Settings
    series: CandleSeries
    end: datetime | None

    def __call__(self) -> list[Candle]:
        """Return the closed candles. Raises ``Unavailable``."""
        return asyncio.run(self._open_and_read())

    async def read(self, store: SqlStore) -> list[Candle]:
        """Return the closed candles of an open store. Raises ``Unavailable``."""
        return [row.candle async for row in store.candles.closed(self.series, end=self.end)]

    async def _open_and_read(self) -> list[Candle]:
        store = await SqlStore.open(self.settings.dsn, check_account)
        try:
            return await self.read(store)
        finally:
            await store.close()


async def _series(store: SqlStore, run: StoredBacktest) -> CandleSeries:
    instrument = await require_instrument(store.instruments, run.order.exchange, run.order.symbol)
    return CandleSeries(instrument_id=instrument.id, timeframe=Timeframe(run.order.timeframe))
