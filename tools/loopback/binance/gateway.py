"""The Binance dialect at its port: from request to route to reply, and the dial of its streams."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from loopback.binance import holdings, market, orders
from loopback.binance.asking import (
    Caller,
    Params,
    judge_signature,
    key_named,
    params_of,
    text_of,
)
from loopback.binance.errors import Refusal
from loopback.binance.sockets import Sockets
from loopback.faults import Group
from loopback.gate import Gate
from loopback.http import Reply, Request, Socket
from loopback.reads import spoiled
from loopback.talks import Talks
from loopback.venue import Venue
from loopback.words import compact, ms

Private = Callable[[Caller, Params], Any]


class Public(Protocol):
    """A route that everybody may ask."""

    def __call__(self, venue: Venue, params: Params, *, spot: bool) -> Any:
        """The answer."""


BOTH: Mapping[str, Public] = {
    "ping": market.ping,
    "time": market.server_time,
    "exchangeInfo": market.exchange_info,
    "depth": market.depth,
    "trades": market.trades,
    "aggTrades": market.grouped_trades,
    "ticker/24hr": market.ticker,
    "ticker/bookTicker": market.best_prices,
    "klines": market.klines,
}
PUBLIC: Mapping[str, Public] = {
    **{f"/api/v3/{name}": route for name, route in BOTH.items()},
    **{f"/fapi/v1/{name}": route for name, route in BOTH.items()},
    "/fapi/v1/premiumIndex": market.premium_index,
}
PRIVATE: Mapping[tuple[str, str], Private] = {
    ("POST", "/api/v3/order"): orders.create,
    ("GET", "/api/v3/order"): orders.read,
    ("DELETE", "/api/v3/order"): orders.cancel,
    ("POST", "/api/v3/order/cancelReplace"): orders.cancel_replace,
    ("GET", "/api/v3/openOrders"): orders.open_orders,
    ("DELETE", "/api/v3/openOrders"): orders.cancel_all,
    ("GET", "/api/v3/allOrders"): orders.all_orders,
    ("GET", "/api/v3/myTrades"): orders.my_trades,
    ("GET", "/api/v3/account"): holdings.spot_account,
    ("GET", "/sapi/v1/capital/config/getall"): holdings.coins,
    ("POST", "/fapi/v1/order"): orders.create,
    ("GET", "/fapi/v1/order"): orders.read,
    ("PUT", "/fapi/v1/order"): orders.change,
    ("DELETE", "/fapi/v1/order"): orders.cancel,
    ("GET", "/fapi/v1/openOrders"): orders.open_orders,
    ("DELETE", "/fapi/v1/allOpenOrders"): orders.cancel_all,
    ("POST", "/fapi/v1/algoOrder"): orders.create_algo,
    ("GET", "/fapi/v1/algoOrder"): orders.read_algo,
    ("DELETE", "/fapi/v1/algoOrder"): orders.cancel_algo,
    ("GET", "/fapi/v1/openAlgoOrders"): orders.open_algo_orders,
    ("GET", "/fapi/v1/allOrders"): orders.all_orders,
    ("GET", "/fapi/v1/userTrades"): orders.my_trades,
    ("POST", "/fapi/v1/leverage"): holdings.set_leverage,
    ("GET", "/fapi/v1/leverageBracket"): holdings.leverage_brackets,
    ("GET", "/fapi/v1/positionSide/dual"): holdings.position_mode,
    ("POST", "/fapi/v1/positionSide/dual"): holdings.set_position_mode,
    ("GET", "/fapi/v2/account"): holdings.linear_account,
    ("GET", "/fapi/v3/account"): holdings.linear_account,
    ("GET", "/fapi/v3/balance"): holdings.balance,
    ("GET", "/fapi/v2/positionRisk"): holdings.positions,
    ("GET", "/fapi/v3/positionRisk"): holdings.positions,
}


class Binance:
    """Answers at a port; see ``loopback.http.Answering``."""

    def __init__(self, venue: Venue, gate: Gate, talks: Talks) -> None:
        self._venue, self._gate = venue, gate
        self._sockets = Sockets(venue, gate, talks)

    async def answer(self, request: Request) -> Reply:
        """The answer to a REST request, faults included."""
        key = request.headers.get("x-mbx-apikey", "")
        params = params_of(request)
        names = ("newClientOrderId", "origClientOrderId", "clientAlgoId")
        client_id = next((params[name] for name in names if params.get(name)), "")
        entry = self._gate.write(request, self._venue.now().isoformat(), key, client_id)
        reply = await self._gate.before(request, key)
        if reply is None:
            reply = self._reply(request, key, params)
            reply = await self._gate.after(request, key, reply)
        entry.status = reply.status
        return reply

    async def refuses(self, request: Request) -> Reply | None:
        """503 for a dial that a fault refuses, 404 for a stream that there is none of."""
        self._gate.write(request, self._venue.now().isoformat(), "", "")
        if self._gate.faults.take(Group.STREAM, request.path, "", "refuse"):
            return Reply(503, b"no capacity", {"Content-Type": "text/plain"})
        return None if self._sockets.has(request) else Reply(404)

    async def serve(self, request: Request, socket: Socket) -> None:
        """A stream, until it is gone."""
        await self._sockets.serve(request, socket)

    def _reply(self, request: Request, key: str, params: dict[str, str]) -> Reply:
        load = self._gate.faults.take(Group.LOAD, request.line, key)
        if load is not None:
            status = 418 if load.mode == "ban" else 429
            return _refusal(
                Refusal(-1003, "Too many requests.", status), load.word("retry_after", "1")
            )
        try:
            told = self._told(request, key, params)
        except Refusal as refused:
            return _refusal(refused, "1" if refused.status == 429 else "")
        told = spoiled(self._gate, request.path, key, told, self._venue.now())
        used = {"X-MBX-USED-WEIGHT-1M": str(self._gate.count_of(key))}
        return Reply(200, compact(told).encode(), used)

    def _told(self, request: Request, key_name: str, params: dict[str, str]) -> Any:
        where, spot = (request.method, request.path), not request.path.startswith("/fapi")
        if request.method == "GET" and request.path in PUBLIC:
            return PUBLIC[request.path](self._venue, params, spot=spot)
        if request.path == "/fapi/v1/listenKey" and request.method in ("POST", "PUT"):
            key = key_named(key_name, self._venue.keys)
            return self._sockets.listen_key(key.name)
        if where not in PRIVATE:
            raise Refusal(-5000, f"Path {request.path}, Method {request.method} is invalid", 404)
        key = key_named(key_name, self._venue.keys)
        now_ms = ms(self._venue.now()) + self._gate.skew_ms
        judge_signature(key, text_of(request), params, now_ms)
        if key.read_only and request.method != "GET":
            raise Refusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        if self._gate.is_over(key.name, request.path)[0]:
            raise Refusal(-1003, "Too many requests; current limit is exceeded.", 429)
        account = self._venue.account_of(key.name)
        return PRIVATE[where](Caller(self._venue, self._gate, account, key.name, spot), params)


def _refusal(refused: Refusal, retry_after: str) -> Reply:
    body = {"code": refused.code, "msg": refused.message}
    if isinstance(refused, orders.Half):
        body["data"] = refused.data
    headers = {"Retry-After": retry_after} if retry_after else {}
    return Reply(refused.status, json.dumps(body).encode(), headers)
