"""What is held: reductions never flip, and two legs are held apart where there are two."""

from decimal import Decimal

import pytest

from kit.exchanges.conformance_cases import LINEAR, SPOT, VIRTUAL_HEDGE_CASES, parametrize_cases
from kit.exchanges.port_harness import PortHarness, now
from oms.domain.account import PositionMode
from oms.domain.side import Side


@parametrize_cases(LINEAR, PositionMode.NETTING)
async def test_a_reduction_never_flips(desk: PortHarness) -> None:
    began = now()
    await desk.wait_for_state(await desk.send("buy", "0.02"), "FILLED")
    number = await desk.send("sell", "0.05", reduce_only=True)
    await desk.wait_closed(number)
    assert desk.orders[number].filled_qty <= Decimal("0.02")
    held = (await desk.snapshot(began)).holdings
    assert sum(held.values()) >= 0


@parametrize_cases(LINEAR, PositionMode.NETTING)
async def test_one_position_a_symbol_where_there_is_one_leg(desk: PortHarness) -> None:
    began = now()
    await desk.wait_for_state(await desk.send("buy", "0.03"), "FILLED")
    await desk.wait_for_state(await desk.send("sell", "0.01"), "FILLED")
    assert (await desk.snapshot(began)).holdings == {(LINEAR, None): Decimal("0.02")}


@parametrize_cases(LINEAR, PositionMode.HEDGE)
async def test_two_legs_are_held_and_a_close_picks_its_own(desk: PortHarness) -> None:
    began = now()
    for side, qty in (("buy", "0.03"), ("sell", "0.02")):
        await desk.wait_for_state(await desk.send(side, qty), "FILLED")
    legs = (LINEAR, Side.BUY), (LINEAR, Side.SELL)
    held = (await desk.snapshot(began)).holdings
    assert [held[leg] for leg in legs] == [Decimal("0.03"), Decimal("-0.02")]
    await desk.wait_for_state(await desk.send("buy", "0.01", reduce_only=True), "FILLED")
    await desk.wait_for_state(await desk.send("sell", "0.01", reduce_only=True), "FILLED")
    held = (await desk.snapshot(began)).holdings
    assert [held[leg] for leg in legs] == [Decimal("0.02"), Decimal("-0.01")]


@parametrize_cases(LINEAR, PositionMode.HEDGE)
async def test_a_reduction_never_flips_its_leg(desk: PortHarness) -> None:
    began = now()
    for side, qty in (("buy", "0.02"), ("sell", "0.01")):
        await desk.wait_for_state(await desk.send(side, qty), "FILLED")
    number = await desk.send("buy", "0.05", reduce_only=True)
    await desk.wait_closed(number)
    held = (await desk.snapshot(began)).holdings
    assert held[LINEAR, Side.BUY] == Decimal("0.02")
    assert held.get((LINEAR, Side.SELL), Decimal(0)) <= 0


@pytest.mark.parametrize("case", VIRTUAL_HEDGE_CASES, ids=str)
async def test_what_is_held_apart_is_netted_where_there_is_one_leg(desk: PortHarness) -> None:
    began = now()
    for side, qty in (("buy", "0.03"), ("sell", "0.02")):
        await desk.wait_for_state(await desk.send(side, qty), "FILLED")
    assert (await desk.snapshot(began)).holdings == {(LINEAR, None): Decimal("0.01")}
    # It reduces what is held here and enlarges the net there: nobody may refuse that.
    await desk.wait_for_state(await desk.send("buy", "0.02", reduce_only=True), "FILLED")
    assert (await desk.snapshot(began)).holdings == {(LINEAR, None): Decimal("0.03")}


@parametrize_cases(SPOT)
async def test_nothing_is_sold_that_is_not_there(desk: PortHarness) -> None:
    await desk.wait_for_state(await desk.send("buy", "0.02"), "FILLED")
    number = await desk.send("sell", "0.05")
    await desk.wait_closed(number)
    assert (desk.state(number), desk.rejection_code(number)) == ("REJECTED", "insufficient_funds")
