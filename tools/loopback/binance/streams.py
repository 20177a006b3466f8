"""The streams of the Binance dialect: what an account hears; one frame is order and trade alike.

Spot: ``/ws-api/v3``, signed in by ``userDataStream.subscribe.signature``. Contracts:
``/private/ws?listenKey=``. Streams of the market are there and say nothing.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from loopback.binance.errors import ApiError
from loopback.binance.order_json import is_conditional, is_spot
from loopback.binance.params import check_timestamp, find_key, sign
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
from loopback.exchange.venue import Venue
from loopback.formatting import Json, compact_json, to_ms
from loopback.server.faults import FaultGroup
from loopback.server.http import Request, WebSocket
from loopback.server.request_filter import RequestFilter
from loopback.server.stream_hub import StreamConnection, StreamHub

SPOT, LINEAR = "/ws-api/v3", "/private/ws"
SILENT = ("/ws", "/public/ws", "/market/ws", "/stream", "/ws-fapi/v1")
USER_DATA = "userDataStream"


class StreamServer:
    """All connections of the dialect."""

    def __init__(self, venue: Venue, gate: RequestFilter, talks: StreamHub) -> None:
        self._venue, self._gate, self._talks = venue, gate, talks
        self._listen_keys: dict[str, str] = {}
        venue.account_listeners.append(self._hear)

    def listen_key(self, key: str) -> Json:
        """A name under which a key's stream of contracts can be dialled."""
        told: Json = listen_key()
        self._listen_keys[told["listenKey"]] = key
        return told

    def has(self, request: Request) -> bool:
        """Whether there is a stream at a path."""
        if request.path == LINEAR:
            return request.params.get("listenKey") in self._listen_keys
        return request.path == SPOT or request.path in SILENT

    async def serve(self, request: Request, socket: WebSocket) -> None:
        """Talk until the socket is gone."""
        talk = StreamConnection(socket, request.path)
        if request.path == LINEAR:
            talk.key = self._listen_keys[request.params["listenKey"]]
            talk.topics.add(USER_DATA)
        self._talks.open.append(talk)
        try:
            async for text in socket.texts():
                self._answer(talk, text)
        finally:
            self._talks.open.remove(talk)

    def _answer(self, talk: StreamConnection, text: str) -> None:
        try:
            told = json.loads(text)
        except ValueError:
            return
        if not isinstance(told, dict):
            return
        answer: Json = {"id": told.get("id")}
        if talk.path != SPOT:
            talk.socket.send(compact_json(answer | {"result": None}))
            return
        try:
            if told.get("method") == f"{USER_DATA}.subscribe.signature":
                self._sign_in(talk, told.get("params") or {})
                answer["result"] = {"subscriptionId": 0}
            elif told.get("method") == "ping":
                answer["result"] = {}
            else:
                raise ApiError(-1120, "Unknown method.")
            answer["status"] = 200
        except ApiError as refused:
            answer |= {
                "status": refused.status,
                "error": {"code": refused.code, "msg": refused.message},
            }
        talk.socket.send(compact_json(answer))

    def _sign_in(self, talk: StreamConnection, params: dict[str, Any]) -> None:
        """Whether the sorted parameters are signed. Raises ``Refusal``."""
        name = str(params.get("apiKey", ""))
        key = find_key(name, self._venue.keys)
        rest = {each: value for each, value in params.items() if each != "signature"}
        payload = "&".join(f"{each}={rest[each]}" for each in sorted(rest))
        if sign(key.secret, payload) != params.get("signature"):
            raise ApiError(-1022, "Signature for this request is not valid.")
        check_timestamp(params, to_ms(self._venue.now()) + self._gate.skew_ms)
        if self._gate.faults.take(FaultGroup.STREAM, talk.path, name, "auth_refused"):
            raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        talk.key = name
        talk.topics.add(USER_DATA)

    def _hear(self, account: Account, told: Sequence[AccountUpdate]) -> None:
        talks = [
            talk
            for talk in self._talks.open
            if talk.key
            and talk.path in (SPOT, LINEAR)
            and self._venue.keys[talk.key].account == account.name
        ]
        if not talks:
            return
        for path, topic, frame in _frames(account, told, to_ms(self._venue.now())):
            meant = [talk for talk in talks if talk.path == path]
            self._talks.deliver(topic, meant, compact_json(frame))


def _frames(
    account: Account, told: Sequence[AccountUpdate], now_ms: int
) -> Iterator[tuple[str, str, Json]]:
    """Path, topic and frame of each thing that happened: a fill and its order are one."""
    executed: ExecutionUpdate | None = None
    for each in told:
        match each:
            case ExecutionUpdate():
                executed = each
            case OrderUpdate(row=row):
                fill = None if executed is None else executed.row
                frame = order_frame(account, row, fill, now_ms)
                executed = None
                spot = is_spot(row.order.symbol)
                topic = str(frame["e"])
                yield (SPOT if spot else LINEAR), topic, _wrapped(frame, spot=spot)
                if topic == "ORDER_TRADE_UPDATE" and is_conditional(row):
                    yield LINEAR, "ALGO_UPDATE", algo_frame(account, row, now_ms)
            case WalletUpdate(coins=coins):
                frame = wallet_frame(coins, now_ms)
                yield SPOT, "outboundAccountPosition", _wrapped(frame, spot=True)
                yield LINEAR, "ACCOUNT_UPDATE", account_frame(coins, (), now_ms)
            case PositionUpdate(row=position):
                yield LINEAR, "ACCOUNT_UPDATE", account_frame((), (position,), now_ms)


def _wrapped(frame: Json, *, spot: bool) -> Json:
    return {"subscriptionId": 0, "event": frame} if spot else frame
