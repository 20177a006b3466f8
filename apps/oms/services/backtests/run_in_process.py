"""Runs the strategy of a user on candles, in a process of its own with its limits."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from oms.backtest.result import CurvePoint, Execution, RoundTrip
from oms.backtest.settings import BacktestSettings
from oms.domain.errors import OmsError
from oms.domain.market.candle import Candle
from oms.domain.value import evolve
from oms.ports.research.strategy_process import (
    StartedStrategy,
    StrategyFailed,
    StrategyProcess,
    StrategyProcesses,
    StrategyStart,
)
from oms.services.backtests.candle_hash import CandleHash
from oms.services.backtests.finished_run import FinishedRun
from oms.services.backtests.parameter_sweep import Row, SweepTask
from oms.services.research.start_strategy import parts_of
from oms.wire.backtests.run_figures import SWEEP_FIGURES
from oms.wire.backtests.run_messages import (
    decode_execution,
    decode_point,
    decode_round_trip,
    run_message,
)
from oms.wire.strategies.parameters_json import hash_parameters

OnPoint = Callable[[CurvePoint], None]
Parts = AsyncIterator[Sequence[Candle]]


async def run_in_process(
    process: StrategyProcess,
    started: StartedStrategy,
    settings: BacktestSettings,
    candles: Parts,
    on_point: OnPoint | None,
) -> FinishedRun:
    """Run a started strategy on candles in ascending order; ``on_point`` receives its curve.

    Raises ``Invalid`` for bad settings and without a candle to trade, ``StrategyFailed``.
    """
    found, digest = _Parts(on_point), CandleHash()
    request = {**run_message(settings), "curve": on_point is not None, "trades": True}
    last: Mapping[str, Any] = await process.calculate(
        "backtest", request, _hashed(candles, settings, digest), found.add
    )
    return FinishedRun(
        strategy=started.name,
        version=started.version,
        parameters=started.parameters,
        settings=settings,
        figures=last["figures"],
        executions=found.executions,
        round_trips=found.round_trips,
        params_hash=hash_parameters(started.parameters),
        data_hash=digest.text(),
    )


class ProcessSweep:
    """Runs of a sweep in one process, which keeps the candles; it is started again if it ends."""

    def __init__(
        self,
        processes: StrategyProcesses,
        name: str,
        code_hash: str | None,
        settings: BacktestSettings,
        candles: Sequence[Candle],
    ) -> None:
        """``code_hash`` is that of the code that may run; ``None``: any."""
        self._processes = processes
        self._name = name
        self._code_hash = code_hash
        self._settings = settings
        self._candles = candles
        self._process: StrategyProcess | None = None

    async def run(self, task: SweepTask) -> Row:
        """Run one combination; a failure is a row with its error. Raises nothing of it."""
        row: Row = {"number": task.number, "params": task.parameters, "error": None}
        try:
            figures = await self._figures(task)
        except StrategyFailed as failed:
            await self.close()
            return row | {"error": failed.description}
        except OmsError as error:
            return row | {"error": error.message}
        return row | {name: figures[name] for name in SWEEP_FIGURES}

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            await process.close()

    async def _figures(self, task: SweepTask) -> Mapping[str, Any]:
        if self._process is None:
            self._process = await self._processes.open()
            await self._process.keep(parts_of(self._candles))
        start = StrategyStart(
            name=self._name, timeframe=self._settings.timeframe, parameters=task.parameters
        )
        started = await self._process.start(start)
        if self._code_hash not in (None, started.code_hash):
            message = f"the code of strategy {self._name} has changed during the sweep"
            raise StrategyFailed(message, reason="code_changed")
        period = evolve(self._settings, start=task.start, end=task.end)
        request = {**run_message(period), "curve": False, "trades": False}
        answer: Mapping[str, Any] = await self._process.calculate("backtest", request, None)
        figures: Mapping[str, Any] = answer["figures"]
        return figures


class _Parts:
    """What a calculation returns before its end."""

    def __init__(self, on_point: OnPoint | None) -> None:
        self._on_point = on_point
        self.executions: list[Execution] = []
        self.round_trips: list[RoundTrip] = []

    def add(self, part: Mapping[str, Any]) -> None:
        """Take a part."""
        if self._on_point is not None:
            for row in part.get("points", ()):
                self._on_point(decode_point(row))
        self.executions += [decode_execution(row) for row in part.get("executions", ())]
        self.round_trips += [decode_round_trip(row) for row in part.get("round_trips", ())]


async def _hashed(candles: Parts, settings: BacktestSettings, digest: CandleHash) -> Parts:
    """Yield the candles before the end, and add them to their hash."""
    async for part in candles:
        inside = [c for c in part if settings.end is None or c.open_time < settings.end]
        for candle in inside:
            digest.update(candle)
        if inside:
            yield inside
