"""Stop levels at an exchange: prices by its public tickers, closes by reduce-only market orders."""

from typing import Any

from kit.exchanges.ccxt_harness import LINEAR
from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import ExchangeSetup
from kit.polling import poll_until
from oms.cli.verify import build_verify_report
from oms.config import Settings


async def _position(setup: ExchangeSetup, order_id: int) -> dict[str, Any]:
    order = await setup.wait_for_order(order_id, "FILLED")
    found = await setup.client.get(f"/oms/positions/{order['position_id']}")
    row: dict[str, Any] = found["items"][0]
    return row


async def _closed(setup: ExchangeSetup, position_id: int) -> dict[str, Any]:
    async def read() -> dict[str, Any]:
        found = await setup.client.get(f"/oms/positions/{position_id}")
        row: dict[str, Any] = found["items"][0]
        return row

    return await poll_until(read, lambda row: row["state"] == "closed", seconds=20)


async def test_levels_close_at_an_exchange_also_after_a_restart(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    settings: dict[str, Any] = dict(venue.startup["extra_config"]["bybit"])
    setup = await exchange_setup.start_account(**settings, oms={"protection_mode": "emulated"})
    venue.control("price", symbol=LINEAR, price="60000")
    market = {"order_type": "market", "price": None}
    sent = await setup.send(**market, stop_loss="59000", stop_gain_pct="2")
    position = await _position(setup, sent["order_id"])
    assert (position["stop_loss"], position["protection"]) == ("59000", "emulated")
    # A resting close is canceled first, which this exchange confirms later.
    await setup.send(
        "close_position", position_id=position["id"], order_type="limit", price="70000"
    )
    venue.control("price", symbol=LINEAR, price="58900")
    closed = await _closed(setup, position["id"])
    assert closed["close_reason"] == "sl"

    venue.control("price", symbol=LINEAR, price="60000")
    sent = await setup.send(**market, side="sell", stop_gain="58000")
    position = await _position(setup, sent["order_id"])
    await setup.gateway.stop_worker()
    venue.control("price", symbol=LINEAR, price="57900")
    await setup.restart_worker(live_allowed=False)
    closed = await _closed(setup, position["id"])
    assert closed["close_reason"] == "tp"
    path = f"/oms/orders/history?account_ids={setup.account_id}"
    found = await setup.client.get(f"{path}&start_date=2020-01-01&end_date=2100-01-01")
    filled = [row["reason"] for row in found["items"] if row["status"] == "FILLED"]
    assert sorted(filled) == ["api", "api", "sl", "tp"]
    report = await build_verify_report(setup.gateway.store, Settings())
    assert report["ok"], report
