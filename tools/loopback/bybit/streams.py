"""WebSocket streams of the Bybit dialect: authentication, subscriptions, delivery."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from loopback.bybit.signature import authenticate_stream
from loopback.bybit.stream_frames import market_frames, private_frames, snapshot_frames
from loopback.exchange.account import Account
from loopback.exchange.rows import AccountUpdate
from loopback.exchange.venue import MarketState, PublicTradeRow, Venue
from loopback.faults import FaultGroup
from loopback.formatting import Json, compact_json, to_ms
from loopback.server.http import Request, WebSocket
from loopback.server.request_filter import RequestFilter
from loopback.server.stream_hub import StreamConnection, StreamHub

PRIVATE = "/v5/private"
PUBLIC = {"/v5/public/spot": "spot", "/v5/public/linear": "linear"}
SILENT = ("/v5/public/inverse", "/v5/public/option")


class StreamServer:
    """Serves all stream connections of the dialect."""

    def __init__(self, venue: Venue, request_filter: RequestFilter, hub: StreamHub) -> None:
        self._venue, self._request_filter, self._hub = venue, request_filter, hub
        venue.account_listeners.append(self._on_account_updates)
        venue.market_listeners.append(self._on_market_change)

    def has(self, request: Request) -> bool:
        """Whether there is a stream at the path."""
        path = request.path
        return path == PRIVATE or path in PUBLIC or path in SILENT

    async def serve(self, request: Request, socket: WebSocket) -> None:
        """Serves a connection until it is closed."""
        connection = StreamConnection(socket, request.path)
        await self._hub.serve(connection, partial(self._handle_frame, connection))

    def _handle_frame(self, connection: StreamConnection, frame: Json) -> None:
        match frame.get("op"):
            case "ping":
                self._pong(connection, frame)
            case "auth":
                self._auth(connection, frame)
            case "subscribe":
                self._subscribe(connection, frame)
            case "unsubscribe":
                connection.topics.difference_update(_args(frame))
                self._reply(connection, frame, success=True)
            case other:
                self._reply(connection, frame, success=False, message=f"error:invalid op {other}")

    def _pong(self, connection: StreamConnection, frame: Json) -> None:
        if connection.path == PRIVATE:
            args = [str(to_ms(self._venue.now()))]
            pong = {"req_id": _id(frame), "op": "pong", "args": args, "conn_id": connection.name}
            connection.socket.send(compact_json(pong))
        else:
            self._reply(connection, frame, success=True, message="pong")

    def _auth(self, connection: StreamConnection, frame: Json) -> None:
        args = frame.get("args")
        name = str(args[0]) if isinstance(args, list) and args else ""
        faults = self._request_filter.faults
        fault = faults.take(FaultGroup.STREAM, connection.path, name, "auth_refused")
        now_ms = to_ms(self._venue.now()) + self._request_filter.skew_ms
        key = authenticate_stream(args if isinstance(args, list) else [], self._venue.keys, now_ms)
        if key is None or fault is not None:
            self._reply(connection, frame, success=False, message="Params Error")
            return
        connection.key = key.name
        self._reply(connection, frame, success=True)

    def _subscribe(self, connection: StreamConnection, frame: Json) -> None:
        if connection.path == PRIVATE and not connection.key:
            self._reply(connection, frame, success=False, message="Request not authorized")
            return
        topics = _args(frame)
        connection.topics.update(topics)
        self._reply(connection, frame, success=True)
        for topic in topics if connection.path in PUBLIC else ():
            category = PUBLIC[connection.path]
            for first in snapshot_frames(self._venue, connection, category, topic):
                self._hub.deliver(topic, [connection], compact_json(first))

    def _reply(
        self, connection: StreamConnection, frame: Json, *, success: bool, message: str = ""
    ) -> None:
        reply: Json = {
            "success": success,
            "ret_msg": message,
            "conn_id": connection.name,
            "op": frame.get("op"),
        }
        if "req_id" in frame:
            reply["req_id"] = _id(frame)
        connection.socket.send(compact_json(reply))

    def _on_account_updates(self, account: Account, updates: Sequence[AccountUpdate]) -> None:
        receivers = [
            each
            for each in self._hub.connections
            if each.key and self._venue.keys[each.key].account == account.name
        ]
        if not receivers:
            return
        now_ms = to_ms(self._venue.now())
        for topics, frame in private_frames(updates, now_ms):
            text = compact_json(frame)
            subscribers = [each for each in receivers if each.topics.intersection(topics)]
            self._hub.deliver(topics[0], subscribers, text)

    def _on_market_change(self, market: MarketState, trades: Sequence[PublicTradeRow]) -> None:
        now_ms = to_ms(self._venue.now())
        for connection in list(self._hub.connections):
            category = PUBLIC.get(connection.path)
            if category is None or not connection.topics:
                continue
            for topic, frame in market_frames(market, trades, connection, category, now_ms):
                self._hub.deliver(topic, [connection], compact_json(frame))


def _args(frame: Json) -> list[str]:
    args: Any = frame.get("args")
    return [str(each) for each in args] if isinstance(args, list) else []


def _id(frame: Json) -> str:
    return str(frame.get("req_id", ""))
