"""Stop levels of positions on a paper account: prices, triggers, closes, restarts."""

from typing import Any

import pytest

from kit.gateway.paper_trader import SYMBOL, PaperTrader


async def levels_of(trader: PaperTrader, position_id: int) -> tuple[Any, Any]:
    row = await trader.position(position_id)
    return row["stop_loss"], row["stop_gain"]


async def test_p1_levels_in_percent_follow_the_average_price(trader: PaperTrader) -> None:
    await trader.price("100.10")
    percent = {"stop_gain_pct": "4.5", "stop_loss_pct": "1.5"}
    long = await trader.open(**percent)
    assert await levels_of(trader, long) == ("98.6", "104.6")
    row = await trader.position(long)
    assert (row["stop_gain_pct"], row["stop_loss_pct"], row["protection"]) == (
        *("4.5", "1.5", "emulated"),
    )
    await trader.price("100")
    short = await trader.open(side="sell", **percent)
    assert await levels_of(trader, short) == ("101.5", "95.5")
    await trader.price("98.9")
    await trader.open("1", position_id=long)
    assert (await trader.position(long))["avg_price"] == "99.5"
    assert await levels_of(trader, long) == ("98.01", "103.98")


async def test_p2_gain_closes_at_its_level(trader: PaperTrader) -> None:
    position_id = await trader.open(stop_gain="104.5")
    await trader.price("104.49")
    await trader.look()
    assert (await trader.position(position_id))["state"] == "open"
    await trader.price("104.5")
    row = await trader.closed(position_id, seconds=2)
    assert (row["close_reason"], row["close_price"], row["realized_pnl"]) == ("tp", "104.5", "4.5")
    assert (row["stop_gain"], row["protection"]) == (None, "none")
    _, closing = await trader.orders()
    assert (closing["reason"], closing["reduce_only"], closing["position_id"]) == (
        *("tp", True, position_id),
    )
    _, deal = await trader.deals(position_id)
    assert (deal["reason"], deal["order_id"]) == ("tp", closing["id"])
    (event,) = await trader.events("stop_triggered")
    assert event == {
        "account_id": trader.account_id,
        "position_id": position_id,
        "kind": "tp",
        "level": "104.5",
        "price": "104.5",
        "command_id": closing["command_id"],
        "targets": [],
    }
    command = await trader.gateway.client.get(
        f"/oms/commands/{closing['command_id']}", key=trader.key
    )
    assert command["request_id"] == f"oms:stop:{position_id}:0"
    await trader.assert_healthy()


async def test_p3_restart_closes_what_passed_its_level_meanwhile(trader: PaperTrader) -> None:
    position_id = await trader.open(stop_loss="98.5")
    await trader.stop()
    body = {"account_id": trader.account_id, "symbol": SYMBOL, "price": "98"}
    answer = await trader.gateway.client("POST", "/paper/price?wait_ms=0", body, key=trader.key)
    assert answer.status in (200, 202), answer.body
    trader.start()
    row = await trader.closed(position_id)
    assert (row["close_reason"], row["close_price"]) == ("sl", "98")
    assert [order["reason"] for order in await trader.orders()] == ["api", "sl"]
    await trader.assert_healthy()


@pytest.mark.parametrize("extra", [',"stop_min_age_seconds":7'])
async def test_p4_young_position_is_not_closed_by_a_level(trader: PaperTrader) -> None:
    position_id = await trader.open(stop_loss="98.5")
    trader.clock.advance(3)
    await trader.price("98")
    await trader.look()
    await trader.price("100")
    trader.clock.advance(5)
    await trader.look()
    assert (await trader.position(position_id))["state"] == "open", "the touch is forgotten"
    await trader.price("98.5")
    assert (await trader.closed(position_id))["close_reason"] == "sl"
    (event,) = await trader.events("stop_triggered")
    assert event["price"] == "98.5", "the touch did not trigger it"


async def test_p5_trailing_stop_follows_the_best_price(trader: PaperTrader) -> None:
    position_id = await trader.open(stop_trailing_pct="2")
    await trader.price("110")
    await trader.look()
    assert (await trader.position(position_id))["stop_trailing_best"] == "110"
    await trader.price("108")
    await trader.restart()
    await trader.look()
    row = await trader.position(position_id)
    assert (row["state"], row["stop_trailing_best"]) == ("open", "110")
    await trader.price("107.8")
    row = await trader.closed(position_id)
    assert (row["close_reason"], row["close_price"]) == ("trailing", "107.8")


async def test_position_is_held_for_its_time_only(trader: PaperTrader) -> None:
    position_id = await trader.open(max_hold_seconds=20)
    trader.clock.advance(19)
    await trader.look()
    assert (await trader.position(position_id))["state"] == "open"
    assert await trader.events("stop_triggered") == []
    trader.clock.advance(1)
    assert (await trader.closed(position_id))["close_reason"] == "timeout"
    assert [event["kind"] for event in await trader.events("stop_triggered")] == ["timeout"]


async def test_levels_are_changed_and_cleared(trader: PaperTrader) -> None:
    position_id = await trader.open(stop_loss_pct="1")
    assert await levels_of(trader, position_id) == ("99", None)
    await trader.run("position_change", position_id=position_id, stop_loss="97", stop_gain_pct="5")
    row = await trader.position(position_id)
    assert (row["stop_loss"], row["stop_loss_pct"], row["stop_gain"]) == ("97", None, "105")
    await trader.run("position_change", position_id=position_id, stop_gain_pct=None, stop_loss=None)
    row = await trader.position(position_id)
    assert (row["stop_loss"], row["stop_gain"], row["protection"]) == (None, None, "none")
    assert trader.gateway.worker.processor.states[trader.account_id].armed == {}


async def test_levels_on_the_wrong_side_are_refused(trader: PaperTrader) -> None:
    position_id = await trader.open()
    order = {"symbol": SYMBOL, "side": "buy", "order_type": "market", "qty": "1"}
    wrong: tuple[dict[str, str], ...] = (
        {"stop_loss": "100"},
        {"stop_gain": "99"},
        {"stop_loss_pct": "100"},
        {"stop_loss": "99", "stop_gain": "98"},
    )
    for levels in wrong:
        answer = await trader.answer("send_order", **order, **levels)
        detail = answer.detail
        assert (answer.status, detail["code"], detail["reason"]) == (
            *(422, "validation_error", "invalid_stops"),
        ), levels
        answer = await trader.answer("position_change", position_id=position_id, **levels)
        assert (answer.status, answer.detail["reason"]) == (422, "invalid_stops"), levels


async def test_malformed_levels_are_refused(trader: PaperTrader) -> None:
    order = {"symbol": SYMBOL, "side": "buy", "order_type": "market", "qty": "1"}
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"stop_loss": "90", "stop_loss_pct": "1"}, "stop_loss_pct"),
        ({"stop_trailing_pct": "1", "stop_trailing_amount": "1"}, "stop_trailing_amount"),
        ({"stop_trailing_activation_pct": "1"}, "stop_trailing_activation_pct"),
        ({"stop_gain_pct": "-1"}, "stop_gain_pct"),
        ({"stop_gain_pct": "NaN"}, "stop_gain_pct"),
        ({"max_hold_seconds": 0}, "max_hold_seconds"),
        ({"max_hold_seconds": 10**12}, "max_hold_seconds"),
        ({"max_hold_seconds": 1.5}, "max_hold_seconds"),
    )
    for levels, field in cases:
        answer = await trader.answer("send_order", **order, **levels)
        assert (answer.status, answer.detail["code"]) == (422, "validation_error"), levels
        assert answer.detail["errors"][0]["loc"][-1] == field
    assert await trader.orders() == []


async def test_stop_replaces_a_resting_close(trader: PaperTrader) -> None:
    position_id = await trader.open(stop_loss="98")
    resting = {"position_id": position_id, "order_type": "limit", "price": "110"}
    await trader.run("close_position", **resting)
    await trader.price("97")
    row = await trader.closed(position_id)
    assert (row["close_reason"], row["close_price"]) == ("sl", "97")
    assert [order["status"] for order in await trader.orders()] == ["FILLED", "CANCELED", "FILLED"]
