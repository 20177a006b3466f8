"""Facts that an exchange lists again after their rows were archived: not booked again."""

from collections import defaultdict
from datetime import datetime

from oms.domain.orders.execution_report import ExecutionReport
from oms.domain.value import evolve
from oms.ports.exchange import ExchangeSnapshot
from oms.ports.ledger_store import ARCHIVED_AGE_MIN, LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.ledger.charges import drop_archived_charges


async def drop_archived(
    ledger: LedgerStore, state: AccountState, snapshot: ExchangeSnapshot, now: datetime
) -> ExchangeSnapshot:
    """Return the snapshot without archived executions, orders and funding.

    Raises ``Unavailable``. Only facts that are old enough to be archived are looked up: most
    passes read none of them.
    """
    due, account_id = now - ARCHIVED_AGE_MIN, state.account.id
    funding = await drop_archived_charges(ledger, state, snapshot.funding)
    names: dict[str, set[str]] = defaultdict(set)
    for symbol, report in snapshot.trades:
        if (name := _old_trade(report, due)) is not None:
            names[symbol].add(name)
    trades = {
        (symbol, name)
        for symbol, ids in names.items()
        for name in await ledger.archived_trades(account_id, symbol, sorted(ids))
    }
    names = defaultdict(set)
    for report in snapshot.orders:
        if (key := _old_order(report, due)) is not None:
            names[key[0]].add(key[1])
    orders = {
        (symbol, name)
        for symbol, ids in names.items()
        for name in await ledger.archived_orders(account_id, symbol, sorted(ids))
    }
    if not trades and not orders and len(funding) == len(snapshot.funding):
        return snapshot
    return evolve(
        snapshot,
        trades=tuple(
            each for each in snapshot.trades if (each[0], _old_trade(each[1], due)) not in trades
        ),
        funding=tuple(funding),
        orders=tuple(report for report in snapshot.orders if _old_order(report, due) not in orders),
    )


def _old_trade(report: ExecutionReport, due: datetime) -> str | None:
    execution = report.execution
    if execution is None or execution.executed_at >= due:
        return None
    return execution.exchange_trade_id


def _old_order(report: ExecutionReport, due: datetime) -> tuple[str, str] | None:
    """Return symbol and exchange id of an old order that no stored order was found for."""
    external, name = report.external, report.exchange_order_id
    if report.order_id or external is None or name is None or external.created_at >= due:
        return None
    return external.symbol, name
