"""Receipt of signals over HTTP: one row and one command, whatever is repeated or refused."""

import asyncio
import json
from decimal import Decimal

import pytest

from kit.databases.sql import execute, fetch_number, fetch_rows
from kit.gateway.in_process import ADMIN_KEY, TRADER, InProcessGateway
from kit.gateway.signal_senders import BOUNCE, add_source, commands, post
from oms.adapters.sql.queue.command_queue import SqlCommandQueue
from oms.domain.errors import Unavailable

#: A signal of each kind of source.
BODIES = {
    "bounce": BOUNCE,
    "trade": {"symbol": "BTCUSDT", "side": "buy", "qty": "1", "alert_id": "t-1"},
    "tradingview": {"ticker": "BTCUSDT", "action": "buy", "alert_id": "a-1"},
}


async def test_bounce_signal_is_one_row_and_one_command(
    gateway: InProcessGateway, dsn: str
) -> None:
    source = await add_source(gateway, "bounce")
    path = f"/in/{source['path_token']}/signals/bounce"
    first = (await post(gateway, path, BOUNCE)).json()
    again = (await post(gateway, path, BOUNCE)).json()
    other = BOUNCE | {"timestamp": "2025-01-01T00:05:00Z"}
    parallel = await asyncio.gather(*(post(gateway, path, other) for _ in range(10)))

    assert first["received"] and first["oms_enabled"]
    assert (first["risk_ok"], first["status"], first["levels_final"]) == (None, "queued", False)
    assert (first["tp_price"], first["sl_price"]) == ("104.5", "98.5")
    assert (again["duplicate"], again["signal_id"]) == (True, first["signal_id"])
    assert again["command_id"] == first["command_id"]
    answers = [answer.json() for answer in parallel]
    assert len({answer["command_id"] for answer in answers}) == 1
    assert sum(not answer["duplicate"] for answer in answers) == 1
    payloads = commands(dsn)
    assert len(payloads) == 2
    assert (payloads[0]["symbol"], payloads[0]["action"]) == ("BTC/USDT", "buy")
    assert fetch_number(dsn, "SELECT COUNT(*) FROM signals") == 2
    assert fetch_number(dsn, "SELECT SUM(duplicate_count) FROM signals") == 10
    text = "SELECT COUNT(*) FROM event_outbox WHERE event_type = 'signal_duplicate'"
    assert fetch_number(dsn, text) == 10
    assert fetch_number(dsn, "SELECT COUNT(*) FROM audit_log WHERE action = 'bounce_signal'") == 12


async def test_refused_bodies_store_nothing(gateway: InProcessGateway, dsn: str) -> None:
    source = await add_source(gateway, "bounce")
    path = f"/in/{source['path_token']}/signals/bounce"
    wrong = [
        ({"side": "foo"}, "invalid_side"),
        ({"price": -5}, "invalid_price"),
        ({"price": "NaN"}, "invalid_price"),
        ({"sl_pct": -5}, "invalid_levels"),
        ({"sl_pct": 100}, "invalid_levels"),
        ({"side": "short", "tp_pct": 100}, "invalid_levels"),
        ({"symbol": "NOSUCH"}, "unknown_symbol"),
    ]
    for change, reason in wrong:
        answer = await post(gateway, path, BOUNCE | change)
        assert (answer.status, answer.detail["code"]) == (422, "validation_error"), change
        assert answer.detail["reason"] == reason
    huge = json.dumps(BOUNCE).replace("100", "1e999999999").encode()
    assert (await post(gateway, path, huge)).status == 422

    assert commands(dsn) == []
    assert fetch_number(dsn, "SELECT COUNT(*) FROM signals") == 0


async def test_alerts_without_id_repeat_within_a_window(
    gateway: InProcessGateway, dsn: str
) -> None:
    source = await add_source(gateway, "tradingview")
    path = f"/signals/tradingview/{source['path_token']}"
    alert = {"ticker": "BINANCE:BTCUSDT.P", "action": "sell", "quantity_pct": "50"}
    answers = await asyncio.gather(*(post(gateway, path, alert) for _ in range(4)))
    differs = await post(gateway, path, {**alert, "quantity_pct": "60"})
    execute(
        dsn,
        "UPDATE signals SET received_at = "
        + (
            "DATE_SUB(received_at, INTERVAL 121 SECOND)"
            if dsn.startswith("mysql")
            else "strftime('%Y-%m-%dT%H:%M:%f000Z', received_at, '-121 seconds')"
        ),
    )
    later = await post(gateway, path, alert)

    assert sorted(answer.status for answer in answers) == [200, 200, 200, 202]
    assert len({answer.json()["signal_id"] for answer in answers}) == 1
    assert [differs.status, later.status] == [202, 202]
    assert [row["symbol"] for row in commands(dsn)] == ["BTC/USDT:USDT"] * 3


async def test_alert_id_repeats_for_ever_and_names_its_action(
    gateway: InProcessGateway, dsn: str
) -> None:
    source = await add_source(gateway, "tradingview")
    path = f"/signals/tradingview/{source['path_token']}"
    alert = {"ticker": "BTCUSDT", "action": "buy", "alert_id": "a-1"}
    first = await post(gateway, path, alert)
    changed = await post(gateway, path, {**alert, "quantity": 2})
    closing = await post(gateway, path, {**alert, "action": "close"})

    assert first.status == 202
    assert changed.status == 200
    assert changed.json()["payload_differs"] is True
    assert changed.json()["signal_id"] == first.json()["signal_id"]
    # The buy is still queued: whether there is a position is the worker's to say.
    assert closing.status == 202
    assert len(commands(dsn)) == 2


async def test_a_close_while_a_command_is_running_is_left_to_the_worker(
    gateway: InProcessGateway, dsn: str
) -> None:
    """Between the legs of a reversal there is neither a position nor an order."""
    source = await add_source(gateway, "tradingview")
    path = f"/signals/tradingview/{source['path_token']}"
    await post(gateway, path, {"ticker": "BTCUSDT", "action": "buy", "quantity": "0.01"})
    execute(dsn, "UPDATE oms_commands SET status = 'running'")
    closing = await post(gateway, path, {"ticker": "BTCUSDT", "action": "close"})

    assert (closing.status, closing.json()["status"]) == (202, "queued")
    assert len(commands(dsn)) == 2


async def test_close_without_anything_to_close_is_ignored(
    gateway: InProcessGateway, dsn: str
) -> None:
    source = await add_source(gateway, "tradingview")
    path = f"/signals/tradingview/{source['path_token']}"
    answer = await post(gateway, path, {"ticker": "BTCUSDT", "action": "close"})
    stale = await post(
        gateway,
        path,
        {"ticker": "BTCUSDT", "action": "buy", "timenow": "2020-01-01T00:00:00Z"},
    )

    assert answer.status == 200
    assert (answer.json()["status"], answer.json()["reason_code"]) == ("ignored", "no_position")
    assert (stale.status, stale.json()["reason_code"]) == (202, "stale_signal")
    assert commands(dsn) == []
    text = "SELECT COUNT(*) FROM event_outbox WHERE event_type = 'signal_ignored'"
    assert fetch_number(dsn, text) == 2


async def test_switched_off_gateway_answers_bounce_and_sends_nothing(
    gateway: InProcessGateway, dsn: str
) -> None:
    source = await add_source(gateway, "bounce")
    off = {"enabled": False, "kind": "soft", "comment": "stop"}
    assert (await gateway.client("POST", "/risk/switch", off, key=ADMIN_KEY)).status == 200
    answer = await post(gateway, f"/in/{source['path_token']}/signals/bounce", BOUNCE)

    assert answer.status == 200
    body = answer.json()
    assert (body["oms_enabled"], body["risk_ok"], body["reason"]) == (
        False,
        False,
        "oms_disabled",
    )
    assert commands(dsn) == []


async def test_trade_signals_of_keys(gateway: InProcessGateway, dsn: str) -> None:
    """A bound key posts to its source; a key without one names an account it may trade on."""
    body = {"symbol": "BTC/USDT", "side": "buy", "qty": "0.5", "account_id": gateway.account_id}
    key_id = fetch_number(dsn, "SELECT id FROM user_api_keys WHERE key_prefix = 'oms_a-tr'")
    free = await gateway.client("POST", "/signals/trade", {**body, "reason": "breakout"})
    again = await gateway.client("POST", "/signals/trade", body)
    unbound = await gateway.client("POST", "/signals/bounce", BOUNCE)
    admin = await gateway.client("POST", "/signals/trade", body, key=ADMIN_KEY)
    await add_source(gateway, "trade", api_key_ids=[key_id], sizing={"kind": "qty", "value": 2})
    bound = await gateway.client("POST", "/signals/trade", {"symbol": "BTCUSDT", "side": "sell"})
    wide = await gateway.client(
        "POST", "/signals/trade", {**body, "account_id": gateway.account_id + 1}
    )
    stolen = await post(gateway, "/signals/trade", body, x_api_key="oms_of-unknown")

    assert free.status == 202
    assert (free.json()["status"], free.json()["dedupe"]) == ("accepted", False)
    assert free.json()["signal"]["reason"] == "breakout"
    assert again.json()["signal_id"] != free.json()["signal_id"]
    assert (unbound.status, unbound.detail["reason"]) == (403, "no_signal_source")
    assert (admin.status, admin.detail["code"]) == (403, "admin_read_only")
    assert bound.status == 202
    assert (wide.status, wide.detail["reason"]) == (403, "source_account")
    assert (stolen.status, stolen.detail["code"]) == (401, "invalid_credentials")
    rows = fetch_rows(dsn, "SELECT actor_user_id FROM oms_commands ORDER BY id")
    assert len(rows) == 3
    assert all(row[0] > 0 for row in rows)


async def test_idempotency_key_of_a_source(gateway: InProcessGateway, dsn: str) -> None:
    source = await add_source(gateway, "trade")
    path = f"/in/{source['path_token']}/signals/trade"
    body = {"symbol": "BTCUSDT", "side": "buy"}
    first = await post(gateway, path, body, idempotency_key="k-1")
    again = await post(gateway, path, body, idempotency_key="k-1")
    other = await post(gateway, path, {**body, "side": "sell"}, idempotency_key="k-1")

    assert [first.status, again.status, other.status] == [202, 200, 422]
    assert again.json()["signal_id"] == first.json()["signal_id"]
    assert other.detail["code"] == "idempotency_mismatch"
    assert len(commands(dsn)) == 1


async def test_signal_of_a_group_is_one_command_per_member(
    gateway: InProcessGateway, dsn: str
) -> None:
    second = await gateway.add_account("hedge")
    members = [
        {"account_id": gateway.account_id, "ratio": "1"},
        {"account_id": second, "ratio": "0.5"},
    ]
    group = await gateway.client(
        "POST", "/account-groups", {"name": "both", "members": members}, key=ADMIN_KEY
    )
    source = await add_source(gateway, "tradingview", account_group_id=group.json()["group_id"])
    path = f"/signals/tradingview/{source['path_token']}"
    alert = {"ticker": "BTCUSDT", "action": "buy", "alert_id": "g-1"}
    first, again = await post(gateway, path, alert), await post(gateway, path, alert)

    assert (first.status, again.status) == (202, 200)
    assert [row["account_id"] for row in first.json()["members"]] == [gateway.account_id, second]
    assert again.json()["members"] == first.json()["members"]
    assert [row.get("ratio") for row in commands(dsn)] == ["1", "0.5"]
    assert fetch_number(dsn, "SELECT COUNT(DISTINCT group_signal_id) FROM signals") == 1


async def test_shares_by_equity_are_those_of_the_receipt(
    gateway: InProcessGateway, dsn: str
) -> None:
    second = await gateway.add_account("hedge")
    weights = {gateway.account_id: "1", second: "2"}
    members = [{"account_id": key, "equity_weight": text} for key, text in weights.items()]
    group = await gateway.client(
        "POST", "/account-groups", {"name": "both", "members": members}, key=ADMIN_KEY
    )
    source = await add_source(gateway, "tradingview", account_group_id=group.json()["group_id"])
    path = f"/signals/tradingview/{source['path_token']}"
    alert = {"ticker": "BTCUSDT", "action": "buy", "alert_id": "e-1", "quantity": "1"}
    first = await post(gateway, path, alert)
    stored = [(row["ratio"], row["ratio_total"], row["equity_weight"]) for row in commands(dsn)]
    own, doubled = (Decimal(row[0]) for row in stored)
    assert first.status == 202 and doubled == 2 * own > 0
    assert [row[1:] for row in stored] == [(str(own + doubled), w) for w in weights.values()]
    execute(dsn, f"UPDATE account_group_members SET equity_weight = 9 WHERE account_id={second}")
    again = await post(gateway, path, alert)
    assert again.json()["members"] == first.json()["members"] and len(commands(dsn)) == 2


@pytest.mark.parametrize("kind", ["bounce", "trade", "tradingview"])
async def test_without_a_database_a_resend_is_asked_for_and_harmless(
    gateway: InProcessGateway, dsn: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The only answer of 500 or more: nothing is stored, and the resend is executed once."""
    source = await add_source(gateway, kind)
    path, body = f"/in/{source['path_token']}/signals/{kind}", BODIES[kind]

    async def fail(*_: object) -> None:
        raise Unavailable("the database does not respond")

    with monkeypatch.context() as patched:
        patched.setattr(SqlCommandQueue, "enqueue", fail)
        refused = await post(gateway, path, body)
    assert refused.status == 503, refused.body
    detail = refused.json()["detail"]
    assert (detail["code"], detail["retryable"]) == ("database_unavailable", True)
    assert commands(dsn) == []
    for _ in range(3):
        assert (await post(gateway, path, body)).status < 300
    assert len(commands(dsn)) == 1


async def test_full_queue_is_reported_and_stored(gateway: InProcessGateway, dsn: str) -> None:
    gateway.api_context.queue_depths.depth_max = 1
    source = await add_source(gateway, "bounce")
    path = f"/in/{source['path_token']}/signals/bounce"
    await post(gateway, path, BOUNCE)
    full = await post(gateway, path, BOUNCE | {"timestamp": "2025-01-01T00:05:00Z"})

    assert full.status == 200
    assert (full.json()["risk_ok"], full.json()["reason_code"]) == (False, "queue_full")
    assert full.json()["risk_reason"].startswith("queue_full (")
    assert len(commands(dsn)) == 1
    rows = fetch_rows(dsn, "SELECT status FROM signals ORDER BY id")
    assert [row[0] for row in rows] == ["queued", "blocked"]


async def test_lists_are_limited_to_readable_accounts(gateway: InProcessGateway) -> None:
    source = await add_source(gateway, "bounce")
    path = f"/in/{source['path_token']}/signals/bounce"
    signal_id = (await post(gateway, path, BOUNCE)).json()["signal_id"]
    other = await gateway.add_account("hedge")
    key = await gateway.add_key("other", "oms_of-another-trader", grants={other: TRADER})
    mine = (await gateway.client("GET", "/signals?status=queued&source=bounce-source")).json()
    none = (await gateway.client("GET", "/signals?source=unknown")).json()
    theirs = (await gateway.client("GET", "/signals", key=key)).json()
    detail = (await gateway.client("GET", f"/signals/{signal_id}")).json()
    hidden = await gateway.client("GET", f"/signals/{signal_id}", key=key)
    listed = await gateway.client("GET", "/signals/sources", key=ADMIN_KEY)
    refused = await gateway.client("GET", "/signals/sources")

    assert [row["signal_id"] for row in mine["items"]] == [signal_id]
    assert (mine["total"], none["items"], theirs["items"]) == (1, [], [])
    assert detail["signal"]["raw"]["strategy"] == "bounce_ema10_strict"
    assert [row["command"] for row in detail["lineage"]["commands"]] == ["signal"]
    assert hidden.status == 404
    assert listed.json()["items"][0]["counts"]["queued"] == 1
    assert refused.status == 403
