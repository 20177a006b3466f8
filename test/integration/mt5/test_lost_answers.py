"""A lost answer is asked for, and nothing is sent twice; no connection is no exception."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest

import mt5_driver as mt5
from kit.faults.cut_proxy import CutProxy, cut_proxy
from kit.free_ports import free_port
from kit.gateway.metatrader import KEY, MetaTraderGateway
from kit.polling import wait_until
from mt5_driver import trading

from .conftest import Connect

REQUEST = {"action": mt5.TRADE_ACTION_DEAL, "symbol": "BTCUSD", "volume": 0.02, "type": 0}


@pytest.fixture
def proxy(running: MetaTraderGateway) -> Iterator[CutProxy]:
    """A proxy in front of the gateway."""
    stack = AsyncExitStack()
    port = urlsplit(running.base_url).port
    assert port is not None
    opened = running.thread.wait(stack.enter_async_context(cut_proxy(port)))
    yield opened
    running.thread.wait(stack.aclose())


def commands(gateway: MetaTraderGateway) -> list[Any]:
    path = f"/oms/commands?account_ids={gateway.accounts['hedge']}&cursor=&sort=desc&page_size=20"
    items: list[Any] = gateway.request("GET", path)["items"]
    return [item for item in items if str(item["request_id"]).startswith("mt5-")]


def test_the_gateway_is_asked_for_a_lost_answer(connect: Connect, proxy: CutProxy) -> None:
    gateway = connect("hedge")
    assert mt5.initialize(server=proxy.base_url)
    known = {item["command_id"] for item in commands(gateway)}
    assert mt5.symbol_info_tick("BTCUSD") is not None
    gateway.thread.wait(gateway.gateway.stop_worker())
    with ThreadPoolExecutor(1) as pool:
        try:
            sent = pool.submit(mt5.order_send, REQUEST)
            new = wait_until(
                lambda: [each for each in commands(gateway) if each["command_id"] not in known],
                *(10, "the command is stored"),
            )
            gateway.thread.wait(_cut(proxy))
        finally:
            gateway.thread.wait(_start(gateway))
        result = sent.result(30)
    assert result is not None and result.retcode == mt5.TRADE_RETCODE_DONE, result
    assert result.volume == 0.02
    (command,) = [each for each in commands(gateway) if each["command_id"] not in known]
    assert command["command_id"] == new[0]["command_id"]
    assert [position.ticket for position in mt5.positions_get()] == [result.order]


async def _cut(proxy: CutProxy) -> None:
    proxy.cut()


async def _start(gateway: MetaTraderGateway) -> None:
    gateway.gateway.start_worker()


def test_a_command_that_is_still_queued_is_placed(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = connect("hedge")
    monkeypatch.setattr(trading, "WAIT_MS", 50)
    assert mt5.symbols_total()  # the worker reads them
    gateway.thread.wait(gateway.gateway.stop_worker())
    try:
        result = mt5.order_send(REQUEST)
        assert result is not None, mt5.last_error()
        assert (result.retcode, result.comment) == (mt5.TRADE_RETCODE_PLACED, "Request placed")
    finally:
        gateway.thread.wait(_start(gateway))
    wait_until(mt5.positions_get, 10, "the order is executed")


def test_no_connection(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    connect("hedge")
    session = mt5.calls.TERMINAL.session
    assert session is not None and session.is_hedging and session.catalog.all()
    monkeypatch.setattr(session, "client", _client(f"http://127.0.0.1:{free_port()}"))
    result = mt5.order_send(REQUEST)
    assert result.retcode == mt5.TRADE_RETCODE_CONNECTION
    assert mt5.positions_get() is None
    assert mt5.last_error()[0] == mt5.RES_E_INTERNAL_FAIL_CONNECT
    assert mt5.initialize(server=f"http://127.0.0.1:{free_port()}") is False


def _client(base_url: str) -> Any:
    return mt5.gateway_client.GatewayClient(base_url, KEY, 5)
