"""Scheduled series of candles: real runners, API and ccxt against the loopback exchange."""

import json
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from kit.databases.sql import fetch_number, fetch_rows
from kit.exchanges.loopback_process import run_loopback
from kit.gateway.processes import Gateway
from kit.http.client import call
from kit.polling import wait_until

SERIES = {"exchange": "bybit", "timeframe": "1m"}
HOLDER = "SELECT owner FROM task_leases WHERE task = 'ingestion'"
SECONDS_MAX = 60


@pytest.mark.parametrize("database", ["sqlite", "mariadb"])
def test_a_runner_that_is_killed_is_succeeded(
    gateway_on: Callable[..., Gateway], database: str
) -> None:
    with run_loopback() as exchange:
        extra_config = exchange.startup["extra_config"]["bybit"]
        source = {"environment": "loopback", "extra_config": extra_config}
        environment = {
            "OMS_CANDLES_SOURCES": json.dumps({"bybit": source}),
            "OMS_LEASE_SECONDS": "2",
        }
        gateway = gateway_on(database, environment=environment)
        for symbol in ("BTC/USDT", "ETH/USDT"):
            exchange.control("bars", symbol=symbol, bars=_bars(700))
            gateway.oms("instruments", "add", "--exchange=bybit", f"--symbol={symbol}")
        pids = {name: gateway.start_runner(name) for name in ("one", "two")}

        _schedule(gateway, "BTC/USDT")
        wait_until(partial(_is_complete, gateway, "BTC/USDT"), SECONDS_MAX, "500 candles")
        owner = str(fetch_rows(gateway.dsn, HOLDER)[0][0])
        os.kill(pids[owner], signal.SIGKILL)
        _schedule(gateway, "ETH/USDT")
        wait_until(partial(_is_complete, gateway, "ETH/USDT"), SECONDS_MAX, "the other runner")

        assert fetch_rows(gateway.dsn, HOLDER)[0][0] == ({*pids} - {owner}).pop()
        requests = [path for path in exchange.paths("kline") if "kline" in path]
        assert len(requests) <= 2 + 2, "each series was fetched once, twice across a minute"
        assert fetch_number(gateway.dsn, "SELECT COUNT(*) FROM candles") >= 2 * 500
        health = call(gateway, "GET", "/health")[1]["parts"]["candles"]
        assert health["ok"]


def _bars(count: int) -> list[list[Any]]:
    """Return one-minute candles until some minutes after now."""
    last = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=5)
    times = [last - timedelta(minutes=age) for age in reversed(range(count))]
    return [[int(at.timestamp() * 1000), "100", "101", "99", "100.5", "2"] for at in times]


def _schedule(gateway: Gateway, symbol: str) -> None:
    body = SERIES | {"symbol": symbol}
    status, row, _ = call(gateway, "POST", "/market/ingestion", body, key=gateway.admin_api_key)
    assert (status, row["enabled"]) == (200, True), row


def _is_complete(gateway: Gateway, symbol: str) -> bool:
    """Return whether the last closed candle is stored, and 499 before it."""
    path = f"/market/candles?exchange=bybit&symbol={symbol}&timeframe=1m&limit=5000"
    items = call(gateway, "GET", path)[1]["items"]
    listed = call(gateway, "GET", "/market/ingestion")[1]["items"]
    (row,) = [each for each in listed if each["symbol"] == symbol]
    assert row["last_error"] is None, row
    return len(items) >= 500 and row["lag_seconds"] == 0
