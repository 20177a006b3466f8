"""Stored backtests of users: requested, listed, canceled and removed.

A backtest is visible to the user who requested it, and to administrators and risk managers.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from oms.backtest.result import CurvePoint
from oms.backtest.settings import BacktestSettings
from oms.domain.access import Principal, Role
from oms.domain.errors import Forbidden, Invalid, NotFound, RateLimited
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.value import evolve
from oms.ports.clock import Clock
from oms.ports.market.candle_store import CandleSeries, CandleStore, InstrumentStore
from oms.ports.research.backtest_runs import (
    BacktestKind,
    BacktestOrder,
    BacktestPage,
    BacktestQuery,
    BacktestStatus,
    BacktestStore,
    StoredBacktest,
)
from oms.services.backtests.parameter_grid import combinations_of
from oms.services.candles.store_candles import require_instrument
from oms.services.research.known_strategies import AnyStrategy, KnownStrategies, check_strategy
from oms.strategies.description import StrategyDescription
from oms.wire.backtests.report_html import report_html
from oms.wire.backtests.result_json import settings_json
from oms.wire.backtests.result_rows import round_trip_row
from oms.wire.backtests.run_requests import RunFields, SweepFields, axes_of, settings_of
from oms.wire.backtests.run_rows import backtest_body
from oms.wire.json import canonical_json
from oms.wire.strategies.parameters_json import hash_parameters, parameters_json

TRIPS_REPORTED = 10_000
"""Round trips in a report; the figures are of all."""

WAITING_MAX = 200
"""Backtests of one user that are queued or running."""

_SEES_ALL = (Role.ADMIN, Role.RISK)


class Deletion(StrEnum):
    """What a deletion did."""

    CANCELED = "canceled"
    #: The runner ends it within a second.
    CANCELING = "canceling"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRuns:
    """Every method raises ``Unavailable``."""

    store: BacktestStore
    instruments: InstrumentStore
    candles: CandleStore
    known: KnownStrategies
    clock: Clock

    async def request(self, principal: Principal, fields: RunFields) -> StoredBacktest:
        """Queue a run. Raises ``NotFound``, ``Invalid``, ``RateLimited``."""
        strategy = await self._strategy(fields)
        parameters = strategy.parse(fields.get("params", {}))
        instrument, settings = await self._settings(fields)
        check_strategy(strategy, settings.timeframe, parameters)
        request = {"params": parameters_json(parameters), "settings": settings_json(settings)}
        order = self._order(principal, BacktestKind.RUN, strategy, instrument, settings, request)
        await self._check_waiting(principal)
        return await self.store.add(evolve(order, params_hash=hash_parameters(parameters)))

    async def request_sweep(self, principal: Principal, fields: SweepFields) -> StoredBacktest:
        """Queue a sweep. Raises ``NotFound``, ``Invalid``, ``RateLimited``."""
        strategy, fixed = await self._strategy(fields), fields.get("params", {})
        instrument, settings = await self._settings(fields)
        axes, where = axes_of(fields), fields.get("where", [])
        grid = await asyncio.to_thread(combinations_of, axes, where)
        if both := fixed.keys() & grid[0].keys():
            raise Invalid(f"{min(both)} is a parameter of the grid and fixed")
        strategy.check_names([*fixed, *grid[0]])
        if isinstance(strategy, StrategyDescription):
            strategy.refuse_timeframe(settings.timeframe)
        request = {
            "params": {name: str(number) for name, number in fixed.items()},
            "settings": settings_json(settings),
            "grid": axes,
            "where": where,
            "sort": fields.get("sort", "sharpe_ratio"),
            "folds": fields.get("folds"),
        }
        order = self._order(principal, BacktestKind.SWEEP, strategy, instrument, settings, request)
        await self._check_waiting(principal)
        digest = hashlib.sha256(canonical_json({**request, "settings": None}).encode())
        return await self.store.add(evolve(order, params_hash=digest.hexdigest()))

    async def combinations(
        self, principal: Principal, run_id: int
    ) -> Sequence[Mapping[str, object]]:
        """Return the rows of a sweep that is done, the best first. Raises ``NotFound``."""
        found = await self.find(principal, run_id)
        if found.result is None or found.order.kind is not BacktestKind.SWEEP:
            raise _no_result(found)
        return await self.store.combinations(run_id)

    async def find(self, principal: Principal, run_id: int) -> StoredBacktest:
        """Return a backtest. Raises ``NotFound``."""
        found = await self.store.find(run_id)
        if found is None or not may_see(principal, found):
            raise NotFound("there is no such backtest")
        return found

    async def finished(self, principal: Principal, run_id: int) -> StoredBacktest:
        """Return a run that has a result. Raises ``NotFound``, ``Invalid``."""
        found = await self.find(principal, run_id)
        if found.result is None or found.order.kind is not BacktestKind.RUN:
            raise _no_result(found)
        return found

    async def page(self, principal: Principal, query: BacktestQuery) -> BacktestPage:
        """Return a page of the backtests that are visible."""
        if principal.role not in _SEES_ALL:
            query = evolve(query, user_id=principal.user_id)
        return await self.store.page(query)

    async def compare(
        self, principal: Principal, run_ids: Sequence[int]
    ) -> Sequence[StoredBacktest]:
        """Return finished runs in the order of their ids. Raises ``NotFound``, ``Invalid``."""
        return [await self.finished(principal, run_id) for run_id in run_ids]

    async def report(self, run: StoredBacktest) -> str:
        """Return the report of a finished run as HTML."""
        points = [_curve_point(row) for row in await self.store.points(run.id)]
        trips = [
            round_trip_row(row) for row in await self.store.round_trips(run.id, 0, TRIPS_REPORTED)
        ]
        described = {**backtest_body(run, self.clock.now()), "round_trips": trips}
        return await asyncio.to_thread(report_html, described, points)

    async def delete(self, principal: Principal, run_id: int) -> Deletion:
        """Cancel what has not ended, else remove it. Raises ``NotFound``, ``Forbidden``."""
        found = await self.find(principal, run_id)
        if principal.role is not Role.ADMIN and found.order.user_id != principal.user_id:
            raise Forbidden("only its user or an administrator deletes a backtest")
        run = await self.store.cancel(run_id, self.clock.now())
        if run is None:
            raise NotFound("there is no such backtest")
        if run.status is BacktestStatus.RUNNING:
            return Deletion.CANCELING
        if run.status is BacktestStatus.CANCELED and not found.status.has_ended:
            return Deletion.CANCELED
        await self.store.remove(run_id)
        return Deletion.REMOVED

    async def _strategy(self, fields: RunFields) -> AnyStrategy:
        strategy = await self.known.find(fields["strategy"])
        version = fields.get("version", strategy.version)
        if version != strategy.version:
            message = f"strategy {strategy.name} has no version {version!r}"
            raise NotFound(f"{message}; it has {strategy.version}", reason="unknown_version")
        return strategy

    async def _settings(self, fields: RunFields) -> tuple[MarketInstrument, BacktestSettings]:
        """Return instrument and settings; there is a candle in the window."""
        exchange, symbol = fields["exchange"], fields["symbol"]
        instrument = await require_instrument(self.instruments, exchange, symbol)
        settings = settings_of(fields, instrument)
        series = CandleSeries(instrument_id=instrument.id, timeframe=settings.timeframe)
        stored = await self.candles.newest(series, start=settings.start, end=settings.end, limit=1)
        if not stored:
            name = f"{exchange} {symbol} {settings.timeframe.value}"
            raise Invalid(f"no candle of {name} is stored in this period", reason="no_candles")
        return instrument, settings

    def _order(
        self,
        principal: Principal,
        kind: BacktestKind,
        strategy: AnyStrategy,
        instrument: MarketInstrument,
        settings: BacktestSettings,
        request: Mapping[str, Any],
    ) -> BacktestOrder:
        if isinstance(strategy, StrategyDescription):
            # The code that is there now: the runner executes no other one.
            request = {**request, "code_hash": strategy.code_hash}
        return BacktestOrder(
            kind=kind,
            user_id=principal.user_id,
            created_by=principal.user_name,
            created_at=self.clock.now(),
            strategy=strategy.name,
            version=strategy.version,
            exchange=instrument.exchange,
            symbol=instrument.symbol,
            timeframe=settings.timeframe.value,
            start=settings.start,
            end=settings.end,
            params_hash="",
            request=request,
        )

    async def _check_waiting(self, principal: Principal) -> None:
        waiting = await self.store.waiting(principal.user_id)
        if waiting >= WAITING_MAX:
            message = f"{waiting} of your backtests are waiting; at most {WAITING_MAX} may"
            raise RateLimited(message, reason="queue_full", retry_after_seconds=10)


def may_see(principal: Principal, run: StoredBacktest) -> bool:
    """Return whether a backtest is visible to a user."""
    return principal.role in _SEES_ALL or run.order.user_id == principal.user_id


def _curve_point(row: Mapping[str, Any]) -> CurvePoint:
    return CurvePoint(
        at=row["at"],
        close=row["close"],
        cash=row["balance"],
        position_value=row["position_value"],
        equity=row["total_equity"],
    )


def _no_result(run: StoredBacktest) -> Invalid:
    kind, status = run.order.kind.value, run.status.value
    message = f"backtest {run.id} has no such result: it is a {kind} and {status}"
    return Invalid(message, reason="no_result")
