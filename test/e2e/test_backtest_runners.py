"""Backtests executed by real runners, which are killed: each result is stored once."""

import asyncio
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from kit.backtests.execution import store_series
from kit.databases.sql import fetch_number, fetch_rows
from kit.gateway.processes import Gateway
from kit.http.client import call
from kit.polling import wait_until
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.sql.store import SqlStore
from oms.domain.market.candle import Candle
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe

#: A run takes longer than the time between two reports of its progress.
CANDLES = 80_000
SECONDS_MAX = 90
REQUEST = {
    "strategy": "rsi",
    "exchange": "binance",
    "symbol": "BTC/USDT",
    "timeframe": "1m",
    "allow_short": True,
}
HOLDER = "SELECT owner FROM task_leases WHERE task = 'backtests'"


def test_runners_that_are_killed_are_succeeded(gateway_on: Callable[..., Gateway]) -> None:
    gateway = gateway_on("sqlite", environment={"OMS_LEASE_SECONDS": "2"})
    asyncio.run(_store_candles(gateway.dsn))
    pids = {name: gateway.start_runner(name) for name in ("one", "two")}
    undisturbed = _request(gateway)
    wait_until(partial(_has_ended, gateway, undisturbed), SECONDS_MAX, "the first run")

    # Killed as soon as it was claimed, and in the middle of the candles.
    for number, column in enumerate(("attempts", "done"), start=1):
        run_id = _request(gateway)
        begun = f"SELECT COUNT(*) FROM backtest_runs WHERE id = {run_id} AND {column} > 0"
        wait_until(partial(fetch_number, gateway.dsn, begun), SECONDS_MAX, f"{column} of a run")
        owner = str(fetch_rows(gateway.dsn, HOLDER)[0][0])
        children = _children(pids[owner])
        os.kill(pids[owner], signal.SIGKILL)
        wait_until(partial(_have_ended, children), SECONDS_MAX, "no process is left")
        pids[f"more {number}"] = gateway.start_runner(f"more {number}")
        wait_until(partial(_has_ended, gateway, run_id), SECONDS_MAX, "the other runner")
        assert str(fetch_rows(gateway.dsn, HOLDER)[0][0]) != owner
        assert _attempts(gateway, run_id) == 2
        assert _result(gateway, run_id) == _result(gateway, undisturbed)
        assert _rows(gateway, run_id) == _rows(gateway, undisturbed)

    # A process that is killed fails its own run, and nothing else.
    failed, last = _request(gateway), _request(gateway)
    owner = str(fetch_rows(gateway.dsn, HOLDER)[0][0])
    (child, *_) = wait_until(partial(_run_processes, pids[owner]), SECONDS_MAX, "a process")
    os.kill(child, signal.SIGKILL)
    wait_until(partial(_has_ended, gateway, last), SECONDS_MAX, "the last run")
    body = _get(gateway, f"/backtests/{failed}")
    assert (body["status"], body["error"]) == ("failed", "the process was ended by SIGKILL")
    assert _result(gateway, last) == _result(gateway, undisturbed)

    # One that is running is canceled within a second or two.
    canceled = _request(gateway)
    wait_until(lambda: _attempts(gateway, canceled), SECONDS_MAX, "it is running")
    answer = call(gateway, "DELETE", f"/backtests/{canceled}")[1]
    assert answer["status"] in ("canceling", "removed")
    if answer["status"] == "canceling":
        wait_until(partial(_has_ended, gateway, canceled), SECONDS_MAX, "it is canceled")
        assert _get(gateway, f"/backtests/{canceled}")["status"] == "canceled"

    done = "SELECT payload_json FROM event_outbox WHERE event_type = 'backtest_done'"
    payloads = [str(row[0]) for row in fetch_rows(gateway.dsn, done)]
    runs = [payload.split('"run_id":')[1].split(",")[0] for payload in payloads]
    assert len(runs) == len(set(runs)) >= 5, "each run is reported once"


async def _store_candles(dsn: str) -> None:
    """Store one-minute candles of a price that rises and falls."""
    start, candles = datetime(2026, 1, 1, tzinfo=UTC), []
    for number in range(CANDLES):
        price = Decimal(1000 + abs(number % 97 - 48) + number % 7)
        candles.append(
            Candle(
                open_time=start + timedelta(minutes=number),
                open=price,
                high=price + 1,
                low=price - 1,
                close=price,
                volume=Decimal(1),
            )
        )
    instrument = MarketInstrument(
        id=0, exchange="binance", symbol="BTC/USDT", base="BTC", quote="USDT"
    )
    store = await SqlStore.open(dsn, check_account)
    try:
        await store_series(store, candles, instrument, Timeframe.MINUTE)
    finally:
        await store.close()


def _request(gateway: Gateway) -> int:
    status, answer, _ = call(gateway, "POST", "/backtests", REQUEST)
    assert status == 202, answer
    return int(answer["run_id"])


def _get(gateway: Gateway, path: str) -> Any:
    status, body, _ = call(gateway, "GET", path)
    assert status == 200, body
    return body


def _has_ended(gateway: Gateway, run_id: int) -> bool:
    body = _get(gateway, f"/backtests/{run_id}")
    return body["status"] not in ("queued", "running")


def _result(gateway: Gateway, run_id: int) -> Any:
    body = _get(gateway, f"/backtests/{run_id}")
    assert body["status"] == "done", body["error"]
    own = ("run_id", "created_at", "started_at", "ended_at")
    return {name: each for name, each in body.items() if name not in own}


def _rows(gateway: Gateway, run_id: int) -> Any:
    return [
        fetch_rows(gateway.dsn, f"SELECT COUNT(*) FROM {table} WHERE run_id = {run_id}")[0][0]
        for table in ("backtest_trades", "backtest_round_trips", "backtest_equity")
    ]


def _attempts(gateway: Gateway, run_id: int) -> int:
    return fetch_number(gateway.dsn, f"SELECT attempts FROM backtest_runs WHERE id = {run_id}")


def _children(pid: int) -> list[int]:
    """Return the processes below one, with those below them."""
    found = [
        int(each)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for each in (task / "children").read_text().split()
    ]
    return found + [further for child in found for further in _children(child)]


def _run_processes(pid: int) -> list[int]:
    """Return the processes of a runner that execute a backtest."""
    return [each for each in _children(pid) if "spawn_main" in _command(each)]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _have_ended(pids: list[int]) -> bool:
    return not any("spawn_main" in _command(pid) for pid in pids)
