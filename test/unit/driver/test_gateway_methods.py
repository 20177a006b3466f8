"""Methods of the gateway that ccxt does not have: their requests and what they return."""

import pytest

from ccxt_driver.errors import OmsDriverError
from kit.http.stub_transport import failure, make_exchange, results

ORDER = ("BTC/USDT", "limit", "buy", 0.3, 100)


def test_a_preview_asks_what_the_order_would_do() -> None:
    preview = {"status": "blocked", "refusal": {"reason": "max_order_notional"}}
    exchange, transport = make_exchange({"results": [{"index": 0, "ok": True, "preview": preview}]})
    found = exchange.preview_order(*ORDER, {"wait_ms": 50, "session_policy": "queue_until_open"})
    assert found == preview
    sent = transport.only_request
    assert (sent.method, sent.path, sent.query) == (
        "POST",
        "/oms/commands/preview",
        {"wait_ms": "50"},
    )
    assert (sent.payload["account_id"], sent.payload["command"]) == (7, "send_order")
    payload = sent.payload["payload"]
    assert (payload["qty"], payload["price"]) == ("0.3", "100")
    assert payload["session_policy"] == "queue_until_open"


def test_an_order_for_a_group_returns_the_result_of_each_account() -> None:
    reply = results({"account_id": 1}, {"account_id": 2, "ok": False, "error": {"code": "x"}})
    exchange, transport = make_exchange(reply)
    assert exchange.create_group_order(3, *ORDER) == reply["results"]
    sent = transport.only_request.payload
    assert (sent["group_id"], sent["payload"]["qty"], "account_id" in sent) == (3, "0.3", False)


def test_groups_and_alerts_are_the_rows_of_the_gateway() -> None:
    row = {"alert_id": 4, "condition": "above"}
    answers = {"items": [{"group_id": 1}]}, {"alert": row}, {"items": [row]}, {"ok": True}
    exchange, transport = make_exchange(*answers)
    assert exchange.fetch_account_groups() == [{"group_id": 1}]
    assert exchange.create_price_alert("BTC/USDT", "above", 1e5, "look") == row
    assert exchange.fetch_price_alerts() == [row]
    assert exchange.cancel_price_alert(4) == {"ok": True}
    sent = [(each.method, each.path) for each in transport.sent]
    assert sent == [
        ("GET", "/account-groups"),
        ("POST", "/alerts"),
        ("GET", "/alerts"),
        ("DELETE", "/alerts/4"),
    ]
    assert transport.sent[1].payload == {
        "account_id": 7,
        "symbol": "BTC/USDT",
        "condition": "above",
        "price": "100000",
        "note": "look",
    }
    assert [each.query["account_id"] for each in transport.sent[2:]] == ["7", "7"]


def test_a_refused_preview_raises() -> None:
    exchange, _ = make_exchange(failure("permission_denied"))
    with pytest.raises(OmsDriverError) as caught:
        exchange.preview_order(*ORDER)
    assert caught.value.code == "permission_denied"
