"""Closing a position under its own path, and the stop loss at the break-even price."""

import asyncio
from typing import Any

import pytest

from kit.exchanges.deferred_exchange import connect_deferred
from kit.gateway.in_process import TRADER
from kit.gateway.paper_trader import PaperTrader
from oms.domain.value import evolve

FEES = '{"oms":{"paper":{"source":"manual","maker":0.001,"taker":0.001}%s}}'


async def close(trader: PaperTrader, position_id: int, **body: Any) -> Any:
    """The response of the route."""
    path = f"/oms/positions/{position_id}/close"
    return await trader.gateway.client("POST", path, body, key=trader.key)


async def test_route_closes_once_and_returns_the_position(trader: PaperTrader) -> None:
    position_id = await trader.open("2")
    part = await close(trader, position_id, qty_pct="25", comment="a quarter")
    assert (part.status, part.json()["id"], part.json()["qty"]) == (200, position_id, "1.5")
    rest = await close(trader, position_id)
    assert (rest.status, rest.json()["state"], rest.json()["close_reason"]) == (
        200,
        "closed",
        "api",
    )
    assert rest.headers["location"].startswith("/oms/commands/")
    deals = await trader.deals(position_id)
    again = await close(trader, position_id, qty="1")
    assert (again.status, again.json()) == (200, rest.json())
    assert await trader.deals(position_id) == deals
    assert (await trader.orders())[1]["comment"] == "a quarter"
    await trader.assert_healthy()


async def test_route_refuses_what_it_cannot_close(trader: PaperTrader) -> None:
    position_id = await trader.open("2")
    for number in (position_id + 1000, "x"):
        answer = await close(trader, number)  # type: ignore[arg-type]
        assert (answer.status, answer.json()["detail"]["code"]) == (404, "position_not_found")
    for body in ({"qty": "1", "qty_pct": "5"}, {"qty_pct": "101"}, {"price": "5"}, {"qty": "-1"}):
        assert (await close(trader, position_id, **body)).status == 422
    more = await close(trader, position_id, qty="3")
    assert (more.status, more.json()["detail"]["code"]) == (422, "invalid_close_volume")
    resting = {"position_id": position_id, "order_type": "limit", "price": "200"}
    await trader.run("close_position", **resting)
    busy = await close(trader, position_id)
    code = busy.json()["detail"]["code"]
    assert (busy.status, code) == (409, "position_close_in_progress")


async def test_route_needs_the_permission_also_for_closed_positions(trader: PaperTrader) -> None:
    position_id = await trader.open()
    await close(trader, position_id)
    grants = {trader.account_id: evolve(TRADER, can_close_position=False)}
    await trader.gateway.add_key("reads", "oms_a-reader-of-positions", grants=grants)
    path = f"/oms/positions/{position_id}/close"
    answer = await trader.gateway.client("POST", path, {}, key="oms_a-reader-of-positions")
    assert (answer.status, answer.json()["detail"]["code"]) == (403, "permission_denied")


async def test_route_without_a_price_answers_no_price(trader: PaperTrader) -> None:
    position_id = await trader.open()
    exchange = trader.gateway.worker.processor.states[trader.account_id].exchange
    exchange._engine.state = evolve(exchange._engine.state, markets={})
    answer = await close(trader, position_id)
    assert (answer.status, answer.json()["detail"]["code"]) == (502, "no_price")


async def test_same_key_closes_once(trader: PaperTrader) -> None:
    position_id = await trader.open("2")
    path, body = f"/oms/positions/{position_id}/close", {"qty": "0.5"}
    headers = {"Idempotency-Key": "half"}
    send = trader.gateway.client
    first = await send("POST", path, body, key=trader.key, headers=headers)
    second = await send("POST", path, body, key=trader.key, headers=headers)
    assert (first.status, second.status, first.json()) == (200, 200, second.json())
    assert (await trader.position(position_id))["qty"] == "1.5"


async def test_concurrent_closes_close_once(trader: PaperTrader) -> None:
    position_id = await trader.open("2")
    answers = await asyncio.gather(*(close(trader, position_id) for _ in range(4)))
    assert {answer.status for answer in answers} <= {200, 409}
    assert len(await trader.deals(position_id)) == 2


async def test_real_exchange_answers_while_the_close_is_open(trader: PaperTrader) -> None:
    await trader.stop()
    trader.gateway.worker.processor.connect = connect_deferred
    trader.start()
    position_id = await trader.open()
    path = f"/oms/positions/{position_id}/close?wait_ms=0"
    answer = await trader.gateway.client("POST", path, {}, key=trader.key)
    assert (answer.status, answer.json()["id"]) == (202, position_id)
    assert (await trader.closed(position_id))["qty"] == "0"


async def test_break_even_of_a_position_without_fees(trader: PaperTrader) -> None:
    position_id = await trader.open(stop_loss_pct="5", stop_gain="150")
    refused = await trader.answer("break_even", position_id=position_id)
    detail = refused.json()["detail"]
    assert (refused.status, detail["code"], detail["reason"]) == (
        *(422, "validation_error", "invalid_stops"),
    )
    assert "100" in detail["message"] and detail["limit"] == "100"
    await trader.price("110")
    await trader.run("break_even", position_id=position_id)
    row = await trader.position(position_id)
    assert (row["stop_loss"], row["stop_loss_pct"], row["stop_gain"]) == ("100", None, "150")
    await trader.price("99.9")
    assert (await trader.closed(position_id))["close_reason"] == "sl"
    await trader.assert_healthy()


async def test_break_even_keeps_a_better_stop(trader: PaperTrader) -> None:
    position_id = await trader.open(side="sell")
    await trader.price("80")
    await trader.run("position_change", position_id=position_id, stop_loss="90")
    await trader.run("break_even", position_id=position_id)
    assert (await trader.position(position_id))["stop_loss"] == "90"
    missing = await trader.answer("break_even", position_id=position_id + 999)
    assert (missing.status, missing.json()["detail"]["code"]) == (404, "position_not_found")


@pytest.mark.parametrize("account", [FEES])
@pytest.mark.parametrize(
    ("side", "beyond", "stop"), [("buy", "110", "100.14"), ("sell", "90", "99.92")]
)
async def test_break_even_counts_fees_of_entries(
    trader: PaperTrader, side: str, beyond: str, stop: str
) -> None:
    # A fee of 0.10003 per unit: 100.13003 and 99.92997, at the tick beyond.
    await trader.price("100.03")
    position_id = await trader.open("2", side)
    await trader.price(beyond)
    await close(trader, position_id, qty="1")
    await trader.run("break_even", position_id=position_id)
    row = await trader.position(position_id)
    assert row["stop_loss"] == stop, row["break_even_price"]
