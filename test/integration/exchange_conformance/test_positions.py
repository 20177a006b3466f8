"""Positions: reduce-only orders never flip, and hedge mode keeps two legs."""

from decimal import Decimal

import pytest

from kit.exchanges.conformance_cases import LINEAR, SPOT, VIRTUAL_HEDGE_CASES, parametrize_cases
from kit.exchanges.port_harness import PortHarness, now
from oms.domain.account import PositionMode
from oms.domain.side import Side


@parametrize_cases(LINEAR, PositionMode.NETTING)
async def test_a_reduce_only_order_never_flips_the_position(harness: PortHarness) -> None:
    started_at = now()
    await harness.wait_for_state(await harness.send("buy", "0.02"), "FILLED")
    number = await harness.send("sell", "0.05", reduce_only=True)
    await harness.wait_closed(number)
    assert harness.orders[number].filled_qty <= Decimal("0.02")
    holdings = (await harness.snapshot(started_at)).holdings
    assert sum(holdings.values()) >= 0


@parametrize_cases(LINEAR, PositionMode.NETTING)
async def test_one_way_mode_has_one_position_per_symbol(harness: PortHarness) -> None:
    started_at = now()
    await harness.wait_for_state(await harness.send("buy", "0.03"), "FILLED")
    await harness.wait_for_state(await harness.send("sell", "0.01"), "FILLED")
    assert (await harness.snapshot(started_at)).holdings == {(LINEAR, None): Decimal("0.02")}


@parametrize_cases(LINEAR, PositionMode.HEDGE)
async def test_hedge_mode_has_two_legs_and_closes_the_right_one(harness: PortHarness) -> None:
    started_at = now()
    for side, qty in (("buy", "0.03"), ("sell", "0.02")):
        await harness.wait_for_state(await harness.send(side, qty), "FILLED")
    legs = (LINEAR, Side.BUY), (LINEAR, Side.SELL)
    holdings = (await harness.snapshot(started_at)).holdings
    assert [holdings[leg] for leg in legs] == [Decimal("0.03"), Decimal("-0.02")]
    await harness.wait_for_state(await harness.send("buy", "0.01", reduce_only=True), "FILLED")
    await harness.wait_for_state(await harness.send("sell", "0.01", reduce_only=True), "FILLED")
    holdings = (await harness.snapshot(started_at)).holdings
    assert [holdings[leg] for leg in legs] == [Decimal("0.02"), Decimal("-0.01")]


@parametrize_cases(LINEAR, PositionMode.HEDGE)
async def test_a_reduce_only_order_never_flips_its_leg(harness: PortHarness) -> None:
    started_at = now()
    for side, qty in (("buy", "0.02"), ("sell", "0.01")):
        await harness.wait_for_state(await harness.send(side, qty), "FILLED")
    number = await harness.send("buy", "0.05", reduce_only=True)
    await harness.wait_closed(number)
    holdings = (await harness.snapshot(started_at)).holdings
    assert holdings[LINEAR, Side.BUY] == Decimal("0.02")
    assert holdings.get((LINEAR, Side.SELL), Decimal(0)) <= 0


@pytest.mark.parametrize("case", VIRTUAL_HEDGE_CASES, ids=str)
async def test_virtual_hedge_positions_are_netted_at_the_exchange(harness: PortHarness) -> None:
    started_at = now()
    for side, qty in (("buy", "0.03"), ("sell", "0.02")):
        await harness.wait_for_state(await harness.send(side, qty), "FILLED")
    assert (await harness.snapshot(started_at)).holdings == {(LINEAR, None): Decimal("0.01")}
    # It reduces the position here and increases the net position there: it must not be refused.
    await harness.wait_for_state(await harness.send("buy", "0.02", reduce_only=True), "FILLED")
    assert (await harness.snapshot(started_at)).holdings == {(LINEAR, None): Decimal("0.03")}


@parametrize_cases(SPOT)
async def test_a_spot_sale_beyond_the_balance_is_rejected(harness: PortHarness) -> None:
    await harness.wait_for_state(await harness.send("buy", "0.02"), "FILLED")
    number = await harness.send("sell", "0.05")
    await harness.wait_closed(number)
    assert (harness.state(number), harness.rejection_code(number)) == (
        "REJECTED",
        "insufficient_funds",
    )
