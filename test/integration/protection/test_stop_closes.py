"""Closes by stop levels that meet no price, rejections, remainders, restarts or switches."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from kit.databases.sql import execute
from kit.exchanges.deferred_exchange import connect_deferred
from kit.gateway.in_process import TRADER
from kit.gateway.paper_trader import SYMBOL, PaperTrader
from kit.polling import poll_until
from oms.adapters.paper.execution_reports import build_rejection
from oms.domain.orders.execution_report import ExecutionReport
from oms.domain.orders.order import Order
from oms.domain.value import evolve

WATCHER = evolve(TRADER, can_risk_manage=True)


def state_of(trader: PaperTrader) -> Any:
    return trader.gateway.worker.processor.states[trader.account_id]


async def test_p6_nothing_is_closed_without_a_fresh_price(trader: PaperTrader) -> None:
    position_id = await trader.open(stop_loss="98.5")
    exchange = state_of(trader).exchange
    await trader.look()
    exchange.quote = lambda *_: None
    await trader.look()
    assert await trader.events("stop_price_stale") == []
    trader.clock.advance(11)
    await trader.look()
    await trader.look()
    (event,) = await trader.events("stop_price_stale")
    assert event["symbol"] == SYMBOL and event["age_ms"] >= 11_000
    await trader.price("98")
    await trader.look()
    assert (await trader.position(position_id))["state"] == "open"
    del exchange.quote
    assert (await trader.closed(position_id))["close_reason"] == "sl"


async def test_rejected_close_is_repeated(trader: PaperTrader) -> None:
    position_id = await trader.open(stop_loss="98.5")
    exchange = state_of(trader).exchange

    async def rejecting(order: Order, now: Any) -> Sequence[ExecutionReport]:
        return [build_rejection(order, "exchange_rejected", "not now", now)]

    exchange.place = rejecting
    await trader.price("98")

    async def failures() -> list[dict[str, Any]]:
        return await trader.events("stop_close_failed")

    (failed,) = await poll_until(failures, len, seconds=5)
    assert (failed["position_id"], failed["kind"], failed["code"], failed["message"]) == (
        *(position_id, "sl", "exchange_rejected", "not now"),
    )
    # The trigger holds, also when the price has come back, and after a restart.
    await trader.price("100")
    await trader.restart()
    await trader.look()
    assert len(await trader.orders()) == 2, "not before its time"
    trader.clock.advance(1.1)
    row = await trader.closed(position_id)
    assert (row["close_reason"], row["close_price"]) == ("sl", "100")
    statuses = [(order["reason"], order["status"]) for order in await trader.orders()]
    assert statuses == [("api", "FILLED"), ("sl", "REJECTED"), ("sl", "FILLED")]
    await trader.assert_healthy()


async def test_remainder_is_closed_at_once(trader: PaperTrader) -> None:
    position_id = await trader.open(stop_loss="98.5")
    await trader.book(("98", "0.4"), ("98.01", "5"))

    async def closing_orders() -> list[dict[str, Any]]:
        return [order for order in await trader.orders() if order["reason"] == "sl"]

    first = await poll_until(closing_orders, len, seconds=5)
    assert first[0]["qty"] == "1"
    await trader.price("97")
    assert (await trader.closed(position_id))["qty"] == "0"
    deals = [Decimal(deal["qty"]) for deal in await trader.deals(position_id)]
    assert sum(deals) == 2, deals
    await trader.assert_healthy()


class CallersOnly:
    """A queue that returns commands of callers only."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)

    async def take(self, *args: Any) -> Any:
        """Commands of callers."""
        return [row for row in await self._queue.take(*args) if not row.actor.is_system]


async def trigger_without_close(trader: PaperTrader) -> dict[str, Any]:
    """Let the price reach the stop loss while no system command runs; returns the event."""
    processor = trader.gateway.worker.processor
    processor.queue = CallersOnly(processor.queue)  # type: ignore[assignment]
    await trader.price("98")

    async def triggered() -> list[dict[str, Any]]:
        return await trader.events("stop_triggered")

    (event,) = await poll_until(triggered, len, seconds=5)
    await trader.look()
    assert len(await trader.events("stop_triggered")) == 1
    return event


async def test_restart_between_trigger_and_close(trader: PaperTrader) -> None:
    position_id = await trader.open(stop_loss="98.5")
    processor = trader.gateway.worker.processor
    queue = processor.queue
    event = await trigger_without_close(trader)
    await trader.stop()
    processor.queue = queue
    trader.start()
    row = await trader.closed(position_id)
    assert row["close_reason"] == "sl"
    closing = [order for order in await trader.orders() if order["reason"] == "sl"]
    assert [order["command_id"] for order in closing] == [event["command_id"]]
    await trader.assert_healthy()


async def test_close_of_levels_that_were_changed_is_refused(trader: PaperTrader) -> None:
    position_id = await trader.open(stop_loss="98.5")
    processor = trader.gateway.worker.processor
    queue = processor.queue
    event = await trigger_without_close(trader)
    await trader.run("position_change", position_id=position_id, stop_loss="97")
    processor.queue = queue

    async def close() -> Any:
        return await trader.gateway.client.get(
            f"/oms/commands/{event['command_id']}", key=trader.key
        )

    row = await poll_until(close, lambda each: each["status"] != "queued", seconds=5)
    assert (row["status"], row["error"]["reason"]) == ("refused", "levels_changed")
    await trader.look()
    assert (await trader.position(position_id))["state"] == "open"
    await trader.price("97")
    assert (await trader.closed(position_id))["close_price"] == "97"
    assert await trader.events("stop_close_failed") == []
    await trader.assert_healthy()


@pytest.mark.parametrize("extra", [',"stop_price_mode":"mark"'])
async def test_price_that_the_exchange_does_not_report_is_reported(trader: PaperTrader) -> None:
    position_id = await trader.open(stop_loss="98.5")
    exchange = state_of(trader).exchange
    with_mark = exchange.quote

    def quote(*args: Any) -> Any:
        found = with_mark(*args)
        return None if found is None else evolve(found, mark=None)

    exchange.quote = quote
    await trader.price("98")
    await trader.look()
    trader.clock.advance(11)
    await trader.look()
    (event,) = await trader.events("stop_price_stale")
    assert event["symbol"] == SYMBOL
    assert (await trader.position(position_id))["state"] == "open"


@pytest.mark.parametrize(("mode", "rests"), [("cancel_only", False), ("halt", True)])
async def test_only_halt_keeps_levels_from_closing(
    trader: PaperTrader, dsn: str, mode: str, rests: bool
) -> None:
    position_id = await trader.open(stop_loss="98.5")
    risk = await trader.gateway.add_key(
        "watch", "oms_watches-the-stops-here", role="risk", grants={trader.account_id: WATCHER}
    )
    body = {"scope": "account", "scope_id": trader.account_id, "mode": mode, "comment": "stop it"}
    body["cancel_entries"] = False
    answer = await trader.gateway.client("POST", "/risk/kill", body, key=risk)
    assert answer.status == 200, answer.body
    switches = trader.gateway.worker.processor.execute.kill_switches
    assert switches is not None
    switches.forget()
    await trader.price("98")
    if rests:
        await trader.look()
        assert (await trader.position(position_id))["state"] == "open"
        assert await trader.events("stop_triggered") == []
        execute(dsn, "DELETE FROM kill_switches")
        switches.forget()
    assert (await trader.closed(position_id))["close_reason"] == "sl"


async def test_exchange_that_answers_later(trader: PaperTrader) -> None:
    await trader.stop()
    trader.gateway.worker.processor.connect = connect_deferred
    trader.start()
    position_id = await trader.open(stop_loss="98.5")
    resting = {"position_id": position_id, "order_type": "limit", "price": "110"}
    await trader.run("close_position", **resting)
    await trader.price("98")

    async def row() -> dict[str, Any]:
        trader.clock.advance(0.2)
        return await trader.position(position_id)

    closed = await poll_until(row, lambda each: each["state"] == "closed", seconds=10)
    assert closed["close_reason"] == "sl"
    filled = [order for order in await trader.orders() if order["status"] == "FILLED"]
    assert [order["reason"] for order in filled] == ["api", "sl"]
