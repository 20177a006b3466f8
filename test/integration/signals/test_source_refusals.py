"""A source shows why its last request was refused before it became a signal."""

from typing import Any

from kit.databases.sql import fetch_number
from kit.gateway.in_process import ADMIN_KEY, InProcessGateway
from kit.gateway.signal_senders import BOUNCE, SECRET, add_source, post


async def _source(gateway: InProcessGateway) -> Any:
    (row,) = (await gateway.client.get("/signals/sources", key=ADMIN_KEY))["items"]
    return row


async def test_source_shows_its_last_refusal(gateway: InProcessGateway, dsn: str) -> None:
    made = await add_source(gateway, "bounce", rate_per_minute=2, secret=SECRET)
    assert (made["source"]["last_refusal"], made["source"]["last_seen_at"]) == (None, None)
    path = f"/in/{made['path_token']}/signals/bounce"
    before = await _source(gateway)
    bodies: list[tuple[object, str, str]] = [
        (b'{"secret": "' + SECRET.encode() + b'", ', "validation_error", "body"),
        (BOUNCE | {"symbol": "NOSUCH", "secret": SECRET}, "unknown_symbol", "NOSUCH"),
        (BOUNCE | {"side": "up"}, "invalid_side", "side"),
        (BOUNCE, "source_rate", "2 signals per minute"),
    ]
    moments = []
    for body, reason, words in bodies:
        answer = await post(gateway, path, body)
        assert answer.status in (422, 429), answer.body
        refusal = (await _source(gateway))["last_refusal"]
        assert refusal["reason"] == reason and words in refusal["message"]
        assert refusal["message"] == answer.detail["message"]
        moments.append(refusal["refused_at"])
    assert moments == sorted(set(moments))
    after = await _source(gateway)
    same = {"updated_at", "last_seen_at", "counts", "settings"}
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    text = f"SELECT COUNT(*) FROM signal_sources WHERE last_refused_text LIKE '%{SECRET}%'"
    assert fetch_number(dsn, text) == 0
    assert fetch_number(dsn, "SELECT COUNT(*) FROM signals") == 0


async def test_refusals_with_one_reason_are_stored_rarely(gateway: InProcessGateway) -> None:
    path = f"/in/{(await add_source(gateway, 'bounce'))['path_token']}/signals/bounce"
    for symbol in ("FIRST", "SECOND"):
        assert (await post(gateway, path, BOUNCE | {"symbol": symbol})).status == 422
    assert "FIRST" in (await _source(gateway))["last_refusal"]["message"]
    assert (await post(gateway, path, BOUNCE | {"price": 0})).status == 422
    assert (await _source(gateway))["last_refusal"]["reason"] == "invalid_price"
    assert (await post(gateway, path, BOUNCE)).status == 200
    row = await _source(gateway)
    (signal,) = (await gateway.client.get("/signals"))["items"]
    assert row["last_seen_at"] == signal["received_at"] > row["last_refusal"]["refused_at"]
    metrics = await gateway.client("GET", "/metrics", key=ADMIN_KEY)
    line = b'oms_signals_total{source="bounce-source",status="refused"} 3.0'
    assert line in metrics.body.splitlines()


async def test_requests_without_valid_credentials_leave_no_refusal(
    gateway: InProcessGateway,
) -> None:
    made = await add_source(gateway, "bounce")
    for path in ("/in/wrong/signals/bounce", "/signals/bounce?source=bounce-source"):
        assert (await post(gateway, path, b"{")).status == 401
    number = made["source"]["source_id"]
    change = {"status": "disabled"}
    answer = await gateway.client("PATCH", f"/signals/sources/{number}", change, key=ADMIN_KEY)
    assert answer.status == 200
    assert (await post(gateway, f"/in/{made['path_token']}/signals/bounce", b"{")).status == 401
    assert (await _source(gateway))["last_refusal"] is None
