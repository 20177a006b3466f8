"""Situations that change the return code of a plain request, by the row of docs/reference/mt5.md.

Each is made on one account, gives the result of the request in it, and ends it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import mt5_driver as mt5
from kit.exchanges.deferred_exchange import DeferredExchange
from kit.faults.faulty_server import run_faulty_server
from kit.free_ports import free_port
from kit.gateway.in_process import ADMIN_KEY
from kit.gateway.metatrader import KEY, STOCK, MetaTraderGateway
from kit.polling import wait_until
from mt5_driver import trading
from mt5_driver.gateway_client import GatewayClient
from oms.services.commands.place_order import PlaceOrder

from .conftest import Connect
from .retcode_cases import DEAL, PENDING, SELL

MODIFY = mt5.TRADE_ACTION_MODIFY


@dataclass
class Scene:
    """Where a situation is made: a position mode, of which there are several accounts."""

    connect: Connect
    mode: str
    patch: pytest.MonkeyPatch

    def at(self, kind: str = "") -> MetaTraderGateway:
        """Connects the driver to the account of a kind."""
        return self.connect(f"{kind}-{self.mode}" if kind else self.mode)

    def slow(self) -> tuple[MetaTraderGateway, DeferredExchange]:
        """Connects to the account whose exchange answers when the test says so."""
        gateway = self.at("slow")
        return gateway, gateway.deferred(f"slow-{self.mode}")

    def do_not_wait(self) -> None:
        """Lets the driver return before the exchange has answered."""
        self.patch.setattr(trading, "WAIT_MS", 50)

    def with_key(self, gateway: MetaTraderGateway, reason: str, **restrictions: object) -> None:
        """Connects again with a key that has these restrictions."""
        key = gateway.add_key(f"{reason}-{self.mode}", self.mode, **restrictions)
        self.patch.setenv("OMS_API_KEY", key)
        assert mt5.initialize(), mt5.last_error()


def _instant(scene: Scene, **book: object) -> Any:
    gateway = scene.at()
    scene.patch.setenv("OMS_MT5_EXECUTION", "instant")
    assert mt5.initialize()
    gateway.set_book(scene.mode, **book)
    return mt5.order_send(DEAL | {"price": 50000.0, "deviation": 20})


def _beyond_the_deviation(scene: Scene) -> Any:
    refused = _instant(scene, bid="50002", ask="50003")
    assert (refused.volume, mt5.positions_total()) == (0.0, 0)
    scene.at().set_book(scene.mode, bid="50000", ask="50001")  # 10 points
    assert mt5.order_send(DEAL | {"price": 50000.0, "deviation": 20}).retcode == 10009
    return refused


def _partly_filled(scene: Scene) -> Any:
    result = _instant(scene, bid="49999", ask="50000", ask_qty="0.005")
    assert result.volume == 0.005
    return result


def _release(gateway: MetaTraderGateway, exchange: DeferredExchange) -> None:
    async def release() -> None:
        exchange.release()

    gateway.thread.wait(release())


def _not_answered_yet(scene: Scene) -> Any:
    gateway, exchange = scene.slow()
    scene.do_not_wait()
    exchange.is_held = True
    try:
        return mt5.order_send(DEAL)
    finally:
        _release(gateway, exchange)
        wait_until(mt5.positions_total, 10, "the order is executed")


def _changed_at_present(scene: Scene) -> Any:
    gateway, exchange = scene.slow()
    order = mt5.order_send(PENDING).order
    scene.do_not_wait()
    exchange.is_held = True
    try:
        moved = mt5.order_send({"action": MODIFY, "order": order, "price": 41000.0})
        assert moved.retcode == mt5.TRADE_RETCODE_PLACED
        return mt5.order_send({"action": MODIFY, "order": order, "price": 42000.0})
    finally:
        _release(gateway, exchange)


def _lost(scene: Scene) -> tuple[MetaTraderGateway, DeferredExchange, Any]:
    gateway, exchange = scene.slow()
    exchange.lose_count = 1
    return gateway, exchange, mt5.order_send(PENDING)


def _report_lost(gateway: MetaTraderGateway, exchange: DeferredExchange) -> None:
    async def report() -> None:
        exchange.report_lost()

    gateway.thread.wait(report())
    placed = mt5.ORDER_STATE_PLACED
    wait_until(lambda: mt5.orders_get()[0].state == placed, 10, "the order is found")


def _lost_by_the_exchange(scene: Scene) -> Any:
    gateway, exchange, result = _lost(scene)
    _report_lost(gateway, exchange)
    return result


def _changed_in_doubt(scene: Scene) -> Any:
    gateway, exchange, lost = _lost(scene)
    refused = mt5.order_send({"action": MODIFY, "order": lost.order, "price": 41000.0})
    _report_lost(gateway, exchange)
    return refused


def _fault(scene: Scene) -> Any:
    scene.at()

    async def fail(*_: object, **__: object) -> None:
        raise ArithmeticError("a fault of the program")

    scene.patch.setattr(PlaceOrder, "__call__", fail)
    result = mt5.order_send(DEAL)
    scene.patch.undo()
    scene.at()
    assert mt5.order_send(DEAL).retcode == mt5.TRADE_RETCODE_DONE
    return result


def _reading_key(scene: Scene) -> Any:
    gateway = scene.at()
    scene.with_key(gateway, "reader", can_trade=False, can_close_position=False)
    return mt5.order_send(DEAL)


def _order_limit(scene: Scene) -> Any:
    gateway = scene.at()
    scene.with_key(gateway, "order-limit", max_order_notional="500")
    assert mt5.order_send(DEAL | {"volume": 0.01}).retcode == mt5.TRADE_RETCODE_DONE
    return mt5.order_send(DEAL | {"volume": 0.011})


def _day_limit(scene: Scene) -> Any:
    gateway = scene.at()
    scene.with_key(gateway, "day-limit", max_day_notional="1000")
    assert mt5.order_send(DEAL | {"volume": 0.016}).retcode == mt5.TRADE_RETCODE_DONE
    refused = mt5.order_send(DEAL | {"volume": 0.005})
    (position,) = mt5.positions_get()  # a close is no use of the limit
    assert mt5.Close("BTCUSD", ticket=position.ticket) is True
    return refused


def _closed_market(scene: Scene) -> Any:
    gateway = scene.at("stock")
    day = datetime.now(ZoneInfo("America/New_York")).date().isoformat()
    override = {"date": day, "closed": True, "comment": "a test", "replace": True}
    gateway.request("POST", "/admin/session-overrides", override, key=ADMIN_KEY)
    request = DEAL | {"symbol": STOCK, "volume": 1.0}
    closed = mt5.TRADE_RETCODE_MARKET_CLOSED
    wait_until(lambda: mt5.order_send(request).retcode == closed, 10, "the market is closed")
    return mt5.order_send(request)


def _full_queue(scene: Scene) -> Any:
    gateway = scene.at()
    assert mt5.symbol_info("BTCUSD") is not None  # reads of the exchange are commands, too
    scene.patch.setattr(gateway.gateway.api_context.queue_depths, "depth_max", 0)
    return mt5.order_send(DEAL)


def _through(scene: Scene, base_url: str) -> Any:
    """Returns the result of a request that another server gets."""
    session = mt5.calls.TERMINAL.session
    # What is read once has been read, so the request is the first that the server gets.
    assert session is not None and session.account and session.catalog.all()
    scene.patch.setattr(session, "client", GatewayClient(base_url, KEY, 5))
    return mt5.order_send(DEAL)


def _no_gateway(scene: Scene) -> Any:
    scene.at()
    return _through(scene, f"http://127.0.0.1:{free_port()}")


def _no_answer(scene: Scene) -> Any:
    scene.at()
    scene.patch.setattr(trading, "_ASK_SECONDS", 0)
    with run_faulty_server() as server:
        server.behaviours = ["drop"] * 20
        result = _through(scene, server.base_url)
        sent = [body for _, method, _, body in server.requests if method == "POST"]
    assert [body["request_id"] for body in sent] == [result.comment.partition(":")[0]]
    return result


def _unknown_magic(scene: Scene) -> Any:
    scene.at()
    scene.patch.setenv("OMS_MT5_NEW_MAGIC", "refuse")
    assert mt5.initialize()
    return mt5.order_send(DEAL | {"magic": 424242})


def _no_entries(scene: Scene) -> Any:
    gateway = scene.at()
    path = f"/oms/risk/{gateway.accounts[scene.mode]}/allow_new_positions"

    def allow(value: bool) -> None:
        body = {"allow_new_positions": value, "comment": "a test"}
        gateway.request("POST", path, body, key=ADMIN_KEY)

    allow(False)
    refused = mt5.order_send(DEAL)
    allow(True)
    assert mt5.order_send(DEAL).retcode == mt5.TRADE_RETCODE_DONE
    return refused


def _killed(scene: Scene) -> Any:
    gateway = scene.at("killed")  # a switch is not released within a minute
    opened = mt5.order_send(DEAL)
    scope = {"scope": "account", "scope_id": gateway.accounts[f"killed-{scene.mode}"]}
    switch = {**scope, "mode": "reduce_only", "comment": "a test"}
    gateway.request("POST", "/risk/kill", switch, key=ADMIN_KEY)
    killed = mt5.TRADE_RETCODE_SERVER_DISABLES_AT
    wait_until(lambda: mt5.order_send(DEAL).retcode == killed, 10, "the switch is effective")
    half = {"position": opened.order, "volume": 0.01}
    assert mt5.order_send(DEAL | SELL | half).retcode == mt5.TRADE_RETCODE_DONE
    return mt5.order_send(DEAL)


SITUATIONS: Mapping[str, Callable[[Scene], Any]] = {
    "deviation": _beyond_the_deviation,
    "partially done": _partly_filled,
    "queued, running, or its order rests": _not_answered_yet,
    "outcome unknown": _lost_by_the_exchange,
    "reason change_pending": _changed_at_present,
    "reason order_in_doubt": _changed_in_doubt,
    "internal_error": _fault,
    "permission_denied": _reading_key,
    "reason key_order_notional": _order_limit,
    "reason key_day_notional": _day_limit,
    "reason market_closed": _closed_market,
    "rate_limited": _full_queue,
    "not reached": _no_gateway,
    "lost answer": _no_answer,
    "magic": _unknown_magic,
    "risk_blocked": _no_entries,
    "reason kill_switch": _killed,
}
