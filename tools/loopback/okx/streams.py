"""WebSocket streams of the OKX dialect: login, subscriptions, delivery, pings as plain text.

One private connection carries orders, positions and balances of all kinds of instruments; algo
orders come over the ``business`` path.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from loopback.exchange.account import Account
from loopback.exchange.rows import AccountUpdate
from loopback.exchange.venue import MarketState, PublicTradeRow, Venue
from loopback.faults import FaultGroup
from loopback.formatting import Json, compact_json, to_ms
from loopback.okx.params import instrument_id
from loopback.okx.signature import authenticate_stream
from loopback.okx.stream_frames import market_data, private_data, snapshot_data
from loopback.server.http import Request, WebSocket
from loopback.server.request_filter import RequestFilter
from loopback.server.stream_hub import StreamConnection, StreamHub

PUBLIC, PRIVATE, BUSINESS = "/ws/v5/public", "/ws/v5/private", "/ws/v5/business"
PRIVATE_CHANNELS = {
    PRIVATE: ("orders", "positions", "account", "balance_and_position"),
    BUSINESS: ("orders-algo",),
}
_REPLIES = {"ping": "pong"}


class StreamServer:
    """Serves all stream connections of the dialect."""

    def __init__(self, venue: Venue, request_filter: RequestFilter, hub: StreamHub) -> None:
        self._venue, self._request_filter, self._hub = venue, request_filter, hub
        venue.account_listeners.append(self._on_account_updates)
        venue.market_listeners.append(self._on_market_change)

    def has(self, request: Request) -> bool:
        """Whether there is a stream at the path."""
        return request.path in (PUBLIC, PRIVATE, BUSINESS)

    async def serve(self, request: Request, socket: WebSocket) -> None:
        """Serves a connection until it is closed."""
        connection = StreamConnection(socket, request.path)
        await self._hub.serve(connection, partial(self._handle_frame, connection), _REPLIES)

    def _handle_frame(self, connection: StreamConnection, frame: Json) -> None:
        match frame.get("op"):
            case "login":
                self._login(connection, frame)
            case "subscribe":
                for arg in _args(frame):
                    self._subscribe(connection, arg)
            case "unsubscribe":
                for arg in _args(frame):
                    connection.topics.discard(_topic(arg))
                    self._event(connection, event="unsubscribe", arg=arg)
            case _:
                self._error(connection, 60012, f"Illegal request: {compact_json(frame)}")

    def _login(self, connection: StreamConnection, frame: Json) -> None:
        args: Any = frame.get("args")
        fields = args[0] if isinstance(args, list) and args and isinstance(args[0], dict) else {}
        name, faults = str(fields.get("apiKey")), self._request_filter.faults
        fault = faults.take(FaultGroup.STREAM, connection.path, name, "auth_refused")
        now_ms = to_ms(self._venue.now()) + self._request_filter.skew_ms
        key = authenticate_stream(args, self._venue.keys, now_ms)
        if key is None or fault is not None:
            self._error(connection, 60009, "Login failed.")
            return
        connection.key = key.name
        self._event(connection, event="login", code="0", msg="")

    def _subscribe(self, connection: StreamConnection, arg: Json) -> None:
        channel = str(arg.get("channel"))
        if channel in PRIVATE_CHANNELS.get(connection.path, ()):
            if not connection.key:
                self._error(connection, 60011, "Please log in")
                return
        elif connection.path == PRIVATE:
            self._error(connection, 60018, f"Wrong URL or channel:{channel} doesn't exist.")
            return
        connection.topics.add(_topic(arg))
        self._event(connection, event="subscribe", arg=arg)
        for data in snapshot_data(self._venue, connection, arg):
            self._hub.deliver(channel, [connection], compact_json({"arg": arg, **data}))

    def _event(self, connection: StreamConnection, **fields: Any) -> None:
        connection.socket.send(compact_json(fields | {"connId": connection.name[:8]}))

    def _error(self, connection: StreamConnection, code: int, message: str) -> None:
        self._event(connection, event="error", code=str(code), msg=message)

    def _on_account_updates(self, account: Account, updates: Sequence[AccountUpdate]) -> None:
        receivers = [
            each
            for each in self._hub.connections
            if each.path in PRIVATE_CHANNELS
            and each.key
            and self._venue.keys[each.key].account == account.name
        ]
        if not receivers:
            return
        for channel, kind, body in private_data(account, updates):
            for name in ("ANY", kind) if kind else ("",):
                arg = {"channel": channel} | ({"instType": name} if name else {})
                subscribers = [each for each in receivers if _topic(arg) in each.topics]
                text = compact_json({"arg": arg, "data": [body]})
                self._hub.deliver(channel, subscribers, text)

    def _on_market_change(self, market: MarketState, trades: Sequence[PublicTradeRow]) -> None:
        name = instrument_id(market.instrument.symbol)
        for connection in list(self._hub.connections):
            if connection.path not in (PUBLIC, BUSINESS):
                continue
            for topic in sorted(connection.topics):
                channel, _, instrument = topic.partition(":")
                if instrument != name:
                    continue
                for data in market_data(market, trades, connection, channel):
                    frame = {"arg": {"channel": channel, "instId": name}, **data}
                    self._hub.deliver(channel, [connection], compact_json(frame))


def _args(frame: Json) -> list[Json]:
    args: Any = frame.get("args")
    return [each for each in args if isinstance(each, dict)] if isinstance(args, list) else []


def _topic(arg: Json) -> str:
    """A subscription as text: its channel, and its type or instrument."""
    return f"{arg.get('channel')}:{arg.get('instType') or arg.get('instId') or ''}"
