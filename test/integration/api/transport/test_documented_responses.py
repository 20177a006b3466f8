"""The response of every GET route validates against the schema that the document has for it."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kit.backtests.execution import execute_queued
from kit.backtests.stored_candles import store_candle
from kit.gateway.in_process import ADMIN_KEY, InProcessGateway
from kit.research.research_task import running_research
from oms.api.app import served_routes
from oms.config import Settings

PATHS = sorted(route.path for route in served_routes() if "GET" in (route.methods or ()))
QUERY = "account_ids={account}&account_id={account}&scope=account&scope_id={account}"
MORE = "&since=0&format=json"
BACKTEST = {
    "strategy": "rsi",
    "exchange": "binance",
    "symbol": "BTC/USDT",
    "timeframe": "1h",
}
BOT = {
    "name": "schema",
    "strategy": "rsi",
    "symbols": ["BTC/USDT"],
    "timeframe": "1h",
    "sizing": {"kind": "qty", "value": "0.01"},
}
MORE_OF_PATHS = {
    "/market/candles": "&exchange=binance&symbol=BTC/USDT&timeframe=1h",
    "/market/gaps": "&exchange=binance&symbol=BTC/USDT&timeframe=1h",
    "/backtests/compare": "&ids=1,2",
    "/strategies/{run_strategy_name}/run": "&exchange=binance&symbol=BTC/USDT&timeframe=1h",
    "/strategies/hma-sma/run": "&exchange=binance&symbol=BTC/USDT&timeframe=1h",
}
WITHOUT_JSON = ("/metrics", "/backtests/{run_id}/report")


async def _fill(gateway: InProcessGateway, dsn: str) -> dict[str, str]:
    """Create rows of every kind that requests create; returns names of paths that they have."""
    await gateway.order("?wait_ms=5000")
    await gateway.order(order_type="limit", price="40000")
    await gateway.order(qty="0.00000001")
    admin = {"key": ADMIN_KEY}
    body: dict[str, Any] = {"scope": "symbol", "scope_id": "DOGE/USDT", "mode": "halt"}
    switched = await gateway.client("POST", "/risk/kill", body | {"comment": "schema"}, **admin)
    assert switched.status == 200
    strategy = {"name": "schema", "account_ids": [gateway.account_id]}
    made_strategy = await gateway.client("POST", "/strategies", strategy)
    assert made_strategy.status == 200
    signal = {"symbol": "BTC/USDT", "side": "buy", "qty": "0.01", "account_id": gateway.account_id}
    assert (await gateway.client("POST", "/signals/trade", signal)).status == 202
    key = await gateway.client("POST", "/user/api-keys", {"label": "schema"}, **admin)
    shared = {"view": "stats", "account_ids": [gateway.account_id], "title": "schema"}
    link = await gateway.client("POST", "/user/share-links", shared)
    await store_candle(gateway.store)
    bot = BOT | {
        "account_id": gateway.account_id,
        "strategy_id": made_strategy.json()["strategy_id"],
    }
    made_bot = await gateway.client("POST", "/bots", bot)
    assert made_bot.status in (200, 201), made_bot.body
    for _ in range(2):
        assert (await gateway.client("POST", "/backtests", BACKTEST)).status == 202
    sweep = BACKTEST | {"grid": {"period": [5, 9]}}
    assert (await gateway.client("POST", "/backtests/sweep", sweep)).status == 202
    await execute_queued(gateway.store, dsn)
    return {"api_key_id": str(key.json()["api_key_id"]), "share_token": link.json()["token"]}


def _target(path: str, gateway: InProcessGateway, made: Mapping[str, str]) -> str:
    names = {"exchange_id": "paper.binance", "view": "history_orders", "ids": "1,2"}
    names["strategy_name"] = names["run_strategy_name"] = "rsi"
    names["run_id"] = "3" if path.endswith("combinations") else "1"
    names |= {"account_id": str(gateway.account_id), **made}
    filled = re.sub(r"\{(\w+)\}", lambda match: names.get(match[1], "1"), path)
    return f"{filled}?{QUERY.format(account=gateway.account_id)}{MORE}{MORE_OF_PATHS.get(path, '')}"


def _errors(document: Any, path: str, status: int, body: object) -> list[str]:
    response = document["paths"][path]["get"]["responses"][str(status)]
    schema = response["content"]["application/json"]["schema"]
    validator = Draft202012Validator(schema | {"components": document["components"]})
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(body)]


async def test_responses_of_every_read_match_the_document(busy: InProcessGateway, dsn: str) -> None:
    made = await _fill(busy, dsn)
    document = await busy.client.get("/openapi.json")
    wrong: dict[str, object] = {}
    async with running_research(busy.store, Settings()):
        for path in PATHS:
            if path in WITHOUT_JSON:
                continue
            for view in ("", "&view=mt5"):
                response = await busy.client("GET", _target(path, busy, made) + view, key=ADMIN_KEY)
                is_ok = response.status == 200
                errors = _errors(document, path, 200, response.json()) if is_ok else response.body
                if errors:
                    wrong[path + view] = errors
    assert wrong == {}


@pytest.mark.parametrize("path", ["/oms/orders/history", "/oms/commands", "/oms/events"])
async def test_a_missing_key_is_found(busy: InProcessGateway, dsn: str, path: str) -> None:
    made = await _fill(busy, dsn)
    document = await busy.client.get("/openapi.json")
    body = (await busy.client("GET", _target(path, busy, made), key=ADMIN_KEY)).json()
    assert _errors(document, path, 200, body) == []
    cut = json.loads(json.dumps(body))
    del cut["items"][0]["account_id"]
    assert _errors(document, path, 200, cut)
