"""The paper account as it is, told or not: what a sweep compares the book with."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from oms.adapters.paper.engine import PaperEngine
from oms.adapters.paper.names import ledger_id
from oms.adapters.paper.reports import execution_of
from oms.domain.money import ZERO, difference
from oms.domain.report import Heard, Report, ReportKind
from oms.domain.side import Side
from oms.ports.exchange import Snapshot
from oms.simulation.memory import Leg, PaperOrder

_SIDES = {Leg.LONG: Side.BUY, Leg.SHORT: Side.SELL, Leg.BOTH: None}


def snapshot_of(
    engine: PaperEngine,
    since: datetime,
    now: datetime,
    first_money: Mapping[str, Decimal] | None = None,
) -> Snapshot:
    """Open orders, executions from ``since`` on as far as they are kept, and contracts held.

    Balances are told less the ``first_money``, of which no payment tells; without it they are not.
    """
    memory = engine.memory
    orders = [order for held in memory.orders.values() for order in held.values()]
    kept = engine.trades()
    return Snapshot(
        since=since,
        orders=[_open(engine, order, now) for order in orders],
        trades=[
            (trade.symbol, execution_of(trade, engine.made, now, Heard.RECONCILE))
            for trade in kept
            if trade.executed_at >= since
        ],
        balances=None if first_money is None else _beyond(engine, first_money),
        trades_whole_from=max(since, kept[0].executed_at) if kept else None,
        holdings={
            (symbol, _SIDES[leg]): position.qty
            for (symbol, leg), position in memory.positions.items()
        },
    )


def _beyond(engine: PaperEngine, first_money: Mapping[str, Decimal]) -> dict[str, Decimal]:
    totals = {name: held.total for name, held in engine.memory.balances.items()}
    return {name: difference(at, first_money.get(name, ZERO)) for name, at in totals.items()}


def _open(engine: PaperEngine, order: PaperOrder, now: datetime) -> Report:
    order_id = ledger_id(order.client_id)
    return Report(
        kind=ReportKind.ACCEPTED,
        order_id=order_id,
        heard=Heard.RECONCILE,
        heard_at=now,
        exchange_order_id=order.exchange_order_id,
        external=None if order_id else engine.made.external(order),
    )
