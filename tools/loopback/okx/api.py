"""The OKX API at its port: routes of REST requests, responses, and WebSocket upgrades.

Every response is ``{"code", "data", "msg"}``; the code is 0, or 1 or 2 if all or some orders of the
request were refused, which the rows of ``data`` say.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from loopback.exchange.caller import Caller
from loopback.exchange.venue import Venue
from loopback.faults import FaultGroup
from loopback.formatting import Json, compact_json
from loopback.okx import rest_account, rest_algos, rest_orders, rest_public
from loopback.okx.errors import ApiError
from loopback.okx.signature import authenticate
from loopback.okx.streams import StreamServer
from loopback.server.http import Request, Response
from loopback.server.request_filter import LogEntry, RequestFilter
from loopback.server.stream_hub import StreamHub
from loopback.server.venue_api import VenueApi

Public = Callable[[Venue, Mapping[str, Any]], list[Any]]
Private = Callable[[Caller, Any], list[Any]]

PUBLIC: Mapping[str, Public] = {
    "/api/v5/system/status": rest_public.system_status,
    "/api/v5/public/instruments": rest_public.instruments,
    "/api/v5/public/mark-price": rest_public.mark_prices,
    "/api/v5/public/funding-rate": rest_public.funding_rate,
    "/api/v5/public/funding-rate-history": rest_public.funding_rate_history,
    "/api/v5/market/ticker": rest_public.ticker,
    "/api/v5/market/tickers": rest_public.tickers,
    "/api/v5/market/books": rest_public.books,
    "/api/v5/market/trades": rest_public.trades,
    "/api/v5/market/candles": rest_public.candles,
    "/api/v5/market/history-candles": rest_public.candles,
}
PRIVATE: Mapping[tuple[str, str], Private] = {
    ("GET", "/api/v5/account/config"): rest_account.config,
    ("GET", "/api/v5/account/balance"): rest_account.balance,
    ("GET", "/api/v5/account/positions"): rest_account.positions,
    ("GET", "/api/v5/account/bills-archive"): rest_account.bills,
    ("GET", "/api/v5/account/trade-fee"): rest_account.trade_fee,
    ("GET", "/api/v5/asset/currencies"): rest_account.currencies,
    ("POST", "/api/v5/account/set-position-mode"): rest_account.set_position_mode,
    ("POST", "/api/v5/account/set-leverage"): rest_account.set_leverage,
    ("POST", "/api/v5/trade/order"): rest_orders.place,
    ("POST", "/api/v5/trade/batch-orders"): rest_orders.place_batch,
    ("POST", "/api/v5/trade/cancel-order"): rest_orders.cancel,
    ("POST", "/api/v5/trade/cancel-batch-orders"): rest_orders.cancel_batch,
    ("POST", "/api/v5/trade/amend-order"): rest_orders.amend,
    ("POST", "/api/v5/trade/cancel-all-after"): rest_orders.cancel_all_after,
    ("GET", "/api/v5/trade/order"): rest_orders.read_order,
    ("GET", "/api/v5/trade/orders-pending"): rest_orders.pending,
    ("GET", "/api/v5/trade/orders-history"): rest_orders.history,
    ("GET", "/api/v5/trade/fills"): rest_orders.fills,
    ("GET", "/api/v5/trade/fills-history"): rest_orders.fills,
    ("POST", "/api/v5/trade/order-algo"): rest_algos.place,
    ("POST", "/api/v5/trade/cancel-algos"): rest_algos.cancel,
    ("GET", "/api/v5/trade/order-algo"): rest_algos.read_order,
    ("GET", "/api/v5/trade/orders-algo-pending"): rest_algos.pending,
    ("GET", "/api/v5/trade/orders-algo-history"): rest_algos.history,
}


class OkxApi(VenueApi):
    """The API of the OKX port."""

    key_header = "ok-access-key"

    def __init__(self, venue: Venue, request_filter: RequestFilter, hub: StreamHub) -> None:
        super().__init__(venue, request_filter, StreamServer(venue, request_filter, hub))

    def _client_id(self, request: Request) -> str:
        return _client_id(request)

    def _respond(self, request: Request, entry: LogEntry) -> Response:
        load = self._request_filter.faults.take(FaultGroup.LOAD, request.line, entry.key)
        if load is not None and load.mode == "ban":
            headers = {"Retry-After": load.text("retry_after", "60"), "Content-Type": "text/plain"}
            return Response(418, b"banned", headers)
        try:
            if load is not None:
                raise _too_many_requests()
            data = self._data(request, entry)
        except ApiError as error:
            body: Json = {"code": str(error.code), "data": [], "msg": error.message}
            return Response(error.status, compact_json(body).encode())
        return Response(200, compact_json({"code": _code(data), "data": data, "msg": ""}).encode())

    def _data(self, request: Request, entry: LogEntry) -> list[Any]:
        route = (request.method, request.path)
        if route == ("GET", "/api/v5/public/time"):
            return [{"ts": str(self._now_ms())}]
        if request.method == "GET" and request.path in PUBLIC:
            data = PUBLIC[request.path](self._venue, request.params)
            return self._with_read_fault(request, entry, data)
        if route not in PRIVATE:
            raise ApiError(404, "Not Found", status=404)
        key = authenticate(request, self._venue.keys, self._now_ms())
        body = {} if request.method == "GET" else _body(request)
        orders = len(body) if isinstance(body, list) else 1
        entry.is_limited, _, _ = self._request_filter.count_request(key.name, request.path, orders)
        if entry.is_limited:
            raise _too_many_requests()
        faults = self._request_filter.faults
        account = self._venue.account_of(key.name)
        caller = Caller(self._venue, faults, account, key.name, key.read_only)
        if request.method == "GET":
            data = PRIVATE[route](caller, request.params)
            return self._with_read_fault(request, entry, data)
        return PRIVATE[route](caller, body)


def _too_many_requests() -> ApiError:
    return ApiError(50011, "Too Many Requests", status=429)


def _code(data: list[Any]) -> str:
    """The code of a response: of the rows with an ``sCode``, if there are any."""
    codes = [row["sCode"] for row in data if isinstance(row, dict) and "sCode" in row]
    failed = [code for code in codes if code != "0"]
    if not failed:
        return "0"
    return "1" if len(failed) == len(codes) else "2"


def _body(request: Request) -> Any:
    try:
        return json.loads(request.body or b"{}")
    except ValueError:
        raise ApiError(50002, "JSON syntax error", status=400) from None


def _client_id(request: Request) -> str:
    """The client id that a request names, for the log."""
    fields: Any = request.params
    if request.method != "GET":
        try:
            fields = json.loads(request.body)
        except ValueError:
            return ""
    rows = fields if isinstance(fields, list) else [fields]
    if not all(isinstance(row, dict) for row in rows):
        return ""
    return ",".join(str(row.get("clOrdId") or row.get("algoClOrdId") or "") for row in rows)
