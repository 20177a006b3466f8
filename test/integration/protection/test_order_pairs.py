"""Pairs of which one cancels the other, conditional orders, and closes by percent."""

from typing import Any

from kit.gateway.paper_trader import SYMBOL, PaperTrader
from kit.polling import poll_until

PAIR = {"symbol": SYMBOL, "side": "sell", "qty": "4", "limit_price": "105", "trigger_price": "95"}


async def statuses(trader: PaperTrader) -> list[tuple[str, str]]:
    return [(order["order_type"], order["status"]) for order in await trader.orders()][1:]


async def test_p7_first_fill_of_the_limit_cancels_the_stop(trader: PaperTrader) -> None:
    position_id = await trader.open("4")
    row = await trader.run("send_oco", **PAIR, position_id=position_id)
    assert row["order"]["reduce_only"] is True
    assert await statuses(trader) == [("limit", "SUBMITTED"), ("stop_market", "SUBMITTED")]
    stop = (await trader.orders())[-1]
    assert (stop["parent_order_id"], stop["trigger_price"]) == (row["order_id"], "95")
    assert [order["group_id"] for order in await trader.orders()] == [None, *[row["order_id"]] * 2]
    await trader.book(("105", "1"), ("106", "9"))
    assert await statuses(trader) == [("limit", "PARTIALLY_FILLED"), ("stop_market", "CANCELED")]
    reasons = [order["cancel_reason"] for order in await trader.orders()]
    assert reasons == [None, None, "oco"]
    await trader.price("90")
    assert (await trader.orders())[1]["remaining_qty"] == "3", "the rest stays on the limit"


async def test_a_pair_survives_a_restart(trader: PaperTrader) -> None:
    position_id = await trader.open("4")
    await trader.run("send_oco", **PAIR, position_id=position_id)
    await trader.restart()
    await trader.look()
    await trader.look()
    assert await statuses(trader) == [("limit", "SUBMITTED"), ("stop_market", "SUBMITTED")]
    await trader.assert_healthy()


async def test_p7_stop_cancels_the_limit_and_a_cancel_both(trader: PaperTrader) -> None:
    await trader.open("4")
    await trader.run("send_oco", **PAIR)
    await trader.price("94")
    assert await statuses(trader) == [("limit", "CANCELED"), ("stop_market", "FILLED")]
    await trader.price("100")
    await trader.open("4")
    row = await trader.run("send_oco", **PAIR, stop_limit_price="94.5")
    assert (await trader.orders())[-1]["order_type"] == "stop_limit"
    await trader.run("cancel_order", order_id=row["order_id"])
    assert [status for _, status in (await statuses(trader))[-2:]] == ["CANCELED", "CANCELED"]


async def test_malformed_pairs_are_refused(trader: PaperTrader) -> None:
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"trigger_price": "105"}, "trigger_price"),
        ({"side": "buy"}, "trigger_price"),
        ({"limit_price": None}, "limit_price"),
        ({"qty": "-1"}, "qty"),
        ({"price": "1"}, "price"),
    )
    for changes, field in cases:
        answer = await trader.answer("send_oco", **(PAIR | changes))
        assert (answer.status, answer.detail["code"]) == (422, "validation_error"), changes
        assert answer.detail["errors"][0]["loc"][-1] == field
    answer = await trader.answer("send_oco", **PAIR)
    assert (answer.status, answer.detail["code"]) == (422, "invalid_close_volume")
    order = {"symbol": SYMBOL, "side": "buy", "order_type": "market", "qty": "1"}
    answer = await trader.answer("send_order", **order, params={"oco": {"triggerPrice": "95"}})
    assert (answer.status, answer.detail["code"]) == (422, "order_type_not_supported")


async def test_p8_stop_triggers_and_fills_at_the_market(trader: PaperTrader) -> None:
    position_id = await trader.open()
    stop = {"symbol": SYMBOL, "side": "sell", "qty": "1", "order_type": "stop_loss"}
    await trader.run("send_order", **stop, trigger_price="95", position_id=position_id)
    await trader.price("95.01")
    assert await statuses(trader) == [("stop_market", "SUBMITTED")]
    await trader.price("94")
    assert await statuses(trader) == [("stop_market", "FILLED")]
    assert (await trader.position(position_id))["close_price"] == "94"


async def test_close_by_percent(trader: PaperTrader) -> None:
    position_id = await trader.open("1.01", stop_loss="98")
    await trader.run("close_position", position_id=position_id, qty_pct="50")
    row = await trader.position(position_id)
    assert (row["qty"], row["stop_loss"]) == ("0.51", "98"), "down to the step"
    for refused in ({"qty_pct": "101"}, {"qty_pct": "10", "qty": "1"}, {"qty_pct": "0"}):
        answer = await trader.answer("close_position", position_id=position_id, **refused)
        assert (answer.status, answer.detail["code"]) == (422, "validation_error"), refused
    answer = await trader.answer("close_position", position_id=position_id, qty_pct="0.01")
    assert (answer.status, answer.detail["code"]) == (422, "qty_below_minimum")
    assert (await trader.orders())[-1]["qty"] == "0", "none of the position, rounded down"
    await trader.run("close_position", position_id=position_id, qty_pct="100")

    async def state() -> str:
        return str((await trader.position(position_id))["state"])

    await poll_until(state, lambda each: each == "closed", seconds=5)
