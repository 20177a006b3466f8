"""Events of admission: an order that is refused by risk, or sent for a part of its quantity."""

from oms.domain.commands.command import ClosePosition, Command, SendOrder
from oms.domain.errors import Refused
from oms.domain.event import Event, Namespace
from oms.domain.orders.order import Order
from oms.domain.risk.admission import ApprovedOrder


def admission_events(
    order: Order, command: Command, approved: ApprovedOrder | Refused
) -> list[Event]:
    """Return the events of the verdict on an order; one that passes whole has none."""
    payload = command.payload
    assert isinstance(payload, SendOrder | ClosePosition)
    if isinstance(approved, Refused):
        return [_blocked(order, command, approved)] if approved.code == "risk_blocked" else []
    if payload.qty is None or order.qty >= payload.qty:
        return []
    if approved.cut_by is not None:
        return [_trimmed(order, command, approved.cut_by)]
    facts = {
        "command_id": command.id,
        "order_id": order.id,
        "requested_qty": payload.qty,
        "order_qty": order.qty,
    }
    return [Event(name="order_reduced", strategy_id=order.strategy_id, facts=facts)]


def _blocked(order: Order, command: Command, refused: Refused) -> Event:
    facts = {
        "command_id": command.id,
        "order_id": order.id,
        "reason": refused.reason,
        "limit": refused.limit,
        "value": refused.value,
        "set_by": refused.set_by,
        "message": refused.message,
    }
    return Event(
        name="order_risk_blocked",
        namespace=Namespace.RISK,
        strategy_id=order.strategy_id,
        facts=facts,
    )


def _trimmed(order: Order, command: Command, refused: Refused) -> Event:
    assert isinstance(command.payload, SendOrder)
    facts = {
        "command_id": command.id,
        "order_id": order.id,
        "requested_qty": command.payload.qty,
        "qty": order.qty,
        "reason": refused.reason,
    }
    return Event(
        name="order_risk_trimmed",
        namespace=Namespace.RISK,
        strategy_id=order.strategy_id,
        facts=facts,
    )
