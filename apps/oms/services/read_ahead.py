"""What the store knows of what several reports are about: one read a symbol, not one a report.

What was in memory when it was read is not in here: it is found there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from oms.domain.deal import Deal
from oms.domain.order import Order
from oms.domain.report import Report
from oms.ports.ledger import LedgerStore
from oms.services.home import Home
from oms.services.mirrored import may_have_siblings

Named = tuple[str, str]
"""A symbol, and the name that the exchange gave an order or an execution in it."""

TOGETHER_MIN = 4
"""Reports from which on it is worth while."""

NAMES_PER_READ_MAX = 500


@dataclass(slots=True, kw_only=True)
class ReadAhead:
    """Strangers' orders and executions that were asked for, and what was found."""

    orders_asked: frozenset[Named] = frozenset()
    orders: dict[Named, Order] = field(default_factory=dict)
    #: Other accounts on the same credentials that sent orders which were not found.
    senders: dict[Named, int] = field(default_factory=dict)
    deals_asked: frozenset[Named] = frozenset()
    deals: dict[Named, Sequence[Deal]] = field(default_factory=dict)


Row = TypeVar("Row")

NOTHING = ReadAhead()


async def read_ahead(ledger: LedgerStore, home: Home, reports: Sequence[Report]) -> ReadAhead:
    """Read what is not in memory; nothing where there are but a few reports."""
    if len(reports) < TOGETHER_MIN:
        return NOTHING
    orders = _orders(home, reports)
    deals = _deals(home, reports)
    read = ReadAhead(orders_asked=orders, deals_asked=deals)
    account_id, asks = home.account.id, may_have_siblings(home)
    for symbol, names in _pages(orders):
        found = await ledger.orders_by_exchange_id(account_id, symbol, names)
        read.orders |= _named(symbol, found)
        new = [name for name in names if name not in found] if asks else []
        if new:
            read.senders |= _named(symbol, await ledger.senders(account_id, symbol, new))
    for symbol, names in _pages(deals):
        read.deals |= _named(symbol, await ledger.deals_of(account_id, symbol, names))
    return read


def _orders(home: Home, reports: Iterable[Report]) -> frozenset[Named]:
    named = {
        (report.external.symbol, report.exchange_order_id)
        for report in reports
        if not report.order_id and report.external is not None and report.exchange_order_id
    }
    return frozenset(each for each in named if home.order_called(*each) is None)


def _deals(home: Home, reports: Iterable[Report]) -> frozenset[Named]:
    named = {
        (symbol, report.execution.exchange_trade_id)
        for report in reports
        if report.execution is not None and (symbol := _symbol(home, report)) is not None
    }
    drafted = [draft.trade_ids for draft in home.drafts()]
    return frozenset(each for each in named if not any(each[1] in ids for ids in drafted))


def _symbol(home: Home, report: Report) -> str | None:
    if report.external is not None:
        return report.external.symbol
    order = home.known_order(report.order_id)
    return None if order is None else order.symbol


def _pages(named: Iterable[Named]) -> Iterator[tuple[str, list[str]]]:
    by_symbol: dict[str, list[str]] = {}
    for symbol, name in sorted(named):
        by_symbol.setdefault(symbol, []).append(name)
    for symbol, names in by_symbol.items():
        for start in range(0, len(names), NAMES_PER_READ_MAX):
            yield symbol, names[start : start + NAMES_PER_READ_MAX]


def _named(symbol: str, found: Mapping[str, Row]) -> dict[Named, Row]:
    return {(symbol, name): row for name, row in found.items()}
