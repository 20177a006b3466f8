"""Orders of paper accounts off the grid: rounded as at exchanges, with what was asked beside it."""

from typing import Any

import pytest

from kit.gateway.in_process import InProcessGateway

#: The tick is 0.1, the step 0.001.
OFF = {"order_type": "limit", "qty": "0.0119"}
REFUSE = {"params": {"precision": "refuse"}}


async def send(gateway: InProcessGateway, **payload: object) -> dict[str, Any]:
    """The result of an order."""
    return await result_of(gateway, gateway.command(**payload))


async def command(gateway: InProcessGateway, name: str, **payload: object) -> dict[str, Any]:
    """The result of another command."""
    body = {"account_id": gateway.account_id, "command": name, "payload": payload}
    return await result_of(gateway, body)


async def result_of(gateway: InProcessGateway, body: dict[str, Any]) -> dict[str, Any]:
    """The result of the only command of a request."""
    answer = (await gateway.client("POST", "/oms/commands?wait_ms=8000", body)).json()
    results = answer["results"] if "results" in answer else answer["detail"]["results"]
    result: dict[str, Any] = results[0]
    return result


async def stored(gateway: InProcessGateway, order_id: int) -> dict[str, Any]:
    """The order's row."""
    row: dict[str, Any] = (await gateway.client.get(f"/oms/orders/{order_id}"))["items"][0]
    return row


def terms(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["qty"], row["price"], row["requested_qty"], row["requested_price"]


@pytest.mark.parametrize(
    ("side", "asked", "price"), [("buy", "40000.07", "40000"), ("sell", "60000.01", "60000.1")]
)
async def test_an_order_is_rounded_and_shows_what_was_asked(
    busy: InProcessGateway, side: str, asked: str, price: str
) -> None:
    result = await send(busy, **OFF, side=side, price=asked)
    assert (result["status"], result["order"]["state"]) == ("done", "SUBMITTED")
    assert terms(result["order"]) == ("0.011", price, "0.0119", asked)
    assert terms(await stored(busy, result["order_id"])) == terms(result["order"])
    (seen,) = (
        await busy.client("POST", f"/ccxt/{busy.account_id}/fetch_open_orders", {"args": []})
    ).json()["result"]
    assert (seen["amount"], seen["price"]) == (0.011, float(price)), "as the exchange has it"


async def test_a_market_order_and_a_close_are_rounded(busy: InProcessGateway) -> None:
    bought = await send(busy, qty="0.0119")
    assert (bought["order"]["state"], bought["order"]["filled_qty"]) == ("FILLED", "0.011")
    position_id = bought["order"]["position_id"]
    closed = await command(busy, "close_position", position_id=position_id, qty="0.00599")
    assert terms(closed["order"]) == ("0.005", None, "0.00599", None)
    rest = await command(busy, "close_position", position_id=position_id)
    assert terms(rest["order"]) == ("0.006", None, None, None), "all of it was asked for"


@pytest.mark.parametrize(
    ("off", "reason"), [({"qty": "0.0119"}, "qty"), ({"price": "40000.07"}, "price")]
)
async def test_with_refuse_nothing_is_rounded(
    busy: InProcessGateway, off: dict[str, str], reason: str
) -> None:
    order = {"order_type": "limit", "qty": "0.01", "price": "40000", **REFUSE}
    refused = await send(busy, **(order | off))
    assert refused["status"] == "refused"
    assert (refused["error"]["code"], refused["error"]["reason"]) == ("precision_mismatch", reason)
    row = await stored(busy, refused["order_id"])
    assert row["state"] == "REJECTED"
    asked = order | off
    assert terms(row) == (asked["qty"], asked["price"]) * 2


async def test_a_change_is_rounded_unless_the_order_refuses_that(busy: InProcessGateway) -> None:
    made = await send(busy, **OFF, price="40000.07")
    changed = await command(
        busy, "change_order", order_id=made["order_id"], new_price="41000.09", new_qty="0.0209"
    )
    assert changed["status"] == "done"
    row = await stored(busy, made["order_id"])
    assert terms(row) == ("0.02", "41000", "0.0119", "40000.07"), "of the command that placed it"
    exact = await send(busy, order_type="limit", price="40000", **REFUSE)
    for new in ({"new_price": "41000.09"}, {"new_qty": "0.0209"}):
        refused = await command(busy, "change_order", order_id=exact["order_id"], **new)
        assert refused["error"]["code"] == "precision_mismatch"
    row = await stored(busy, exact["order_id"])
    assert terms(row) == ("0.01", "40000", "0.01", "40000")


async def test_less_than_a_step_is_refused(busy: InProcessGateway) -> None:
    refused = await send(busy, qty="0.0009")
    assert refused["error"]["code"] == "qty_below_minimum"
    assert (await stored(busy, refused["order_id"]))["requested_qty"] == "0.0009"


async def test_an_order_sent_to_the_exchange_directly_has_no_requested_values(
    busy: InProcessGateway,
) -> None:
    args = ["BTC/USDT:USDT", "limit", "buy", 0.0119, 40000.07]
    path = f"/ccxt/{busy.account_id}/create_order"
    answer = await busy.client("POST", path, {"args": args})
    assert answer.status == 200, answer.body
    (row,) = (await busy.client.get(f"/oms/orders/open?account_ids={busy.account_id}"))["items"]
    assert terms(row) == ("0.011", "40000.1", None, None)
