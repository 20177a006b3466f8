"""Every key of a risk policy × every way in: what opens is refused alike, what reduces passes."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ccxt_driver import OmsCcxtAsyncExchange
from ccxt_driver.errors import OmsDriverError
from kit.databases.created import created_database
from kit.gateway.in_process import ADMIN_KEY, InProcessGateway
from kit.gateway.limited_account import (
    BTC,
    ETH,
    KEY,
    forget_limits,
    open_limited,
    post_command,
    preview_of,
    send,
    set_limits,
)
from kit.gateway.signal_senders import add_source
from kit.http.asgi_websocket import AsgiWebSocket, connect_websocket
from kit.http.http_server import serve_http
from kit.polling import poll_until
from oms.domain.risk.policy_keys import KEYS
from oms.services.performance.account_equity import ReadAccountEquity

#: A value of each key that refuses the entry below.
REFUSING: dict[str, Any] = {
    "allow_new_positions": False,
    "allowed_symbols": [ETH],
    "max_orders_per_minute": 1,
    "cooldown_seconds_after_losses": 600,
    "price_collar_pct": "1",
    "max_open_positions": 1,
    "max_open_positions_per_symbol": 1,
    "max_open_orders_per_symbol": 1,
    "max_order_qty.crypto": "0.5",
    "min_order_notional": "1000000",
    "max_order_notional": "1",
    "max_position_notional": "1",
    "max_capital_per_position_pct": "0.0001",
    "max_total_exposure": "1",
    "max_leverage": "0.000001",
    "daily_loss_limit": "0.5",
    "daily_loss_limit_pct": "0.000001",
    "max_total_drawdown_pct": "0.000001",
}
#: Keys that refuse nothing themselves, market orders only, orders that were sent before, stocks, or
#: entries of signals.
SILENT = {
    *("max_signals_per_day", "max_signals_per_symbol_per_day"),
    *("risk_day_zone", "auto_reject_rate_per_minute", "losses_in_a_row", "max_slippage_bps"),
    *("duplicate_order_window_seconds", "max_order_qty.stock"),
}
#: Keys that do not judge what a way sends: changes are no new orders, bounce signals have no price
#: and never rest.
NOT_JUDGED = {
    "change": ("max_orders_per_minute",),
    "ccxt_edit": ("max_orders_per_minute",),
    "bounce": ("price_collar_pct", "max_open_orders_per_symbol"),
}
SOURCES = ("tradingview", "bounce")
ENTRY = {"order_type": "limit", "price": "102", "qty": "2"}
LEG = {"symbol": BTC, "type": "limit", "side": "buy", "amount": 2, "price": 102}


@dataclass(frozen=True, slots=True)
class Ways:
    """A gateway, connections to it, and a resting order that can be changed."""

    gateway: InProcessGateway
    socket: AsgiWebSocket
    driver: OmsCcxtAsyncExchange
    order_id: int
    #: A group with the account as its only member, and a strategy without positions.
    group_id: int
    strategy_id: int
    #: Path tokens of sources of that strategy, by their kind.
    tokens: Mapping[str, str]
    numbers: Iterator[int] = field(default_factory=count)


async def _command(ways: Ways) -> Any:
    return (await send(ways.gateway, **ENTRY))["error"]


async def _batch(ways: Ways) -> Any:
    payload = {"symbol": BTC, "side": "buy", **ENTRY}
    item = {"account_id": ways.gateway.account_id, "command": "send_order", "payload": payload}
    answer = await ways.gateway.client("POST", "/oms/commands?wait_ms=8000", [item, item], key=KEY)
    body = answer.json()
    first, second = [row["error"] for row in (body.get("detail") or body)["results"]]
    assert first["reason"] == second["reason"]
    return first


async def _pair(ways: Ways) -> Any:
    pair = {"symbol": BTC, "side": "buy", "qty": "2", "limit_price": "102", "trigger_price": "103"}
    return (await post_command(ways.gateway, "send_oco", **pair, reduce_only=False))["error"]


async def _socket(ways: Ways) -> Any:
    payload = {"symbol": BTC, "side": "buy", **ENTRY}
    command = {"account_id": ways.gateway.account_id, "command": "send_order", "payload": payload}
    reply = await ways.socket.request("command", command | {"wait_ms": 8000}, "position")
    return reply["payload"]["error"]


async def _socket_call(ways: Ways) -> Any:
    args = [BTC, "limit", "buy", 2, 102]
    call = {"account_id": ways.gateway.account_id, "func": "create_order", "args": args}
    return (await ways.socket.request("call", call, "ccxt"))["payload"].get("detail")


async def _driver(ways: Ways) -> Any:
    try:
        await ways.driver.create_order(BTC, "limit", "buy", 2, 102)
    except OmsDriverError as error:
        return {"reason": error.reason}
    return None


async def _driver_preview(ways: Ways) -> Any:
    return (await ways.driver.preview_order(BTC, "limit", "buy", 2, 102))["refusal"]


async def _call(ways: Ways, func: str, *args: Any) -> Any:
    path = f"/ccxt/{ways.gateway.account_id}/{func}"
    return (await ways.gateway.client("POST", path, {"args": list(args)}, key=KEY)).detail


async def _ccxt(ways: Ways) -> Any:
    return await _call(ways, "create_order", BTC, "limit", "buy", 2, 102)


async def _ccxt_orders(ways: Ways) -> Any:
    return await _call(ways, "create_orders", [LEG, LEG])


async def _ccxt_edit(ways: Ways) -> Any:
    rows = await ways.gateway.client.get(f"/oms/orders/{ways.order_id}", key=KEY)
    number = rows["items"][0]["exchange_order_id"]
    return await _call(ways, "edit_order", number, BTC, "limit", "buy", 3, 102)


async def _change(ways: Ways) -> Any:
    change = {"order_id": ways.order_id, "new_qty": "3", "new_price": "102"}
    return (await post_command(ways.gateway, "change_order", **change))["error"]


async def _check(ways: Ways) -> Any:
    order = {"symbol": BTC, "side": "buy", **ENTRY}
    body = {"account_id": ways.gateway.account_id, "order": order}
    return (await ways.gateway.client("POST", "/risk/check", body, key=KEY)).json()["refusal"]


async def _preview(ways: Ways) -> Any:
    order = {"symbol": BTC, "side": "buy", **ENTRY}
    return (await preview_of(ways.gateway, "send_order", **order))["refusal"]


async def _bracket(ways: Ways) -> Any:
    exits = {"take_profit": {"pct": "5"}, "stop_loss": {"pct": "5"}}
    return (await send(ways.gateway, **ENTRY, bracket=exits))["error"]


async def _group(ways: Ways) -> Any:
    payload = {"symbol": BTC, "side": "buy", **ENTRY}
    body = {"group_id": ways.group_id, "command": "send_order", "payload": payload}
    answer = await ways.gateway.client("POST", "/oms/commands?wait_ms=8000", body, key=KEY)
    (result,) = (answer.json().get("detail") or answer.json())["results"]
    return result["error"]


async def _signal(ways: Ways) -> Any:
    """Of a strategy without positions: another one would reduce the short position first."""
    body = {"symbol": BTC, "side": "buy", "qty": "2", "order_type": "limit", "price": "102"}
    alert = {**body, "strategy_id": ways.strategy_id, "account_id": ways.gateway.account_id}
    return await _refusal(ways, "/signals/trade", alert)


async def _tradingview(ways: Ways) -> Any:
    terms = {"order_type": "limit", "price": "102", "quantity": "2"}
    alert = {"ticker": BTC, "action": "buy", **terms, "alert_id": f"way {next(ways.numbers)}"}
    return await _refusal(ways, f"/signals/tradingview/{ways.tokens['tradingview']}", alert)


async def _bounce(ways: Ways) -> Any:
    terms = {"symbol": BTC, "side": "long", "price": 100, "timestamp": "2026-01-01T00:00:00Z"}
    alert = {**terms, "alert_id": f"way {next(ways.numbers)}"}
    return await _refusal(ways, f"/in/{ways.tokens['bounce']}/signals/bounce", alert)


async def _refusal(ways: Ways, path: str, alert: Mapping[str, Any]) -> Any:
    """Send a signal; what refused it, once it has ended."""
    client = ways.gateway.client
    answer = await client("POST", path, alert, key=KEY if path == "/signals/trade" else "")
    signal_id = answer.json()["signal_id"]
    found = await poll_until(
        lambda: client.get(f"/signals/{signal_id}", key=KEY),
        lambda each: each["signal"]["status"] not in ("queued", "received"),
        seconds=20,
    )
    reason = found["signal"]["reason_code"]
    return None if reason is None else {"reason": reason}


WAYS: Mapping[str, Callable[[Ways], Awaitable[Any]]] = {
    "command": _command,
    "batch": _batch,
    "pair": _pair,
    "bracket": _bracket,
    "group": _group,
    "signal": _signal,
    "tradingview": _tradingview,
    "bounce": _bounce,
    "socket": _socket,
    "socket_call": _socket_call,
    "driver": _driver,
    "driver_preview": _driver_preview,
    "ccxt": _ccxt,
    "ccxt_orders": _ccxt_orders,
    "ccxt_edit": _ccxt_edit,
    "change": _change,
    "check": _check,
    "preview": _preview,
}


@pytest.fixture(params=["sqlite", "mariadb"])
def dsn(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The gateway's database."""
    yield from created_database(request, tmp_path, has_schema=False)


@pytest.fixture
async def ways(busy: InProcessGateway) -> AsyncIterator[Ways]:
    """A hedge account that has lost, and holds two positions and two resting orders."""
    gateway = await open_limited(busy, "hedge")
    resting = {"order_type": "limit", "price": "90", "qty": "2", "new_position": True}
    assert (await send(gateway, side="sell", qty="20"))["ok"]
    assert (await send(gateway, symbol=ETH, qty="2"))["ok"]
    order_ids = [(await send(gateway, **resting))["order_id"] for _ in range(2)]
    scheduler = gateway.worker.equity_scheduler
    assert scheduler is not None
    await scheduler.take([gateway.worker.processor.keeper.held[gateway.account_id]])
    await gateway.set_price(ETH, "99", key=KEY)
    assert (await send(gateway, symbol=ETH, new_position=True))["ok"]
    await gateway.set_price(ETH, "98", key=KEY)
    lost = max((await _positions(gateway, ETH)), key=lambda row: int(row["id"]))
    assert (await post_command(gateway, "close_position", position_id=lost["id"]))["ok"]
    async with (
        serve_http(gateway.app) as server,
        connect_websocket(gateway.app, KEY) as socket,
    ):
        url = f"http://127.0.0.1:{server.port}"
        driver = OmsCcxtAsyncExchange(api_key=KEY, account_id=gateway.account_id, base_url=url)
        group_id, strategy_id = await _group_of_one(gateway), await _strategy(gateway)
        sizing = {"strategy_id": strategy_id, "sizing": {"kind": "qty", "value": "2"}}
        tokens = {
            kind: (await add_source(gateway, kind, name=kind, rate_per_minute=6000, **sizing))[
                "path_token"
            ]
            for kind in SOURCES
        }
        yield Ways(gateway, socket, driver, order_ids[0], group_id, strategy_id, tokens)
        await driver.close()


def test_the_table_has_every_key() -> None:
    assert REFUSING.keys() | SILENT == KEYS.keys()


async def test_every_key_refuses_what_opens_and_lets_exits_pass(ways: Ways) -> None:
    gateway = ways.gateway
    (short,) = await _positions(gateway, BTC)
    refusals: dict[str, dict[str, str]] = {name: {} for name in WAYS}
    for key, setting in REFUSING.items():
        reader = gateway.worker.processor.read_equity
        assert isinstance(reader, ReadAccountEquity)
        reader.forget()
        await set_limits(gateway, **{key: setting})
        for name, way in WAYS.items():
            if key not in NOT_JUDGED.get(name, ()):
                refused = await way(ways)
                assert refused is not None, (key, name)
                refusals[name][key] = refused["reason"]
        closing = await post_command(gateway, "close_position", position_id=short["id"], qty="1")
        assert closing["ok"], (key, closing)
        await set_limits(gateway, **{key: None})
    expected = {
        name: {key: KEYS[key].reason for key in REFUSING if key not in NOT_JUDGED.get(name, ())}
        for name in WAYS
    }
    assert refusals == expected


async def test_a_kill_switch_refuses_every_way_in(ways: Ways) -> None:
    gateway = ways.gateway
    (short,) = await _positions(gateway, BTC)
    switch = {"scope": "account", "scope_id": gateway.account_id, "mode": "reduce_only"}
    switch |= {"comment": "enough", "cancel_entries": False}
    answer = await gateway.client("POST", "/risk/kill", switch, key=ADMIN_KEY)
    assert answer.status == 200, answer.body
    forget_limits(gateway)
    refused = {name: (await way(ways) or {}).get("reason") for name, way in WAYS.items()}
    assert refused == dict.fromkeys(WAYS, "kill_switch")
    reversed_ = await post_command(gateway, "reverse_position", position_id=short["id"])
    assert reversed_["error"]["reason"] == "kill_switch"
    assert await _positions(gateway, BTC) == [], "what reduces passes"


async def _group_of_one(gateway: InProcessGateway) -> int:
    body = {"name": "one", "members": [{"account_id": gateway.account_id, "ratio": "1"}]}
    answer = await gateway.client("POST", "/account-groups", body, key=KEY)
    assert answer.status == 200, answer.body
    group_id: int = answer.json()["group_id"]
    return group_id


async def _strategy(gateway: InProcessGateway) -> int:
    body = {"name": "alerts", "account_ids": [gateway.account_id]}
    answer = await gateway.client("POST", "/strategies", body, key=KEY)
    assert answer.status == 200, answer.body
    strategy_id: int = answer.json()["strategy_id"]
    return strategy_id


async def _positions(gateway: InProcessGateway, symbol: str) -> Any:
    path = f"/oms/positions/open?account_ids={gateway.account_id}"
    items = (await gateway.client.get(path, key=KEY))["items"]
    return [row for row in items if row["symbol"] == symbol]
