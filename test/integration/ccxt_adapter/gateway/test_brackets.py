"""Brackets at exchanges: exits that Bybit attaches, levels of the position at Binance."""

from typing import Any

from kit.exchanges.ccxt_harness import LINEAR
from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import ExchangeSetup
from kit.polling import poll_until

BRACKET = {"take_profit": {"price": "66000"}, "stop_loss": {"trigger_price": "54000"}}


async def start(setup: ExchangeSetup, dialect: str, **own: Any) -> ExchangeSetup:
    setup.exchange_id = f"ccxt.{dialect}"
    extra = dict(setup.venue.startup["extra_config"][dialect])
    extra["oms"] = {**extra.get("oms", {}), **own}
    await setup.start_account(**extra)
    setup.venue.control("price", symbol=LINEAR, price="60000")
    return setup


async def children(setup: ExchangeSetup) -> list[dict[str, Any]]:
    path = f"/oms/orders/history?account_ids={setup.account_id}"
    found = await setup.client.get(f"{path}&start_date=2020-01-01&end_date=2100-01-01")
    return [row for row in found["items"] if row["parent_order_id"] is not None]


async def test_bybit_attaches_the_exits(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    setup = await start(exchange_setup, "bybit")
    resting = await setup.send(bracket={"take_profit": {"price": "20000"}})
    await setup.send("cancel_order", order_id=resting["order_id"])
    await setup.wait_for_order(resting["order_id"], "CANCELED")
    sent = await setup.send(order_type="market", price=None, bracket=BRACKET)
    rows = await poll_until(lambda: children(setup), lambda rows: len(rows) == 2, seconds=15)
    assert {(row["reason"], row["trigger_price"], row["parent_order_id"]) for row in rows} == {
        ("tp", "66000", sent["order_id"]),
        ("sl", "54000", sent["order_id"]),
    }
    venue.control("price", symbol=LINEAR, price="53900")
    loss = next(row["id"] for row in rows if row["reason"] == "sl")
    assert (await setup.wait_for_order(loss, "FILLED"))["reduce_only"] is True


async def test_an_account_excludes_attached_exits(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    own = {"capabilities": {"attached_tp_sl": "none"}}
    setup = await start(exchange_setup, "bybit", **own)
    sent = await setup.send(order_type="market", price=None, bracket=BRACKET)
    order = await setup.wait_for_order(sent["order_id"], "FILLED")
    assert (order["stop_gain"], order["stop_loss"]) == ("66000", "54000")


async def test_binance_has_levels_of_the_position(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    setup = await start(exchange_setup, "binance")
    sent = await setup.send(order_type="market", price=None, bracket=BRACKET)
    order = await setup.wait_for_order(sent["order_id"], "FILLED")
    assert (order["stop_gain"], order["stop_loss"]) == ("66000", "54000")
    limited = {"stop_loss": {"trigger_price": "54000", "limit_price": "53900"}}
    refused = await setup.send(order_type="market", price=None, bracket=limited)
    assert refused["error"]["code"] == "order_type_not_supported", refused
    assert refused["order"]["status"] == "REJECTED"
