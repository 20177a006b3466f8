"""What is booked under the trade id of a report: its deals, and fees that arrived before it."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from oms.domain.ledger.charges import FEE_PREFIX
from oms.domain.ledger.deal import Deal, DealType
from oms.domain.ledger.replay_steps import BUST_PREFIX
from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.account_state.unit_of_work import current_deals
from oms.services.ledger.prefetch import PrefetchedRows


class BookedDeals(NamedTuple):
    """Deals in their current form, stored or not."""

    #: The legs of the execution; of a bust also those that reverse it.
    trades: Sequence[Deal] = ()
    #: Late fees of the execution that have no position yet.
    fees: Sequence[Deal] = ()


NONE_BOOKED = BookedDeals()


async def find_deals(
    ledger: LedgerStore, state: AccountState, symbol: str, trade_ids: Sequence[str]
) -> list[Deal]:
    """Return all deals under these trade ids in their current form."""
    units = state.units_of_work()
    stored = await ledger.deals_of(state.account.id, symbol, trade_ids)
    deals = current_deals(units, (deal for legs in stored.values() for deal in legs))
    return _named(deals.values(), symbol, trade_ids)


async def find_booked_deals(
    ledger: LedgerStore,
    state: AccountState,
    symbol: str,
    report: ExecutionReport,
    read: PrefetchedRows,
) -> BookedDeals:
    """Return the deals booked under the trade id of ``report``."""
    assert report.execution is not None, "only executions are booked"
    trade_id = report.execution.exchange_trade_id
    if report.kind is ReportKind.BUSTED:
        names = [trade_id, f"{BUST_PREFIX}{trade_id}"]
        return BookedDeals(trades=await find_deals(ledger, state, symbol, names))
    names = [trade_id, f"{FEE_PREFIX}{trade_id}"]
    fresh = state.uncommitted_deals_by_trade_id(symbol, names)
    is_whole = any(deal.exchange_trade_id == trade_id and not deal.leg for deal in fresh)
    # The reply to this very request is the first report of its execution.
    if is_whole or report.source is ReportSource.REPLY:
        return _split(fresh) if fresh else NONE_BOOKED
    if (symbol, trade_id) in read.deals_queried:
        deals = current_deals(read.units, read.deals.get((symbol, trade_id), ()))
        return _split([*_named(deals.values(), symbol, names), *_missing(fresh, deals)])
    return _split(await find_deals(ledger, state, symbol, names))


def _missing(deals: Sequence[Deal], found: Collection[int]) -> list[Deal]:
    return [deal for deal in deals if deal.id not in found]


def _named(deals: Collection[Deal], symbol: str, trade_ids: Sequence[str]) -> list[Deal]:
    found = (d for d in deals if d.symbol == symbol and d.exchange_trade_id in trade_ids)
    return sorted(found, key=lambda deal: (deal.exchange_trade_id, deal.leg))


def _split(deals: Sequence[Deal]) -> BookedDeals:
    trades = [deal for deal in deals if deal.type is not DealType.COMMISSION]
    fees = [d for d in deals if d.type is DealType.COMMISSION and not d.position_id]
    return BookedDeals(trades=trades, fees=fees)
