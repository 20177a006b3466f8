"""One command closes a position and opens the same quantity on the other side."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from kit.exchanges.deferred_exchange import connect_deferred
from kit.gateway.in_process import TRADER
from kit.gateway.paper_trader import SYMBOL, PaperTrader
from kit.polling import poll_until
from oms.adapters.paper.execution_reports import build_rejection
from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource
from oms.domain.orders.order import Order
from oms.domain.value import evolve


def state_of(trader: PaperTrader) -> Any:
    return trader.gateway.worker.processor.states[trader.account_id]


async def use_deferred(trader: PaperTrader) -> None:
    """Let the exchange answer after the commit."""
    await trader.stop()
    trader.gateway.worker.processor.connect = connect_deferred
    trader.start()


async def send(trader: PaperTrader, position_id: int) -> int:
    """The id of a stored ``reverse_position``."""
    payload = {"position_id": position_id, "comment": "turn"}
    body = {"account_id": trader.account_id, "command": "reverse_position", "payload": payload}
    answer = await trader.gateway.client("POST", "/oms/commands?wait_ms=0", body, key=trader.key)
    assert answer.status == 202, answer.body
    command_id: int = answer.json()["results"][0]["command_id"]
    return command_id


async def ended(trader: PaperTrader, command_id: int) -> dict[str, Any]:
    """The row of the command once it has ended."""

    async def row() -> dict[str, Any]:
        found: dict[str, Any] = await trader.gateway.client.get(
            f"/oms/commands/{command_id}", key=trader.key
        )
        return found

    return await poll_until(row, lambda each: each["status"] not in ("queued", "running"), 10)


async def assert_reversed(trader: PaperTrader, position_id: int, opened: str = "sell") -> None:
    """The account holds 2 on the other side, by exactly two orders of one group."""
    _, close, opening = await trader.orders()
    terms = [(each["side"], each["qty"], each["status"]) for each in (close, opening)]
    assert terms == [(opened, "2", "FILLED")] * 2
    assert (close["reduce_only"], opening["reduce_only"]) == (True, False)
    assert close["group_id"] == opening["group_id"] == close["id"]
    assert close["command_id"] == opening["command_id"]
    last = [(await trader.deals(each))[-1] for each in (position_id, opening["position_id"])]
    assert [each["group_id"] for each in last] == [close["id"]] * 2
    old, new = await trader.position(position_id), await trader.position(opening["position_id"])
    assert (old["state"], old["qty"]) == ("closed", "0")
    assert (new["side"], new["qty"], new["state"]) == (opened, "2", "open")
    await trader.assert_healthy()


@pytest.mark.parametrize("position_mode", ["hedge", "netting"])
@pytest.mark.parametrize(("side", "opened"), [("buy", "sell"), ("sell", "buy")])
async def test_both_legs_are_one_command(
    trader: PaperTrader, position_mode: str, side: str, opened: str
) -> None:
    position_id = await trader.open("2", side, stop_gain_pct="50")
    row = await trader.run("reverse_position", position_id=position_id)
    assert (row["status"], [each["qty"] for each in row["orders"]]) == ("done", ["2", "2"])
    await assert_reversed(trader, position_id, opened)
    (closed,) = await trader.events("position_closed")
    assert closed["position_id"] == position_id


async def test_hedge_leaves_other_tickets_alone(trader: PaperTrader) -> None:
    short, long = await trader.open("1", "sell"), await trader.open("2")
    await trader.run("reverse_position", position_id=long)
    assert (await trader.position(short))["qty"] == "1"
    assert (await trader.orders())[-1]["position_id"] not in (short, long)


async def test_refused_opening_leaves_the_account_flat(trader: PaperTrader) -> None:
    position_id = await trader.open("2")
    grants = {trader.account_id: evolve(TRADER, can_risk_manage=True)}
    key = "oms_a-risk-officer-for-tests"
    await trader.gateway.add_key("officer", key, role="risk", grants=grants)
    body = {"scope": "account", "scope_id": trader.account_id, "mode": "reduce_only"}
    body |= {"comment": "no new risk", "cancel_entries": False}
    assert (await trader.gateway.client("POST", "/risk/kill", body, key=key)).status == 200
    switches = trader.gateway.worker.processor.execute.kill_switches
    assert switches is not None
    switches.forget()
    answer = await trader.answer("reverse_position", position_id=position_id)
    detail = answer.json()["detail"]
    assert (answer.status, detail["code"]) == (409, "risk_blocked"), detail
    (result,) = detail["results"]
    assert [each["status"] for each in result["orders"]] == ["FILLED", "REJECTED"]
    assert (await trader.position(position_id))["state"] == "closed"
    await trader.assert_healthy()


async def test_what_cannot_be_closed_is_not_reversed(trader: PaperTrader) -> None:
    position_id = await trader.open("2")
    missing = await trader.answer("reverse_position", position_id=position_id + 999)
    assert (missing.status, missing.json()["detail"]["code"]) == (404, "position_not_found")
    resting = {"position_id": position_id, "order_type": "limit", "price": "200"}
    await trader.run("close_position", **resting)
    busy = await trader.answer("reverse_position", position_id=position_id)
    assert (busy.status, busy.json()["detail"]["code"]) == (409, "position_close_in_progress")
    assert (await trader.position(position_id))["qty"] == "2"


@pytest.mark.parametrize(
    ("filled", "code", "reason", "held"),
    [("0.5", "conflict", "close_incomplete", "1.5"), (None, "exchange_rejected", None, "2")],
)
async def test_close_in_part_opens_nothing(
    trader: PaperTrader, filled: str | None, code: str, reason: str | None, held: str
) -> None:
    await use_deferred(trader)
    position_id = await trader.open("2")
    exchange = state_of(trader).exchange
    execute = exchange._execute

    async def ending(verb: str, order: Order, *rest: Any) -> Any:
        now = datetime.now(UTC)
        if filled is None:
            return [build_rejection(order, "exchange_rejected", "not now", now)]
        part = await execute(verb, evolve(order, qty=Decimal(filled)), *rest)
        source = ReportSource.REPLY
        canceled = ExecutionReport(
            kind=ReportKind.CANCELED, order_id=order.id, source=source, received_at=now
        )
        return [*part, canceled]

    exchange._execute = ending
    row = await ended(trader, await send(trader, position_id))
    error = row["error"]
    assert (row["status"], error["code"], error.get("reason")) == ("failed", code, reason)
    assert (await trader.position(position_id))["qty"] == held
    assert len(await trader.orders()) == 2


@pytest.mark.parametrize("flag", ["can_trade", "can_close_position"])
async def test_both_permissions_are_needed(trader: PaperTrader, flag: str) -> None:
    position_id = await trader.open("2")
    grants = {trader.account_id: evolve(TRADER, **{flag: False})}
    key = await trader.gateway.add_key("half", "oms_lacks-one-permission", grants=grants)
    body = {"command": "reverse_position", "payload": {"position_id": position_id}}
    answer = await trader.gateway.client("POST", "/oms/commands", body, key=key)
    assert (answer.status, answer.json()["detail"]["code"]) == (403, "permission_denied")


@pytest.mark.parametrize("position_mode", ["hedge", "netting"])
async def test_exchange_that_answers_later(trader: PaperTrader, position_mode: str) -> None:
    await use_deferred(trader)
    position_id = await trader.open("2")
    row = await ended(trader, await send(trader, position_id))
    assert (row["status"], len(row["order_ids"])) == ("done", 2)
    await assert_reversed(trader, position_id)


async def test_restart_before_the_close_is_executed(trader: PaperTrader) -> None:
    await use_deferred(trader)
    position_id = await trader.open("2")
    state_of(trader).exchange.is_held = True
    command_id = await send(trader, position_id)
    await poll_until(trader.orders, lambda rows: len(rows) == 2, 5)
    await trader.restart()
    await trader.look()
    # The exchange executes the close while the new worker runs.
    state = state_of(trader)
    (close,) = state.orders.values()
    state.exchange.sent.append(("place", close, (None, None), datetime.now(UTC)))
    state.on_update()
    assert (await ended(trader, command_id))["status"] == "done"
    await assert_reversed(trader, position_id)


async def test_restart_before_the_opening_is_answered(trader: PaperTrader) -> None:
    await use_deferred(trader)
    position_id = await trader.open("2")
    exchange = state_of(trader).exchange
    execute = exchange._execute

    async def only_one(*request: Any) -> Any:
        exchange.is_held = True
        return await execute(*request)

    exchange._execute = only_one
    command_id = await send(trader, position_id)
    await poll_until(trader.orders, lambda rows: len(rows) == 3, 5)
    await trader.restart()
    await trader.look()
    await trader.look()
    rows = await trader.orders()
    assert [row["status"] for row in rows[1:]] == ["FILLED", "PENDING_SUBMIT"]
    state = state_of(trader)
    (opening,) = state.orders.values()
    state.exchange.sent.append(("place", opening, (None, None), datetime.now(UTC)))
    state.on_update()
    row = await ended(trader, command_id)
    assert (row["status"], row["order_ids"]) == ("done", [each["id"] for each in rows[1:]])
    await assert_reversed(trader, position_id)


async def test_opening_that_the_exchange_rejects(trader: PaperTrader) -> None:
    await use_deferred(trader)
    position_id = await trader.open("2")
    exchange = state_of(trader).exchange
    execute = exchange._execute

    async def rejecting(verb: str, order: Order, *rest: Any) -> Any:
        if order.reduce_only:
            return await execute(verb, order, *rest)
        return [build_rejection(order, "insufficient_margin", "not enough", datetime.now(UTC))]

    exchange._execute = rejecting
    command_id = await send(trader, position_id)
    row = await ended(trader, command_id)
    assert (row["status"], row["error"]["code"]) == ("failed", "insufficient_margin")
    assert (await trader.position(position_id))["state"] == "closed"
    assert SYMBOL not in {p.symbol for p in state_of(trader).positions.values()}
