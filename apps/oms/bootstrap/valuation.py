"""The valuation of accounts over a store, as the API and the worker use it."""

from oms.adapters.clock import SystemClock
from oms.adapters.exchange_marks import ExchangeMarks
from oms.adapters.paper.mark_prices import PaperMarks
from oms.adapters.sql.store import SqlStore
from oms.config import Settings
from oms.ports.mark_prices import MarkPrices
from oms.services.performance.value_accounts import ValueAccounts


def build_mark_prices(store: SqlStore) -> MarkPrices:
    """Return the marks of positions of all accounts."""
    others = PaperMarks(store.registry, store.paper_prices, SystemClock())
    return ExchangeMarks(store.paper_prices, others)


def build_value_accounts(settings: Settings, store: SqlStore) -> ValueAccounts:
    """Return the valuation of accounts."""
    return ValueAccounts(
        registry=store.registry,
        money=store.account_money,
        mark_prices=build_mark_prices(store),
        clock=SystemClock(),
        report_currency=settings.desk.report_currency,
        price_refresh_seconds=settings.desk.price_refresh_seconds,
    )
