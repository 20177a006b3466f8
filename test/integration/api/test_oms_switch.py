"""The switch of the whole gateway: its kinds, what enabling releases, its state at the start."""

from pathlib import Path
from typing import Any

import pytest

from kit.gateway.in_process import ADMIN_KEY, TRADER, InProcessGateway
from kit.http.asgi_client import AsgiResponse
from kit.http.wire_keys import EVENTS, KILL, assert_keys
from oms import bootstrap
from oms.cli.audit_context import cli_audit_context
from oms.cli.verify import build_verify_report
from oms.config import Settings
from oms.domain.value import evolve


async def switch(
    gateway: InProcessGateway, *, enabled: bool, key: str = ADMIN_KEY, **fields: object
) -> AsgiResponse:
    """Set the switch, with effect on the worker's next command."""
    body: dict[str, Any] = {"enabled": enabled, "comment": "prices look wrong"} | fields
    answer = await gateway.client("POST", "/risk/switch", body, key=key)
    kill_switches = gateway.worker.processor.execute.kill_switches
    assert kill_switches is not None
    kill_switches.forget()
    return answer


async def sent(gateway: InProcessGateway, **payload: object) -> Any:
    """Return the result of one order."""
    body = (await gateway.order("?wait_ms=5000", **payload)).json()
    return (body.get("detail") or body)["results"][0]


async def test_soft_refuses_what_opens_and_people_may_close(busy: InProcessGateway) -> None:
    resting = (await sent(busy, order_type="limit", price="40000"))["order_id"]
    await sent(busy, qty="0.02")
    answer = await switch(busy, enabled=False)
    body = answer.json()
    assert (answer.status, body["oms_enabled"], body["report"]) == (200, False, [])
    (row,) = body["switches"]
    assert_keys(row, KILL)
    assert (row["scope"], row["mode"], row["cause"]) == ("global", "reduce_only", "switch")
    assert body["changed"] == [row["id"]]
    assert (await sent(busy))["error"]["reason"] == "kill_switch"
    assert (await sent(busy, side="sell", qty="0.02", reduce_only=True))["ok"] is True
    orders = await busy.client.get(f"/oms/orders/open?account_ids={busy.account_id}")
    assert [order["id"] for order in orders["items"]] == [resting]
    assert (await busy.client.get("/risk/switch"))["oms_enabled"] is False
    enabled = (await switch(busy, enabled=True, comment="right again")).json()
    assert (enabled["oms_enabled"], enabled["changed"]) == (True, [row["id"]])
    assert (await sent(busy))["ok"] is True
    log = await busy.client.get("/admin/audit?entity=kill_switch", key=ADMIN_KEY)
    assert [(entry["action"], entry["comment"]) for entry in log["items"]] == [
        ("kill_on", "prices look wrong"),
        ("kill_off", "right again"),
    ]
    assert (await build_verify_report(busy.store, Settings()))["ok"]


async def test_hard_cancels_entries(busy: InProcessGateway) -> None:
    resting = (await sent(busy, order_type="limit", price="40000"))["order_id"]
    body = (await switch(busy, enabled=False, kind="hard")).json()
    assert [row["canceled"] for row in body["report"]] == [[resting]]


async def test_flatten_closes_and_reports(busy: InProcessGateway) -> None:
    resting = (await sent(busy, order_type="limit", price="40000"))["order_id"]
    (deal,) = (await sent(busy, qty="0.02"))["deals"]
    body = (await switch(busy, enabled=False, kind="flatten")).json()
    (report,) = body["report"]
    assert (report["canceled"], report["closed"]) == ([resting], [deal["position_id"]])
    path = f"/oms/events?account_ids={busy.account_id}&namespaces=risk"
    events = (await busy.client.get(path))["items"]
    (event,) = [row["payload"] for row in events if row["event"] == "flatten_report"]
    assert_keys(event, EVENTS["flatten_report"] | {"account_id"})
    assert event["kill_id"] == body["changed"][0]
    for name in ("canceled", "not_canceled", "closed", "remaining", "dust"):
        assert event[name] == report[name]


async def test_enabling_keeps_the_switches_of_people(busy: InProcessGateway) -> None:
    pull = {"scope": "global", "mode": "halt", "comment": "an incident"}
    pulled = (await busy.client("POST", "/risk/kill", pull, key=ADMIN_KEY)).json()
    off = [(await switch(busy, enabled=False, kind=kind)).json() for kind in ("soft", "hard")]
    body = (await switch(busy, enabled=True)).json()
    assert body["changed"] == [*off[0]["changed"], *off[1]["changed"]]
    assert body["oms_enabled"] is False
    assert [row["id"] for row in body["switches"]] == [pulled["id"]]
    again = (await switch(busy, enabled=True)).json()
    assert (again["ok"], again["changed"]) == (True, [])


async def test_permissions_and_validation(busy: InProcessGateway) -> None:
    await busy.add_account()
    near = evolve(TRADER, can_risk_manage=True)
    partial = await busy.add_key(
        "rosa", "oms_key-of-a-risk-person", "risk", grants={busy.account_id: near}
    )
    assert (await switch(busy, enabled=False, comment=" ")).detail["code"] == "comment_required"
    for wrong in ({"kind": "gentle"}, {"enabled": "no"}, {"enabled": None}):
        answer = await busy.client(
            "POST", "/risk/switch", {"enabled": False, "comment": "x"} | wrong, key=ADMIN_KEY
        )
        assert answer.status == 422, answer.body
    for key in (partial, busy.client.key):
        for enabled in (True, False):
            answer = await switch(busy, enabled=enabled, key=key)
            assert (answer.status, answer.detail["code"]) == (403, "permission_denied")
    assert (await busy.client.get("/risk/switch"))["oms_enabled"] is True
    nothing = await busy.add_key("nothing", "oms_key-of-no-account", grants={})
    await switch(busy, enabled=False)
    hidden = await busy.client.get("/risk/switch", key=nothing)
    assert (hidden["oms_enabled"], hidden["switches"]) == (False, [])


@pytest.mark.parametrize("enabled", [True, False])
async def test_the_setting_is_the_state_of_a_new_gateway(tmp_path: Path, enabled: bool) -> None:
    settings = Settings(home=tmp_path, enabled=enabled)
    for _ in range(2):
        await bootstrap.migrate(settings)
    async with bootstrap.open_store(settings) as store:
        rows = await store.kill_switches.all(is_on=True, limit=None)
        assert [row.cause for row in rows] == ([] if enabled else ["switch"])
        assert (await build_verify_report(store, settings))["ok"]


async def test_the_setting_does_not_disable_a_gateway_with_users(tmp_path: Path) -> None:
    await bootstrap.migrate(Settings(home=tmp_path))
    settings = Settings(home=tmp_path, enabled=False)
    async with bootstrap.open_store(settings) as store:
        administer = bootstrap.build_administer(settings, store)
        await administer.ensure_user("admin", "admin", cli_audit_context())
        await bootstrap.migrate(settings)
        assert await store.kill_switches.all(is_on=False, limit=None) == []
