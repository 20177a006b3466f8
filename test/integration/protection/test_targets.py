"""Several take-profit levels of a position: each closes its share, once."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from kit.gateway.paper_trader import PaperTrader
from kit.polling import poll_until
from oms.adapters.paper.execution_reports import build_rejection
from oms.domain.orders.execution_report import ExecutionReport
from oms.domain.orders.order import Order

THREE = [
    {"price": "105", "qty_pct": "50"},
    {"price": "110", "qty_pct": "30"},
    {"pct": "15", "qty_pct": "20"},
]


async def held(trader: PaperTrader, position_id: int, qty: str) -> dict[str, Any]:
    """The row of the position once it holds ``qty``."""

    async def row() -> dict[str, Any]:
        return await trader.position(position_id)

    return await poll_until(row, lambda each: Decimal(each["qty"]) == Decimal(qty), 5)


async def test_each_target_closes_its_share_of_the_position(trader: PaperTrader) -> None:
    position_id = await trader.open("10", targets=THREE, stop_loss="90")
    row = await trader.position(position_id)
    assert [(each["price"], each["reached"]) for each in row["targets"]] == [
        *(("105", False), ("110", False), ("115", False)),
    ]
    assert (row["protection"], row["targets"][2]["pct"]) == ("emulated", "15")
    await trader.price("105")
    row = await held(trader, position_id, "5")
    assert [each["reached"] for each in row["targets"]] == [True, False, False]
    await trader.price("104")
    await trader.price("105")
    await trader.look()
    assert (await trader.position(position_id))["qty"] == "5", "each acts once"
    await trader.price("110")
    await held(trader, position_id, "2")
    await trader.price("115")
    row = await trader.closed(position_id)
    assert (row["close_reason"], row["targets"]) == ("tp", None)
    deals = await trader.deals(position_id)
    assert [(deal["qty"], deal["reason"], deal["pnl"]) for deal in deals[1:]] == [
        *(("5", "tp", "25"), ("3", "tp", "30"), ("2", "tp", "30")),
    ]
    triggered = await trader.events("stop_triggered")
    assert [(each["targets"], each["level"]) for each in triggered] == [
        *(([1], "105"), ([2], "110"), ([3], "115")),
    ]
    await trader.assert_healthy()


async def test_targets_of_a_short_position_mirror(trader: PaperTrader) -> None:
    shares = [{"pct": "5", "qty_pct": "50"}, {"pct": "10", "qty_pct": "50"}]
    position_id = await trader.open("4", "sell", targets=shares)
    await trader.price("95")
    await held(trader, position_id, "2")
    await trader.price("90")
    assert (await trader.closed(position_id))["realized_pnl"] == "30"


async def test_gap_over_two_targets_closes_both_shares_by_one_order(trader: PaperTrader) -> None:
    position_id = await trader.open("10", targets=THREE)
    await trader.price("112")
    await held(trader, position_id, "2")
    (triggered,) = await trader.events("stop_triggered")
    assert triggered["targets"] == [1, 2]
    assert [order["qty"] for order in await trader.orders()] == ["10", "8"]


async def test_survives_a_restart_and_acts_at_the_price_found_then(trader: PaperTrader) -> None:
    position_id = await trader.open("10", targets=THREE)
    await trader.price("105")
    await held(trader, position_id, "5")
    await trader.restart()
    await trader.look()
    assert (await trader.position(position_id))["qty"] == "5"
    await trader.stop()
    await trader.gateway.client(
        "POST",
        "/paper/price?wait_ms=0",
        {"account_id": trader.account_id, "symbol": "SOL/USDT:USDT", "price": "111"},
        key=trader.key,
    )
    trader.start()
    await held(trader, position_id, "2")


async def test_quantities_are_of_what_is_held(trader: PaperTrader) -> None:
    position_id = await trader.open("4", targets=THREE)
    await trader.price("105")
    await held(trader, position_id, "2")
    await trader.open("6", position_id=position_id)
    await trader.run("close_position", position_id=position_id, qty="3")
    # 5 held; 30 of the 50 percent that are left.
    await trader.price("110")
    await held(trader, position_id, "2")
    await trader.price("150")
    await trader.closed(position_id)
    await trader.assert_healthy()


async def test_levels_in_percent_follow_the_average_until_reached(trader: PaperTrader) -> None:
    shares = [{"pct": "5", "qty_pct": "50"}, {"pct": "20", "qty_pct": "50"}]
    position_id = await trader.open("2", targets=shares)
    await trader.price("105")
    await held(trader, position_id, "1")
    await trader.open("1", position_id=position_id)
    row = await trader.position(position_id)
    assert row["avg_price"] == "102.5"
    assert [each["price"] for each in row["targets"]] == ["105", "123"]


async def test_remainder_below_the_step_goes_to_the_last(trader: PaperTrader) -> None:
    shares = [{"price": str(101 + n), "qty_pct": "10"} for n in range(4)]
    shares.append({"price": "105", "qty_pct": "60"})
    position_id = await trader.open("0.05", targets=shares)
    await trader.price("101")
    await trader.look()
    row = await trader.position(position_id)
    assert (row["qty"], row["targets"][0]["reached"]) == ("0.05", True)
    for price in ("102", "103", "104"):
        await trader.price(price)
        await trader.look()
    assert (await trader.position(position_id))["state"] == "open"
    await trader.price("105")
    assert (await trader.closed(position_id))["qty"] == "0"
    await trader.assert_healthy()


async def test_trailing_starts_at_the_nth_target(trader: PaperTrader) -> None:
    levels = {"stop_trailing_pct": "2", "stop_trailing_from_target": 1, "targets": THREE}
    position_id = await trader.open("10", **levels)
    await trader.price("104")
    await trader.price("101")
    await trader.look()
    row = await trader.position(position_id)
    assert (row["qty"], row["stop_trailing_best"]) == ("10", None)
    await trader.price("105")
    await held(trader, position_id, "5")
    await trader.look()
    await trader.price("102.8")
    row = await trader.closed(position_id)
    assert row["close_reason"] == "trailing"


async def test_failing_target_does_not_keep_the_stop_loss_from_closing(
    trader: PaperTrader,
) -> None:
    position_id = await trader.open("10", targets=THREE, stop_loss="98")
    exchange = trader.gateway.worker.processor.states[trader.account_id].exchange

    async def rejecting(order: Order, now: Any) -> Sequence[ExecutionReport]:
        return [build_rejection(order, "exchange_rejected", "not now", now)]

    exchange.place = rejecting
    await trader.price("105")

    async def failures() -> list[dict[str, Any]]:
        return await trader.events("stop_close_failed")

    await poll_until(failures, len, seconds=5)
    del exchange.place
    await trader.price("97")
    row = await trader.closed(position_id)
    assert (row["close_reason"], row["close_price"]) == ("sl", "97")
    await trader.assert_healthy()


async def test_rejected_share_is_repeated(trader: PaperTrader) -> None:
    position_id = await trader.open("10", targets=THREE)
    exchange = trader.gateway.worker.processor.states[trader.account_id].exchange

    async def rejecting(order: Order, now: Any) -> Sequence[ExecutionReport]:
        return [build_rejection(order, "exchange_rejected", "not now", now)]

    exchange.place = rejecting
    await trader.price("105")

    async def failures() -> list[dict[str, Any]]:
        return await trader.events("stop_close_failed")

    await poll_until(failures, len, seconds=5)
    await trader.restart()
    await trader.look()
    trader.clock.advance(1.1)
    await held(trader, position_id, "5")
    await trader.look()
    assert (await trader.position(position_id))["qty"] == "5"


async def test_change_and_clear(trader: PaperTrader) -> None:
    position_id = await trader.open("10", stop_gain="150")
    change = {"position_id": position_id}
    await trader.run("position_change", **change, targets=THREE, stop_loss_pct="5")
    row = await trader.position(position_id)
    assert (row["stop_gain"], row["stop_loss"], len(row["targets"])) == (None, "95", 3)
    await trader.run("position_change", **change, stop_gain="160")
    row = await trader.position(position_id)
    assert (row["stop_gain"], row["targets"]) == ("160", None)
    await trader.run("position_change", **change, targets=THREE)
    await trader.run("position_change", **change, targets=None)
    row = await trader.position(position_id)
    assert (row["stop_gain"], row["targets"], row["stop_loss"]) == (None, None, "95")


@pytest.mark.parametrize(
    "levels",
    [
        {"targets": []},
        {"targets": [{"qty_pct": "50"}]},
        {"targets": [{"price": "105", "pct": "5", "qty_pct": "50"}]},
        {"targets": [{"price": "105", "qty_pct": "60"}, {"price": "106", "qty_pct": "41"}]},
        {"targets": [{"price": str(101 + n), "qty_pct": "1"} for n in range(6)]},
        {"targets": THREE, "stop_gain": "120"},
        {"targets": THREE, "stop_trailing_from_target": 1},
        {"targets": [{"price": "99", "qty_pct": "50"}]},
        {"tp_sl_base": "signal", "stop_gain_pct": "5"},
        {"tp_sl_base": "fill", "tp_sl_base_price": "100", "stop_gain_pct": "5"},
    ],
)
async def test_what_cannot_act_is_refused(trader: PaperTrader, levels: dict[str, Any]) -> None:
    order = {"symbol": "SOL/USDT:USDT", "side": "buy", "order_type": "market", "qty": "1"}
    answer = await trader.answer("send_order", **order, **levels)
    assert (answer.status, answer.json()["detail"]["code"]) == (422, "validation_error")
    position_id = await trader.open()
    answer = await trader.answer("position_change", position_id=position_id, **levels)
    is_extra = "stop_trailing_from_target" in levels  # it may go with a later distance
    assert answer.status == (200 if is_extra else 422)


async def test_levels_may_count_from_the_price_of_a_signal(trader: PaperTrader) -> None:
    base = {"tp_sl_base": "signal", "tp_sl_base_price": "102"}
    position_id = await trader.open(stop_gain_pct="10", stop_loss_pct="5", **base)
    row = await trader.position(position_id)
    levels = (row["stop_gain"], row["stop_loss"], row["tp_sl_base"], row["tp_sl_base_price"])
    assert levels == ("112.2", "96.9", "signal", "102")
    await trader.run("position_change", position_id=position_id, tp_sl_base="fill")
    row = await trader.position(position_id)
    assert (row["stop_gain"], row["stop_loss"], row["tp_sl_base"]) == ("110", "95", "fill")
