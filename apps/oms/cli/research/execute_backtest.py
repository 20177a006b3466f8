"""Executes the run of the flags: a built-in strategy here, one of a user in its own process."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from oms.backtest.result import CurvePoint
from oms.bootstrap.strategies import strategy_processes
from oms.cli.research.backtest_input import RequestedRun, strategies_path
from oms.cli.settings import command_settings
from oms.config import Settings
from oms.domain.market.candle import Candle
from oms.ports.research.strategy_process import (
    StartedStrategy,
    StrategyProcess,
    StrategyStart,
)
from oms.services.backtests.finished_run import FinishedRun
from oms.services.backtests.run_backtest import BacktestRequest, finished, run_backtest
from oms.services.backtests.run_in_process import run_in_process
from oms.services.research.start_strategy import CANDLES_PER_PART
from oms.strategies.catalog import built_in_strategy

Answer = TypeVar("Answer")


def execute(
    parsed: argparse.Namespace,
    requested: RequestedRun,
    candles: Iterable[Candle],
    on_point: Callable[[CurvePoint], None] | None,
) -> FinishedRun:
    """Run a strategy; ``on_point`` receives the equity curve.

    Raises ``OmsError``: ``StrategyFailed`` for code of a user that fails.
    """
    definition = built_in_strategy(requested.strategy)
    if definition is not None:
        request = BacktestRequest(
            definition=definition, parameters=requested.parameters, settings=requested.settings
        )
        return finished(run_backtest(request, candles, on_point or _ignore_point))

    async def run(process: StrategyProcess) -> FinishedRun:
        started = await start_requested(process, requested)
        return await run_in_process(
            process, started, requested.settings, parts_of(candles), on_point
        )

    return in_process(parsed, run)


def in_process(
    parsed: argparse.Namespace, work: Callable[[StrategyProcess], Awaitable[Answer]]
) -> Answer:
    """Return what ``work`` returns of a process of strategies of the flags. Raises ``OmsError``."""

    async def run() -> Answer:
        process = await strategy_processes(own_settings(parsed)).open()
        try:
            return await work(process)
        finally:
            await process.close()

    return asyncio.run(run())


async def start_requested(process: StrategyProcess, requested: RequestedRun) -> StartedStrategy:
    """Start the strategy of the flags. Raises ``NotFound``, ``Invalid``, ``StrategyFailed``."""
    return await process.start(
        StrategyStart(
            name=requested.strategy,
            timeframe=requested.settings.timeframe,
            parameters=requested.parameters,
        )
    )


def own_settings(parsed: argparse.Namespace) -> Settings:
    """Return the settings, with the strategies of the flag. Raises ``CommandFailed``."""
    settings = command_settings(argparse.Namespace())
    path = strategies_path(parsed)
    return settings if path is None else settings.model_copy(update={"strategies": path})


async def parts_of(candles: Iterable[Candle]) -> AsyncIterator[Sequence[Candle]]:
    """Yield candles in parts that one message of a process takes, as they are read."""
    part: list[Candle] = []
    for candle in candles:
        part.append(candle)
        if len(part) == CANDLES_PER_PART:
            yield part
            part = []
    if part:
        yield part


def _ignore_point(_: CurvePoint) -> None:
    """Leave the curve out."""
