"""Fine-grained events of the ledger about orders, deals and positions.

Full rows are reported separately by the writer of the rows.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import assert_never

from oms.domain.account import PositionMode
from oms.domain.event import Event
from oms.domain.ledger.deal import Deal, DealEntry
from oms.domain.ledger.position import Position
from oms.domain.money import subtract
from oms.domain.orders.execution_report import ExecutionReport, ReportKind
from oms.domain.orders.order import Order, OrderState
from oms.domain.value import constructor

_new_event = constructor(Event)

UNKNOWN_OUTCOME_WINDOW = timedelta(seconds=15)
"""An order unknown to the exchange after this time was not placed."""


def order_events(before: Order, order: Order, report: ExecutionReport) -> tuple[Event, ...]:
    """Return the event of a report that is not an execution."""
    facts: dict[str, object] = {"command_id": order.command_id, "order_id": order.id}
    match report.kind:
        case ReportKind.ACCEPTED:
            name = "order_submitted"
            facts["exchange_order_id"] = order.exchange_order_id
        case ReportKind.CHANGED:
            pending = report.edit is not None and report.edit.is_in_progress
            name = "order_change_replace_pending" if pending else "order_changed"
        case ReportKind.CANCELED:
            name = "order_canceled"
        case ReportKind.EXPIRED:
            name = "order_expired"
            facts["client_order_id"] = order.client_order_id
        case ReportKind.REJECTED if order.is_open:
            name = "order_change_replace_failed"
            facts["error"] = {"code": report.code, "message": report.message}
        case ReportKind.REJECTED | ReportKind.REFUSED | ReportKind.NOT_PLACED:
            name = "order_rejected"
            outcome = "not_sent" if report.kind is ReportKind.REFUSED else "rejected"
            facts |= {"code": order.reject_code, "message": order.reject_message}
            facts["outcome"] = outcome
        case ReportKind.UNKNOWN:
            name = "order_unknown"
            facts["client_order_id"] = order.client_order_id
            facts["deadline_at"] = report.received_at + UNKNOWN_OUTCOME_WINDOW
        case ReportKind.TRIGGERED | ReportKind.EXECUTION | ReportKind.BUSTED:
            return ()
        case _:
            assert_never(report.kind)
    return (_new_event(name=name, strategy_id=before.strategy_id, facts=facts),)


def resolution_events(before: Order, order: Order, report: ExecutionReport) -> tuple[Event, ...]:
    """Return the event of an order whose unknown outcome was resolved or that was found late."""
    was_unknown = before.state is OrderState.UNKNOWN and order.state is not OrderState.UNKNOWN
    was_found_late = before.state is OrderState.REJECTED and order.state is not OrderState.REJECTED
    if not was_unknown and not was_found_late:
        return ()
    facts = {
        "command_id": order.command_id,
        "order_id": order.id,
        "client_order_id": order.client_order_id,
        "state": str(order.state),
        "evidence": {
            "report": str(report.kind),
            "heard": str(report.source),
            "exchange_order_id": order.exchange_order_id,
        },
    }
    name = "order_resolved" if was_unknown else "order_late_found"
    return (_new_event(name=name, strategy_id=order.strategy_id, facts=facts),)


def execution_events(
    mode: PositionMode, deals: Sequence[Deal], positions: Sequence[Position]
) -> tuple[Event, ...]:
    """Return events of the deals of an execution, an over-close, and positions that ended."""
    events = [deal_event(deal) for deal in deals]
    if len(deals) > 1:
        events += over_close_events(mode, deals, deals[0].exchange_trade_id)
    return (*events, *(closed_event(p) for p in positions if not p.is_open))


def deal_event(deal: Deal) -> Event:
    """Return the event of a new deal."""
    return _new_event(
        name="deal_created",
        strategy_id=deal.strategy_id,
        facts={
            "deal_id": deal.id,
            "order_id": deal.order_id,
            "position_id": deal.position_id,
            "exchange_trade_id": deal.exchange_trade_id,
            "symbol": deal.symbol,
            "side": str(deal.side),
            "strategy_id": deal.strategy_id,
            "qty": deal.qty,
            "price": deal.price,
            "entry": str(deal.entry),
        },
    )


def over_fill_events(before: Order, order: Order, trade_id: str) -> tuple[Event, ...]:
    """Return the alert that an execution filled more than the quantity of its order."""
    if order.filled_qty <= order.qty or order.filled_qty <= before.filled_qty:
        return ()
    facts = {
        "order_id": order.id,
        "exchange_trade_id": trade_id,
        "symbol": order.symbol,
        "order_qty": order.qty,
        "filled_qty": order.filled_qty,
        "excess_qty": subtract(order.filled_qty, order.qty),
    }
    return (_new_event(name="order_over_filled", strategy_id=order.strategy_id, facts=facts),)


def over_close_events(
    mode: PositionMode, deals: Sequence[Deal], trade_id: str
) -> tuple[Event, ...]:
    """Return the event of an execution that closed more than the quantity of its tickets."""
    legs = [deal for deal in deals if deal.exchange_trade_id == trade_id]
    is_over = len(legs) > 1 and (legs[-1].entry is DealEntry.IN or not legs[-1].position_id)
    return (_over_close_event(legs),) if is_over and mode is PositionMode.HEDGE else ()


def _over_close_event(deals: Sequence[Deal]) -> Event:
    """Return the alert that more than the quantity of a ticket was closed; all executions are
    booked.
    """
    excess = deals[-1]
    return _new_event(
        name="position_over_closed",
        strategy_id=excess.strategy_id,
        facts={
            "position_id": deals[0].position_id,
            "order_id": excess.order_id,
            "exchange_trade_id": excess.exchange_trade_id,
            "symbol": excess.symbol,
            "excess_qty": excess.qty,
            "excess_position_id": excess.position_id,
        },
    )


def closed_event(position: Position) -> Event:
    """Return the event of a closed position."""
    return _new_event(
        name="position_closed",
        strategy_id=position.strategy_id,
        facts={
            "position_id": position.id,
            "symbol": position.symbol,
            "strategy_id": position.strategy_id,
            "close_price": position.close_price,
            "close_reason": position.close_reason,
            "realized_pnl": position.realized_pnl,
            "fees": dict(position.fees),
        },
    )
