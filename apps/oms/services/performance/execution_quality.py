"""Execution quality of orders for callers, limited to what their key may see."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oms.domain.access import Principal
from oms.domain.errors import Invalid
from oms.domain.performance.execution_quality import (
    Execution,
    ExecutionStatistics,
    compute_execution,
)
from oms.domain.value import evolve, value
from oms.ports.history_reads import HistoryQuery
from oms.ports.performance.executions import Executions
from oms.services.performance.trade_results import is_of_exchange
from oms.services.queries.ledger_queries import LedgerQueries

ORDERS_MAX = 100_000
"""Orders of one request."""

EXECUTION_GROUPS = ("exchange", "source", "strategy", "symbol")
"""What executions can be grouped by."""


@value
class ExecutionGroup:
    """The statistics of one group; ``key`` is ``None`` for all together."""

    key: str | int | None
    statistics: ExecutionStatistics


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionQuality:
    """Returns slippage and durations of orders."""

    reads: LedgerQueries
    executions: Executions

    async def __call__(
        self,
        principal: Principal,
        window: HistoryQuery,
        group_by: str | None,
        exchange: str | None = None,
    ) -> Sequence[ExecutionGroup]:
        """Return the statistics of all orders, then those of each group.

        Raises ``NotFound``, ``Forbidden``, and ``Invalid`` (``too_many_orders``).
        """
        window = await self.reads.narrow_window(principal, window)
        accounts = await self.reads.registry.accounts(window.account_ids)
        exchanges = {
            row.account.id: row.account.exchange_id
            for row in accounts
            if is_of_exchange(exchange, row.account.exchange_id)
        }
        window = evolve(window, account_ids=tuple(exchanges))
        rows = await self.executions.of_orders(window, ORDERS_MAX + 1)
        if len(rows) > ORDERS_MAX:
            message = f"more than {ORDERS_MAX} orders: choose a shorter period"
            raise Invalid(message, reason="too_many_orders")
        # In a thread: other requests are served meanwhile.
        return await asyncio.to_thread(_groups_of, rows, exchanges, group_by)


def _groups_of(
    rows: Sequence[Execution], exchanges: Mapping[int, str], group_by: str | None
) -> Sequence[ExecutionGroup]:
    whole = ExecutionGroup(key=None, statistics=compute_execution(rows))
    if group_by is None:
        return [whole]
    keys: Mapping[str, Callable[[Execution], str | int]] = {
        "exchange": lambda row: exchanges[row.account_id],
        "source": lambda row: row.source_id,
        "strategy": lambda row: row.strategy_id,
        "symbol": lambda row: row.symbol,
    }
    groups: dict[Any, list[Execution]] = defaultdict(list)
    for row in rows:
        groups[keys[group_by](row)].append(row)
    return [
        whole,
        *(
            ExecutionGroup(key=key, statistics=compute_execution(groups[key]))
            for key in sorted(groups)
        ),
    ]
