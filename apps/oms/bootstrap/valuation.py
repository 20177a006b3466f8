"""The valuation of accounts over a store, as the API and the worker use it."""

from oms.adapters.exchange_marks import ExchangeMarks, MarketPrices
from oms.adapters.paper.mark_prices import PaperMarks
from oms.adapters.sql.store import SqlStore
from oms.config import Settings
from oms.ports.clock import Clock
from oms.ports.mark_prices import MarkPrices
from oms.services.performance.equity_history import EquityHistory
from oms.services.performance.execution_quality import ExecutionQuality
from oms.services.performance.portfolio import Portfolio
from oms.services.performance.queries import PerformanceQueries
from oms.services.performance.trade_results import TradeResults
from oms.services.performance.value_accounts import ValueAccounts
from oms.services.queries.ledger_queries import LedgerQueries


def _mark_prices(store: SqlStore, clock: Clock) -> MarkPrices:
    """Return the marks of positions of all accounts."""
    others = PaperMarks(store.registry, store.paper_prices, clock)
    return ExchangeMarks(
        store.paper_prices,
        store.verification_reads.account_instruments,
        others,
        MarketPrices(store.registry, store.market_marks),
    )


def build_value_accounts(settings: Settings, store: SqlStore, clock: Clock) -> ValueAccounts:
    """Return the valuation of accounts."""
    return ValueAccounts(
        registry=store.registry,
        money=store.account_money,
        mark_prices=_mark_prices(store, clock),
        clock=clock,
        report_currency=settings.desk.report_currency,
        price_refresh_seconds=settings.desk.price_refresh_seconds,
    )


def build_performance(
    settings: Settings, store: SqlStore, reads: LedgerQueries, value_accounts: ValueAccounts
) -> PerformanceQueries:
    """Return the reads of figures for the API."""
    results = TradeResults(reads=reads, results=store.position_results)
    return PerformanceQueries(
        portfolio=Portfolio(reads=reads, value_accounts=value_accounts),
        results=results,
        executions=ExecutionQuality(reads=reads, executions=store.executions),
        equity=EquityHistory(
            reads=reads,
            snapshots=store.equity_snapshots,
            results=results,
            clock=value_accounts.clock,
            report_currency=settings.desk.report_currency,
        ),
    )
