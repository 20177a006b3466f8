"""Prices of corrections at a loopback exchange, and averages that differ from the exchange's."""

from kit.databases.sql import execute, fetch_rows
from kit.exchanges.ccxt_harness import LINEAR
from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import ExchangeSetup
from kit.gateway.in_process import now
from kit.polling import poll_until
from oms.wire.json import loads

UNTRADED = "ETH/USDT:USDT"


async def test_an_opening_correction_reproduces_the_exchange_s_average(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange, dsn: str
) -> None:
    """Its history is not known: the executions are older than what is read."""
    venue.control("clock", offset_s=-86_400 * 30)
    for qty, price in (("1", "40000"), ("2", "43000")):
        venue.control("price", symbol=LINEAR, price=price)
        venue.control("external", symbol=LINEAR, side="buy", qty=qty)
    venue.control("clock", offset_s=0)
    await exchange_setup.start_account()
    await exchange_setup.reconcile()
    execute(dsn, "UPDATE discrepancies SET first_seen = '2020-01-01T00:00:00.000000Z'")
    await exchange_setup.reconcile()
    (row,) = await exchange_setup.discrepancies()
    average = row["evidence"]["exchange_average"]
    assert 41_900 < float(average) < 42_100
    path = f"/oms/discrepancies/{row['id']}/apply?wait_ms=8000"
    done = await exchange_setup.client("POST", path, {"comment": "as the exchange says"})
    item = done.json()["item"]
    assert item["status"] == "applied", done.body
    assert item["evidence"]["mark"] == {"price": average, "source": "exchange_average"}
    held = f"/oms/positions/open?account_ids={exchange_setup.account_id}"
    (position,) = (await exchange_setup.client.get(held))["items"]
    assert (position["qty"], position["avg_price"]) == ("3", average)

    execute(dsn, "UPDATE oms_positions SET avg_price = 40000")
    await exchange_setup.restart_worker(live_allowed=False)
    again = await exchange_setup.reconcile()
    run = f"SELECT counts_json FROM reconcile_runs WHERE id = {again['run_id']}"
    (counts,) = fetch_rows(dsn, run)
    shown = loads(counts[0])["averages_differ"]
    assert shown == {LINEAR: {"book_average": "40000", "exchange_average": average}}


async def test_a_correction_is_booked_at_the_mark(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange, dsn: str
) -> None:
    config = dict(venue.startup["extra_config"]["bybit"])
    config["oms"] = {**config.get("oms", {}), "reconcile": {"unknown_history": "mark"}}
    await exchange_setup.start_account(**config)
    bought = await exchange_setup.send(order_type="market", price=None, qty="0.05")
    await exchange_setup.wait_for_order(bought["order_id"], "FILLED")
    venue.control("nudge", symbol=LINEAR, qty="1")
    venue.control("nudge", symbol=UNTRADED, qty="2")
    await exchange_setup.reconcile()
    execute(dsn, "UPDATE discrepancies SET first_seen = '2020-01-01T00:00:00.000000Z'")
    await exchange_setup.reconcile()
    venue.control("price", symbol=LINEAR, price="71000")
    venue.control("price", symbol=UNTRADED, price="2500")
    exchange = exchange_setup.gateway.worker.processor.states[exchange_setup.account_id].exchange

    async def is_current() -> bool:
        quote = exchange.quote(LINEAR, now())
        return quote is not None and abs(quote.bid - 71_000) < 71

    await poll_until(is_current, bool, 30)
    rows = {row["symbol"]: row for row in await exchange_setup.discrepancies()}
    assert rows.keys() == {LINEAR, UNTRADED}
    for symbol, price in ((LINEAR, 71_000), (UNTRADED, 2_500)):
        path = f"/oms/discrepancies/{rows[symbol]['id']}/apply?wait_ms=8000"
        done = await exchange_setup.client("POST", path, {"comment": "as the exchange says"})
        item = done.json()["item"]
        assert item["status"] == "applied", done.body
        mark = item["evidence"]["mark"]
        assert mark["source"] == "bid_ask" and 0 <= mark["age_ms"] <= 10_000
        assert abs(float(mark["price"]) - price) < price / 1_000
        assert item["fix"]["price"] == mark["price"]
