"""Statistics of closed positions for callers, limited to what their key may see."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from oms.domain.access import Principal
from oms.domain.money import add, subtract
from oms.domain.performance.account_value import currencies_of
from oms.domain.performance.result_curve import ResultPoint, build_result_curve
from oms.domain.performance.trade_statistics import (
    ClosedPosition,
    TradeStatistics,
    compute_statistics,
    group_positions,
)
from oms.domain.value import value
from oms.ports.history_reads import HistoryQuery
from oms.ports.performance.position_results import PositionResult, PositionResults
from oms.services.performance.closed_positions import read_closed
from oms.services.queries.ledger_queries import LedgerQueries

POINTS_MAX = 2000
"""Points of the curves of one response, but up to four of each."""
POINTS_PER_CURVE_MIN = 4

GROUPS: Mapping[str, Callable[[ClosedPosition], str | int]] = {
    "strategy": lambda each: each.strategy_id,
    "symbol": lambda each: each.symbol,
    "exchange": lambda each: each.exchange,
    "account": lambda each: each.account_id,
    "source": lambda each: each.source_id,
    "day": lambda each: each.closed_at.date().isoformat(),
}
"""What statistics can be grouped by; days are those of UTC."""


@value
class GroupStatistics:
    """The statistics of one group; ``key`` is ``None`` for all together."""

    key: str | int | None
    statistics: TradeStatistics


@value
class StrategyCurve:
    """What a strategy earned in ``currency``; strategy 0: positions without one."""

    strategy_id: int
    currency: str
    points: Sequence[ResultPoint]


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeResults:
    """Returns statistics of closed positions."""

    reads: LedgerQueries
    results: PositionResults

    async def __call__(
        self,
        principal: Principal,
        window: HistoryQuery,
        *,
        exchange: str | None = None,
        group_by: str | None = None,
    ) -> Sequence[GroupStatistics]:
        """Return the statistics of all positions, then those of each group.

        Raises ``NotFound``, ``Forbidden``, and ``Invalid`` (``too_many_positions``).
        """
        window = await self.reads.narrow_window(principal, window)
        rows = await self.reads.registry.accounts(window.account_ids)
        exchanges = {row.account.id: row.account.exchange_id for row in rows}
        found = await self._closed(window, with_sources=group_by == "source")
        opened = await self._open_counts(window, exchanges, exchange, group_by)
        # In a thread: other requests are served meanwhile.
        return await asyncio.to_thread(_statistics_of, found, exchanges, exchange, group_by, opened)

    async def curves(
        self, principal: Principal, window: HistoryQuery, resolution: str | None
    ) -> Sequence[StrategyCurve]:
        """Return what each strategy earned over time, by strategy and currency.

        Raises ``NotFound``, ``Forbidden``, and ``Invalid`` (``too_many_positions``).
        """
        window = await self.reads.narrow_window(principal, window)
        found = await self._closed(window, with_sources=False)
        # In a thread: other requests are served meanwhile.
        return await asyncio.to_thread(_curves_of, found, resolution)

    async def _closed(
        self, window: HistoryQuery, *, with_sources: bool
    ) -> Sequence[PositionResult]:
        """Return closed positions. Raises ``Invalid`` (``too_many_positions``)."""
        return await read_closed(
            self.results, window, advice="choose a shorter period", with_sources=with_sources
        )

    async def _open_counts(
        self,
        window: HistoryQuery,
        exchanges: Mapping[int, str],
        exchange: str | None,
        group_by: str | None,
    ) -> Mapping[str | int | None, int]:
        """Return open positions by group; by day they belong to none."""
        counts: dict[str | int | None, int] = {}
        found = await self.results.open_counts(window, with_sources=group_by == "source")
        for (account_id, strategy_id, symbol, source_id), count in found.items():
            name = exchanges[account_id]
            if not is_of_exchange(exchange, name):
                continue
            keys: dict[str | None, str | int] = {
                "strategy": strategy_id,
                "symbol": symbol,
                "exchange": name,
                "account": account_id,
                "source": source_id,
            }
            key = keys.get(group_by)
            counts[key] = counts.get(key, 0) + count
        return counts


def is_of_exchange(exchange: str | None, name: str) -> bool:
    """Return whether ``<engine>.<venue>`` is meant by this or by the venue alone."""
    return exchange in (None, name, name.partition(".")[2])


def _curves_of(rows: Sequence[PositionResult], resolution: str | None) -> Sequence[StrategyCurve]:
    """Return the curves of strategies, of at most ``POINTS_MAX`` points in all."""
    owners: dict[tuple[int, str], list[tuple[datetime, Decimal]]] = {}
    for row in rows:
        owner = row.strategy_id, currencies_of(row.symbol).settle
        owners.setdefault(owner, []).append((row.closed_at, row.net))
    points_max = max(POINTS_MAX // max(len(owners), 1), POINTS_PER_CURVE_MIN)
    return [
        StrategyCurve(
            strategy_id=strategy_id,
            currency=currency,
            points=build_result_curve(results, points_max, resolution),
        )
        for (strategy_id, currency), results in sorted(owners.items())
    ]


def _statistics_of(
    rows: Sequence[PositionResult],
    exchanges: Mapping[int, str],
    exchange: str | None,
    group_by: str | None,
    opened: Mapping[str | int | None, int],
) -> Sequence[GroupStatistics]:
    """Return the statistics of positions on ``exchange``, then those of each group."""
    every = [_closed(row, exchanges[row.account_id]) for row in rows]
    closed = [each for each in every if is_of_exchange(exchange, each.exchange)]
    total = sum(opened.values())
    whole = GroupStatistics(key=None, statistics=compute_statistics(closed, total))
    if group_by is None:
        return [whole]
    groups = group_positions(closed, GROUPS[group_by])
    names = [key for key in groups.keys() | opened.keys() if key is not None]
    return [
        whole,
        *(
            GroupStatistics(
                key=key,
                statistics=compute_statistics(groups.get(key, ()), opened.get(key, 0)),
            )
            for key in sorted(names)
        ),
    ]


def _closed(row: PositionResult, exchange: str) -> ClosedPosition:
    result = row.net
    return ClosedPosition(
        id=row.id,
        account_id=row.account_id,
        strategy_id=row.strategy_id,
        symbol=row.symbol,
        exchange=exchange,
        currency=currencies_of(row.symbol).settle,
        result=result,
        fees=subtract(add(row.profit, row.funding), result),
        source_id=row.source_id,
        close_reason=row.close_reason,
        closed_at=row.closed_at,
    )
