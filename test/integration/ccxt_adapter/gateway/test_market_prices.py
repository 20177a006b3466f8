"""Prices of positions at an exchange: refreshed by the worker, stale once the feed is cut."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kit.exchanges.ccxt_harness import LINEAR
from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.exchange_setup import ExchangeSetup
from kit.polling import poll_until
from oms.adapters.ccxt.client.market_cache import MarketCache
from oms.adapters.clock import SystemClock
from oms.bootstrap.exchange_factory import build_mark_feeds
from oms.config import Settings
from oms.services.performance.refresh_marks import RefreshMarks
from oms.worker.mark_schedule import READ_SHARE, MarkScheduler

INTERVAL_SECONDS = 1.0
MARKET = {"order_type": "market", "price": None}


@pytest.fixture
def gateway_settings() -> Settings:
    """Prices are refreshed each second."""
    return Settings.model_validate({"desk": {"price_refresh_seconds": INTERVAL_SECONDS}})


@pytest.fixture
async def setup(
    exchange_setup: ExchangeSetup, venue: LoopbackExchange, tables: Path
) -> ExchangeSetup:
    """An account whose worker refreshes prices as any other."""
    store, worker = exchange_setup.gateway.store, exchange_setup.gateway.worker
    worker.mark_scheduler = MarkScheduler(
        keeper=worker.keeper,
        refresh=RefreshMarks(
            registry=store.registry,
            marks=store.market_marks,
            open_feed=build_mark_feeds(MarketCache(), tables, READ_SHARE * INTERVAL_SECONDS),
            clock=SystemClock(),
            report_currency="USDT",
        ),
        interval_seconds=INTERVAL_SECONDS,
    )
    venue.control("price", symbol=LINEAR, price="60000")
    return await exchange_setup.start_account()


async def _portfolio(setup: ExchangeSetup) -> dict[str, Any]:
    body = await setup.client.get(f"/portfolio?account_ids={setup.account_id}")
    row: dict[str, Any] = body["items"][0]
    return row


async def _wait_for_health(setup: ExchangeSetup, *, is_ok: bool) -> dict[str, Any]:
    """Wait until the price feed is well or not; the metric has the age."""

    async def read() -> dict[str, Any]:
        part: dict[str, Any] = (await setup.client.get("/health"))["parts"]["price_feed"]
        return part

    part = await poll_until(
        read, lambda each: each["value"] is not None and each["ok"] is is_ok, seconds=20
    )
    metrics = (await setup.client("GET", "/metrics")).body.decode()
    assert "oms_price_age_seconds{exchange=" in metrics
    return part


async def test_prices_follow_the_market_until_the_feed_is_cut(
    setup: ExchangeSetup, venue: LoopbackExchange
) -> None:
    """F2: a change shows within the interval; without a feed the symbol is stale."""
    sent = await setup.send(**MARKET, qty="0.1")
    await setup.wait_for_order(sent["order_id"], "FILLED")
    row = await poll_until(
        lambda: _portfolio(setup),
        lambda row: row["positions"] and row["positions"][0]["mark_price"],
        seconds=20,
    )
    before = row["positions"][0]["mark_price"]
    venue.control("price", symbol=LINEAR, price="61000")
    row = await poll_until(
        lambda: _portfolio(setup),
        lambda row: Decimal(row["positions"][0]["mark_price"]) - Decimal(before) > 900,
        seconds=5,
    )
    assert row["stale_symbols"] == []
    (held,) = row["positions"]
    gained = Decimal(held["qty"]) * (Decimal(held["mark_price"]) - Decimal(held["avg_price"]))
    assert Decimal(row["unrealized"]) == gained
    assert Decimal(row["market_value"]) == Decimal(held["qty"]) * Decimal(held["mark_price"])

    await _wait_for_health(setup, is_ok=True)
    venue.control("fault", match="market/", mode="hang", count=None)
    row = await poll_until(
        lambda: _portfolio(setup), lambda row: row["stale_symbols"] == [LINEAR], seconds=15
    )
    assert row["positions"][0]["mark_price"] == held["mark_price"], "the last price, with its time"
    part = await _wait_for_health(setup, is_ok=False)
    assert part["limit"] == 3 * INTERVAL_SECONDS <= part["value"]
    venue.control("clear")
    await poll_until(lambda: _portfolio(setup), lambda row: not row["stale_symbols"], seconds=20)
    await _wait_for_health(setup, is_ok=True)
