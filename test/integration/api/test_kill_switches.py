"""Kill switches: activation, effect on workers, release."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kit.databases.sql import execute, fetch_rows
from kit.gateway.in_process import ADMIN_KEY, TRADER, InProcessGateway, now
from kit.http.asgi_client import AsgiResponse
from kit.http.wire_keys import EVENTS, KILL, KILL_REPORT, assert_keys
from oms.cli.verify import build_verify_report
from oms.config import Settings
from oms.domain.value import evolve

WATCH = evolve(TRADER, can_risk_manage=True)
PRICE = {"symbol": "BTC/USDT:USDT", "price": "50000"}


@pytest.fixture
async def watched(busy: InProcessGateway) -> InProcessGateway:
    """A gateway with a key of role risk; the client is the trader."""
    busy.app.state.watch = await busy.add_key(
        "watch", "oms_watches-over-risk-here", role="risk", grants={busy.account_id: WATCH}
    )
    return busy


async def pull(gateway: InProcessGateway, key: str | None = None, **body: Any) -> AsgiResponse:
    """Activate a switch, by default of the account, with immediate effect in the worker."""
    result = {"scope": "account", "scope_id": gateway.account_id, "mode": "reduce_only"}
    result |= {"comment": "stop it"} | body
    answer = await gateway.client("POST", "/risk/kill", result, key=key or gateway.app.state.watch)
    forget(gateway)
    return answer


def forget(gateway: InProcessGateway) -> None:
    """Make the worker read its switches with the next command."""
    kill_switches = gateway.worker.processor.execute.kill_switches
    assert kill_switches is not None
    kill_switches.forget()


async def released(
    gateway: InProcessGateway, number: int, scope: str, scope_id: object, **body: Any
) -> AsgiResponse:
    """Release a switch that was activated long ago."""
    result = {"comment": "calm again", "confirm": f"RELEASE {scope} {scope_id}".strip()} | body
    path = f"/risk/kill/{number}/release"
    answer = await gateway.client("POST", path, result, key=gateway.app.state.watch)
    forget(gateway)
    return answer


async def sent(gateway: InProcessGateway, **payload: Any) -> Any:
    """Return the result of one order."""
    answer = await gateway.order("?wait_ms=5000", **payload)
    body = answer.json()
    return (body.get("detail") or body)["results"][0]


def age(dsn: str) -> None:
    """Move the activation of all switches into the past."""
    moment = (now() - timedelta(seconds=90)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    execute(dsn, f"UPDATE kill_switches SET created_at = '{moment}'")


async def test_reduce_only_switch_of_an_account(watched: InProcessGateway, dsn: str) -> None:
    gateway = watched
    await sent(gateway, qty="0.02")
    resting = (await sent(gateway, order_type="limit", price="40000"))["order_id"]
    answer = await pull(gateway)
    body = answer.json()
    assert answer.status == 200, body
    assert_keys(body, KILL | {"ok", "drill", "report"})
    (report,) = body["report"]
    assert_keys(report, KILL_REPORT)
    assert report["canceled"] == [resting]
    refused = await sent(gateway)
    error = refused["error"]
    assert (error["code"], error["reason"], error["mt5_retcode"]) == (
        *("risk_blocked", "kill_switch", 10026),
    )
    assert (error["scope"], error["scope_id"], error["mode"], error["by"], error["comment"]) == (
        *("account", str(gateway.account_id), "reduce_only", "watch", "stop it"),
    )
    assert error["since"] == body["set_at"]
    (order,) = (await gateway.client.get(f"/oms/orders/{refused['order_id']}"))["items"]
    assert (order["status"], order["reject_code"]) == ("REJECTED", "risk_blocked")
    trimmed = await sent(gateway, side="sell", qty="0.03")
    assert (trimmed["ok"], trimmed["order"]["qty"], trimmed["order"]["reduce_only"]) == (
        *(True, "0.02", True),
    )
    found = await gateway.client.get(f"/risk/kill/{body['id']}", key=gateway.app.state.watch)
    assert (found["on"], found["report"][0]["canceled"]) == (True, [resting])
    early = await released(gateway, body["id"], "account", gateway.account_id)
    assert (early.status, early.detail["reason"]) == (409, "too_early")
    age(dsn)
    wrong = await released(gateway, body["id"], "account", 99)
    assert (wrong.status, wrong.detail["code"]) == (422, "validation_error")
    assert (await sent(gateway))["ok"] is False
    done = await released(gateway, body["id"], "account", gateway.account_id)
    assert (done.status, done.json()["on"]) == (200, False), done.body
    assert (await sent(gateway))["ok"] is True
    twice = await released(gateway, body["id"], "account", gateway.account_id)
    assert (twice.status, twice.detail["reason"]) == (409, "released")
    events = await gateway.client.get(
        f"/oms/events?account_ids={gateway.account_id}&namespaces=risk"
    )
    messages = [e["payload"] for e in events["items"] if e["event"] == "kill_switch_changed"]
    assert [payload["on"] for payload in messages] == [True, False]
    assert_keys(messages[0], EVENTS["kill_switch_changed"] | {"account_id"})
    log = await gateway.client.get("/admin/audit?entity=kill_switch", key=ADMIN_KEY)
    assert [(row["action"], row["comment"]) for row in log["items"]] == [
        ("kill_on", "stop it"),
        ("kill_off", "calm again"),
    ]
    assert (await build_verify_report(gateway.store, Settings()))["ok"]


@pytest.mark.parametrize("request_id", ["kill:1", "oms:kill:1", "kill:1:off", "oms:kill:1:off"])
async def test_request_id_of_a_caller_does_not_disarm_a_switch(
    watched: InProcessGateway, dsn: str, request_id: str
) -> None:
    gateway = watched
    resting = (await sent(gateway, order_type="limit", price="40000"))["order_id"]
    body = gateway.command(qty="0.01", order_type="limit", price="41000")
    answer = await gateway.client(
        "POST", "/oms/commands?wait_ms=5000", body | {"request_id": request_id}
    )
    assert answer.status == (422 if request_id.startswith("oms:") else 200), answer.body
    body = (await pull(gateway)).json()
    assert body["id"] == 1
    (report,) = body["report"]
    assert report["status"] == "done" and resting in report["canceled"], report
    age(dsn)
    done = (await released(gateway, 1, "account", gateway.account_id)).json()
    assert [row["status"] for row in done["report"]] == ["done"], done


async def test_flatten_closes_everything(watched: InProcessGateway) -> None:
    gateway = watched
    await sent(gateway, qty="0.02")
    await sent(gateway, symbol="BTC/USDT:USDT", order_type="limit", price="41000")
    body = (await pull(gateway, mode="flatten")).json()
    (report,) = body["report"]
    assert (body["mode"], body["flatten"]) == ("reduce_only", True)
    assert (len(report["closed"]), report["remaining"], report["dust"]) == (1, [], [])
    for view in ("orders", "positions"):
        rows = await gateway.client.get(f"/oms/{view}/open?account_ids={gateway.account_id}")
        assert rows["items"] == []


@pytest.mark.parametrize("mode", ["cancel_only", "halt"])
async def test_stricter_modes_allow_cancels(watched: InProcessGateway, mode: str) -> None:
    gateway = watched
    await sent(gateway, qty="0.02")
    resting = (await sent(gateway, order_type="limit", price="40000"))["order_id"]
    await pull(gateway, mode=mode, scope="global", scope_id=None, cancel_entries=False)
    (position,) = (
        await gateway.client.get(f"/oms/positions/open?account_ids={gateway.account_id}")
    )["items"]
    payload = {"position_id": position["id"]}
    for command, more in (
        ("close_position", {}),
        ("position_change", {"comment": "x"}),
    ):
        body = {"account_id": gateway.account_id, "command": command, "payload": payload | more}
        answer = await gateway.client("POST", "/oms/commands", body)
        refused = mode == "halt" or command == "close_position"
        assert (answer.status == 409) is refused, answer.body
    assert (await sent(gateway, side="sell", reduce_only=True))["ok"] is False
    body = {"command": "cancel_order", "payload": {"order_id": resting}}
    assert (await gateway.client("POST", "/oms/commands", body)).status == 200


async def test_scopes_apply_to_their_objects(watched: InProcessGateway, dsn: str) -> None:
    gateway = watched
    made = await gateway.client(
        "POST", "/strategies", {"name": "one", "account_ids": [gateway.account_id]}
    )
    mine = made.json()["strategy_id"]
    await pull(gateway, scope="strategy", scope_id=mine)
    assert (await sent(gateway, strategy_id=mine))["error"]["scope"] == "strategy"
    assert (await sent(gateway))["ok"] is True
    await pull(gateway, scope="symbol", scope_id="BTC/USDT:USDT")
    assert (await sent(gateway))["error"]["scope_id"] == "BTC/USDT:USDT"
    profile = await gateway.client.get("/user/profile")
    own = await pull(gateway, key=gateway.client.key, scope="key", scope_id=profile["api_key_id"])
    assert own.status == 200, own.body
    shown = await gateway.client.get("/risk/kill")
    assert [row["scope"] for row in shown["items"]] == ["strategy", "symbol", "key"]
    result = fetch_rows(dsn, "SELECT event_type, namespace FROM event_outbox WHERE account_id = 0")
    assert result == [("kill_switch_changed", "risk")] * 3
    path = "/oms/events?account_ids=0&after=0:0&namespaces=risk&limit=1000"
    for key, count in ((gateway.app.state.watch, 3), (ADMIN_KEY, 3), (gateway.client.key, 0)):
        body = await gateway.client.get(path, key=key)
        seen = [each for each in body["items"] if each["event"] == "kill_switch_changed"]
        assert (len(seen), body["next_after"]) == (count, f"0:{body['heads']['0']}"), key


async def test_permissions_and_validation(watched: InProcessGateway) -> None:
    gateway = watched
    silent = await pull(gateway, comment=" ")
    assert (silent.status, silent.detail["code"]) == (422, "comment_required")
    scope_ids = ({"scope_id": "x"}, {"scope_id": ""}, {"scope_id": 2**53}, {"scope_id": 10**30})
    for wrong in ({"scope": "planet"}, {"mode": "asleep"}, *scope_ids):
        assert (await pull(gateway, **wrong)).status == 422
    assert (await pull(gateway, scope_id=99999)).detail["code"] == "account_not_found"
    wide = await pull(gateway, key=gateway.client.key, scope="global")
    assert (wide.status, wide.detail["code"]) == (403, "permission_denied")
    admin = await pull(gateway, key=ADMIN_KEY, scope="symbol", scope_id="SOL/USDT", drill=True)
    assert (admin.status, admin.json()["drill"], admin.json()["id"]) == (200, True, None)
    resting = (await sent(gateway, order_type="limit", price="40000"))["order_id"]
    drill = (await pull(gateway, drill=True)).json()
    assert drill["would"]["cancel"] == [resting]
    assert (await sent(gateway))["ok"] is True
    shown = await gateway.client.get("/risk/kill", key=ADMIN_KEY)
    assert shown["items"] == []
    missing = await gateway.client("GET", "/risk/kill/77")
    assert missing.status == 404
    foreign = replace(
        gateway.client, key=await gateway.add_key("far", "oms_far-away-key", grants={})
    )
    pulled = (await pull(gateway)).json()
    assert (await foreign("GET", f"/risk/kill/{pulled['id']}")).status == 404
    release = await foreign("POST", f"/risk/kill/{pulled['id']}/release", {"comment": "x"})
    assert release.status == 404
    mine = await gateway.client(
        "POST", f"/risk/kill/{pulled['id']}/release", {"comment": "x", "confirm": "y"}
    )
    assert (mine.status, mine.detail["code"]) == (403, "permission_denied")


async def test_repeat_activates_once(watched: InProcessGateway) -> None:
    result = {"scope": "symbol", "scope_id": "XRP/USDT", "mode": "halt", "comment": "x"}
    named = {"Idempotency-Key": "once-only"}
    answers = [
        await watched.client("POST", "/risk/kill", result, key=ADMIN_KEY, headers=named)
        for _ in range(2)
    ]
    assert answers[0].status == 200, answers[0].body
    assert answers[1].body == answers[0].body
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert len((await watched.client.get("/risk/kill"))["items"]) == 1
