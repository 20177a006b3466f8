"""Executions of orders that stood for a level of a position which was closed already."""

from oms.domain.event import Event
from oms.domain.ledger.deal import DealEntry
from oms.domain.protection.native_orders import is_native
from oms.services.ledger.record import Changes


def overfill_events(changes: Changes) -> list[Event]:
    """Return an event for each execution of such an order that opened a position.

    The deal itself is booked as reported.
    """
    events: list[Event] = []
    for deal in changes.deals:
        order = None if deal.order_id is None else changes.orders.get(deal.order_id)
        if order is None or deal.entry is not DealEntry.IN or not is_native(order):
            continue
        facts = {
            "position_id": order.group_id,
            "order_id": order.id,
            "deal_id": deal.id,
            "opened_position_id": deal.position_id,
            "qty": deal.qty,
            "price": deal.price,
        }
        events.append(Event(name="protection_overfill", strategy_id=deal.strategy_id, facts=facts))
    return events
