"""Notifications from the event to the receiver: retries, takeover, slow sinks, administration."""

import json
from typing import Any

import pytest

from kit.gateway.in_process import ADMIN_KEY
from kit.http.wire_keys import DELIVERY, SINK, assert_keys
from kit.notifications.notified import Notified
from kit.polling import poll_until
from oms.domain.notifications.signature import sign_message
from oms.runner import audit_mirror, notifications

SECRET = "a-secret-of-the-sink"


@pytest.fixture(autouse=True)
def _short_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifications, "ROUND_SECONDS", 0.02)


async def _arrived(notified: Notified, path: str, count: int) -> list[Any]:
    async def read() -> list[Any]:
        return notified.server.of(path)

    return await poll_until(read, lambda got: len(got) >= count, 15)


async def test_a_fill_arrives_once_although_its_sink_fails_twice(notified: Notified) -> None:
    """N1, with a second runner beside the first."""
    server, clock = notified.server, notified.clock
    server.statuses["/ops"] = [500, 503]
    events = ["deal_created"]
    sink = await notified.add_sink("ops", secret=SECRET, events=events)
    assert_keys(sink, SINK)
    await notified.start_runner("one")
    await notified.start_runner("two")
    assert (await notified.gateway.order("?wait_ms=8000")).status == 200

    await _arrived(notified, "/ops", 1)
    for count, seconds in ((2, 5), (3, 30)):
        await poll_until(
            notified.deliveries, lambda rows, n=count: rows[0]["attempts"] == n - 1, 10
        )
        (row,) = await notified.deliveries("?status=queued")
        assert_keys(row, DELIVERY)
        clock.advance(seconds=seconds)
        await _arrived(notified, "/ops", count)
    (row,) = await poll_until(
        lambda: notified.deliveries("?status=delivered"), lambda rows: rows, 10
    )
    assert (row["attempts"], row["event"], row["last_error"]) == (3, "deal_created", None)

    first, second, third = server.of("/ops")
    assert first.body == second.body == third.body
    assert {each.event_id for each in server.of("/ops")} == {row["event_id"]}
    message = json.loads(third.body)
    assert list(message)[:3] == ["event_id", "event", "account_id"]
    assert message["payload"]["symbol"] == "BTC/USDT:USDT"
    for each in (first, second, third):
        seconds_text = each.headers["x-oms-signature"].split(",")[0].removeprefix("t=")
        expected = sign_message(SECRET, int(seconds_text), each.body)
        assert each.headers["x-oms-signature"] == expected
    shown = await notified.sink("ops")
    assert (shown["delivered"], shown["failed"], shown["waiting"]) == (1, 2, 0)
    text = json.dumps([shown, row, await notified.call("GET", "/admin/audit")])
    assert SECRET not in text
    assert "127.0.0.1:" not in text


async def test_a_sink_that_hangs_delays_neither_another_nor_a_restart(notified: Notified) -> None:
    notified.server.statuses["/slow"] = [0] * 9
    events = ["deal_created"]
    await notified.add_sink("slow", events=events)
    await notified.add_sink("fast", events=events)
    stop = await notified.start_runner("one")
    assert (await notified.gateway.order("?wait_ms=8000")).status == 200
    await _arrived(notified, "/slow", 1)
    await _arrived(notified, "/fast", 1)
    assert (await notified.gateway.order("?wait_ms=8000")).status == 200
    await _arrived(notified, "/fast", 2)  # while the first message still hangs
    assert len(notified.server.of("/slow")) == 1

    stop.set()  # gracefully: the message that hangs is sent again by the next runner
    notified.server.statuses["/slow"] = []
    assert (await notified.gateway.order("?wait_ms=8000")).status == 200
    await notified.start_runner("two")
    await _arrived(notified, "/fast", 3)
    slow = await _arrived(notified, "/slow", 4)
    fast = [each.event_id for each in notified.server.of("/fast")]
    assert len(set(fast)) == len(fast) == 3
    assert sorted({each.event_id for each in slow}) == sorted(fast)


async def test_events_of_before_and_of_a_disabled_time_are_not_sent(notified: Notified) -> None:
    order = notified.gateway.order
    events = ["deal_created"]
    assert (await order("?wait_ms=8000")).status == 200
    sink = await notified.add_sink("ops", events=events)
    path = f"/notifications/sinks/{sink['id']}"
    assert (await order("?wait_ms=8000")).status == 200  # no runner runs: it is sent later
    await notified.start_runner()
    (got,) = await _arrived(notified, "/ops", 1)
    await notified.call("PATCH", path, {"status": "disabled"})
    assert (await order("?wait_ms=8000")).status == 200
    await notified.call("PATCH", path, {"status": "active", "account_ids": [77]})
    assert (await order("?wait_ms=8000")).status == 200
    await notified.call("PATCH", path, {"account_ids": []})
    assert (await order("?wait_ms=8000")).status == 200
    _, second = await _arrived(notified, "/ops", 2)
    assert second.event_id > got.event_id
    assert len(await notified.deliveries()) == 2


async def test_a_message_is_given_up_after_a_day_and_can_be_sent_again(notified: Notified) -> None:
    server, clock = notified.server, notified.clock
    server.statuses["/ops"] = [500]
    sink = await notified.add_sink("ops")
    test = await notified.call("POST", f"/notifications/sinks/{sink['id']}/test", {})
    assert test["status"] == "queued"
    stop = await notified.start_runner()
    await poll_until(lambda: notified.sink("ops"), lambda row: row["failed"] == 1, 10)
    stop.set()
    clock.advance(hours=25)
    server.statuses["/ops"] = [500]
    await notified.start_runner("two")
    (dead,) = await poll_until(lambda: notified.deliveries("?status=dead"), lambda rows: rows, 10)
    assert (dead["id"], dead["next_at"]) == (test["id"], None)
    assert (await notified.sink("ops"))["dead"] == 1
    path = f"/notifications/deliveries/{test['id']}/redeliver"
    again = await notified.call("POST", path, {})
    assert (again["status"], again["attempts"]) == ("queued", 0)


async def test_messages_of_a_sink_keep_their_interval(notified: Notified) -> None:
    sink = await notified.add_sink("ops", min_interval_seconds=60)
    path = f"/notifications/sinks/{sink['id']}/test"
    ids = [(await notified.call("POST", path, {}))["event_id"] for _ in range(2)]
    await notified.start_runner()
    await _arrived(notified, "/ops", 1)
    await poll_until(lambda: notified.sink("ops"), lambda row: row["waiting"] == 1, 10)
    notified.clock.advance(seconds=61)
    got = await _arrived(notified, "/ops", 2)
    assert [each.event_id for each in got] == ids


WRONG = [
    ({"name": "", "kind": "webhook", "url": "http://example.com"}, 422),
    ({"name": "a", "kind": "pigeon", "url": "http://example.com"}, 422),
    ({"name": "a", "kind": "webhook"}, 422),
    ({"name": "a", "kind": "webhook", "url": "ftp://example.com"}, 422),
    ({"name": "a", "kind": "webhook", "url": "http://"}, 422),
    ({"name": "a", "kind": "webhook", "url": "http://example.com:99999"}, 422),
    ({"name": "a", "kind": "webhook", "url": "http://example.com", "secret": "short"}, 422),
    ({"name": "a", "kind": "webhook", "url": "http://example.com", "events": ["A b"]}, 422),
    ({"name": "a", "kind": "webhook", "url": "http://x.y", "min_interval_seconds": -1}, 422),
    ({"name": "ops", "kind": "webhook", "url": "http://example.com"}, 409),
]


async def test_bad_input_of_each_route_changes_nothing(notified: Notified) -> None:
    sink = await notified.add_sink("ops")
    for body, status in WRONG:
        await notified.call("POST", "/notifications/sinks", body, status)
    path = f"/notifications/sinks/{sink['id']}"
    changes: list[dict[str, object]] = [{}, {"status": "asleep"}, {"url": "x"}, {"events": "a"}]
    for change in changes:
        await notified.call("PATCH", path, change, 422)
    for unknown in ("/notifications/sinks/99", "/notifications/sinks/x"):
        await notified.call("PATCH", unknown, {"status": "active"}, 404)
        await notified.call("POST", f"{unknown}/test", {}, 404)
    await notified.call("POST", "/notifications/deliveries/99/redeliver", {}, 404)
    await notified.call("GET", "/notifications/deliveries?status=lost", status=422)
    assert [await notified.sink("ops")] == [sink]

    queued = await notified.call("POST", f"{path}/test", {})
    redeliver = f"/notifications/deliveries/{queued['id']}/redeliver"
    assert (await notified.call("POST", redeliver, {}, 409))["detail"]["reason"] == "queued"
    await notified.call("PATCH", path, {"status": "disabled"})
    await notified.call("POST", f"{path}/test", {}, 409)
    refused = await notified.gateway.client("GET", "/notifications/sinks")
    assert refused.status == 403

    admin: Any = notified.gateway.api_context.sink_admin
    object.__setattr__(admin, "allow_private", False)
    body = {"name": "b", "kind": "webhook", "url": notified.server.url()}
    answer = await notified.call("POST", "/notifications/sinks", body, 422)
    assert answer["detail"]["reason"] == "private_address"
    object.__setattr__(admin, "has_apprise", False)
    body = {"name": "b", "kind": "apprise", "url": "tgram://token/chat"}
    answer = await notified.call("POST", "/notifications/sinks", body, 422)
    assert answer["detail"]["reason"] == "apprise_missing"


async def test_price_alerts_and_changes_of_sinks_are_seen(notified: Notified) -> None:
    await notified.add_sink("ops", events=["price_alert"])
    await notified.start_runner()
    gateway = notified.gateway
    alert = {
        "account_id": gateway.account_id,
        "symbol": "BTC/USDT:USDT",
        "condition": "above",
        "price": "51000",
    }
    assert (await gateway.client("POST", "/alerts?wait_ms=8000", alert)).status == 200
    await gateway.set_price("BTC/USDT:USDT", "52000")
    (got,) = await _arrived(notified, "/ops", 1)
    assert json.loads(got.body)["event"] == "price_alert"
    rows = (await notified.call("GET", "/admin/audit?entity=sink"))["items"]
    assert [row["action"] for row in rows] == ["sink_create"]
    assert rows[0]["actor"] == "admin"
    assert ADMIN_KEY not in json.dumps(rows)


async def test_changes_reach_the_audit_mirror_once(
    notified: Notified, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_mirror, "ROUND_SECONDS", 0.02)
    path = notified.gateway.api_context.settings.desk.audit_log_path
    assert path is not None

    async def lines() -> list[Any]:
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    stop = await notified.start_runner("one")
    await notified.add_sink("one")
    await poll_until(lines, lambda rows: rows and rows[-1]["entity"] == "sink", 10)
    stop.set()
    await notified.add_sink("two")
    await notified.start_runner("two")
    rows = await poll_until(lines, lambda rows: rows[-1]["payload"].get("name") == "two", 10)
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
    assert all(row["ts"].endswith("+00:00") for row in rows)
    (shown,) = (each for each in rows if each["payload"].get("name") == "one")
    assert (shown["type"], shown["actor"]) == ("sink_create", "admin")
    health = (await notified.gateway.client("GET", "/health")).json()
    assert health["audit_log_path"] == str(path)
    assert {task["name"] for task in health["tasks"]} >= {"audit_mirror", "notifications"}
