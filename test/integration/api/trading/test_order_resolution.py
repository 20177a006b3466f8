"""Orders in doubt: refreshed, matched, declared not placed, logged when overdue."""

import asyncio
import logging
from datetime import timedelta
from typing import Any

import pytest

from kit.exchanges.deferred_exchange import deferred_exchange
from kit.gateway.in_process import ADMIN_KEY, InProcessGateway
from kit.http.asgi_client import AsgiClient
from kit.polling import poll_until
from oms.domain.access import Grant
from oms.services.exchange_sync import unknown_orders

SYMBOL = "BTC/USDT:USDT"


async def lost(gateway: InProcessGateway) -> int:
    """A resting order whose response was lost."""
    deferred_exchange(gateway).lose_count = 1
    limit = {"order_type": "limit", "price": "50000"}
    answer = await gateway.order("?wait_ms=5000", **limit)
    (row,) = answer.json()["detail"]["results"]
    assert (row["status"], row["order"]["state"]) == ("unknown", "UNKNOWN")
    return int(row["order_id"])


async def ended(gateway: InProcessGateway, order_id: int) -> dict[str, Any]:
    """Return the command that sent the order."""
    page = await gateway.client.get(
        f"/oms/commands?account_ids={gateway.account_id}&start_date=2020-01-01&end_date=2099-01-01"
    )
    (mine,) = [c for c in page["items"] if c["command"] == "send_order"]
    assert mine["order_id"] == order_id
    return dict(mine)


async def events(gateway: InProcessGateway) -> list[dict[str, Any]]:
    result = await gateway.client.get(f"/oms/events?account_ids={gateway.account_id}&limit=500")
    return list(result["items"])


async def test_refresh_finds_the_execution(slow: InProcessGateway) -> None:
    order_id = await lost(slow)
    answer = await slow.client("POST", f"/oms/orders/{order_id}/refresh", {})
    assert answer.status == 200, answer.body.decode()
    body = answer.json()
    assert (body["ok"], body["status"]) == (True, "done")
    assert (body["order"]["id"], body["order"]["state"]) == (order_id, "SUBMITTED")
    assert deferred_exchange(slow).lookups == [(order_id, None)]
    assert (await ended(slow, order_id))["status"] == "done"
    resolved = [e for e in await events(slow) if e["event"] == "order_resolved"]
    assert [e["payload"]["order_id"] for e in resolved] == [order_id]


async def test_refresh_of_an_unsent_order_sends_no_query(slow: InProcessGateway) -> None:
    answer = await slow.order("?wait_ms=5000", qty="0.0000001")
    (row,) = answer.json()["detail"]["results"]
    path, headers = f"/oms/orders/{row['order_id']}/refresh", {"Idempotency-Key": "refresh-1"}
    response = await slow.client("POST", path, {}, headers=headers)
    repeated = await slow.client("POST", path, {}, headers=headers)
    assert (repeated.status, repeated.json()) == (200, response.json())
    assert (response.status, response.json()["order"]["status"]) == (200, "REJECTED")
    assert deferred_exchange(slow).lookups == []


async def test_order_is_matched_by_the_given_id(slow: InProcessGateway) -> None:
    order_id = await lost(slow)
    path = f"/oms/orders/{order_id}/resolve"
    (result,) = {r.exchange_order_id for r in deferred_exchange(slow).unreported}
    wrong = {"action": "adopt", "exchange_order_id": "unknown", "comment": "seen in the app"}
    refused = await slow.client("POST", path, wrong)
    assert (refused.status, refused.json()["detail"]["code"]) == (404, "order_not_found")
    body = wrong | {"exchange_order_id": result}
    answer = await slow.client("POST", path, body)
    assert answer.status == 200, answer.body.decode()
    order = answer.json()["order"]
    assert (order["state"], order["exchange_order_id"]) == ("SUBMITTED", result)
    again = await slow.client("POST", path, body)
    assert (again.status, again.json()["order"]["version"]) == (200, order["version"])
    other = await slow.client("POST", path, wrong)
    assert (other.status, other.json()["detail"]["code"]) == (409, "invalid_order_state")


async def test_order_declared_not_placed_is_found_later(slow: InProcessGateway) -> None:
    order_id = await lost(slow)
    path = f"/oms/orders/{order_id}/resolve"
    body = {"action": "declare_not_placed", "comment": "support says so"}
    answer = await slow.client("POST", path, body)
    assert answer.status == 200, answer.body.decode()
    order = answer.json()["order"]
    assert (order["status"], order["reject_code"]) == ("REJECTED", "not_placed")
    assert order["reject_message"] == "support says so"
    command = await ended(slow, order_id)
    assert (command["status"], command["error"]["code"]) == ("failed", "not_placed")
    assert (await slow.client("POST", path, body)).status == 200
    life = await slow.client.get(f"/oms/orders/{order_id}/timeline")
    (said,) = [step for step in life["items"] if step["phase"] == "resolved"]
    assert said["source"] == "operator"
    deferred_exchange(slow).report_lost()

    async def state() -> str:
        (row,) = (await slow.client.get(f"/oms/orders/{order_id}"))["items"]
        return str(row["state"])

    await poll_until(state, lambda result: result == "SUBMITTED")
    names = [e["event"] for e in await events(slow)]
    assert names.count("order_resolved") == names.count("order_late_found") == 1
    late_refusal = await slow.client("POST", path, body)
    assert late_refusal.json()["detail"]["reason"] == "order_not_in_doubt"


async def test_resolution_is_audited(slow: InProcessGateway) -> None:
    order_id = await lost(slow)
    body = {"action": "declare_not_placed", "comment": "support says so"}
    assert (await slow.client("POST", f"/oms/orders/{order_id}/resolve", body)).status == 200
    admin = AsgiClient(slow.app, ADMIN_KEY)
    page = await admin.get("/admin/audit?action=order_resolve")
    (row,) = page["items"]
    assert (row["actor"], row["entity_id"]) == ("trader", str(order_id))
    assert row["comment"] == "support says so"
    assert row["before_json"]["state"] == "UNKNOWN"
    assert row["after_json"]["state"] == "REJECTED"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "validation_error"),
        ({"action": "forget", "comment": "x"}, "validation_error"),
        ({"action": "adopt", "comment": "x"}, "validation_error"),
        (
            {"action": "declare_not_placed", "exchange_order_id": "1", "comment": "x"},
            "validation_error",
        ),
        ({"action": "declare_not_placed"}, "comment_required"),
        ({"action": "declare_not_placed", "comment": " "}, "comment_required"),
    ],
)
async def test_invalid_resolutions_are_refused(
    gateway: InProcessGateway, body: dict[str, Any], code: str
) -> None:
    answer = await gateway.client("POST", "/oms/orders/1/resolve", body)
    assert (answer.status, answer.json()["detail"]["code"]) == (422, code)


async def test_unknown_order_is_not_found(gateway: InProcessGateway) -> None:
    body = {"action": "declare_not_placed", "comment": "x"}
    for path, sent in (("refresh", {}), ("resolve", body)):
        for number in ("99", "x"):
            answer = await gateway.client("POST", f"/oms/orders/{number}/{path}", sent)
            assert (answer.status, answer.json()["detail"]["code"]) == (404, "order_not_found")


async def test_permissions(slow: InProcessGateway) -> None:
    order_id = await lost(slow)
    body = {"action": "declare_not_placed", "comment": "x"}
    reader = {slow.account_id: Grant()}
    key = await slow.add_key("reader", "oms_a-reader-for-tests-only", grants=reader)
    client = AsgiClient(slow.app, key)
    refused = await client("POST", f"/oms/orders/{order_id}/resolve", body)
    assert (refused.status, refused.json()["detail"]["code"]) == (403, "permission_denied")
    assert (await client("POST", f"/oms/orders/{order_id}/refresh", {})).status == 200
    risk = {slow.account_id: Grant(can_risk_manage=True)}
    key = await slow.add_key("rosa", "oms_a-risk-key-for-tests-only", role="risk", grants=risk)
    again = await AsgiClient(slow.app, key)("POST", f"/oms/orders/{order_id}/resolve", body)
    assert again.json()["detail"]["code"] == "invalid_order_state", "it was found meanwhile"


async def test_admin_without_a_permission_refreshes_and_resolves(slow: InProcessGateway) -> None:
    order_id = await lost(slow)
    admin = AsgiClient(slow.app, ADMIN_KEY)
    body = {"action": "declare_not_placed", "comment": "support says so"}
    resolved = await admin("POST", f"/oms/orders/{order_id}/resolve", body)
    assert (resolved.status, resolved.json()["order"]["id"]) == (200, order_id), resolved.body
    refreshed = await admin("POST", f"/oms/orders/{order_id}/refresh", {})
    assert (refreshed.status, refreshed.json()["order"]["id"]) == (200, order_id), refreshed.body
    missing = await admin("POST", "/oms/orders/987654/refresh", {})
    assert (missing.status, missing.detail["code"]) == (404, "order_not_found")


async def test_resolution_wait_is_bounded(slow: InProcessGateway) -> None:
    order_id = await lost(slow)
    is_over = asyncio.Event()

    async def silent(*_: Any) -> Any:
        await is_over.wait()

    deferred_exchange(slow).find_order = silent  # type: ignore[method-assign]
    answer = await slow.client("POST", f"/oms/orders/{order_id}/refresh?wait_ms=200", {})
    assert (answer.status, answer.json()["status"]) == (202, "running")
    assert answer.headers["location"] == f"/oms/commands/{answer.json()['command_id']}"
    await slow.worker.processor.evict_all()
    assert (await slow.client("POST", "/oms/reconcile", {})).status == 200
    row = await slow.client.get(f"/oms/commands/{answer.json()['command_id']}?wait_ms=5000")
    assert (row["status"], row["error"]["code"]) == ("failed", "timeout")
    is_over.set()


async def test_overdue_unknown_order_is_logged_once(
    slow: InProcessGateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(unknown_orders, "ALERT_AFTER", timedelta(seconds=0.5))
    caplog.set_level(logging.WARNING)
    order_id = await lost(slow)

    async def lines() -> list[str]:
        messages = [r.getMessage() for r in caplog.records]
        return [line for line in messages if line.startswith("order_in_doubt")]

    (line,) = await poll_until(lines, bool)
    assert f"order_id={order_id}" in line and f"account_id={slow.account_id}" in line
    admin = AsgiClient(slow.app, ADMIN_KEY)
    text = (await admin("GET", "/metrics")).body.decode()
    assert "oms_orders_unknown 1" in text
    (age,) = [
        float(each.split()[1])
        for each in text.splitlines()
        if each.startswith("oms_orders_unknown_age_seconds_max ")
    ]
    assert 0.5 <= age < 60
    assert len(await lines()) == 1
