"""Signals over HTTP with the worker that executes them: answers, limits, a late worker."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kit.databases.emptied import empty_database
from kit.databases.sql import fetch_number
from kit.gateway.in_process import ADMIN_KEY, TRADER, InProcessGateway, open_gateway
from kit.gateway.limited_account import forget_limits
from kit.gateway.signal_senders import BOUNCE, add_source, post
from kit.http.asgi_client import AsgiResponse
from kit.polling import poll_until
from oms.adapters.local_notifier import LocalNotifier
from oms.bootstrap import build_signal_vault
from oms.bootstrap.runner_process import wire_runner
from oms.config import Settings
from oms.runner import audit_mirror

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
SIZING = {"kind": "qty", "value": "1"}


@pytest.fixture
async def gateway(dsn: str, tmp_path: Path) -> AsyncIterator[InProcessGateway]:
    """A gateway whose answers wait for the outcome; its worker is not started."""
    empty_database(dsn)
    settings = Settings.model_validate(
        {
            "access_cache_seconds": 0,
            "signals": {"wait_ms": 10_000},
            "desk": {"audit_log_path": tmp_path / "audit.jsonl"},
        }
    )
    async with open_gateway(dsn, settings) as opened:
        yield opened


async def _trade(gateway: InProcessGateway, key: str | None = None, **limits: object) -> None:
    """Start the worker, set the prices to 100, and limits of the account."""
    gateway.start_worker()
    for symbol in (SPOT, SWAP, "ETH/USDT"):
        await gateway.set_price(symbol, "100", key=key)
    body = {"scope": "account", "scope_id": gateway.account_id, "keys": limits, "comment": "test"}
    answer = await gateway.client("PUT", "/risk/policy", body, key=ADMIN_KEY)
    assert answer.status == 200, answer.body
    forget_limits(gateway)


async def _positions(gateway: InProcessGateway) -> list[dict[str, Any]]:
    path = f"/oms/positions/open?account_ids={gateway.account_id}"
    rows: list[dict[str, Any]] = (await gateway.client.get(path))["items"]
    return rows


async def test_bounce_signal_within_the_limit_opens_a_position(gateway: InProcessGateway) -> None:
    source = await add_source(gateway, "bounce", sizing=SIZING)
    await _trade(gateway, max_position_notional="1000")
    path = f"/in/{source['path_token']}/signals/bounce"
    answer = await post(gateway, path, BOUNCE)
    first = answer.json()
    assert (answer.status, first["risk_ok"], first["levels_final"]) == (200, True, True)
    assert (first["tp_price"], first["sl_price"]) == ("104.5", "98.5")
    (position,) = await _positions(gateway)
    assert position["id"] == first["position_id"]
    assert (position["stop_gain"], position["stop_loss"]) == ("104.5", "98.5")
    again = (await post(gateway, path, BOUNCE)).json()
    assert (again["duplicate"], again["order_id"]) == (True, first["order_id"])


async def test_bounce_signal_above_the_limit_is_answered_with_the_reason(
    gateway: InProcessGateway,
) -> None:
    source = await add_source(gateway, "bounce", sizing=SIZING)
    await _trade(gateway, max_position_notional="10")
    answer = await post(gateway, f"/in/{source['path_token']}/signals/bounce", BOUNCE)
    body = answer.json()
    assert (answer.status, body["risk_ok"]) == (200, False)
    assert (body["order_id"], body["position_id"]) == (None, None)
    assert body["risk_reason"] == "max_size_per_position_exceeded (notional=100,limit=10)"
    assert await _positions(gateway) == []


async def test_parallel_signals_open_as_many_positions_as_the_limit_allows(
    gateway: InProcessGateway,
) -> None:
    gateway.account_id = await gateway.add_account("hedge")
    grants = {gateway.account_id: TRADER}
    key = await gateway.add_key("hedge", "oms_trades-the-hedge-account", grants=grants)
    source = await add_source(gateway, "bounce", sizing=SIZING)
    await _trade(gateway, key, max_open_positions_per_symbol=2)
    path = f"/in/{source['path_token']}/signals/bounce"
    signals = [BOUNCE | {"timestamp": f"2025-01-01T00:{n:02}:00Z"} for n in range(10)]
    answers = await asyncio.gather(*(post(gateway, path, each) for each in signals))
    bodies = [answer.json() for answer in answers]
    assert sum(body["risk_ok"] for body in bodies) == 2
    refused = [body["risk_reason"] for body in bodies if not body["risk_ok"]]
    assert set(refused) == {"max_symbol_open_reached (symbol=BTC/USDT,count=2,limit=2)"}
    assert len(refused) == 8


async def test_parallel_signals_are_done_as_often_as_the_limits_of_a_day_allow(
    gateway: InProcessGateway,
) -> None:
    """Six at once, of which four fit the limit of the account and two that of their symbol."""
    source = await add_source(gateway, "bounce", sizing=SIZING)
    await _trade(gateway, max_signals_per_day=4, max_signals_per_symbol_per_day=2)
    path = f"/in/{source['path_token']}/signals/bounce"
    signals = [BOUNCE | {"timestamp": f"2025-01-01T00:{n:02}:00Z"} for n in range(3)]
    bodies = [each.json() for each in await _post_all(gateway, path, signals)]
    (refused,) = (body for body in bodies if not body["risk_ok"])
    assert refused["risk_reason"] == "max_signals (count=3,limit=2)"
    command = await gateway.client.get(f"/oms/commands/{refused['command_id']}")
    error = command["error"]
    facts = [error[name] for name in ("code", "reason", "limit", "value", "set_by", "key")]
    key = "max_signals_per_symbol_per_day"
    assert facts == ["risk_blocked", "max_signals", "2", "3", "account", key]
    await gateway.stop_worker()
    gateway.worker.processor.states.clear()
    gateway.start_worker()
    others = [each | {"symbol": "ETHUSDT"} for each in signals]
    bodies = [each.json() for each in await _post_all(gateway, path, others)]
    assert sum(body["risk_ok"] for body in bodies) == 2
    assert (await post(gateway, path, BOUNCE | {"symbol": "XRPUSDT"})).json()["risk_reason"] == (
        "max_signals (count=5,limit=4)"
    )
    used = (await gateway.client.get(f"/risk/usage?account_id={gateway.account_id}"))["items"]
    shown = [(row["key"], row["current"], row["headroom"], row["symbol"]) for row in used]
    assert shown == [("max_signals_per_day", "4", "0", None), (key, "2", "0", SPOT)]
    order = await gateway.order("?wait_ms=8000", symbol=SPOT, qty="1")
    assert order.status == 200, "orders of no signal pass"


async def _post_all(
    gateway: InProcessGateway, path: str, signals: list[dict[str, Any]]
) -> list[AsgiResponse]:
    return await asyncio.gather(*(post(gateway, path, each) for each in signals))


async def test_signal_that_no_worker_takes_is_executed_once_by_the_next(
    gateway: InProcessGateway, dsn: str
) -> None:
    source = await add_source(gateway, "trade", sizing=SIZING)
    await _trade(gateway, max_position_notional="1000")
    await gateway.stop_worker()
    gateway.worker.processor.states.clear()
    path = f"/in/{source['path_token']}/signals/trade"
    body = {"symbol": "BTCUSDT.P", "side": "buy", "qty": "1", "alert_id": "late"}
    answer = await post(gateway, path, body)
    accepted = answer.json()
    assert (answer.status, accepted["status"]) == (202, "accepted")
    assert accepted["signal_id"] and accepted["command_id"]
    assert (await post(gateway, path, body)).json()["duplicate"]
    gateway.start_worker()

    async def status() -> str:
        found = await gateway.client.get(f"/signals/{accepted['signal_id']}")
        return str(found["signal"]["status"])

    assert await poll_until(status, lambda one: one != "queued", 15) == "done"
    assert fetch_number(dsn, "SELECT COUNT(*) FROM oms_orders") == 1
    assert [row["qty"] for row in await _positions(gateway)] == ["1"]


async def test_each_signal_is_a_line_of_the_audit_mirror(
    gateway: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three signals, of which one is blocked and one a repeat."""
    monkeypatch.setattr(audit_mirror, "ROUND_SECONDS", 0.02)
    settings = gateway.api_context.settings
    path = settings.desk.audit_log_path
    assert path is not None
    source = await add_source(gateway, "bounce", sizing=SIZING)
    await _trade(gateway, max_open_positions=1)
    posted = f"/in/{source['path_token']}/signals/bounce"
    other = BOUNCE | {"symbol": "ETHUSDT"}
    answers = [(await post(gateway, posted, each)).json() for each in (BOUNCE, other, BOUNCE)]
    assert [answer["risk_ok"] for answer in answers[:2]] == [True, False]
    assert answers[2]["duplicate"]
    stop = asyncio.Event()
    vault = build_signal_vault(settings)
    runner = wire_runner(
        settings,
        gateway.store,
        name="one",
        signal_vault=vault,
        notifier=LocalNotifier(),
        close=_nothing,
    )
    running = asyncio.create_task(runner.run(stop))

    async def lines() -> list[dict[str, Any]]:
        text = path.read_text() if path.exists() else ""
        rows = [json.loads(line) for line in text.splitlines()]
        return [row for row in rows if row["type"] == "bounce_signal"]

    rows = await poll_until(lines, lambda found: len(found) >= 3, 15)
    stop.set()
    await running
    assert len(rows) == 3
    assert all(row["ts"].endswith("+00:00") for row in rows)
    assert source["path_token"] not in path.read_text()


async def _nothing() -> None:
    """The store is closed with the gateway."""
