"""A paper account with live prices of the loopback exchange, read through the real ccxt."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import LINEAR, TAG
from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import TRADER_KEY, ExchangeSetup
from kit.http.asgi_client import AsgiClient
from kit.polling import poll_until
from oms.adapters.ccxt.client.request_errors import NotSent
from oms.adapters.vault import AesVault, new_master_key
from oms.bootstrap.exchange_factory import build_exchange_factory

MAX_AGE = 2.0


@pytest.fixture
async def paper(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange, tables: Path
) -> ExchangeSetup:
    """The account of row 12; its worker is wired as any other."""
    master_key = new_master_key()
    exchange_setup.exchange_id = "paper.bybit"
    exchange_setup.connect = build_exchange_factory(
        store=exchange_setup.gateway.store,
        vault=AesVault(lambda: [master_key]),
        tag=TAG,
        tapes=tables,
        cache=tables,
        live_age=timedelta(seconds=MAX_AGE),
    )
    extra: dict[str, Any] = dict(venue.startup["extra_config"]["bybit"])
    return await exchange_setup.start_account(
        "paper", **extra, timeout=400, oms={"paper": {"source": "live"}}
    )


async def events(exchange_setup: ExchangeSetup, name: str) -> list[dict[str, Any]]:
    response = await AsgiClient(exchange_setup.gateway.app, TRADER_KEY).get(
        f"/oms/events?account_ids={exchange_setup.account_id}&since_seq=0"
    )
    return [each for each in response["items"] if each["event"] == name]


async def connection(exchange_setup: ExchangeSetup) -> dict[str, Any]:
    path = f"/oms/accounts/{exchange_setup.account_id}/connection"
    response: dict[str, Any] = await exchange_setup.client.get(path)
    return response


async def test_row_12_stale_prices_fill_nothing(
    paper: ExchangeSetup, venue: LoopbackExchange
) -> None:
    venue.control("price", symbol=LINEAR, price="60000")
    resting = await paper.send(price="59000")
    await paper.wait_for_order(resting["order_id"], "SUBMITTED")
    response = await connection(paper)
    assert (response["prices"], response["prices_trouble"]) == ("paper, live bybit", None)
    assert response["hosts_called"] == [f"127.0.0.1:{venue.port}"]

    venue.control("fault", match="market/", mode="hang", count=None)
    venue.control("price", symbol=LINEAR, price="58000")
    (stale,) = await poll_until(lambda: events(paper, "stop_price_stale"), len)
    assert stale["payload"]["symbol"] == LINEAR
    assert stale["payload"]["age_ms"] > MAX_AGE * 1000
    refused = await paper.send(order_type="market", price=None)
    ended = await paper.wait_for_order(refused["order_id"], "REJECTED")
    assert ended["reject_code"] == "no_price"
    assert (await paper.order(resting["order_id"]))["filled_qty"] == "0"
    response = await poll_until(lambda: connection(paper), lambda row: row["prices_trouble"])
    assert response["prices_trouble"]["code"] == "exchange_unavailable"

    venue.control("clear")
    filled = await paper.wait_for_order(resting["order_id"], "FILLED")
    assert filled["avg_fill_price"] == "59000", "a maker gets its own price"
    bought = await paper.send(order_type="market", price=None)
    assert (await paper.wait_for_order(bought["order_id"], "FILLED"))["avg_fill_price"] == "58000"
    assert len(await events(paper, "stop_price_stale")) == 1
    assert not [path for path in venue.paths() if "/v5/market/" not in path], "public data only"


async def test_without_ccxt_all_but_prices_works(
    paper: ExchangeSetup, venue: LoopbackExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_engine: str, _venue: str) -> None:
        raise NotSent("engine_unavailable", "ccxt.bybit: there is no ccxt")

    monkeypatch.setattr("oms.adapters.ccxt.client.ccxt_factory.load_ccxt_class", missing)
    resting = await paper.send(price="59000")
    await paper.wait_for_order(resting["order_id"], "SUBMITTED")
    bought = await paper.send(order_type="market", price=None)
    ended = await paper.wait_for_order(bought["order_id"], "REJECTED")
    assert ended["reject_code"] == "no_price"
    await paper.send("cancel_order", order_id=resting["order_id"])
    await paper.wait_for_order(resting["order_id"], "CANCELED")
    response = await connection(paper)
    assert response["prices_trouble"]["code"] == "engine_unavailable"
    assert (response["trouble"], response["hosts_called"]) == (None, [])
    assert venue.paths() == []
