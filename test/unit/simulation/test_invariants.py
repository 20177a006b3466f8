"""A step that breaks an invariant is detected, whatever part of the state it broke."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from kit.exchanges.simulation_harness import LINEAR, SPOT, SimulationHarness
from oms.domain.orders.order import Side
from oms.simulation.events import Filled
from oms.simulation.invariants import InvariantBroken, check_step
from oms.simulation.market.matching import BookFill
from oms.simulation.orders.settlement import settle_fill
from oms.simulation.state.paper_account import Balance, PaperPosition
from oms.simulation.state.paper_order import Leg
from oms.simulation.state.step_state import StepState


def a_filled_state(symbol: str) -> StepState:
    """A consistent step state with one lot of a resting order just filled."""
    harness = SimulationHarness(USDT="1000", SOL="5")
    harness.quote("100", "101", symbol)
    harness.sell("2", "110", symbol=symbol)
    state = StepState(harness.state, harness.settings, harness.now)
    order = state.orders[symbol]["o1"]
    state.lock(order.locked_currency, -order.locked)
    order = replace(order, locked=Decimal(0))
    order = settle_fill(state, order, BookFill(qty=Decimal(1), price=Decimal(110)), maker=True)
    state.put_order(order)
    check_step(state)
    return state


def _lose_money(state: StepState) -> None:
    state.credit("USDT", Decimal("-0.000000000000000001"))


def _use_without_a_lock(state: StepState) -> None:
    state.lock("USDT", Decimal(1))


def _use_negative_amount(state: StepState) -> None:
    state.balances["BTC"] = Balance(free=Decimal(1), used=Decimal(-1))


def _drop_a_fill(state: StepState) -> None:
    state.events.pop()


def _fill_twice(state: StepState) -> None:
    state.events.append(state.events[-1])


def _fill_an_unknown_order(state: StepState) -> None:
    event = state.events[-1]
    assert isinstance(event, Filled)
    trade = replace(event.trade, exchange_order_id="o9", qty=Decimal(0))
    state.events.append(Filled(trade=replace(trade, fee=Decimal(0), qty=Decimal(1))))


def _overfill(state: StepState) -> None:
    (order,) = (o for orders in state.orders.values() for o in orders.values())
    state.put_order(replace(order, qty=Decimal("0.5")))


def _fill_beyond_the_limit(state: StepState) -> None:
    event = state.events[-1]
    assert isinstance(event, Filled)
    state.events[-1] = Filled(trade=replace(event.trade, price=Decimal(109)))


def _end_twice(state: StepState) -> None:
    (order,) = (o for orders in state.orders.values() for o in orders.values())
    state.ended_orders += [order, order]


def _move_a_position(state: StepState) -> None:
    state.put_position(
        (LINEAR, Leg.LONG),
        PaperPosition(
            symbol=LINEAR, leg=Leg.LONG, qty=Decimal(1), cost=Decimal(1), margin=Decimal(0)
        ),
    )


@pytest.mark.parametrize("symbol", [SPOT, LINEAR])
@pytest.mark.parametrize(
    "spoil",
    [
        _lose_money,
        _use_without_a_lock,
        _use_negative_amount,
        _drop_a_fill,
        _fill_twice,
        _fill_an_unknown_order,
        _overfill,
        _fill_beyond_the_limit,
        _end_twice,
        _move_a_position,
    ],
)
def test_broken_invariants_are_detected(symbol: str, spoil: Callable[[StepState], None]) -> None:
    state = a_filled_state(symbol)
    spoil(state)
    with pytest.raises(InvariantBroken):
        check_step(state)


def test_overselling_spot_is_detected() -> None:
    harness = SimulationHarness(USDT="1000", SOL="1")
    harness.quote("100", "101")
    harness.sell("1", "110")
    state = StepState(harness.state, harness.settings, harness.now)
    order = state.orders[SPOT]["o1"]
    assert order.side is Side.SELL
    state.put_order(
        settle_fill(state, order, BookFill(qty=Decimal(1), price=Decimal(110)), maker=True)
    )
    with pytest.raises(InvariantBroken, match="sold more"):
        check_step(state)
