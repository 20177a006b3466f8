"""Risk switches as in the contract."""

from dataclasses import replace
from typing import Any

import pytest

from kit.gateway.in_process import ADMIN_KEY, TRADER, InProcessGateway
from kit.http import wire_keys
from kit.http.asgi_client import AsgiResponse
from kit.http.wire_keys import assert_keys
from oms.domain.value import evolve

WATCH = evolve(TRADER, can_risk_manage=True, can_block_new_positions=True, can_block_account=True)


@pytest.fixture
async def watched(busy: InProcessGateway) -> InProcessGateway:
    """A gateway whose client has the role risk; its strategy is ``one``."""
    key = await busy.add_key(
        "watch", "oms_watches-over-risk-here", role="risk", grants={busy.account_id: WATCH}
    )
    body = {"name": "one", "account_ids": [busy.account_id]}
    made = await busy.client("POST", "/strategies", body)
    assert made.status == 200, made.body
    busy.app.state.strategy_id = made.json()["strategy_id"]
    busy.app.state.trader_key = busy.client.key
    busy.client = replace(busy.client, key=key)
    return busy


async def switch(gateway: InProcessGateway, path: str, **body: object) -> AsgiResponse:
    """Set one switch."""
    return await gateway.client("POST", f"/oms/risk/{gateway.account_id}/{path}", body)


async def opened(gateway: InProcessGateway, **payload: object) -> Any:
    """Return the result of an order of the trader."""
    answer = await gateway.client(
        "POST",
        "/oms/commands?wait_ms=5000",
        gateway.command(**payload),
        key=gateway.app.state.trader_key,
    )
    return answer.json() if answer.status == 200 else answer.detail


async def test_account_refuses_new_positions(watched: InProcessGateway) -> None:
    assert "code" not in await opened(watched)
    answer = await switch(
        watched, "allow_new_positions", allow_new_positions=False, comment="too wild"
    )
    body = answer.json()
    assert_keys(body, wire_keys.RISK_FLAG_CHANGE)
    assert (answer.status, body["ok"], body["rows"]) == (200, True, 1)
    assert (body["allow_new_positions"], body["status"], body["strategy_id"]) == (
        *(False, "active", None),
    )
    refused = await opened(watched)
    assert (refused["code"], refused["reason"]) == ("risk_blocked", "new_positions_disabled")
    assert "code" not in await opened(watched, side="sell", reduce_only=True)
    (row,) = (await watched.client.get("/oms/accounts"))["items"]
    assert row["allow_new_positions"] is False
    again = await switch(watched, "allow_new_positions", allow_new_positions=False, comment="x")
    assert again.json()["rows"] == 0
    await switch(watched, "allow_new_positions", allow_new_positions=True, comment="calm")
    assert "code" not in await opened(watched)


async def test_strategy_refuses_new_positions(watched: InProcessGateway) -> None:
    mine = watched.app.state.strategy_id
    path = f"/oms/risk/{watched.account_id}/strategies"
    (row,) = (await watched.client.get(path))["items"]
    assert_keys(row, wire_keys.STRATEGY_SWITCH)
    assert row["allow_new_positions"] is True
    fields = {"allow_new_positions": False, "comment": "it lost"}
    answer = await switch(watched, "strategies/allow_new_positions", strategy_id=mine, **fields)
    assert answer.json()["strategy_id"] == mine
    (row,) = (await watched.client.get(path))["items"]
    assert (row["strategy_id"], row["name"], row["allow_new_positions"]) == (mine, "one", False)
    refused = await opened(watched, strategy_id=mine)
    assert (refused["reason"], refused["set_by"]) == ("new_positions_disabled", "strategy")
    assert "code" not in await opened(watched)
    unknown = await switch(watched, "strategies/allow_new_positions", strategy_id=99999, **fields)
    assert (unknown.status, unknown.detail["code"]) == (404, "strategy_not_found")
    await watched.stop_worker()
    assert await watched.store.strategies.closed_strategy_ids(watched.account_id) == {mine}


async def test_account_is_blocked_and_activated(watched: InProcessGateway) -> None:
    body = (await switch(watched, "status", status="Blocked", comment="stop")).json()
    assert (body["status"], body["allow_new_positions"]) == ("blocked", True)
    refused = await opened(watched)
    assert (refused["code"], refused["reason"]) == ("risk_blocked", "account_blocked")
    body = (await switch(watched, "status", status="active", comment="go")).json()
    assert body["status"] == "active"
    assert "code" not in await opened(watched)
    events = await watched.client.get(
        f"/oms/events?account_ids={watched.account_id}&namespaces=risk"
    )
    names = [event["event"] for event in events["items"]]
    assert names == ["account_status_changed", "order_risk_blocked", "account_status_changed"]
    blocked, _, activated = (event["payload"] for event in events["items"])
    assert (blocked["status"], blocked["comment"]) == ("blocked", "stop")
    assert blocked["actor_user_id"] > 0
    assert activated["status"] == "active"


async def test_permissions_and_required_comment(watched: InProcessGateway) -> None:
    silent = await switch(watched, "status", status="blocked")
    assert (silent.status, silent.detail["code"]) == (422, "comment_required")
    for body in ({"comment": "x"}, {"comment": "x", "allow_new_positions": "maybe"}):
        assert (await switch(watched, "allow_new_positions", **body)).status == 422
    assert (await switch(watched, "status", status="asleep", comment="x")).status == 422
    path = f"/oms/risk/{watched.account_id}/status"
    body = {"status": "blocked", "comment": "x"}
    trader = await watched.client("POST", path, body, key=watched.app.state.trader_key)
    assert (trader.status, trader.detail["code"]) == (403, "permission_denied")
    assert (await watched.client("POST", path, body, key=ADMIN_KEY)).status == 200
    named = {"X-Comment": "from the header", "Prefer": "respond-async"}
    await watched.stop_worker()  # it could be done before the answer
    soon = await watched.client("POST", path, {"status": "active"}, headers=named)
    assert (soon.status, soon.headers["preference-applied"]) == (202, "respond-async")
    assert_keys(soon.json(), wire_keys.RISK_FLAG_CHANGE)
    missing = await watched.client("POST", "/oms/risk/99999/status", body, key=ADMIN_KEY)
    assert (missing.status, missing.detail["code"]) == (404, "account_not_found")
