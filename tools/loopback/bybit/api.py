"""The Bybit API at its port: routes of REST requests, responses, and WebSocket upgrades."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from loopback.bybit import rest_account, rest_orders, rest_public
from loopback.bybit.errors import ApiError, invalid_request
from loopback.bybit.signature import authenticate
from loopback.bybit.streams import StreamServer
from loopback.bybit.trading_stops import resize_trading_stops
from loopback.exchange.account import Account
from loopback.exchange.caller import Caller
from loopback.exchange.rows import AccountUpdate, PositionUpdate
from loopback.exchange.venue import Venue
from loopback.faults import FaultGroup
from loopback.formatting import Json, compact_json
from loopback.server.http import Request, Response
from loopback.server.request_filter import LogEntry, RequestFilter
from loopback.server.stream_hub import StreamHub
from loopback.server.venue_api import VenueApi

Public = Callable[[Venue, Mapping[str, Any]], Json]
Private = Callable[[Caller, Mapping[str, Any]], Json]

_CREATE_BATCH = "/v5/order/create-batch"

PUBLIC: Mapping[tuple[str, str], Public] = {
    ("GET", "/v5/system/status"): rest_public.system_status,
    ("GET", "/v5/market/time"): rest_public.server_time,
    ("GET", "/v5/market/instruments-info"): rest_public.instruments_info,
    ("GET", "/v5/market/tickers"): rest_public.tickers,
    ("GET", "/v5/market/orderbook"): rest_public.order_book,
    ("GET", "/v5/market/kline"): rest_public.kline,
    ("GET", "/v5/market/recent-trade"): rest_public.recent_trade,
    ("GET", "/v5/market/funding/history"): rest_public.funding_history,
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
    ("POST", _CREATE_BATCH): rest_orders.create_batch,
    ("POST", "/v5/order/amend"): rest_orders.amend,
    ("POST", "/v5/order/cancel"): rest_orders.cancel,
    ("POST", "/v5/order/cancel-all"): rest_orders.cancel_all,
    ("POST", "/v5/position/set-leverage"): rest_account.set_leverage,
    ("POST", "/v5/position/switch-mode"): rest_account.switch_mode,
    ("POST", "/v5/position/trading-stop"): rest_account.trading_stop,
}


class BybitApi(VenueApi):
    """The API of the Bybit port."""

    key_header = "x-bapi-api-key"

    def __init__(self, venue: Venue, request_filter: RequestFilter, hub: StreamHub) -> None:
        super().__init__(venue, request_filter, StreamServer(venue, request_filter, hub))
        venue.account_listeners.append(_update_trading_stops)

    def _client_id(self, request: Request) -> str:
        return _client_id(request)

    def _respond(self, request: Request, entry: LogEntry) -> Response:
        load = self._request_filter.faults.take(FaultGroup.LOAD, request.line, entry.key)
        if load is not None and load.mode == "ban":
            retry_after = load.text("retry_after", "60")
            headers = {"Retry-After": retry_after, "Content-Type": "text/plain"}
            return Response(418, b"banned", headers)
        response_headers: dict[str, str] = {}
        code, message, result, status = 0, "OK", {}, 200
        codes: Json = {}
        try:
            if load is not None:
                raise ApiError(10006, "Too many visits. Exceeded the API Rate Limit.")
            result = self._result(request, entry, response_headers)
            if request.path == _CREATE_BATCH:
                codes = {"list": result.pop("codes", [])}
        except ApiError as error:
            code, message, status = error.code, error.message, error.status
        body = {
            "retCode": code,
            "retMsg": message,
            "result": result,
            "retExtInfo": codes,
            "time": self._now_ms(),
        }
        return Response(status, compact_json(body).encode(), response_headers)

    def _result(self, request: Request, entry: LogEntry, headers: dict[str, str]) -> Json:
        route = (request.method, request.path.rstrip("/"))
        if route in PUBLIC:
            result = PUBLIC[route](self._venue, request.params)
            if route[1] == "/v5/market/time":
                result = rest_public.time_json(self._now_ms())
            return self._with_read_fault(request, entry, result)
        if route not in PRIVATE:
            raise ApiError(404, "Not Found", status=404)
        caller = self._caller(request, entry, headers)
        params = request.params if request.method == "GET" else _body(request)
        result = PRIVATE[route](caller, params)
        return self._with_read_fault(request, entry, result)

    def _caller(self, request: Request, entry: LogEntry, headers: dict[str, str]) -> Caller:
        key = authenticate(request, self._venue.keys, self._now_ms())
        orders = len(_body(request).get("request", ())) if request.path == _CREATE_BATCH else 1
        is_exceeded, left, allowed = self._request_filter.count_request(
            key.name, request.path, orders
        )
        headers |= {
            "X-Bapi-Limit": str(allowed),
            "X-Bapi-Limit-Status": str(left),
            "X-Bapi-Limit-Reset-Timestamp": str(self._now_ms() + (1000 if is_exceeded else 0)),
        }
        entry.is_limited = is_exceeded
        if is_exceeded:
            raise ApiError(10006, "Too many visits. Exceeded the API Rate Limit.")
        account = self._venue.account_of(key.name)
        faults = self._request_filter.faults
        return Caller(self._venue, faults, account, key.name, key.read_only)


def _update_trading_stops(account: Account, updates: Sequence[AccountUpdate]) -> None:
    if any(isinstance(each, PositionUpdate) for each in updates):
        resize_trading_stops(account)


def _body(request: Request) -> Json:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        raise invalid_request("The request body is no JSON") from None
    if not isinstance(body, dict):
        raise invalid_request("The request body is no JSON object")
    return body


def _client_id(request: Request) -> str:
    """The client id that a request names, for the log."""
    if request.method == "GET":
        return request.params.get("orderLinkId", "")
    try:
        body = json.loads(request.body)
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    orders = body.get("request") if request.path == _CREATE_BATCH else None
    if isinstance(orders, list):
        return ",".join(str(each.get("orderLinkId", "")) for each in orders)
    return str(body.get("orderLinkId", ""))
