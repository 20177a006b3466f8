"""Stop levels as orders at the paper exchange, where the account asks for it."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from kit.databases.emptied import empty_database
from kit.gateway.in_process import TRADER, open_gateway
from kit.gateway.paper_trader import NO_FEES, PaperTrader
from kit.polling import poll_until
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.config import Settings
from oms.domain.errors import Refused
from oms.domain.orders.execution_report import ExecutionReport, ReportKind, ReportSource
from oms.domain.orders.order import Order
from oms.domain.protection.native_orders import is_native
from oms.services.protection import native_orders
from oms.services.protection.native_orders import PLACE_AGAIN_AFTER, REPLACE_AFTER

KEY = "oms_a-native-stops-trader-for-tests"


@pytest.fixture
async def trader(dsn: str) -> AsyncIterator[PaperTrader]:
    """A trader on a netting account whose levels are to rest at the exchange, at a price of 100."""
    empty_database(dsn)
    settings = Settings.model_validate(
        {"access_cache_seconds": 0, "paper_tick_ms": 20, "commands": {"max_queue_s": 3600}}
    )
    async with open_gateway(dsn, settings) as gateway:
        extra = NO_FEES % ',"protection_mode":"native","stop_min_age_seconds":5'
        account_id = await gateway.add_account("netting", extra)
        await gateway.add_key("native stops", KEY, grants={account_id: TRADER})
        trader = PaperTrader(gateway, account_id, KEY)
        trader.start()
        await trader.price("100")
        yield trader


async def _resting(trader: PaperTrader) -> list[tuple[str, str, str]]:
    path = f"/oms/orders/open?account_ids={trader.account_id}"
    found = await trader.gateway.client.get(path, key=trader.key)
    rows = found["items"]
    return sorted((row["order_type"], row["trigger_price"], row["remaining_qty"]) for row in rows)


async def _wait_for_resting(trader: PaperTrader, *expected: tuple[str, str, str]) -> None:
    await poll_until(lambda: _resting(trader), lambda rows: rows == sorted(expected))


async def _protection(trader: PaperTrader, position_id: int) -> str:
    protection: str = (await trader.position(position_id))["protection"]
    return protection


async def test_levels_rest_once_the_position_is_old_enough_and_survive_a_restart(
    trader: PaperTrader,
) -> None:
    position_id = await trader.open("2", stop_loss="95", stop_gain="110")
    await trader.look()
    assert await _resting(trader) == []
    assert await _protection(trader, position_id) == "emulated", "it is too young to be closed"
    trader.clock.advance(6)
    stop, gain = ("stop_market", "95", "2"), ("take_profit_market", "110", "2")
    await _wait_for_resting(trader, stop, gain)
    assert await poll_until(lambda: _protection(trader, position_id), lambda each: each == "native")
    await trader.restart()
    await trader.run("close_position", position_id=position_id, qty="0.5")
    await _wait_for_resting(
        trader, ("stop_market", "95", "1.5"), ("take_profit_market", "110", "1.5")
    )
    order_ids = [row["group_id"] for row in await _rows(trader)]
    assert order_ids == [position_id, position_id]
    await trader.price("94")
    closed = await trader.closed(position_id)
    assert (closed["close_reason"], closed["close_price"]) == ("sl", "95.5"), (
        "0.5 at 100, 1.5 at 94"
    )
    await _wait_for_resting(trader)
    await trader.assert_healthy()


async def test_a_flip_leaves_no_order_of_the_position_before(trader: PaperTrader) -> None:
    position_id = await trader.open("1", stop_loss="95")
    trader.clock.advance(6)
    await _wait_for_resting(trader, ("stop_market", "95", "1"))
    await trader.open("3", side="sell", stop_loss="105")
    await _wait_for_resting(trader)
    trader.clock.advance(6)
    await _wait_for_resting(trader, ("stop_market", "105", "2"))
    assert (await trader.position(position_id))["state"] == "closed"
    await trader.assert_healthy()


async def test_levels_that_are_cleared_take_their_orders_with_them(trader: PaperTrader) -> None:
    position_id = await trader.open("1", stop_loss="95", stop_gain="110")
    trader.clock.advance(6)
    await _wait_for_resting(trader, ("stop_market", "95", "1"), ("take_profit_market", "110", "1"))
    await trader.run("position_change", position_id=position_id, oms_stop_gain=None)
    await _wait_for_resting(trader, ("stop_market", "95", "1"))
    await trader.run("position_change", position_id=position_id, oms_stop_loss=None)
    await _wait_for_resting(trader)
    assert await _protection(trader, position_id) == "none"
    await trader.assert_healthy()


@pytest.mark.parametrize("code", ["exchange_unavailable", "expired_before_send"])
async def test_an_order_that_never_arrived_is_placed_again_after_a_pause(
    trader: PaperTrader, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    lost: list[int] = []
    place = PaperExchange.place

    async def lose_first(
        self: PaperExchange, order: Order, now: datetime
    ) -> Sequence[ExecutionReport]:
        if lost or not is_native(order):
            return await place(self, order, now)
        lost.append(order.id)
        return [_report(order.id, now, ReportKind.REJECTED, code)]

    monkeypatch.setattr(PaperExchange, "place", lose_first)
    position_id = await trader.open("1", stop_loss="95")
    trader.clock.advance(6)
    await trader.look()
    await trader.look()
    assert len(lost) == 1
    assert await _resting(trader) == []
    assert await _protection(trader, position_id) == "emulated"
    trader.clock.advance(PLACE_AGAIN_AFTER.total_seconds())
    await _wait_for_resting(trader, ("stop_market", "95", "1"))
    assert await poll_until(lambda: _protection(trader, position_id), lambda each: each == "native")
    assert await trader.events("protection_degraded") == []
    await trader.assert_healthy()


async def test_a_refused_order_of_another_size_is_placed_again_after_a_pause(
    trader: PaperTrader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size of the position changes with each look."""
    refused: list[int] = []
    place, sizes = PaperExchange.place, count(1)

    async def refuse(self: PaperExchange, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        if not is_native(order):
            return await place(self, order, now)
        refused.append(order.id)
        return [_report(order.id, now, ReportKind.REJECTED, "insufficient_funds")]

    monkeypatch.setattr(PaperExchange, "place", refuse)
    monkeypatch.setattr(native_orders, "native_quantity", lambda *_: Decimal(next(sizes)) / 10)
    position_id = await trader.open("5", stop_loss="95")
    trader.clock.advance(6)
    for _ in range(5):
        await trader.look()
    assert len(refused) == 1
    assert await _protection(trader, position_id) == "emulated"
    trader.clock.advance(REPLACE_AFTER.total_seconds())
    await poll_until(trader.orders, lambda _rows: len(refused) == 2)


async def test_an_order_that_appears_after_its_position_was_closed_is_canceled(
    trader: PaperTrader, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden: list[int] = []
    appeared: list[ExecutionReport] = []
    canceled: list[int] = []
    place, poll = PaperExchange.place, PaperExchange.poll_reports

    async def hide(self: PaperExchange, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        if not is_native(order):
            return await place(self, order, now)
        hidden.append(order.id)
        return [_report(order.id, now, ReportKind.NOT_PLACED, "not_placed")]

    async def show(self: PaperExchange, now: datetime) -> Sequence[ExecutionReport]:
        reports = [*appeared, *await poll(self, now)]
        appeared.clear()
        return reports

    async def cancel(self: PaperExchange, order: Order, now: datetime) -> Sequence[ExecutionReport]:
        canceled.append(order.id)
        return [_report(order.id, now, ReportKind.CANCELED)]

    monkeypatch.setattr(PaperExchange, "place", hide)
    monkeypatch.setattr(PaperExchange, "poll_reports", show)
    monkeypatch.setattr(PaperExchange, "cancel", cancel)
    position_id = await trader.open("1", stop_loss="95")
    trader.clock.advance(6)
    await trader.look()
    await trader.look()
    assert len(hidden) == 1
    await trader.run("close_position", position_id=position_id)
    appeared.append(_report(hidden[0], trader.clock.now(), ReportKind.ACCEPTED))
    trader.gateway.worker.processor.states[trader.account_id].on_update()
    await poll_until(trader.orders, lambda rows: "CANCELED" in {row["status"] for row in rows})
    assert canceled == hidden, "it could close a later position"


async def test_nothing_is_placed_while_the_exchange_is_unavailable(
    trader: PaperTrader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = Refused(code="exchange_unavailable", message="no answer")
    position_id = await trader.open("1", stop_loss="95")
    with monkeypatch.context() as patch:
        patch.setattr(PaperExchange, "unavailable_reason", lambda self: reason)
        trader.clock.advance(6)
        await trader.look()
        await trader.look()
        assert await _resting(trader) == []
        assert await _protection(trader, position_id) == "emulated"
    await _wait_for_resting(trader, ("stop_market", "95", "1"))
    assert await trader.events("protection_degraded") == []
    await trader.assert_healthy()


def _report(
    order_id: int, now: datetime, kind: ReportKind, code: str | None = None
) -> ExecutionReport:
    return ExecutionReport(
        kind=kind,
        order_id=order_id,
        source=ReportSource.REPLY,
        received_at=now,
        exchange_order_id=f"native-{order_id}",
        code=code,
        message=code,
    )


async def _rows(trader: PaperTrader) -> list[dict[str, Any]]:
    path = f"/oms/orders/open?account_ids={trader.account_id}"
    rows: list[dict[str, Any]] = (await trader.gateway.client.get(path, key=trader.key))["items"]
    return rows


async def test_status_and_metrics_show_when_levels_were_last_watched(trader: PaperTrader) -> None:
    async def age() -> float | None:
        status = await trader.gateway.client.get("/dispatcher/status", key=trader.key)
        (worker,) = status["result"]["workers"]
        seconds: float | None = worker["stop_watch_age_s"]
        return seconds

    async def sampled() -> bool:
        answer = await trader.gateway.client("GET", "/metrics", key=trader.key)
        assert answer.status == 200
        return 'oms_stop_watch_age_seconds{worker="in-process"}' in answer.body.decode()

    assert (await age(), await sampled()) == (None, False)
    position_id = await trader.open("1", stop_loss="95")
    assert await poll_until(age, lambda seconds: seconds is not None) < 60
    assert await sampled()
    await trader.run("close_position", position_id=position_id)
    await poll_until(age, lambda seconds: seconds is None)


async def test_an_exchange_without_such_orders_is_reported_once(trader: PaperTrader) -> None:
    spot = "SOL/USDT"
    await trader.gateway.set_price(spot, "100", account_id=trader.account_id, key=trader.key)
    position_id = await trader.open("1", symbol=spot, stop_loss="95")
    trader.clock.advance(6)
    (event,) = await poll_until(lambda: trader.events("protection_degraded"), len)
    facts = {name: event[name] for name in ("position_id", "kind", "level", "order_id")}
    assert facts == {"position_id": position_id, "kind": "sl", "level": "95", "order_id": None}
    assert event["code"] == "order_type_not_supported"
    assert await _protection(trader, position_id) == "emulated"
    await trader.gateway.set_price(spot, "94", account_id=trader.account_id, key=trader.key)
    closed = await trader.closed(position_id)
    assert (closed["close_reason"], closed["close_price"]) == ("sl", "94")
    assert len(await trader.events("protection_degraded")) == 1
    await trader.assert_healthy()
