"""The Bybit dialect at its port: from request to route to reply, and the dial of its streams."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loopback.bybit import rest_account, rest_orders, rest_public
from loopback.bybit.errors import ApiError, invalid_request
from loopback.bybit.signature import authenticate
from loopback.bybit.streams import StreamServer
from loopback.bybit.trading_stops import resize_trading_stops
from loopback.exchange.account import Account
from loopback.exchange.rows import AccountUpdate, PositionUpdate
from loopback.exchange.venue import Venue
from loopback.formatting import Json, compact_json, to_ms
from loopback.server.faults import FaultGroup
from loopback.server.http import Request, Response, WebSocket
from loopback.server.read_faults import apply_read_fault
from loopback.server.request_filter import RequestFilter
from loopback.server.stream_hub import StreamHub

Public = Callable[[Venue, Mapping[str, Any]], Json]
Private = Callable[["Caller", Mapping[str, Any]], Json]

PUBLIC: Mapping[tuple[str, str], Public] = {
    ("GET", "/v5/system/status"): rest_public.system_status,
    ("GET", "/v5/market/time"): rest_public.server_time,
    ("GET", "/v5/market/instruments-info"): rest_public.instruments_info,
    ("GET", "/v5/market/tickers"): rest_public.tickers,
    ("GET", "/v5/market/orderbook"): rest_public.order_book,
    ("GET", "/v5/market/kline"): rest_public.kline,
    ("GET", "/v5/market/recent-trade"): rest_public.recent_trade,
}
PRIVATE: Mapping[tuple[str, str], Private] = {
    ("GET", "/v5/user/query-api"): rest_account.query_api,
    ("GET", "/v5/account/info"): rest_account.account_info,
    ("GET", "/v5/asset/coin/query-info"): rest_account.coin_info,
    ("GET", "/v5/account/wallet-balance"): rest_account.wallet_balance,
    ("GET", "/v5/account/fee-rate"): rest_account.fee_rate,
    ("GET", "/v5/position/list"): rest_account.position_list,
    ("GET", "/v5/order/realtime"): rest_orders.realtime,
    ("GET", "/v5/order/history"): rest_orders.history,
    ("GET", "/v5/execution/list"): rest_orders.executions,
    ("POST", "/v5/order/create"): rest_orders.create,
    ("POST", "/v5/order/amend"): rest_orders.amend,
    ("POST", "/v5/order/cancel"): rest_orders.cancel,
    ("POST", "/v5/order/cancel-all"): rest_orders.cancel_all,
    ("POST", "/v5/position/set-leverage"): rest_account.set_leverage,
    ("POST", "/v5/position/switch-mode"): rest_account.switch_mode,
    ("POST", "/v5/position/trading-stop"): rest_account.trading_stop,
}


@dataclass(frozen=True)
class Caller:
    """Who asks: the account that the key opens, at this venue, through this gate."""

    venue: Venue
    gate: RequestFilter
    account: Account
    key: str
    read_only: bool


class BybitApi:
    """Answers at a port; see ``loopback.server.http.RequestHandler``."""

    def __init__(self, venue: Venue, gate: RequestFilter, talks: StreamHub) -> None:
        self.venue, self.gate = venue, gate
        self.sockets = StreamServer(venue, gate, talks)
        venue.account_listeners.append(_keep_stops)

    async def answer(self, request: Request) -> Response:
        """The answer to a REST request, faults included."""
        key = request.headers.get("x-bapi-api-key", "")
        time = self.venue.now().isoformat()
        entry = self.gate.write(request, time, key, _client_id(request))
        reply = await self.gate.before(request, key)
        if reply is None:
            reply = await self.gate.after(request, key, self._reply(request, key))
        entry.status = reply.status
        return reply

    async def refuse_upgrade(self, request: Request) -> Response | None:
        """503 for a dial that a fault refuses, 404 for a stream that there is none of."""
        self.gate.write(request, self.venue.now().isoformat(), "", "")
        if self.gate.faults.take(FaultGroup.STREAM, request.path, "", "refuse"):
            return Response(503, b"no capacity", {"Content-Type": "text/plain"})
        return None if self.sockets.has(request.path) else Response(404)

    async def serve(self, request: Request, socket: WebSocket) -> None:
        """A stream, until it is gone."""
        await self.sockets.serve(request.path, socket)

    def _reply(self, request: Request, key: str) -> Response:
        load = self.gate.faults.take(FaultGroup.LOAD, request.line, key)
        if load is not None and load.mode == "ban":
            wait = load.word("retry_after", "60")
            return Response(418, b"banned", {"Retry-After": wait, "Content-Type": "text/plain"})
        headers: dict[str, str] = {}
        code, message, result, status = 0, "OK", {}, 200
        try:
            if load is not None:
                raise ApiError(10006, "Too many visits. Exceeded the API Rate Limit.")
            result = self._result(request, key, headers)
        except ApiError as refusal:
            code, message, status = refusal.code, refusal.message, refusal.status
        body = {
            "retCode": code,
            "retMsg": message,
            "result": result,
            "retExtInfo": {},
            "time": self._now_ms(),
        }
        return Response(status, compact_json(body).encode(), headers)

    def _result(self, request: Request, key: str, headers: dict[str, str]) -> Json:
        where = (request.method, request.path.rstrip("/"))
        if where in PUBLIC:
            told = PUBLIC[where](self.venue, request.params)
            if where[1] == "/v5/market/time":
                told = rest_public.time_json(self._now_ms())
            return _spoiled(self, request, key, told)
        if where not in PRIVATE:
            raise ApiError(404, "Not Found", status=404)
        caller = self._caller(request, headers)
        params = request.params if request.method == "GET" else _body(request)
        told = PRIVATE[where](caller, params)
        return _spoiled(self, request, key, told)

    def _caller(self, request: Request, headers: dict[str, str]) -> Caller:
        key = authenticate(request, self.venue.keys, self._now_ms())
        is_over, left, allowed = self.gate.is_over(key.name, request.path)
        headers |= {
            "X-Bapi-Limit": str(allowed),
            "X-Bapi-Limit-Status": str(left),
            "X-Bapi-Limit-Reset-Timestamp": str(self._now_ms() + (1000 if is_over else 0)),
        }
        if is_over:
            raise ApiError(10006, "Too many visits. Exceeded the API Rate Limit.")
        account = self.venue.account_of(key.name)
        return Caller(self.venue, self.gate, account, key.name, key.read_only)

    def _now_ms(self) -> int:
        return to_ms(self.venue.now()) + self.gate.skew_ms


def _spoiled(bybit: BybitApi, request: Request, key: str, told: Json) -> Json:
    result: Json = apply_read_fault(bybit.gate, request.path, key, told, bybit.venue.now())
    return result


def _keep_stops(account: Account, told: Sequence[AccountUpdate]) -> None:
    if any(isinstance(each, PositionUpdate) for each in told):
        resize_trading_stops(account)


def _body(request: Request) -> Json:
    try:
        told = json.loads(request.body or b"{}")
    except ValueError:
        raise invalid_request("The request body is no JSON") from None
    if not isinstance(told, dict):
        raise invalid_request("The request body is no JSON object")
    return told


def _client_id(request: Request) -> str:
    """The client id that a request names, for the log."""
    if request.method == "GET":
        return request.params.get("orderLinkId", "")
    try:
        told = json.loads(request.body)
    except ValueError:
        return ""
    return str(told.get("orderLinkId", "")) if isinstance(told, dict) else ""
