"""Dead-man switches: beats, missed deadlines, what follows, outages, permissions."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from kit.databases.sql import execute, fetch_rows
from kit.gateway.in_process import ADMIN_KEY, TRADER, InProcessGateway, now
from kit.http.asgi_client import AsgiResponse
from kit.http.wire_keys import DEADMAN, EVENTS, assert_keys
from kit.polling import poll_until
from oms.cli.verify import build_verify_report
from oms.config import Settings
from oms.domain.access import Grant
from oms.domain.errors import Unavailable
from oms.domain.risk.deadman import DeadmanSwitch
from oms.ports.audit_log import AuditContext
from oms.services.submission.fire_deadman import FireDeadman


class SetClock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.at = now()

    def now(self) -> datetime:
        """Return the set time."""
        return self.at

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.at += timedelta(seconds=seconds)


class NoNotifier:
    """A notifier without listeners."""

    def notify(self, *_: object) -> None:
        """Do nothing."""


async def arm(gateway: InProcessGateway, key: str | None = None, **fields: object) -> AsgiResponse:
    """Arm a switch over the first account with 5 s to the first deadline."""
    body = {"account_ids": [gateway.account_id], "timeout_seconds": 5, "action": "cancel_entries"}
    return await gateway.client("POST", "/risk/deadman", body | fields, key=key)


def watcher(gateway: InProcessGateway, clock: SetClock) -> FireDeadman:
    """Return the watch of a holder of lease 0 that has looked before."""
    store = gateway.store
    fire = FireDeadman(
        switches=store.deadman_switches, ids=store.ids, clock=clock, notifier=NoNotifier()
    )
    fire._has_looked = True
    return fire


async def sent(gateway: InProcessGateway, **payload: object) -> Any:
    """Return the result of one order."""
    body = (await gateway.order("?wait_ms=5000", **payload)).json()
    return (body.get("detail") or body)["results"][0]


async def open_orders(gateway: InProcessGateway) -> list[int]:
    """Return the ids of the open orders of the first account."""
    path = f"/oms/orders/open?account_ids={gateway.account_id}"
    return [row["id"] for row in (await gateway.client.get(path))["items"]]


async def events(gateway: InProcessGateway, name: str) -> list[Mapping[str, Any]]:
    """Return the payloads of the account's events of one name."""
    path = f"/oms/events?account_ids={gateway.account_id}&namespaces=risk"
    items = (await gateway.client.get(path))["items"]
    return [row["payload"] for row in items if row["event"] == name]


async def test_a_missed_deadline_cancels_entries_once(busy: InProcessGateway) -> None:
    clock = SetClock()
    fire = watcher(busy, clock)
    armed = (await arm(busy, comment="the strategy's host")).json()
    assert_keys(armed, DEADMAN)
    resting = (await sent(busy, order_type="limit", price="40000"))["order_id"]
    clock.advance(4)
    assert await fire() == 0
    clock.advance(2)
    assert (await fire(), await fire()) == (1, 0)
    await poll_until(lambda: open_orders(busy), lambda ids: resting not in ids)
    (event,) = await events(busy, "deadman_fired")
    assert_keys(event, EVENTS["deadman_fired"] | {"account_id"})
    assert (event["deadman_id"], event["kill_id"]) == (armed["id"], None)
    assert (await sent(busy))["ok"] is True
    assert (await busy.client.get("/risk/kill"))["items"] == []
    (row,) = (await busy.client.get("/risk/deadman"))["items"]
    assert (row["state"], row["fired_at"] is not None) == ("fired", True)
    late = await busy.client("POST", f"/risk/deadman/{armed['id']}/beat")
    assert (late.status, late.detail["reason"]) == (409, "fired")
    log = await busy.client.get("/admin/audit?entity=deadman_switch", key=ADMIN_KEY)
    assert [entry["action"] for entry in log["items"]] == ["deadman_arm", "deadman_fire"]
    assert (await build_verify_report(busy.store, Settings()))["ok"]


async def test_a_switch_that_fails_delays_no_other(
    busy: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SetClock()
    fire = watcher(busy, clock)
    broken, sound = [(await arm(busy)).json()["id"] for _ in range(2)]
    clock.advance(6)
    store_fired = fire.switches.fire

    async def fail_for_one(switch: DeadmanSwitch, *rest: Any) -> bool:
        if switch.id == broken:
            raise ValueError("a row that cannot be written")
        return await store_fired(switch, *rest)

    with monkeypatch.context() as failing:
        failing.setattr(fire.switches, "fire", fail_for_one)
        assert await fire() == 1
        (left,) = await fire.switches.overdue(clock.at)
        assert left.id == broken
        assert (await busy.client.get("/risk/deadman"))["items"][1]["id"] == sound
    assert await fire() == 1
    assert await fire.switches.overdue(clock.at) == []


async def test_beats_move_the_deadline(busy: InProcessGateway) -> None:
    clock = SetClock()
    fire = watcher(busy, clock)
    armed = (await arm(busy)).json()
    await busy.store.deadman_switches.beat([armed["id"]], clock.at + timedelta(seconds=4))
    clock.advance(8)
    assert await fire() == 0
    clock.advance(2)
    assert await fire() == 1
    assert await busy.store.deadman_switches.beat([armed["id"]], clock.at) == 0


@pytest.mark.parametrize("action", ["reduce_only", "flatten"])
async def test_a_kill_switch_stays_until_a_person_decides(
    busy: InProcessGateway, dsn: str, action: str
) -> None:
    clock = SetClock()
    armed = (await arm(busy, action=action)).json()
    (deal,) = (await sent(busy, qty="0.02"))["deals"]
    clock.advance(6)
    assert await watcher(busy, clock)() == 1
    (switch,) = (await busy.client.get("/risk/kill"))["items"]
    assert (switch["scope"], switch["mode"]) == ("account", "reduce_only")
    assert switch["cause"].startswith(f"deadman:{armed['id']}:")

    async def report() -> Any:
        found = await busy.client.get(f"/risk/kill/{switch['id']}")
        return found["report"][0]

    done = await poll_until(report, lambda row: row["status"] == "done")
    assert done["closed"] == ([deal["position_id"]] if action == "flatten" else [])
    kill_switches = busy.worker.processor.execute.kill_switches
    assert kill_switches is not None
    kill_switches.forget()
    assert (await sent(busy))["error"]["reason"] == "kill_switch"
    execute(dsn, "UPDATE kill_switches SET created_at = '2020-01-01T00:00:00.000000Z'")
    body = {"comment": "calm again", "confirm": switch["confirm"]}
    path = f"/risk/kill/{switch['id']}/release"
    held = await busy.client("POST", path, body, key=ADMIN_KEY)
    assert (held.status, held.detail["reason"]) == (409, "cause_stands")
    if action == "flatten":
        body["override"] = True  # type: ignore[assignment]
    else:
        disarmed = await busy.client("DELETE", f"/risk/deadman/{armed['id']}")
        assert disarmed.json()["state"] == "disarmed"
    assert (await busy.client("POST", path, body, key=ADMIN_KEY)).status == 200


async def test_one_fresh_timeout_follows_an_outage(busy: InProcessGateway) -> None:
    clock = SetClock()
    fire = watcher(busy, clock)
    armed = (await arm(busy)).json()
    clock.advance(60)
    fire.forget()
    assert await fire() == 0
    (row,) = (await busy.client.get("/risk/deadman"))["items"]
    assert row["state"] == "armed" and row["deadline"] > armed["deadline"]
    clock.advance(6)
    fire.forget()
    assert await fire() == 1


async def test_a_takeover_from_another_worker_is_no_outage(
    busy: InProcessGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SetClock()
    fire = watcher(busy, clock)
    began = clock.at
    for _ in range(2):
        await arm(busy)
    clock.advance(6)
    fire.forget()

    async def fail(*_: object) -> Any:
        raise Unavailable("the database is gone")

    with monkeypatch.context() as failing:
        failing.setattr(fire.switches, "overdue", fail)
        with pytest.raises(Unavailable):
            await fire(began)
    assert await fire(began) == 0, "beats could not be stored while the database was gone"
    clock.advance(6)
    assert await fire(began) == 2
    await arm(busy)
    await busy.store.deadman_switches.beat([3], clock.at)
    clock.advance(6)
    fire.forget()
    assert await fire(clock.at - timedelta(seconds=5)) == 0, "no worker ran after the last beat"
    await busy.store.deadman_switches.beat([3], clock.at)
    clock.advance(6)
    fire.forget()
    assert await fire(began) == 1


async def test_strategies_are_acted_on_alone(busy: InProcessGateway) -> None:
    made = await busy.client(
        "POST", "/strategies", {"name": "one", "account_ids": [busy.account_id]}
    )
    mine = made.json()["strategy_id"]
    clock = SetClock()
    await arm(busy, strategy_ids=[mine], action="reduce_only")
    order = {"order_type": "limit", "price": "40000"}
    own = (await sent(busy, strategy_id=mine, **order))["order_id"]
    other = (await sent(busy, **order))["order_id"]
    clock.advance(6)
    assert await watcher(busy, clock)() == 1
    assert await poll_until(lambda: open_orders(busy), lambda ids: own not in ids) == [other]
    (switch,) = (await busy.client.get("/risk/kill"))["items"]
    assert (switch["scope"], switch["scope_id"]) == ("strategy", str(mine))


async def test_permissions_and_validation(busy: InProcessGateway) -> None:
    far = await busy.add_account()
    for wrong in (
        *({"timeout_seconds": 4}, {"timeout_seconds": 3601}, {"timeout_seconds": "5"}),
        *({"action": "sleep"}, {"account_ids": []}, {"account_ids": None}),
    ):
        assert (await arm(busy, **wrong)).status == 422, wrong
    unknown = await arm(busy, strategy_ids=[77])
    assert (unknown.status, unknown.detail["code"]) == (404, "strategy_not_found")
    foreign = await arm(busy, account_ids=[busy.account_id, far])
    assert (foreign.status, foreign.detail["code"]) == (403, "permission_denied")
    admin = await arm(busy, key=ADMIN_KEY)
    assert (admin.status, admin.detail["code"]) == (403, "admin_read_only")
    trades = Grant(can_trade=True)
    plain = await busy.add_key(
        "plain", "oms_key-that-only-trades", grants={busy.account_id: trades}
    )
    assert (await arm(busy, key=plain, action="flatten")).status == 403
    limited = replace(TRADER, restrict_to_strategies=True, strategy_ids=frozenset({1}))
    narrow = await busy.add_key(
        "narrow", "oms_key-of-one-strategy", grants={busy.account_id: limited}
    )
    wide = await arm(busy, key=narrow)
    assert (wide.status, wide.detail["code"]) == (403, "strategy_permission_denied")
    context = AuditContext(actor="test", at=now())
    accounts = [busy.account_id, far]
    both = await busy.api_context.administer.strategies.create("both", None, accounts, context)
    partial = await arm(busy, strategy_ids=[both], action="reduce_only")
    assert (partial.status, partial.detail["reason"]) == (422, "account_ids")
    assert (await arm(busy, strategy_ids=[both], account_ids=[busy.account_id])).status == 200
    assert (await busy.client("DELETE", "/risk/deadman/1")).status == 200
    armed = (await arm(busy)).json()
    nothing = await busy.add_key("nothing", "oms_key-of-no-account", grants={})
    for method, path in (("POST", "/beat"), ("DELETE", "")):
        target = f"/risk/deadman/{armed['id']}{path}"
        assert (await busy.client(method, target, key=nothing)).status == 404
        assert (await busy.client(method, target, key=narrow)).status == 404
        assert (await busy.client(method, target, key=ADMIN_KEY)).status == 403
    assert (await busy.client.get("/risk/deadman", key=nothing))["items"] == []
    disarmed = await busy.client("DELETE", f"/risk/deadman/{armed['id']}")
    assert disarmed.json()["state"] == "disarmed"
    again = await busy.client("DELETE", f"/risk/deadman/{armed['id']}")
    assert (again.status, again.detail["reason"]) == (409, "disarmed")
    assert (await busy.client.get("/risk/deadman"))["items"] == []
    everything = await busy.client.get("/risk/deadman?active=false")
    assert [row["id"] for row in everything["items"]] == [1, armed["id"]]


async def test_the_worker_looks_each_second(busy: InProcessGateway, dsn: str) -> None:
    armed = (await arm(busy)).json()
    resting = (await sent(busy, order_type="limit", price="40000"))["order_id"]
    fire = busy.worker.fire_deadman
    await poll_until(lambda: _look_state(fire), bool)
    past = "2020-01-01T00:00:00.000000Z"
    execute(dsn, f"UPDATE deadman_switches SET deadline = '{past}' WHERE id = {armed['id']}")
    await poll_until(lambda: open_orders(busy), lambda ids: resting not in ids)
    rows = fetch_rows(dsn, "SELECT request_id FROM oms_commands WHERE command_type = 'kill'")
    assert [row[0].rpartition(":")[0] for row in rows] == [f"oms:deadman:{armed['id']}"]


async def _look_state(fire: FireDeadman) -> bool:
    return fire._has_looked
