"""Executions of orders for stop levels beyond their position."""

from decimal import Decimal

import pytest

from kit.builders import NOON, an_order
from oms.domain.ledger.deal import Deal, DealEntry
from oms.domain.side import Side
from oms.services.ledger.record import Changes
from oms.services.protection.overfills import overfill_events


def _changes(entry: DealEntry, group_id: int | None) -> Changes:
    """A sale of an order that was to close position 5; it is booked in position 6."""
    order = an_order(id=9, side=Side.SELL, reduce_only=True, reason="tp", group_id=group_id)
    deal = Deal(
        id=7,
        account_id=order.account_id,
        order_id=order.id,
        position_id=6,
        symbol=order.symbol,
        side=Side.SELL,
        qty=Decimal(1),
        price=Decimal(110),
        fee=None,
        fee_currency=None,
        profit=Decimal(0),
        strategy_id=0,
        reason="tp",
        exchange_trade_id="t1",
        leg=0,
        entry=entry,
        origin="exchange",
        liquidity=None,
        executed_at=NOON,
        created_at=NOON,
    )
    return Changes(deals=[deal], orders={order.id: order})


def test_an_execution_that_opens_a_position_is_reported() -> None:
    (event,) = overfill_events(_changes(DealEntry.IN, group_id=5))
    assert event.name == "protection_overfill"
    assert event.facts == {
        "position_id": 5,
        "order_id": 9,
        "deal_id": 7,
        "opened_position_id": 6,
        "qty": Decimal(1),
        "price": Decimal(110),
    }


@pytest.mark.parametrize(("entry", "group_id"), [(DealEntry.OUT, 5), (DealEntry.IN, None)])
def test_closes_and_other_orders_are_not(entry: DealEntry, group_id: int | None) -> None:
    assert overfill_events(_changes(entry, group_id)) == []
