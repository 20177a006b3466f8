"""The reads of figures that the API serves."""

from dataclasses import dataclass

from oms.services.performance.equity_history import EquityHistory
from oms.services.performance.execution_quality import ExecutionQuality
from oms.services.performance.portfolio import Portfolio
from oms.services.performance.trade_results import TradeResults


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceQueries:
    """Portfolios, statistics and equity."""

    portfolio: Portfolio
    results: TradeResults
    equity: EquityHistory
    executions: ExecutionQuality
