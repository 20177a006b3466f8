"""Changes of the stop levels that an order will bring to its position."""

from typing import Any

import pytest

from kit.gateway.paper_trader import SYMBOL, PaperTrader

ENTRY = {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "qty": "4", "price": "98"}


async def test_new_levels_go_to_the_position(trader: PaperTrader) -> None:
    row = await trader.run("send_order", **ENTRY, stop_loss="90", max_hold_seconds=600)
    order_id = row["order_id"]
    changed = await trader.run(
        "change_order", order_id=order_id, oms_stop_loss="91.004", stop_gain_pct="10"
    )
    order = changed["order"]
    assert (order["stop_loss"], order["stop_gain_pct"]) == ("91.01", "10"), "at the tick"
    assert (order["version"], order["max_hold_seconds"]) == (row["order"]["version"] + 1, 600)
    await trader.run("change_order", order_id=order_id, stop_loss_pct="5", max_hold_seconds=None)
    await trader.price("98")
    order = (await trader.orders())[-1]
    position = await trader.position(order["position_id"])
    assert (position["stop_loss"], position["stop_gain"]) == ("93.1", "107.8")
    assert (position["stop_loss_pct"], position["max_hold_seconds"]) == ("5", None)


async def test_cleared_levels_do_not_close(trader: PaperTrader) -> None:
    row = await trader.run("send_order", **ENTRY, stop_loss="90", stop_trailing_pct="3")
    cleared = {"stop_loss": None, "stop_trailing_pct": None}
    await trader.run("change_order", order_id=row["order_id"], **cleared)
    await trader.price("98")
    position = await trader.position((await trader.orders())[-1]["position_id"])
    assert (position["stop_loss"], position["protection"]) == (None, "none")


@pytest.mark.parametrize(
    ("levels", "reason"),
    [
        ({"stop_loss": "98"}, "invalid_stops"),
        ({"stop_gain": "97"}, "invalid_stops"),
        ({"stop_loss_pct": "100"}, "invalid_stops"),
        ({"stop_trailing_activation_pct": "1"}, "invalid_stops"),
        ({"stop_loss": "90", "stop_loss_pct": "1"}, None),
        ({"stop_loss": "90", "new_price": "97"}, None),
        ({}, None),
    ],
)
async def test_impossible_levels_are_refused(
    trader: PaperTrader, levels: dict[str, Any], reason: str | None
) -> None:
    row = await trader.run("send_order", **ENTRY)
    answer = await trader.answer("change_order", order_id=row["order_id"], **levels)
    assert (answer.status, answer.detail["code"]) == (422, "validation_error"), answer.detail
    assert answer.detail.get("reason") == reason
    assert (await trader.orders())[-1]["stop_loss"] is None


async def test_levels_that_were_taken_are_those_of_the_position(trader: PaperTrader) -> None:
    row = await trader.run("send_order", **ENTRY, stop_loss="90")
    await trader.book(("97", "9"), ("98", "1"))
    answer = await trader.answer("change_order", order_id=row["order_id"], stop_loss="91")
    assert (answer.detail["code"], answer.detail["reason"]) == (
        "invalid_order_state",
        "levels_taken",
    )
    position_id = (await trader.orders())[-1]["position_id"]
    close = {"symbol": SYMBOL, "side": "sell", "order_type": "limit", "qty": "1", "price": "200"}
    row = await trader.run("send_order", **close, reduce_only=True, position_id=position_id)
    answer = await trader.answer("change_order", order_id=row["order_id"], stop_loss="91")
    assert (answer.detail["code"], answer.detail["reason"]) == ("validation_error", "reduce_only")
