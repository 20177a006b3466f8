"""Credentials of signals: each one presented must be valid, and none of them is shown."""

import hashlib
import hmac
import json

from kit.databases.sql import execute, fetch_number, fetch_rows
from kit.gateway.in_process import ADMIN_KEY, InProcessGateway
from kit.gateway.signal_senders import ALERT, BOUNCE, SECRET, SIGNATURE, add_source, commands, post


async def test_golden_signature_of_tradingview(gateway: InProcessGateway, dsn: str) -> None:
    assert len(ALERT) == 136
    assert hmac.new(SECRET.encode(), ALERT, hashlib.sha256).hexdigest() == SIGNATURE
    await add_source(gateway, "tradingview", secret=SECRET)
    path = "/signals/tradingview?source=tradingview-source"
    accepted = await post(gateway, path, ALERT, x_tradingview_signature=f"sha256={SIGNATURE}")
    upper = await post(gateway, path, ALERT, x_tradingview_sign=SIGNATURE.upper())

    assert accepted.status == 202
    assert accepted.json()["success"] and accepted.json()["status"] == "queued"
    assert (upper.status, upper.json()["duplicate"]) == (200, True)
    assert len(commands(dsn)) == 1
    assert commands(dsn)[0]["signal_price"] == "50000"


async def test_every_presented_credential_must_be_valid(
    gateway: InProcessGateway, dsn: str
) -> None:
    """Each row is refused with one and the same body, and stores nothing."""
    source = await add_source(gateway, "tradingview", secret=SECRET)
    bare = await add_source(gateway, "tradingview", name="bare")
    token = f"/signals/tradingview/{source['path_token']}"
    named = "/signals/tradingview?source=tradingview-source"
    secret = json.dumps({**json.loads(ALERT), "secret": "wrong-secret"}).encode()
    empty = json.dumps({**json.loads(ALERT), "secret": ""}).encode()
    number = json.dumps({**json.loads(ALERT), "secret": 5}).encode()
    bad_signature = "0" * 64
    refusals = [
        await post(gateway, named, ALERT),
        await post(gateway, named, b"{"),
        await post(gateway, named, secret),
        await post(gateway, named, empty),
        await post(gateway, named, number),
        await post(gateway, named, ALERT[:-1] + b" }", x_tradingview_signature=SIGNATURE),
        await post(gateway, named, ALERT, x_tradingview_signature=bad_signature),
        await post(gateway, named, ALERT, x_tradingview_signature=SIGNATURE[:-1] + "\xe9"),
        await post(gateway, named, ALERT, x_tradingview_signature="sha256="),
        await post(gateway, "/signals/tradingview?source=bare", ALERT),
        await post(
            gateway,
            "/signals/tradingview?source=bare",
            ALERT,
            x_tradingview_signature=SIGNATURE,
        ),
        await post(gateway, "/signals/tradingview?source=unknown", ALERT),
        await post(gateway, "/signals/tradingview", ALERT),
        await post(gateway, token[:-1] + "_", ALERT),
        await post(gateway, token, ALERT, x_tradingview_signature=bad_signature),
        await post(gateway, token, secret),
        await post(gateway, f"{token}?source=bare", ALERT),
        await post(gateway, f"{token}?source=unknown", ALERT),
        await post(gateway, f"/in/{source['path_token']}/signals/bounce", BOUNCE),
    ]

    assert bare["secret"] is None
    bodies = set()
    for answer in refusals:
        assert answer.status == 401, answer.body
        detail = answer.json()["detail"]
        bodies.add((detail["code"], detail["message"], detail["reason"]))
        assert answer.headers["www-authenticate"] == "Bearer"
    assert len(bodies) == 1
    assert commands(dsn) == []
    assert fetch_number(dsn, "SELECT COUNT(*) FROM signals") == 0


async def test_failed_attempts_lock_their_peer_only(gateway: InProcessGateway) -> None:
    source = await add_source(gateway, "tradingview")
    path = f"/signals/tradingview/{source['path_token']}"
    statuses = [
        (await post(gateway, path[:-1] + "_", ALERT, x_forwarded_for="203.0.113.9")).status
        for _ in range(22)
    ]
    locked = await post(gateway, path, ALERT, x_forwarded_for="203.0.113.9")
    other = await post(gateway, path, ALERT, x_forwarded_for="203.0.113.10")

    assert statuses == [401] * 20 + [429] * 2
    assert locked.status == 429
    assert locked.json()["detail"]["reason"] == "failed_attempts"
    assert int(locked.headers["retry-after"]) <= 60
    assert other.status == 202


async def test_address_rate_status_and_size_of_a_source(gateway: InProcessGateway) -> None:
    source = await add_source(
        gateway, "tradingview", ip_allowlist=["203.0.113.0/24"], rate_per_minute=2
    )
    path = f"/signals/tradingview/{source['path_token']}"
    where = {"x_forwarded_for": "203.0.113.9"}
    foreign = await post(gateway, path, ALERT, x_forwarded_for="198.51.100.1")
    forged = await post(gateway, path, ALERT, x_forwarded_for="203.0.113.9, 198.51.100.1")
    large = await post(gateway, path, b" " * 16_385, **where)
    answers = [await post(gateway, path, ALERT, **where) for _ in range(3)]
    change = {"status": "disabled"}
    number = source["source"]["source_id"]
    changed = await gateway.client("PATCH", f"/signals/sources/{number}", change, key=ADMIN_KEY)
    disabled = await post(gateway, path, ALERT, **where)

    assert [foreign.status, forged.status] == [403, 403]
    assert foreign.json()["success"] is False
    assert foreign.json()["detail"]["code"] == "ip_not_allowed"
    assert (large.status, large.json()["detail"]["code"]) == (413, "payload_too_large")
    assert [answer.status for answer in answers] == [202, 200, 429]
    assert "retry-after" in answers[2].headers
    assert changed.json()["source"]["status"] == "disabled"
    assert disabled.status == 401


async def test_rotation_keeps_the_old_values_for_a_while(
    gateway: InProcessGateway, dsn: str
) -> None:
    source = await add_source(gateway, "tradingview", secret=SECRET)
    number = source["source"]["source_id"]
    rotate = f"/signals/sources/{number}/rotate"
    made = (await gateway.client("POST", rotate, {"keep_seconds": 600}, key=ADMIN_KEY)).json()
    old, new = (f"/signals/tradingview/{row['path_token']}" for row in (source, made))
    signed = hmac.new(made["secret"].encode(), ALERT, hashlib.sha256).hexdigest()
    both = [
        (await post(gateway, old, ALERT, x_tradingview_signature=SIGNATURE)).status,
        (await post(gateway, new, ALERT, x_tradingview_signature=signed)).status,
    ]
    execute(dsn, "UPDATE signal_sources SET rotate_until = created_at")
    late = [
        (await post(gateway, old, ALERT)).status,
        (await post(gateway, new, ALERT, x_tradingview_signature=SIGNATURE)).status,
        (await post(gateway, new, ALERT, x_tradingview_signature=signed)).status,
    ]

    assert both == [202, 200]
    assert late == [401, 401, 200]


async def test_no_token_and_no_secret_is_stored_or_shown(
    gateway: InProcessGateway, dsn: str
) -> None:
    source = await add_source(gateway, "tradingview", generate_secret=True)
    token, secret = source["path_token"], source["secret"]
    alert = {"ticker": "BTCUSDT", "action": "buy", "secret": secret}
    first = await post(gateway, f"/signals/tradingview/{token}", alert)
    again = await post(gateway, "/signals/tradingview?source=tradingview-source", alert)
    listed = await gateway.client("GET", "/signals/sources", key=ADMIN_KEY)
    detail = await gateway.client("GET", f"/signals/{first.json()['signal_id']}")

    assert (first.status, again.status) == (202, 200)
    assert detail.json()["signal"]["raw"]["secret"] == "***"
    answered = first.body + again.body + listed.body + detail.body
    assert token.encode() not in answered
    assert secret.encode() not in answered
    tables = ("signals", "signal_sources", "audit_log", "oms_commands", "event_outbox")
    for table in (*tables, "idempotency_keys"):
        stored = repr(fetch_rows(dsn, f"SELECT * FROM {table}"))
        assert token not in stored, table
        assert secret not in stored, table
