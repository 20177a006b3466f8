"""Amendments by replacement, through gateway, worker, store and exchange."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import SPOT, open_loopback_harnesses
from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import ExchangeSetup
from kit.gateway.in_process import ADMIN_KEY
from kit.http.asgi_client import AsgiClient


async def open_account(exchange_setup: ExchangeSetup, venue: LoopbackExchange) -> ExchangeSetup:
    """An account without native amendments."""
    extra = dict(venue.startup["extra_config"]["bybit"])
    extra["oms"] = {**extra.get("oms", {}), "capabilities": {"edit": "none"}}
    return await exchange_setup.start_account(**extra)


async def changed(exchange_setup: ExchangeSetup, order_id: int, **terms: str) -> dict[str, Any]:
    return await exchange_setup.send("change_order", order_id=order_id, **terms)


async def test_row_22_an_amendment_replaces_the_order(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    await open_account(exchange_setup, venue)
    sent = (await exchange_setup.send(qty="0.03"))["order"]
    venue.control("fill", order_id=sent["exchange_order_id"], qty="0.01")
    await exchange_setup.wait_for_order(sent["id"], "PARTIALLY_FILLED")
    done = await changed(exchange_setup, sent["id"], new_price="10001")
    assert (done["status"], done["error"]) == ("done", None)
    order = await exchange_setup.order(sent["id"])
    assert (order["price"], order["qty"], order["filled_qty"]) == ("10001", "0.03", "0.01")
    assert order["edit_replace_state"] == "consolidated_to_self"
    assert order["exchange_order_id"] == sent["exchange_order_id"]
    assert (order["pending_change"], order["replaced_by"]) == (None, None)
    rows = venue.books()["orders"]
    assert [(row["state"], row["qty"]) for row in rows] == [("canceled", "0.03"), ("new", "0.02")]
    venue.control("fill", order_id=rows[-1]["order_id"])
    assert (await exchange_setup.wait_for_order(sent["id"], "FILLED"))["filled_qty"] == "0.03"


async def test_row_22_a_failed_replacement_is_reported(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    await open_account(exchange_setup, venue)
    sent = (await exchange_setup.send())["order"]
    failed = await changed(exchange_setup, sent["id"], new_qty="900")
    assert (failed["status"], failed["error"]["code"]) == ("failed", "create_failed")
    order = await exchange_setup.order(sent["id"])
    assert (order["status"], order["edit_replace_state"]) == ("CANCELED", "create_failed")
    assert order["edit_replace_at"] is not None
    order_history = await AsgiClient(exchange_setup.gateway.app, ADMIN_KEY).get(
        f"/oms/orders/{sent['id']}/timeline"
    )
    assert "change_requested" in [item["phase"] for item in order_history["items"]]


@pytest.mark.parametrize("dialect", ["binance", "bybit"])
async def test_a_trigger_price_is_moved(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange, dialect: str
) -> None:
    exchange_setup.exchange_id = f"ccxt.{dialect}"
    await exchange_setup.start_account(**venue.startup["extra_config"][dialect])
    stop = {"order_type": "stop_limit", "price": "90100", "trigger_price": "90000"}
    sent = (await exchange_setup.send(**stop))["order"]
    done = await changed(exchange_setup, sent["id"], new_trigger_price="90050")
    assert (done["status"], done["error"]) == ("done", None)
    order = await exchange_setup.order(sent["id"])
    assert (order["trigger_price"], order["status"]) == ("90050", "SUBMITTED")
    refused = await changed(exchange_setup, sent["id"], new_time_in_force="IOC")
    assert refused["error"]["code"] == "order_type_not_supported"
    rows = [row for row in venue.books()["orders"] if row["state"] == "untriggered"]
    assert [(row["trigger"], row["price"]) for row in rows] == [("90050", "90100")]


async def test_a_conditional_order_from_elsewhere_is_not_placed_again(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange, tables: Path
) -> None:
    async with open_loopback_harnesses(venue, tables) as start:
        other = await start("binance", tag="ffffffff").wait_ready()
        stop = {"order_type": "stop_limit", "trigger_price": Decimal(90000), "symbol": SPOT}
        await other.send(7, "buy", "0.01", "90100", **stop)
        await other.wait_for_state(7, "SUBMITTED")
    exchange_setup.exchange_id = "ccxt.binance"
    await exchange_setup.start_account(**venue.startup["extra_config"]["binance"])
    sent = (await exchange_setup.send(symbol=SPOT))["order"]
    assert (await exchange_setup.send("cancel_order", order_id=sent["id"]))["ok"]
    await exchange_setup.reconcile()
    path = f"/oms/orders/open?account_ids={exchange_setup.account_id}"
    [order] = (await exchange_setup.client.get(path))["items"]
    assert (order["reason"], order["trigger_price"]) == ("external", "90000")
    for terms in ({"new_price": "90200"}, {"new_qty": "0.02"}):
        refused = await changed(exchange_setup, order["id"], **terms)
        assert (refused["status"], refused["error"]["code"]) == (
            "failed",
            "order_type_not_supported",
        )
    assert (await exchange_setup.order(order["id"]))["pending_change"] is None
    row = venue.books()["orders"][0]
    assert (row["state"], row["trigger"], row["price"]) == ("untriggered", "90000", "90100")
