"""Executes stored backtests in processes of their own, which read the candles themselves."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.child_process import ChildEnded, Send, messages_of
from oms.adapters.clock import SYSTEM_CLOCK
from oms.adapters.process_pool import ProcessPool
from oms.adapters.sql.store import SqlStore
from oms.backtest.curve_sample import CurveSample
from oms.backtest.settings import BacktestSettings
from oms.bootstrap.strategies import (
    ProcessSweepInput,
    build_start_strategy,
    prepare_process_runs,
    strategy_processes,
)
from oms.config import Settings
from oms.domain.errors import Invalid, OmsError
from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import evolve, value
from oms.ports.market.candle_store import CandleSeries
from oms.ports.research.backtest_runs import (
    BacktestFailure,
    BacktestKind,
    BacktestMessages,
    BacktestOutcome,
    BacktestProgress,
    StoredBacktest,
)
from oms.ports.research.strategy_process import StrategyFailed, StrategyProcess, StrategyStart
from oms.services.backtests.execute_run import (
    RunExecution,
    failed_message,
    refuse_other_code,
    stored_request,
    stored_settings,
    stored_start,
)
from oms.services.backtests.execute_sweep import SweepExecution, stored_grid
from oms.services.backtests.finished_run import outcome_of
from oms.services.backtests.load_funding import with_funding
from oms.services.backtests.parameter_sweep import SweepInput, prepare_runs, run_task
from oms.services.backtests.run_in_process import run_in_process
from oms.services.candles.store_candles import require_instrument
from oms.services.research.start_strategy import PinnedStrategy, stored_parts
from oms.strategies.catalog import StrategyDefinition, built_in_strategy, find_strategy

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
            definition = built_in_strategy(run.order.strategy)
            if run.order.kind is BacktestKind.SWEEP:
                return await _sweep(settings, store, run, processes, send)
            if definition is None:
                return await _run_in_process(settings, store, run, send)
            return await _run(store, run, definition, send)
        finally:
            await store.close()
    except StrategyFailed as error:
        return BacktestFailure(message=failed_message(error))
    except OmsError as error:
        return BacktestFailure(message=error.message)
    except Exception as error:  # the strategy failed: the run says where
        logger.exception("backtest_failed id=%d", run.id)
        return BacktestFailure(message=failed_message(error))


async def _run(
    store: SqlStore, run: StoredBacktest, definition: StrategyDefinition, send: Send
) -> BacktestOutcome:
    """Run a built-in strategy on the stored candles from the first one on."""
    series, chosen = await _series(store, run)
    execution = RunExecution(evolve(stored_request(run, definition), settings=chosen))
    end = chosen.end
    total = await store.candles.count(series, end)
    done, report = 0, throttled(send)
    report(BacktestProgress(done=0, total=total))
    async for row in store.candles.closed(series, end=end):
        execution.push(row.candle)
        done += 1
        if not done % CANDLES_PER_LOOK:
            report(BacktestProgress(done=done, total=total))
    return execution.outcome()


async def _run_in_process(
    settings: Settings, store: SqlStore, run: StoredBacktest, send: Send
) -> BacktestOutcome:
    """Run the strategy of a user, in a process below this one that has no access to the store."""
    (series, chosen), curve = await _series(store, run), CurveSample()
    total = await store.candles.count(series, chosen.end)
    candles = _reported(stored_parts(store.candles, series, chosen.end), total, throttled(send))
    process = await strategy_processes(settings).open()
    try:
        pinned = await _start(process, store, run, stored_start(run), series)
        done = await run_in_process(process, pinned.started, chosen, candles, curve.push)
    finally:
        await process.close()
    return outcome_of(done, curve.points())


async def _start(
    process: StrategyProcess,
    store: SqlStore,
    run: StoredBacktest,
    start: StrategyStart,
    series: CandleSeries,
) -> PinnedStrategy:
    """Start a strategy that is still the one that was requested; its version is pinned."""
    pinned = await build_start_strategy(store, SYSTEM_CLOCK)(process, start, series)
    refuse_other_code(run, pinned.started)
    return pinned


async def _reported(
    parts: AsyncIterator[Sequence[Candle]], total: int, report: Send
) -> AsyncIterator[Sequence[Candle]]:
    """Yield candles, and report how many were processed."""
    done = 0
    async for part in parts:
        report(BacktestProgress(done=done, total=total))
        yield part
        done += len(part)
    report(BacktestProgress(done=done, total=total))


async def _sweep(
    settings: Settings, store: SqlStore, run: StoredBacktest, processes: int, send: Send
) -> BacktestOutcome:
    """Run the combinations of a sweep, on further processes if it may use some."""
    series, chosen = await _series(store, run)
    load = StoredCandles(settings=settings, series=series, end=chosen.end)
    candles = await load.read(store)
    execution = SweepExecution(run, candles, throttled(send))
    definition = built_in_strategy(run.order.strategy)
    if definition is None:
        shared = await _sweep_input(settings, store, run, chosen, load)
        with ProcessPool(partial(prepare_process_runs, shared), processes) as pool:
            return execution.outcome(pool.run)
    if processes == 1:
        run_one = partial(run_task, definition, chosen, candles)
        return execution.outcome(partial(map, run_one))
    find = partial(find_strategy, run.order.strategy)
    built_in = SweepInput(find=find, settings=chosen, load=load)
    with ProcessPool(partial(prepare_runs, built_in), processes) as pool:
        return execution.outcome(pool.run)


async def _sweep_input(
    settings: Settings,
    store: SqlStore,
    run: StoredBacktest,
    chosen: BacktestSettings,
    load: "StoredCandles",
) -> ProcessSweepInput:
    """Return what the processes of a sweep share.

    The first combination that starts is pinned, and checked for look-ahead.
    """
    process = await strategy_processes(settings).open()
    try:
        for parameters in stored_grid(run.order.request):
            start = evolve(stored_start(run), parameters=parameters)
            try:
                await _start(process, store, run, start, load.series)
                break
            except Invalid as error:  # the row of the combination says so
                if error.reason in ("lookahead_detected", "code_changed"):
                    raise
                if isinstance(error, StrategyFailed):
                    break
    finally:
        await process.close()
    return ProcessSweepInput(
        settings=settings,
        name=run.order.strategy,
        code_hash=str(run.order.request["code_hash"]),
        backtest=chosen,
        load=load,
    )


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


async def _series(store: SqlStore, run: StoredBacktest) -> tuple[CandleSeries, BacktestSettings]:
    """Return the candles of a run, and its settings with the funding that is stored."""
    instrument = await require_instrument(store.instruments, run.order.exchange, run.order.symbol)
    series = CandleSeries(instrument_id=instrument.id, timeframe=Timeframe(run.order.timeframe))
    return series, await with_funding(store.funding_rates, instrument, stored_settings(run))
