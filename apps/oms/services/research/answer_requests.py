"""Answers what the API asks the runner for: charts of strategies, a new load of their code."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from oms.domain.errors import OmsError
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value
from oms.ports.clock import Clock
from oms.ports.market.candle_store import CandleSeries, CandleStore, InstrumentStore
from oms.ports.research.research_requests import ResearchKind, ResearchRequest
from oms.ports.research.strategy_process import (
    StrategyFailed,
    StrategyProcess,
    StrategyProcesses,
    StrategyStart,
)
from oms.ports.research.strategy_versions import StoredCatalog
from oms.services.candles.store_candles import require_instrument
from oms.services.research.start_strategy import StartStrategy, stored_parts
from oms.wire.strategies.messages import decode_time
from oms.wire.strategies.parameters_json import parameters_json

ANSWER_SECONDS_MAX = 60.0
"""Time of one answer; a chart of more candles than this allows is refused."""


@value
class AnswerRequests:
    """Calculates in processes of its own; a request that cannot be answered has its error."""

    processes: StrategyProcesses
    start: StartStrategy
    catalog: StoredCatalog
    instruments: InstrumentStore
    candles: CandleStore
    clock: Clock

    async def __call__(self, request: ResearchRequest) -> Mapping[str, Any]:
        """Return ``result``, or ``error`` with code, reason, message and traceback.

        Raises ``Unavailable`` if the database does not answer.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                if request.kind is ResearchKind.RELOAD:
                    return {"result": await self.reload()}
                return {"result": await self._chart(request.fields)}
        except TimeoutError:
            message = f"the calculation took longer than {ANSWER_SECONDS_MAX:g} s"
            return _error("timeout", "calculation", message)
        except StrategyFailed as failed:
            return _error(failed.code, failed.reason, failed.message, failed.traceback)
        except OmsError as error:
            if error.code == "database_unavailable":
                raise
            return _error(error.code, error.reason, error.message)

    async def reload(self) -> Mapping[str, Any]:
        """Load the code of all strategies and store the catalogue. Raises ``StrategyFailed``."""
        async with self._process() as process:
            loaded = await process.load_catalog()
        await self.catalog.replace(loaded, self.clock.now())
        return {
            "loaded": [each.name for each in loaded.strategies],
            "errors": [{"source": each.source, "message": each.message} for each in loaded.errors],
        }

    async def _chart(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        instrument = await require_instrument(
            self.instruments, fields["exchange"], fields["symbol"]
        )
        base = Timeframe(fields["base"])
        series = CandleSeries(instrument_id=instrument.id, timeframe=base)
        request = StrategyStart(
            name=fields["strategy"], timeframe=base, parameters=fields["params"]
        )
        shown = {name: fields[name] for name in ("view", "start", "end", "limit", "timeline")}
        end = None if fields["end"] is None else decode_time(fields["end"])
        async with self._process() as process:
            pinned = await self.start(process, request, series)
            candles = stored_parts(self.candles, series, end)
            chart = await process.calculate("chart", shown, candles)
        return {
            "exchange": instrument.exchange,
            "symbol": instrument.symbol,
            "timeframe": fields["view"],
            "base": base.value,
            "strategy": pinned.started.name,
            "version": pinned.started.version,
            "params": parameters_json(pinned.started.parameters),
            "params_hash": pinned.version.params_hash,
            **chart,
        }

    @asynccontextmanager
    async def _process(self) -> AsyncIterator[StrategyProcess]:
        process = await self.processes.open()
        try:
            yield process
        finally:
            await process.close()


def _error(code: str, reason: str | None, message: str, traceback: str = "") -> Mapping[str, Any]:
    return {"error": {"code": code, "reason": reason, "message": message, "traceback": traceback}}
