"""Trailing stops as orders at Binance: equal to distance and size, and watched once they fail."""

from typing import Any

import pytest

from kit.exchanges.ccxt_harness import LINEAR
from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import ExchangeSetup
from kit.polling import poll_until
from oms.cli.verify import build_verify_report
from oms.config import Settings

MARKET = {"order_type": "market", "price": None}


@pytest.fixture
async def setup(exchange_setup: ExchangeSetup, venue: LoopbackExchange) -> ExchangeSetup:
    """A netting account at Binance with the default settings, at a price of 60000."""
    exchange_setup.exchange_id = "ccxt.binance"
    venue.control("price", symbol=LINEAR, price="60000")
    return await exchange_setup.start_account(**venue.startup["extra_config"]["binance_tls"])


async def _open(setup: ExchangeSetup, **fields: Any) -> int:
    sent = await setup.send(**MARKET, **fields)
    order = await setup.wait_for_order(sent["order_id"], "FILLED")
    position_id: int = order["position_id"]
    return position_id


async def _position(setup: ExchangeSetup, position_id: int) -> dict[str, Any]:
    row: dict[str, Any] = (await setup.client.get(f"/oms/positions/{position_id}"))["items"][0]
    return row


async def _wait(setup: ExchangeSetup, position_id: int, **fields: str) -> dict[str, Any]:
    return await poll_until(
        lambda: _position(setup, position_id),
        lambda row: {name: row[name] for name in fields} == fields,
        seconds=20,
    )


async def _trailing(setup: ExchangeSetup) -> list[dict[str, Any]]:
    path = f"/oms/orders/open?account_ids={setup.account_id}"
    rows: list[dict[str, Any]] = (await setup.client.get(path))["items"]
    return [row for row in rows if row["order_type"] == "trailing_stop"]


def _at_exchange(venue: LoopbackExchange) -> list[tuple[str, str]]:
    """Size and distance of the trailing stops that rest at the exchange."""
    return [
        (each["qty"], each["trailing_percent"])
        for each in venue.books()["orders"]
        if each["type"] == "trailing_stop" and each["state"] in ("untriggered", "new", "open")
    ]


async def _wait_for_trailing(
    setup: ExchangeSetup, venue: LoopbackExchange, qty: str, percent: str
) -> dict[str, Any]:
    """Wait until one trailing stop rests with this size and distance; return it."""
    rows = await poll_until(
        lambda: _trailing(setup),
        lambda rows: (
            [each["remaining_qty"] for each in rows] == [qty]
            and _at_exchange(venue) == [(qty, percent)]
        ),
        seconds=20,
    )
    return rows[0]


async def _degraded(setup: ExchangeSetup) -> list[dict[str, Any]]:
    found = await setup.client.get(f"/oms/events?account_ids={setup.account_id}&since_seq=0")
    return [row["payload"] for row in found["items"] if row["event"] == "protection_degraded"]


async def _verify(setup: ExchangeSetup) -> None:
    report = await build_verify_report(setup.gateway.store, Settings())
    assert report["ok"], report


async def test_the_exchange_trails_with_the_size_of_the_position(
    setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    position_id = await _open(setup, stop_trailing_pct="2", stop_gain="70000")
    await _wait_for_trailing(setup, venue, "0.01", "2")
    venue.control("price", symbol=LINEAR, price="61000")
    await _wait(setup, position_id, protection="native")

    await _open(setup)
    await _wait_for_trailing(setup, venue, "0.02", "2")
    await setup.send("position_change", position_id=position_id, stop_trailing_pct="3")
    await _wait_for_trailing(setup, venue, "0.02", "3")
    assert (await _position(setup, position_id))["protection"] == "emulated", (
        "the new order has not seen the best price"
    )
    venue.control("price", symbol=LINEAR, price="62000")
    await _wait(setup, position_id, protection="native")

    await setup.gateway.stop_worker()
    venue.control("price", symbol=LINEAR, price="60000")
    await setup.restart_worker(live_allowed=False)
    await _wait(setup, position_id, state="closed", close_reason="trailing")
    found = await setup.client.get(f"/oms/events?account_ids={setup.account_id}&since_seq=0")
    assert "stop_triggered" not in {row["event"] for row in found["items"]}, "the exchange did"
    assert await _degraded(setup) == []
    await _verify(setup)


async def test_after_a_replacement_the_gateway_keeps_the_tighter_stop(
    setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    """The order that is placed at 60100 would follow from there; the best price was 61000."""
    position_id = await _open(setup, stop_trailing_pct="2")
    await _wait_for_trailing(setup, venue, "0.01", "2")
    venue.control("price", symbol=LINEAR, price="61000")
    await _wait(setup, position_id, protection="native")
    venue.control("price", symbol=LINEAR, price="60100")
    await _open(setup)
    await _wait_for_trailing(setup, venue, "0.02", "2")
    await _wait(setup, position_id, protection="emulated")
    venue.control("price", symbol=LINEAR, price="59700")
    closed = await _wait(setup, position_id, state="closed", close_reason="trailing")
    assert float(closed["close_price"]) > 59000, "61000 less 2 percent, not 60100 less 2 percent"
    await _verify(setup)


async def test_a_canceled_order_leaves_the_stop_to_the_gateway(
    setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    position_id = await _open(setup, stop_trailing_pct="2")
    order = await _wait_for_trailing(setup, venue, "0.01", "2")
    venue.control("price", symbol=LINEAR, price="61000")
    await _wait(setup, position_id, protection="native")
    # A better price may have placed another one.
    order = await _wait_for_trailing(setup, venue, "0.01", "2")
    state = setup.gateway.worker.processor.states[setup.account_id]
    connection: Any = state.exchange._components.connection  # type: ignore[attr-defined]
    await connection.write("cancel_order", order["exchange_order_id"], LINEAR, {"trigger": True})
    (event,) = await poll_until(lambda: _degraded(setup), len, seconds=20)
    assert (event["kind"], event["level"], event["order_id"]) == ("trailing", "2", order["id"])
    await _wait(setup, position_id, protection="emulated", state="open")
    venue.control("price", symbol=LINEAR, price="59700")
    await _wait(setup, position_id, state="closed", close_reason="trailing")
    await _verify(setup)


async def test_a_refused_order_leaves_the_stop_to_the_gateway(
    setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    position_id = await _open(setup)
    venue.control("fault", mode="reject", match="rder")
    await setup.send("position_change", position_id=position_id, stop_trailing_pct="2")
    (event,) = await poll_until(lambda: _degraded(setup), len, seconds=20)
    assert (event["kind"], event["level"]) == ("trailing", "2")
    await _wait(setup, position_id, protection="emulated", state="open")
    venue.control("price", symbol=LINEAR, price="58700")
    await _wait(setup, position_id, state="closed", close_reason="trailing")
    await _verify(setup)


async def test_distances_that_the_exchange_does_not_take_are_watched(
    setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    position_id = await _open(setup, stop_trailing_amount="600", stop_loss="50000")
    await _wait(setup, position_id, protection="emulated")
    assert await _trailing(setup) == []
    venue.control("price", symbol=LINEAR, price="59300")
    await _wait(setup, position_id, state="closed", close_reason="trailing")


async def test_a_trailing_stop_is_placed_once_it_is_active(
    setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    fields = {"stop_trailing_pct": "2", "stop_trailing_activation_pct": "1"}
    position_id = await _open(setup, **fields)
    await _wait(setup, position_id, protection="emulated")
    assert await _trailing(setup) == []
    venue.control("price", symbol=LINEAR, price="60700")
    await _wait_for_trailing(setup, venue, "0.01", "2")
    await setup.send("position_change", position_id=position_id, stop_trailing_activation_pct="5")
    await _wait_for_trailing(setup, venue, "0.01", "2")
    venue.control("price", symbol=LINEAR, price="60800")
    await _wait(setup, position_id, protection="native", stop_trailing_activation_pct="5")
    assert await _degraded(setup) == [], "an active stop stays active"


async def test_a_trailing_stop_order_rests_and_closes(
    setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    position_id = await _open(setup)
    fields = {"side": "sell", "order_type": "trailing_stop", "price": None, "reduce_only": True}
    sent = await setup.send(**fields, trailing_percent="1.5")
    await setup.wait_for_order(sent["order_id"], "SUBMITTED")
    row = await _wait_for_trailing(setup, venue, "0.01", "1.5")
    assert (row["trailing_percent"], row["trailing_amount"]) == ("1.5", None)
    for refused in ({"trailing_amount": "500"}, {"trailing_percent": "0.05"}):
        row = await setup.send(**fields, **refused)
        assert row["error"]["code"] == "order_type_not_supported", row
        assert "(trailing)" in row["error"]["message"]
    moved = await setup.send("change_order", order_id=sent["order_id"], new_trailing_percent="2")
    assert moved["error"]["code"] == "order_type_not_supported"
    venue.control("price", symbol=LINEAR, price="59000")
    await setup.wait_for_order(sent["order_id"], "FILLED")
    await _wait(setup, position_id, state="closed")
    await _verify(setup)
