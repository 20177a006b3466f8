"""R8: entries that arrive together never pass a limit together, also while the worker restarts."""

import asyncio
from typing import Any

import pytest

from kit.gateway.in_process import InProcessGateway
from kit.gateway.limited_account import BTC, ETH, KEY, open_limited, set_limits

ENTRIES, LIMIT = 20, 3


async def _send_all(gateway: InProcessGateway, **terms: Any) -> list[int]:
    """Send the entries in requests of their own; return the ids of their commands."""
    order = {"side": "buy", "qty": "2", "new_position": True} | terms
    bodies = [
        {
            "account_id": gateway.account_id,
            "command": "send_order",
            "payload": order | {"symbol": BTC if number % 2 else ETH},
        }
        for number in range(ENTRIES)
    ]
    posted = [gateway.client("POST", "/oms/commands?wait_ms=0", body, key=KEY) for body in bodies]
    answers = await asyncio.gather(*posted)
    return [answer.json()["results"][0]["command_id"] for answer in answers]


@pytest.mark.parametrize(
    "terms", [{"order_type": "market"}, {"order_type": "limit", "price": "90"}]
)
async def test_parallel_entries_open_no_more_than_the_limit(
    busy: InProcessGateway, terms: dict[str, Any]
) -> None:
    gateway = await open_limited(busy, "hedge")
    await set_limits(gateway, max_open_positions=LIMIT)
    command_ids: list[int] = []
    for _ in range(2):
        sending = asyncio.create_task(_send_all(gateway, **terms))
        await gateway.stop_worker()
        gateway.start_worker()
        command_ids += await sending
    rows = [
        await gateway.client.get(f"/oms/commands/{number}?wait_ms=8000", key=KEY)
        for number in command_ids
    ]
    assert sum(row["status"] == "done" for row in rows) == LIMIT
    assert {row["error"]["reason"] for row in rows if row["error"]} == {"max_total_open_reached"}
    orders = [
        (await gateway.client.get(f"/oms/orders/{row['order_id']}", key=KEY))["items"][0]
        for row in rows
    ]
    counted: dict[str, list[int]] = {"passed": [], "blocked": []}
    for order in orders:
        (check,) = order["risk_detail"]["limits"]
        counted[order["risk_status"]].append(int(check["value"]))
    # Each entry was counted with those before it, in the order of admission.
    assert sorted(counted["passed"]) == [1, 2, 3]
    assert set(counted["blocked"]) == {LIMIT + 1}
