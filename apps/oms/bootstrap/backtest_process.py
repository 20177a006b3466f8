"""Executes stored backtests in processes of their own, which read the candles themselves."""

import asyncio
import logging
import time
from contextlib import aclosing
from dataclasses import dataclass

from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.child_process import ChildEnded, Send, messages_of
from oms.adapters.sql.store import SqlStore
from oms.config import Settings
from oms.domain.errors import OmsError
from oms.domain.market.timeframe import Timeframe
from oms.ports.market.candle_store import CandleSeries
from oms.ports.research.backtest_runs import (
    BacktestFailure,
    BacktestMessages,
    BacktestOutcome,
    BacktestProgress,
    StoredBacktest,
)
from oms.services.backtests.execute_run import RunExecution, failed_message, stored_request
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
    send(asyncio.run(_execute(settings, run, send)))


async def _execute(
    settings: Settings, run: StoredBacktest, send: Send
) -> BacktestOutcome | BacktestFailure:
    try:
        store = await SqlStore.open(settings.dsn, check_account)
        try:
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
    done, looked_at = 0, time.monotonic()
    send(BacktestProgress(done=0, total=total))
    async for row in store.candles.closed(series, end=end):
        execution.push(row.candle)
        done += 1
        if not done % CANDLES_PER_LOOK and time.monotonic() - looked_at > PROGRESS_SECONDS:
            looked_at = time.monotonic()
            send(BacktestProgress(done=done, total=total))
    send(BacktestProgress(done=done, total=total))
    return execution.outcome()


async def _series(store: SqlStore, run: StoredBacktest) -> CandleSeries:
    instrument = await require_instrument(store.instruments, run.order.exchange, run.order.symbol)
    return CandleSeries(instrument_id=instrument.id, timeframe=Timeframe(run.order.timeframe))
