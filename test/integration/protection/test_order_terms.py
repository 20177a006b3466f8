"""Changes of trigger price, trailing distance, time in force and expiry of orders."""

from datetime import timedelta
from typing import Any

import pytest

from kit.gateway.paper_trader import SYMBOL, PaperTrader
from kit.polling import poll_until
from oms.wire.json import time_text

STOP = {"symbol": SYMBOL, "side": "buy", "order_type": "stop_market", "qty": "2"}
LIMIT = {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "qty": "2", "price": "90"}


async def _last(trader: PaperTrader) -> dict[str, Any]:
    return (await trader.orders())[-1]


async def test_a_moved_trigger_price_triggers_there(trader: PaperTrader) -> None:
    row = await trader.run("send_order", **STOP, trigger_price="110")
    changed = await trader.run(
        "change_order", order_id=row["order_id"], new_trigger_price="120.004", new_qty="3"
    )
    order = changed["order"]
    assert (order["trigger_price"], order["qty"]) == ("120", "3"), "a buy stop is rounded down"
    assert len(await trader.events("order_changed")) == 1
    await trader.price("115")
    await trader.look()
    assert (await _last(trader))["state"] == "SUBMITTED"
    await trader.restart()
    await trader.price("120")
    await trader.look()
    assert (await _last(trader))["state"] == "FILLED", "the engine kept it"
    again = await trader.answer("change_order", order_id=row["order_id"], new_trigger_price="130")
    assert again.detail["code"] == "invalid_order_state"
    await trader.assert_healthy()


async def test_a_trigger_price_on_the_wrong_side_changes_nothing(trader: PaperTrader) -> None:
    row = await trader.run("send_order", **STOP, trigger_price="110")
    answer = await trader.answer("change_order", order_id=row["order_id"], new_trigger_price="99")
    assert answer.detail["code"] == "exchange_rejected"
    order = await _last(trader)
    assert (order["trigger_price"], order["pending_change"]) == ("110", None)


async def test_an_expiry_is_set_moved_and_removed(trader: PaperTrader) -> None:
    row = await trader.run("send_order", **LIMIT)
    order_id = row["order_id"]
    first = time_text(trader.clock.now() + timedelta(seconds=60))
    later = time_text(trader.clock.now() + timedelta(seconds=600))
    order = (await trader.run("change_order", order_id=order_id, new_expires_at=first))["order"]
    assert (order["time_in_force"], order["expires_at"]) == ("GTD", first)
    await trader.run("change_order", order_id=order_id, new_expires_at=later)
    trader.clock.advance(120)
    await trader.look()
    assert (await _last(trader))["state"] == "SUBMITTED"
    order = (await trader.run("change_order", order_id=order_id, new_time_in_force="GTC"))["order"]
    assert (order["time_in_force"], order["expires_at"]) == ("GTC", None)
    trader.clock.advance(1000)
    await trader.look()
    assert (await _last(trader))["state"] == "SUBMITTED"
    soon = time_text(trader.clock.now() + timedelta(seconds=5))
    await trader.run("change_order", order_id=order_id, new_expires_at=soon)
    trader.clock.advance(10)
    await poll_until(lambda: _last(trader), lambda order: order["state"] == "EXPIRED", 5)


async def test_a_trailing_distance_is_changed_and_stored(trader: PaperTrader) -> None:
    position_id = await trader.open("2")
    trailing = {"symbol": SYMBOL, "side": "sell", "order_type": "trailing_stop", "qty": "2"}
    row = await trader.run(
        "send_order", **trailing, trailing_percent="5", position_id=position_id, reduce_only=True
    )
    await trader.run("change_order", order_id=row["order_id"], new_trailing_amount="10")
    await trader.restart()
    await trader.price("91")
    await trader.look()
    order = trader.gateway.worker.processor.states[trader.account_id].find_order(row["order_id"])
    assert order is not None
    assert (order.trailing_amount, order.trailing_percent) == (10, None)
    await trader.price("90")
    await trader.closed(position_id)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"new_trigger_price": "95"}, "validation_error"),
        ({"new_trailing_amount": "1"}, "validation_error"),
        ({"new_time_in_force": "IOC"}, "validation_error"),
        ({"new_time_in_force": "GTD"}, "validation_error"),
        ({"new_time_in_force": "PO"}, "order_type_not_supported"),
        ({"new_expires_at": "2020-01-01T00:00:00Z"}, "exchange_rejected"),
        ({"new_expires_at": "soon"}, "validation_error"),
        ({"new_trigger_price": "95", "stop_loss": "80"}, "validation_error"),
    ],
)
async def test_terms_that_do_not_fit_are_refused(
    trader: PaperTrader, change: dict[str, Any], code: str
) -> None:
    row = await trader.run("send_order", **LIMIT)
    answer = await trader.answer("change_order", order_id=row["order_id"], **change)
    assert answer.detail["code"] == code, answer.detail
    order = await _last(trader)
    assert (order["state"], order["version"]) == ("SUBMITTED", row["order"]["version"])
