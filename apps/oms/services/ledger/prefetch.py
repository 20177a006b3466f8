"""Rows that several reports refer to, read once per symbol instead of once per report.

Rows that were in memory at the time of the read are not included.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from oms.domain.ledger.charges import FEE_PREFIX
from oms.domain.ledger.deal import Deal
from oms.domain.orders.execution_report import ExecutionReport, ReportSource
from oms.domain.orders.order import Order
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.account_state.unit_of_work import UnitOfWork
from oms.services.ledger.shared_credentials import lacks_sender, may_share_credentials

ExchangeKey = tuple[str, str]
"""A symbol, and the exchange's id of an order or execution in it."""

REPORTS_MIN = 4
"""Fewer reports than this are not prefetched."""

IDS_PER_READ_MAX = 500


@dataclass(slots=True, kw_only=True)
class PrefetchedRows:
    """Ids of external orders and executions that were queried, and the rows found."""

    orders_queried: frozenset[ExchangeKey] = frozenset()
    orders: dict[ExchangeKey, Order] = field(default_factory=dict)
    #: Orders whose sender was queried, and the other accounts on the same credentials found.
    senders_queried: frozenset[ExchangeKey] = frozenset()
    sending_accounts: dict[ExchangeKey, int] = field(default_factory=dict)
    deals_queried: frozenset[ExchangeKey] = frozenset()
    #: Legs of the executions as stored, and late fees that were booked before them.
    deals: dict[ExchangeKey, Sequence[Deal]] = field(default_factory=dict)
    #: What was not committed when the rows were read.
    units: Sequence[UnitOfWork] = ()


Row = TypeVar("Row")

NOT_PREFETCHED = PrefetchedRows()


async def prefetch_rows(
    ledger: LedgerStore, state: AccountState, reports: Sequence[ExecutionReport]
) -> PrefetchedRows:
    """Read the rows that are not in memory; none if there are only a few reports."""
    if len(reports) < REPORTS_MIN:
        return NOT_PREFETCHED
    orders = _orders(state, reports)
    deals = _deals(state, reports)
    read = PrefetchedRows(orders_queried=orders, deals_queried=deals, units=state.units_of_work())
    account_id = state.account.id
    for symbol, names in _symbol_pages(orders):
        orders_by_id = await ledger.orders_by_exchange_id(account_id, symbol, names)
        read.orders |= _keyed(symbol, orders_by_id)
    lacking = _without_sender(state, reports, read) if may_share_credentials(state) else frozenset()
    read.senders_queried = lacking
    for symbol, names in _symbol_pages(lacking):
        read.sending_accounts |= _keyed(
            symbol, await ledger.sending_accounts(account_id, symbol, names)
        )
    for symbol, names in _symbol_pages(deals):
        fees = [f"{FEE_PREFIX}{name}" for name in names]
        legs = await ledger.deals_of(account_id, symbol, [*names, *fees])
        for name, rows in legs.items():
            key = symbol, name.removeprefix(FEE_PREFIX)
            read.deals[key] = [*read.deals.get(key, ()), *rows]
    return read


def _without_sender(
    state: AccountState, reports: Sequence[ExecutionReport], read: PrefetchedRows
) -> frozenset[ExchangeKey]:
    """External orders that are new, or whose row may be completed with their sender."""

    def find(key: ExchangeKey) -> Order | None:
        return read.orders.get(key) or state.find_order_by_exchange_id(*key)

    new = {key for key in _external_keys(reports) if find(key) is None}
    completing = [report for report in reports if report.source is ReportSource.RECONCILE]
    known = [find(key) for key in _external_keys(completing)]
    known += [state.find_order(report.order_id) for report in completing]
    return frozenset(new) | {
        (order.symbol, order.exchange_order_id)
        for order in known
        if order is not None and order.exchange_order_id is not None and lacks_sender(state, order)
    }


def _orders(state: AccountState, reports: Iterable[ExecutionReport]) -> frozenset[ExchangeKey]:
    keys = _external_keys(reports)
    return frozenset(each for each in keys if state.find_order_by_exchange_id(*each) is None)


def _external_keys(reports: Iterable[ExecutionReport]) -> set[ExchangeKey]:
    """Return the orders of reports whose order id is 0."""
    return {
        (report.external.symbol, report.exchange_order_id)
        for report in reports
        if not report.order_id and report.external is not None and report.exchange_order_id
    }


def _deals(state: AccountState, reports: Iterable[ExecutionReport]) -> frozenset[ExchangeKey]:
    keys = {
        (symbol, report.execution.exchange_trade_id)
        for report in reports
        if report.execution is not None and (symbol := _symbol(state, report)) is not None
    }
    uncommitted = [work.trade_ids for work in state.units_of_work()]
    return frozenset(each for each in keys if not any(each[1] in ids for ids in uncommitted))


def _symbol(state: AccountState, report: ExecutionReport) -> str | None:
    if report.external is not None:
        return report.external.symbol
    order = state.find_order(report.order_id)
    return None if order is None else order.symbol


def _symbol_pages(keys: Iterable[ExchangeKey]) -> Iterator[tuple[str, list[str]]]:
    by_symbol: dict[str, list[str]] = {}
    for symbol, id_ in sorted(keys):
        by_symbol.setdefault(symbol, []).append(id_)
    for symbol, ids in by_symbol.items():
        for start in range(0, len(ids), IDS_PER_READ_MAX):
            yield symbol, ids[start : start + IDS_PER_READ_MAX]


def _keyed(symbol: str, rows: Mapping[str, Row]) -> dict[ExchangeKey, Row]:
    return {(symbol, name): row for name, row in rows.items()}
