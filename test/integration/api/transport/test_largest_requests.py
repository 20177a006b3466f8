"""The largest legal request of every route that takes lists is accepted, and one beyond is not.

Items have every field of their types, and texts with commas, which count as values.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from kit.gateway.in_process import ADMIN_KEY, InProcessGateway, open_gateway
from kit.http.asgi_client import AsgiResponse
from kit.http.step_times import measure_steps
from oms.config import Settings
from oms.domain.commands.command import SendOrder
from oms.wire.request_body import VALUES_MAX

ITEMS_MAX = 1000
STEP_SECONDS_MAX = 0.05
ATTEMPTS = 4
"""A step may be slowed by its machine: the fastest of some attempts counts."""

ORDER = {
    "side": "buy",
    "order_type": "limit",
    "qty": "0.01",
    "price": "40000",
    "oms_stop_loss": "30000",
    "oms_stop_gain": "60000",
    "stop_loss_pct": None,
    "stop_gain_pct": None,
    "stop_trailing_pct": "2.5",
    "stop_trailing_amount": None,
    "stop_trailing_activation_pct": "1",
    "max_hold_seconds": 86_400,
    "targets": None,
    "stop_trailing_from_target": None,
    "tp_sl_base_price": None,
    "bracket": None,
    "strategy_id": 0,
    "position_id": 0,
    "reason": "api",
    "comment": "one, two, three",
    "reduce_only": False,
    "params": {"a": 1},
    "post_only": False,
    "time_in_force": "GTD",
    "trigger_price": None,
    "stop_price": None,
    "take_profit_price": None,
    "trailing_amount": None,
    "trailing_percent": None,
    "expires_at": "2099-01-01T00:00:00Z",
    "new_position": False,
    "session_policy": "queue_until_open",
    "client_order_id": None,
}
CALL = {"func": "fetch_ticker", "args": ["BTC/USDT:USDT"], "kwargs": {"params": {"a": 1}}}


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[InProcessGateway]:
    """A gateway without rate limits to speak of, with one resting order; its worker has stopped."""
    limits = {f"{kind}_per_second": 10**6 for kind in ("read", "trade", "cancel", "ccxt")}
    settings = Settings.model_validate({"limits": limits, "commands": {"queue_depth_max": 10**6}})
    async with open_gateway(f"sqlite+aiosqlite:///{tmp_path}/oms.sqlite3", settings) as gateway:
        gateway.start_worker()
        command = gateway.command(order_type="limit", price="40000")
        made = await gateway.client("POST", "/oms/commands?wait_ms=10000", [command])
        assert made.json()["results"][0]["status"] == "done", made.body
        await gateway.stop_worker()
        yield gateway


async def _send(
    gateway: InProcessGateway, path: str, body: object, key: str
) -> tuple[AsgiResponse, float]:
    """The answer, and the seconds of the longest step of the fastest attempt."""
    raw, longest = json.dumps(body).encode(), float("inf")
    for attempt in range(ATTEMPTS):
        headers = {"Idempotency-Key": f"{len(raw)}-{attempt}"}
        with measure_steps() as times:
            answer = await asyncio.create_task(
                gateway.client("POST", f"{path}?wait_ms=0", raw=raw, headers=headers, key=key)
            )
        longest = min(longest, times.longest)
        if longest <= STEP_SECONDS_MAX:
            break
    return answer, longest


async def _items(gateway: InProcessGateway, path: str) -> tuple[list[Any], str]:
    account_id, key = gateway.account_id, gateway.client.key
    if path == "/oms/commands":
        payload = ORDER | {"symbol": gateway.command()["payload"]["symbol"]}
        command = {"account_id": account_id, "command": "send_order", "payload": payload}
        items = [command | {"request_id": f"r{number}"} for number in range(ITEMS_MAX)]
        return items, key
    if path == "/ccxt/commands":
        return [CALL | {"account_id": account_id}] * ITEMS_MAX, key
    (row,) = (await gateway.client.get(f"/oms/orders/open?account_ids={account_id}"))["items"]
    assert len(row) == 70, "every column"
    return [{"op": "update", "row": row | {"comment": "a, b, c, d"}}] * ITEMS_MAX, ADMIN_KEY


def test_the_order_has_every_field_of_its_type() -> None:
    sent = {name.removeprefix("oms_") for name in ORDER} | {"symbol"}
    by_gateway = {"signal_id", "source_id", "bot_id"}
    assert sent - {"stop_price"} == {field.name for field in fields(SendOrder)} - by_gateway


@pytest.mark.parametrize("path", ["/oms/commands", "/ccxt/commands", "/admin/oms/orders/mutate"])
async def test_a_list_of_the_largest_items(gateway: InProcessGateway, path: str) -> None:
    items, key = await _items(gateway, path)
    answer, longest = await _send(gateway, path, items, key)
    is_accepted = answer.status in (200, 202, 207)
    # A call is not queued without a worker, which is asked for after the body was read.
    assert is_accepted or answer.detail["code"] == "engine_unavailable", answer.body[:500]
    assert longest <= STEP_SECONDS_MAX
    answer, _ = await _send(gateway, path, [*items, items[0]], key)
    assert answer.status == 422 and f"at most {ITEMS_MAX}" in answer.detail["message"]
    answer, longest = await _send(gateway, path, [[1] * 85] * ITEMS_MAX, key)
    assert answer.status == 422 and str(VALUES_MAX) in answer.detail["message"]
    assert longest <= STEP_SECONDS_MAX


async def test_a_reassignment_of_the_most_orders(gateway: InProcessGateway) -> None:
    (row,) = (await gateway.client.get(f"/oms/orders/open?account_ids={gateway.account_id}"))[
        "items"
    ]
    body = {"account_id": gateway.account_id, "target_strategy_id": 0, "comment": "a, b"}
    ids = [row["id"] + number for number in range(ITEMS_MAX)]
    answer, longest = await _send(
        gateway, "/oms/reassign", body | {"order_ids": ids}, gateway.client.key
    )
    assert answer.status == 404 and answer.detail["code"] == "order_not_found", "they were read"
    assert longest <= STEP_SECONDS_MAX
    answer, _ = await _send(
        gateway, "/oms/reassign", body | {"order_ids": [*ids, 1]}, gateway.client.key
    )
    assert answer.status == 422 and str(ITEMS_MAX) in answer.detail["message"]
