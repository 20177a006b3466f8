"""Requests can be repeated: request_id, client_order_id and Idempotency-Key."""

from kit.gateway.processes import Gateway
from kit.http.client import call, get

ORDER = {"symbol": "BTC/USDT:USDT", "side": "buy", "order_type": "market", "qty": "0.01"}


def test_a_repeated_request_id_returns_the_first_result(gateway: Gateway) -> None:
    command = _command(gateway, ORDER) | {"request_id": "once"}
    _, first, _ = call(gateway, "POST", "/oms/commands", command)
    status, again, _ = call(gateway, "POST", "/oms/commands", command)
    assert status == 200
    assert again["results"][0]["command_id"] == first["results"][0]["command_id"]
    assert again["results"][0]["order_id"] == first["results"][0]["order_id"]
    assert again["results"][0]["replayed"] is True


def test_a_request_id_with_other_content_is_a_mismatch(gateway: Gateway) -> None:
    command = _command(gateway, ORDER) | {"request_id": "other"}
    call(gateway, "POST", "/oms/commands", command)
    changed = _command(gateway, ORDER | {"qty": "0.02"}) | {"request_id": "other"}
    status, body, _ = call(gateway, "POST", "/oms/commands", changed)
    assert (status, body["detail"]["code"]) == (422, "idempotency_mismatch")
    assert body["detail"]["reason"] == "request_id"


def test_a_repeated_client_order_id_is_the_same_order(gateway: Gateway) -> None:
    command = _command(gateway, ORDER | {"client_order_id": "mine-1"})
    _, first, _ = call(gateway, "POST", "/oms/commands", command)
    _, again, _ = call(gateway, "POST", "/oms/commands", command)
    assert again["results"][0]["order_id"] == first["results"][0]["order_id"]
    (row,) = get(gateway, f"/oms/orders/{first['results'][0]['order_id']}")["items"]
    assert row["filled_qty"] == "0.01"
    changed = _command(gateway, ORDER | {"client_order_id": "mine-1", "qty": "0.02"})
    status, body, _ = call(gateway, "POST", "/oms/commands", changed)
    assert (status, body["detail"]["code"]) == (422, "idempotency_mismatch")
    assert body["detail"]["reason"] == "client_order_id"


def test_an_idempotency_key_covers_the_whole_request(gateway: Gateway) -> None:
    body = [_command(gateway, ORDER), _command(gateway, ORDER)]
    key = {"Idempotency-Key": "batch-1"}
    status, first, headers = call(gateway, "POST", "/oms/commands", body, headers=key)
    assert status == 200
    assert "idempotent-replayed" not in headers
    status, again, headers = call(gateway, "POST", "/oms/commands", body, headers=key)
    assert (status, headers["idempotent-replayed"]) == (200, "true")
    assert _ids(again) == _ids(first)
    status, wrong, _ = call(gateway, "POST", "/oms/commands", body[:1], headers=key)
    assert (status, wrong["detail"]["code"]) == (422, "idempotency_mismatch")


def _ids(body: dict[str, list[dict[str, int]]]) -> list[int]:
    return [result["order_id"] for result in body["results"]]


def _command(gateway: Gateway, payload: dict[str, str]) -> dict[str, object]:
    account_id = gateway.netting_account_id
    return {"account_id": account_id, "command": "send_order", "payload": payload}
