"""Snapshot of the paper account as it really is, for reconciliation with the book."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from oms.adapters.paper.client_order_ids import ledger_order_id
from oms.adapters.paper.execution_reports import build_execution_report
from oms.adapters.paper.paper_engine import PaperEngine
from oms.domain.money import ZERO, subtract
from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource
from oms.domain.side import Side
from oms.ports.exchange import ExchangeSnapshot
from oms.simulation.state.paper_order import Leg, PaperOrder

_SIDES = {Leg.LONG: Side.BUY, Leg.SHORT: Side.SELL, Leg.BOTH: None}


def build_snapshot(
    engine: PaperEngine,
    since: datetime,
    now: datetime,
    initial_balances: Mapping[str, Decimal] | None = None,
) -> ExchangeSnapshot:
    """Returns open orders, kept executions from ``since`` on, and contracts held.

    Balances are reported less ``initial_balances``, for which there is no payment; without these
    they are left out.
    """
    state = engine.state
    orders = [order for held in state.orders.values() for order in held.values()]
    trades = engine.trades()
    return ExchangeSnapshot(
        since=since,
        orders=[_open(engine, order, now) for order in orders],
        trades=[
            (
                trade.symbol,
                build_execution_report(trade, engine.external_orders, now, ReportSource.RECONCILE),
            )
            for trade in trades
            if trade.executed_at >= since
        ],
        balances=None if initial_balances is None else _balance_changes(engine, initial_balances),
        trades_whole_from=max(since, trades[0].executed_at) if trades else None,
        holdings={
            (symbol, _SIDES[leg]): position.qty
            for (symbol, leg), position in state.positions.items()
        },
    )


def _balance_changes(
    engine: PaperEngine, initial_balances: Mapping[str, Decimal]
) -> dict[str, Decimal]:
    totals = {name: held.total for name, held in engine.state.balances.items()}
    return {name: subtract(at, initial_balances.get(name, ZERO)) for name, at in totals.items()}


def _open(engine: PaperEngine, order: PaperOrder, now: datetime) -> ExecutionReport:
    order_id = ledger_order_id(order.client_id)
    return ExecutionReport(
        kind=ReportKind.ACCEPTED,
        order_id=order_id,
        source=ReportSource.RECONCILE,
        received_at=now,
        exchange_order_id=order.exchange_order_id,
        external=None if order_id else engine.external_orders.describe_order(order),
    )
