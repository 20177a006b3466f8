"""Statistics of closed positions for callers, limited to what their key may see."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from oms.domain.access import Principal
from oms.domain.errors import Invalid
from oms.domain.money import add, subtract
from oms.domain.performance.account_value import currencies_of
from oms.domain.performance.trade_statistics import (
    ClosedPosition,
    TradeStatistics,
    compute_statistics,
    group_positions,
)
from oms.domain.value import value
from oms.ports.history_reads import HistoryQuery
from oms.ports.performance.position_results import PositionResult, PositionResults
from oms.services.queries.ledger_queries import LedgerQueries

POSITIONS_MAX = 100_000
"""Closed positions of one request."""

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
        by_source = group_by == "source"
        found = await self.results.closed(window, POSITIONS_MAX + 1, with_sources=by_source)
        if len(found) > POSITIONS_MAX:
            message = f"more than {POSITIONS_MAX} closed positions: choose a shorter period"
            raise Invalid(message, reason="too_many_positions")
        opened = await self._open_counts(window, exchanges, exchange, group_by)
        # In a thread: other requests are served meanwhile.
        return await asyncio.to_thread(_statistics_of, found, exchanges, exchange, group_by, opened)

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
    result = subtract(row.realized_pnl, row.other_fees)
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
