"""``oms strategy``: the catalogue of a gateway, and the look-ahead check of a strategy."""

import argparse
from collections.abc import Sequence
from typing import Any

from oms import bootstrap
from oms.adapters.clock import SYSTEM_CLOCK
from oms.adapters.strategy_code.strategy_process import ChildProcess
from oms.bootstrap.strategies import strategy_processes
from oms.cli import network
from oms.cli.install import run_async
from oms.cli.output import CommandFailed
from oms.cli.research.backtest_input import read_parameters
from oms.cli.research.candle_input import candle_input
from oms.cli.research.execute_backtest import own_settings, parts_of
from oms.cli.settings import command_settings
from oms.domain.errors import Conflict, Invalid
from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.ports.research.strategy_process import (
    StartedStrategy,
    StrategyFailed,
    StrategyStart,
)


def show(parsed: argparse.Namespace) -> Any:
    """Return the catalogue of a gateway."""
    return network.request(parsed, "GET", "/strategies/catalog", {})


def reload(parsed: argparse.Namespace) -> Any:
    """Let the runner load the code of strategies again."""
    return network.request(parsed, "POST", "/strategies/catalog/reload", {})


def check(parsed: argparse.Namespace) -> Any:
    """Check a strategy for look-ahead; what passes on stored candles is stored with its version.

    Raises ``CommandFailed``: status 7 if it reads later candles, 1 if its code fails.
    """
    load, instrument = candle_input(parsed)
    candles = list(load())
    settings = own_settings(parsed)
    request = StrategyStart(
        name=parsed.name,
        timeframe=Timeframe(parsed.timeframe),
        parameters=read_parameters(parsed.param),
    )

    async def work() -> Any:
        process = await strategy_processes(settings).open()
        try:
            started, found = await _check(process, request, candles)
        finally:
            await process.close()
        if instrument is not None and found["decisions"]:
            await _record(started)
        return {
            "ok": True,
            "strategy": started.name,
            "version": started.version,
            "code_hash": started.code_hash,
            **found,
        }

    try:
        return run_async(work())
    except CommandFailed as failed:
        error = failed.__context__
        if isinstance(error, StrategyFailed):
            raise CommandFailed(f"{error.message}\n{error.traceback}".strip(), status=1) from None
        if isinstance(error, Invalid) and error.reason == "lookahead_detected":
            message = f"lookahead_detected: {error.message}"
            raise CommandFailed(message, status=7) from None
        if isinstance(error, Conflict):
            raise CommandFailed(f"{error.reason}: {error.message}", status=1) from None
        raise


async def _check(
    process: ChildProcess, request: StrategyStart, candles: Sequence[Candle]
) -> tuple[StartedStrategy, dict[str, Any]]:
    started = await process.start(request)
    newest = candles[-started.checked_candles :]
    return started, dict(await process.calculate("lookahead", {}, parts_of(newest)))


async def _record(started: StartedStrategy) -> None:
    """Store that the check passed. Raises ``Conflict`` for changed code."""
    async with bootstrap.open_store(command_settings(argparse.Namespace())) as store:
        now = SYSTEM_CLOCK.now()
        version = await store.strategy_versions.pin(
            started.name, started.version, started.code_hash, started.parameters, now
        )
        await store.strategy_versions.record_check(version.id, now)
