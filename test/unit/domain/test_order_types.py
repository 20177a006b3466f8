"""The table of order types."""

import pytest

from oms.domain.orders.order_types import (
    LIMIT_TYPES,
    ORDER_TYPE_NAMES,
    ORDER_TYPES,
    TAKE_PROFIT_TYPES,
    TRAILING_STOP,
    TRIGGERED_TYPES,
    TriggerKind,
    conditional_type,
)


def test_names_and_aliases_are_unique() -> None:
    names = [name for each in ORDER_TYPES.values() for name in (each.name, *each.aliases)]
    assert len(names) == len(set(names)) == len(ORDER_TYPE_NAMES)
    assert set(ORDER_TYPE_NAMES.values()) == set(ORDER_TYPES)


def test_types_are_grouped_by_their_prices() -> None:
    assert {"limit", "stop_limit", "take_profit_limit"} == LIMIT_TYPES
    assert {"take_profit_market", "take_profit_limit"} == TAKE_PROFIT_TYPES
    assert {"stop_market", "stop_limit", *TAKE_PROFIT_TYPES} == TRIGGERED_TYPES
    assert not ORDER_TYPES[TRAILING_STOP].needs_trigger_price


@pytest.mark.parametrize("base_type", ["market", "limit"])
@pytest.mark.parametrize("trigger", list(TriggerKind))
def test_a_trigger_makes_a_conditional_type(base_type: str, trigger: TriggerKind) -> None:
    order_type = ORDER_TYPES[conditional_type(base_type, trigger)]
    assert order_type.name == f"{trigger}_{base_type}"
    assert (order_type.base_type, order_type.trigger) == (base_type, trigger)
    assert order_type.needs_trigger_price
