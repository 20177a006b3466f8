"""Discrepancies of over-fills: the exchange executed more than the quantity of an order.

The execution is booked as reported, so there is nothing to fix: the discrepancy opens in the
transaction of the deal that exceeds the order, and a user dismisses it.
"""

from collections.abc import Mapping
from typing import Any

from oms.domain.event import Event
from oms.domain.money import decimal_text
from oms.domain.orders.order import Order
from oms.domain.reconcile.discrepancy import (
    Discrepancy,
    DiscrepancyClass,
    DiscrepancyPolicy,
    DiscrepancyStatus,
)
from oms.ports.ids import IdBlocks
from oms.ports.reconcile_store import ReconcileRows
from oms.services.account_state.state import AccountState
from oms.wire.json import dumps_fast
from oms.wire.responses.reconcile_rows import discrepancy_event

_KIND = DiscrepancyClass.ORDER_OVER_FILLED
_OVER_FILLED = "order_over_filled"
_QUANTITIES = ("order_qty", "filled_qty", "excess_qty")


async def open_over_fills(
    state: AccountState, events: list[Event], orders: Mapping[int, Order], ids: IdBlocks
) -> None:
    """Open a discrepancy for each over-fill among ``events``, and add its event to them."""
    over_fills: list[Mapping[str, Any]] = [
        event.facts for event in events if event.name == _OVER_FILLED
    ]
    if not over_fills:
        return
    await ids.ensure("discrepancy", len(over_fills))
    rows = [_row(state, facts, orders[facts["order_id"]], ids) for facts in over_fills]
    state.work.reconciled.append(ReconcileRows(discrepancies=rows))
    events.extend(discrepancy_event("discrepancy_opened", row) for row in rows)


def _row(state: AccountState, facts: Mapping[str, Any], order: Order, ids: IdBlocks) -> Discrepancy:
    trade_id = facts["exchange_trade_id"]
    quantities = {name: decimal_text(facts[name]) for name in _QUANTITIES}
    evidence = {
        "order_id": order.id,
        "exchange_order_id": order.exchange_order_id,
        "exchange_trade_id": trade_id,
        **quantities,
    }
    return Discrepancy(
        id=ids("discrepancy"),
        account_id=state.account.id,
        kind=_KIND.value,
        symbol=order.symbol,
        subject=f"{_KIND.value}:{order.id}:{trade_id}",
        status=DiscrepancyStatus.OPEN.value,
        policy=DiscrepancyPolicy.ASK.value,
        evidence=dumps_fast(evidence),
        first_seen=order.updated_at,
        last_seen=order.updated_at,
    )
