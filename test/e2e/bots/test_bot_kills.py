"""Runners and the worker are killed while a bot trades: its deals are those without the kills.

A kill comes right after a candle has closed (before or while the decision is stored), as soon as
the decision and its signal are stored, and as soon as its order is. Two runners run: the other one
takes the lease of the bot and goes on behind the last candle that was decided on.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from kit.backtests.stored_candles import store_closed_minute
from kit.databases.sql import fetch_number, fetch_rows
from kit.gateway.processes import Gateway
from kit.http.client import call
from kit.polling import wait_until

SYMBOL = "BTC/USDT:USDT"
SECONDS_MAX = 60
#: Who is killed, and which rows of the next decision there are then.
KILLS = (
    ("runner", None),
    ("runner", "SELECT COUNT(*) FROM bot_events WHERE kind = 'decision'"),
    ("worker", "SELECT COUNT(*) FROM signals"),
    ("worker", "SELECT COUNT(*) FROM oms_orders"),
    ("both", None),
    ("both", "SELECT COUNT(*) FROM signals"),
)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("database", ["sqlite", "mariadb"])
def test_a_bot_trades_the_same_whatever_is_killed(
    database: str, gateway_on: Callable[..., Gateway]
) -> None:
    gateway = gateway_on(database, environment={"OMS_LEASE_SECONDS": "2"})
    pids = {name: gateway.start_runner(name) for name in ("one", "two")}
    bot_id, at = _start_bot(gateway)
    for number, (victim, rows) in enumerate(KILLS, start=1):
        # The closes rise and fall in turn: each candle is one decision.
        asyncio.run(store_closed_minute(gateway.dsn, SYMBOL, at, Decimal(100 + number % 2)))
        at += MINUTE
        if rows is not None:
            wait_until(partial(_has, gateway, rows, number), SECONDS_MAX, f"row {number}")
        if victim in ("runner", "both"):
            owner = _owner(gateway, bot_id)
            os.kill(pids.pop(owner), signal.SIGKILL)
            pids[f"more {number}"] = gateway.start_runner(f"more {number}")
        if victim in ("worker", "both"):
            gateway.kill("worker")
        wait_until(partial(_has_ended, gateway, bot_id, number), SECONDS_MAX, "the signal")
    decisions = _decisions(gateway, bot_id)
    assert [row["action"] for row in decisions] == ["long", "long_exit"] * 3
    assert {row["result"] for row in decisions} == {"done"}
    trades = "SELECT side, qty FROM oms_deals WHERE type = 'trade' ORDER BY id"
    deals = fetch_rows(gateway.dsn, trades)
    assert [(side, Decimal(qty)) for side, qty in deals] == [
        ("buy", Decimal("0.01")),
        ("sell", Decimal("0.01")),
    ] * 3
    verdict = gateway.verify()
    assert verdict["ok"], verdict


def _start_bot(gateway: Gateway) -> tuple[int, datetime]:
    """Start a bot behind two candles; returns its id, and when the next candle opens."""
    account_id = gateway.netting_account_id
    gateway.oms("instruments", "add", "--exchange=binance", f"--symbol={SYMBOL}")
    at = datetime.now(UTC).replace(second=0, microsecond=0) - MINUTE
    for _ in range(2):
        asyncio.run(store_closed_minute(gateway.dsn, SYMBOL, at, Decimal(100)))
        at += MINUTE
    made = call(gateway, "POST", "/strategies", {"name": "kills", "account_ids": [account_id]})
    body = {
        "name": "kills",
        "strategy": "sma_cross",
        "params": {"fast": 1, "slow": 2},
        "account_id": account_id,
        "strategy_id": made[1]["strategy_id"],
        "symbols": [SYMBOL],
        "timeframe": "1m",
        "sizing": {"kind": "qty", "value": "0.01"},
        "max_lag_seconds": 3600,
    }
    status, bot, _ = call(gateway, "POST", "/bots", body)
    assert status == 200, bot
    assert call(gateway, "POST", f"/bots/{bot['id']}/start")[0] == 202
    wait_until(partial(_runs, gateway, bot["id"]), SECONDS_MAX, "the bot runs")
    return bot["id"], at


def _has(gateway: Gateway, rows: str, count: int) -> bool:
    return fetch_number(gateway.dsn, rows) >= count


def _runs(gateway: Gateway, bot_id: int) -> bool:
    return bool(call(gateway, "GET", f"/bots/{bot_id}")[1]["status"] == "running")


def _decisions(gateway: Gateway, bot_id: int) -> list[dict[str, Any]]:
    body = call(gateway, "GET", f"/bots/{bot_id}/events?kind=decision")[1]
    return list(reversed(body["items"]))


def _has_ended(gateway: Gateway, bot_id: int, count: int) -> bool:
    results = [row["result"] for row in _decisions(gateway, bot_id)]
    return len(results) == count and "sent" not in results


def _owner(gateway: Gateway, bot_id: int) -> str:
    rows = fetch_rows(gateway.dsn, f"SELECT owner FROM task_leases WHERE task = 'bot:{bot_id}'")
    return str(rows[0][0])
