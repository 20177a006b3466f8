"""The Binance API at its port: routes of REST requests, responses, and WebSocket upgrades."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from loopback.binance import rest_account, rest_orders, rest_public
from loopback.binance.errors import ApiError
from loopback.binance.order_limits import CONTRACTS, SPOT, count_headers
from loopback.binance.params import (
    Caller,
    Params,
    check_signature,
    find_key,
    request_params,
    signed_text,
)
from loopback.binance.streams import StreamServer
from loopback.exchange.venue import Venue
from loopback.faults import FaultGroup
from loopback.formatting import compact_json
from loopback.server.http import Request, Response
from loopback.server.request_filter import LogEntry, RequestFilter
from loopback.server.stream_hub import StreamHub
from loopback.server.venue_api import VenueApi

Private = Callable[[Caller, Params], Any]
_BATCH = "/fapi/v1/batchOrders"


class Public(Protocol):
    """A route without authentication."""

    def __call__(self, venue: Venue, params: Params, *, spot: bool) -> Any:
        """Returns the body of the response."""


BOTH: Mapping[str, Public] = {
    "ping": rest_public.ping,
    "time": rest_public.server_time,
    "exchangeInfo": rest_public.exchange_info,
    "depth": rest_public.depth,
    "trades": rest_public.trades,
    "aggTrades": rest_public.aggregate_trades,
    "ticker/24hr": rest_public.ticker,
    "ticker/bookTicker": rest_public.best_prices,
    "klines": rest_public.klines,
}
PUBLIC: Mapping[str, Public] = {
    **{f"/api/v3/{name}": route for name, route in BOTH.items()},
    **{f"/fapi/v1/{name}": route for name, route in BOTH.items()},
    "/fapi/v1/premiumIndex": rest_public.premium_index,
    "/fapi/v1/fundingRate": rest_public.funding_rates,
}
PRIVATE: Mapping[tuple[str, str], Private] = {
    ("POST", "/api/v3/order"): rest_orders.create,
    ("GET", "/api/v3/order"): rest_orders.read_order,
    ("DELETE", "/api/v3/order"): rest_orders.cancel,
    ("POST", "/api/v3/order/cancelReplace"): rest_orders.cancel_replace,
    ("GET", "/api/v3/openOrders"): rest_orders.open_orders,
    ("DELETE", "/api/v3/openOrders"): rest_orders.cancel_all,
    ("GET", "/api/v3/allOrders"): rest_orders.all_orders,
    ("GET", "/api/v3/myTrades"): rest_orders.my_trades,
    ("GET", "/api/v3/account"): rest_account.spot_account,
    ("GET", "/sapi/v1/capital/config/getall"): rest_account.coins,
    ("GET", "/sapi/v1/asset/tradeFee"): rest_account.trade_fees,
    ("POST", "/fapi/v1/order"): rest_orders.create,
    ("POST", _BATCH): rest_orders.create_batch,
    ("GET", "/fapi/v1/order"): rest_orders.read_order,
    ("PUT", "/fapi/v1/order"): rest_orders.amend,
    ("DELETE", "/fapi/v1/order"): rest_orders.cancel,
    ("GET", "/fapi/v1/openOrders"): rest_orders.open_orders,
    ("DELETE", "/fapi/v1/allOpenOrders"): rest_orders.cancel_all,
    ("POST", "/fapi/v1/algoOrder"): rest_orders.create_algo_order,
    ("GET", "/fapi/v1/algoOrder"): rest_orders.read_algo_order,
    ("DELETE", "/fapi/v1/algoOrder"): rest_orders.cancel_algo_order,
    ("GET", "/fapi/v1/openAlgoOrders"): rest_orders.open_algo_orders,
    ("POST", "/fapi/v1/countdownCancelAll"): rest_orders.count_down,
    ("GET", "/fapi/v1/allOrders"): rest_orders.all_orders,
    ("GET", "/fapi/v1/userTrades"): rest_orders.my_trades,
    ("POST", "/fapi/v1/leverage"): rest_account.set_leverage,
    ("GET", "/fapi/v1/income"): rest_account.income,
    ("GET", "/fapi/v1/leverageBracket"): rest_account.leverage_brackets,
    ("GET", "/fapi/v1/positionSide/dual"): rest_account.position_mode,
    ("POST", "/fapi/v1/positionSide/dual"): rest_account.set_position_mode,
    ("GET", "/fapi/v1/multiAssetsMargin"): rest_account.margin_assets,
    ("GET", "/fapi/v2/account"): rest_account.linear_account,
    ("GET", "/fapi/v3/account"): rest_account.linear_account,
    ("GET", "/fapi/v3/balance"): rest_account.balance,
    ("GET", "/fapi/v2/positionRisk"): rest_account.positions,
    ("GET", "/fapi/v3/positionRisk"): rest_account.positions,
}


#: Requests that count as new orders.
_COUNTED = frozenset(
    {
        ("POST", "/api/v3/order"),
        ("POST", "/api/v3/order/cancelReplace"),
        ("POST", "/fapi/v1/order"),
        ("POST", _BATCH),
        ("PUT", "/fapi/v1/order"),
        ("POST", "/fapi/v1/algoOrder"),
    }
)


class BinanceApi(VenueApi):
    """The API of the Binance port."""

    key_header = "x-mbx-apikey"

    def __init__(self, venue: Venue, request_filter: RequestFilter, hub: StreamHub) -> None:
        streams = StreamServer(venue, request_filter, hub)
        super().__init__(venue, request_filter, streams)
        self._listen_keys = streams

    def _client_id(self, request: Request) -> str:
        params = request_params(request)
        if request.path == _BATCH:
            return _client_ids(params)
        names = ("newClientOrderId", "origClientOrderId", "clientAlgoId")
        return next((params[name] for name in names if params.get(name)), "")

    def _respond(self, request: Request, entry: LogEntry) -> Response:
        load = self._request_filter.faults.take(FaultGroup.LOAD, request.line, entry.key)
        if load is not None:
            status = 418 if load.mode == "ban" else 429
            error = ApiError(-1003, "Too many requests.", status)
            return _error_response(error, load.text("retry_after", "1"))
        headers: dict[str, str] = {}
        try:
            result = self._result(request, entry, headers)
        except ApiError as error:
            return _error_response(error, "1" if error.status == 429 else "")
        result = self._with_read_fault(request, entry, result)
        weight = {"X-MBX-USED-WEIGHT-1M": str(self._request_filter.recent_requests(entry.key))}
        return Response(200, compact_json(result).encode(), headers | weight)

    def _result(self, request: Request, entry: LogEntry, headers: dict[str, str]) -> Any:
        params = request_params(request)
        route, spot = (request.method, request.path), not request.path.startswith("/fapi")
        if request.method == "GET" and request.path in PUBLIC:
            return PUBLIC[request.path](self._venue, params, spot=spot)
        if request.path == "/fapi/v1/listenKey" and request.method in ("POST", "PUT"):
            key = find_key(entry.key, self._venue.keys)
            return self._listen_keys.listen_key(key.name)
        if route not in PRIVATE:
            raise ApiError(-5000, f"Path {request.path}, Method {request.method} is invalid", 404)
        key = find_key(entry.key, self._venue.keys)
        check_signature(key, signed_text(request), params, self._now_ms())
        if key.read_only and request.method != "GET":
            raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        entry.is_limited, _, _ = self._request_filter.count_request(key.name, request.path)
        if entry.is_limited:
            raise ApiError(-1003, "Too many requests; current limit is exceeded.", 429)
        entry.is_limited = self._exceeds_order_limit(key.name, route, params, headers)
        if entry.is_limited:
            raise ApiError(-1015, "Too many new orders; current limit is exceeded.", 429)
        account, faults = self._venue.account_of(key.name), self._request_filter.faults
        return PRIVATE[route](Caller(self._venue, faults, account, key.name, spot), params)

    def _exceeds_order_limit(
        self, key: str, route: tuple[str, str], params: dict[str, str], headers: dict[str, str]
    ) -> bool:
        """Counts new orders; returns whether they exceed the limit, else says so in the headers."""
        if route not in _COUNTED:
            return False
        count = len(rest_orders.batch_orders(params)) if route[1] == _BATCH else 1
        windows = SPOT if route[1].startswith("/api") else CONTRACTS
        name = f"{key} {'spot' if windows is SPOT else 'contracts'}"
        counts = self._request_filter.count_orders(name, count, windows)
        if any(counts[seconds] > allowed for seconds, allowed in windows.items()):
            return True
        headers |= count_headers(counts)
        return False


def _client_ids(params: Params) -> str:
    """The client ids of a batch, for the log."""
    try:
        orders = rest_orders.batch_orders(params)
    except ApiError:
        return ""
    return ",".join(str(each.get("newClientOrderId", "")) for each in orders)


def _error_response(error: ApiError, retry_after: str) -> Response:
    body = {"code": error.code, "msg": error.message}
    if isinstance(error, rest_orders.PartialCancelReplace):
        body["data"] = error.data
    headers = {"Retry-After": retry_after} if retry_after else {}
    return Response(error.status, json.dumps(body).encode(), headers)
