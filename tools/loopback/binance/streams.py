"""WebSocket streams of the Binance dialect; one frame reports an order and its fill.

Spot: ``/ws-api/v3``, authenticated by ``userDataStream.subscribe.signature``. Contracts:
``/private/ws?listenKey=``. Market streams accept connections and send no data. Orders on spot
may be placed over the first one: ``order.place``.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from loopback.binance import rest_orders
from loopback.binance.errors import ApiError
from loopback.binance.order_json import is_conditional, is_spot
from loopback.binance.params import Caller, check_timestamp, find_key, sign
from loopback.binance.rest_account import listen_key
from loopback.binance.stream_frames import account_frame, algo_frame, order_frame, wallet_frame
from loopback.exchange.account import Account
from loopback.exchange.rows import (
    AccountUpdate,
    ExecutionUpdate,
    OrderUpdate,
    PositionUpdate,
    WalletUpdate,
)
from loopback.exchange.venue import ApiKey, Venue
from loopback.faults import FaultGroup
from loopback.formatting import Json, compact_json, to_ms
from loopback.server.http import Request, WebSocket
from loopback.server.request_filter import RequestFilter
from loopback.server.stream_hub import StreamConnection, StreamHub

SPOT, LINEAR = "/ws-api/v3", "/private/ws"
SILENT = ("/ws", "/public/ws", "/market/ws", "/stream", "/ws-fapi/v1")
USER_DATA = "userDataStream"


class StreamServer:
    """Serves all stream connections of the dialect."""

    def __init__(self, venue: Venue, request_filter: RequestFilter, hub: StreamHub) -> None:
        self._venue, self._request_filter, self._hub = venue, request_filter, hub
        self._listen_keys: dict[str, str] = {}
        venue.account_listeners.append(self._on_account_updates)

    def listen_key(self, key: str) -> Json:
        """Creates a listen key for the contract stream of a key."""
        body: Json = listen_key()
        self._listen_keys[body["listenKey"]] = key
        return body

    def has(self, request: Request) -> bool:
        """Whether there is a stream at the path."""
        if request.path == LINEAR:
            return request.params.get("listenKey") in self._listen_keys
        return request.path == SPOT or request.path in SILENT

    async def serve(self, request: Request, socket: WebSocket) -> None:
        """Serves a connection until it is closed."""
        connection = StreamConnection(socket, request.path)
        if request.path == LINEAR:
            connection.key = self._listen_keys[request.params["listenKey"]]
            connection.topics.add(USER_DATA)
        await self._hub.serve(connection, partial(self._reply, connection))

    def _reply(self, connection: StreamConnection, frame: Json) -> None:
        reply: Json = {"id": frame.get("id")}
        if connection.path != SPOT:
            connection.socket.send(compact_json(reply | {"result": None}))
            return
        try:
            if frame.get("method") == f"{USER_DATA}.subscribe.signature":
                self._authenticate(connection, frame.get("params") or {})
                reply["result"] = {"subscriptionId": 0}
            elif frame.get("method") == "order.place":
                reply["result"] = self._place_order(frame.get("params") or {})
            elif frame.get("method") == "ping":
                reply["result"] = {}
            else:
                raise ApiError(-1120, "Unknown method.")
            reply["status"] = 200
        except ApiError as error:
            reply |= {
                "status": error.status,
                "error": {"code": error.code, "msg": error.message},
            }
        connection.socket.send(compact_json(reply))

    def _check_signature(self, params: dict[str, Any]) -> ApiKey:
        """Returns the key, checks the signature of the sorted parameters. Raises ``ApiError``."""
        key = find_key(str(params.get("apiKey", "")), self._venue.keys)
        unsigned = {each: value for each, value in params.items() if each != "signature"}
        payload = "&".join(f"{each}={_text(unsigned[each])}" for each in sorted(unsigned))
        if sign(key.secret, payload) != params.get("signature"):
            raise ApiError(-1022, "Signature for this request is not valid.")
        check_timestamp(params, to_ms(self._venue.now()) + self._request_filter.skew_ms)
        return key

    def _place_order(self, params: dict[str, Any]) -> Any:
        key = self._check_signature(params)
        if key.read_only:
            raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        account, faults = self._venue.account_of(key.name), self._request_filter.faults
        caller = Caller(self._venue, faults, account, key.name, spot=True)
        return rest_orders.create(caller, {name: _text(value) for name, value in params.items()})

    def _authenticate(self, connection: StreamConnection, params: dict[str, Any]) -> None:
        """Subscribes a connection to the key's account. Raises ``ApiError``."""
        name = self._check_signature(params).name
        if self._request_filter.faults.take(
            FaultGroup.STREAM, connection.path, name, "auth_refused"
        ):
            raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        connection.key = name
        connection.topics.add(USER_DATA)

    def _on_account_updates(self, account: Account, updates: Sequence[AccountUpdate]) -> None:
        connections = [
            connection
            for connection in self._hub.connections
            if connection.key
            and connection.path in (SPOT, LINEAR)
            and self._venue.keys[connection.key].account == account.name
        ]
        if not connections:
            return
        for path, topic, frame in _frames(account, updates, to_ms(self._venue.now())):
            receivers = [each for each in connections if each.path == path]
            self._hub.deliver(topic, receivers, compact_json(frame))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _frames(
    account: Account, updates: Sequence[AccountUpdate], now_ms: int
) -> Iterator[tuple[str, str, Json]]:
    """Yields path, topic and frame of each update; a fill and its order are one frame."""
    executed: ExecutionUpdate | None = None
    for update in updates:
        match update:
            case ExecutionUpdate():
                executed = update
            case OrderUpdate(row=row):
                fill = None if executed is None else executed.row
                frame = order_frame(account, row, fill, now_ms)
                executed = None
                spot = is_spot(row.order.symbol)
                topic = str(frame["e"])
                yield (SPOT if spot else LINEAR), topic, _wrap(frame, spot=spot)
                if topic == "ORDER_TRADE_UPDATE" and is_conditional(row):
                    yield LINEAR, "ALGO_UPDATE", algo_frame(account, row, now_ms)
            case WalletUpdate(coins=coins):
                frame = wallet_frame(coins, now_ms)
                yield SPOT, "outboundAccountPosition", _wrap(frame, spot=True)
                yield LINEAR, "ACCOUNT_UPDATE", account_frame(coins, (), now_ms)
            case PositionUpdate(row=position):
                yield LINEAR, "ACCOUNT_UPDATE", account_frame((), (position,), now_ms)


def _wrap(frame: Json, *, spot: bool) -> Json:
    return {"subscriptionId": 0, "event": frame} if spot else frame
