"""The streams of the Bybit dialect: who listens to what."""

import json
from collections.abc import Sequence
from typing import Any

from loopback.bybit.signature import authenticate_stream
from loopback.bybit.stream_frames import market_frames, private_frames, snapshot_frames
from loopback.exchange.account import Account
from loopback.exchange.rows import AccountUpdate
from loopback.exchange.venue import MarketState, PublicTradeRow, Venue
from loopback.formatting import Json, compact_json, to_ms
from loopback.server.faults import FaultGroup
from loopback.server.http import WebSocket
from loopback.server.request_filter import RequestFilter
from loopback.server.stream_hub import StreamConnection, StreamHub

PRIVATE = "/v5/private"
PUBLIC = {"/v5/public/spot": "spot", "/v5/public/linear": "linear"}
SILENT = ("/v5/public/inverse", "/v5/public/option")


class StreamServer:
    """All connections of the dialect."""

    def __init__(self, venue: Venue, gate: RequestFilter, talks: StreamHub) -> None:
        self._venue, self._gate, self._talks = venue, gate, talks
        venue.account_listeners.append(self._hear_account)
        venue.market_listeners.append(self._hear_market)

    def has(self, path: str) -> bool:
        """Whether there is a stream at a path."""
        return path == PRIVATE or path in PUBLIC or path in SILENT

    async def serve(self, path: str, socket: WebSocket) -> None:
        """Talk until the socket is gone."""
        talk = StreamConnection(socket, path)
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
            told = None
        if not isinstance(told, dict):
            return
        match told.get("op"):
            case "ping":
                self._pong(talk, told)
            case "auth":
                self._auth(talk, told)
            case "subscribe":
                self._subscribe(talk, told)
            case "unsubscribe":
                talk.topics.difference_update(_args(told))
                self._say(talk, told, success=True)
            case other:
                self._say(talk, told, success=False, message=f"error:invalid op {other}")

    def _pong(self, talk: StreamConnection, told: Json) -> None:
        if talk.path == PRIVATE:
            args = [str(to_ms(self._venue.now()))]
            pong = {"req_id": _id(told), "op": "pong", "args": args, "conn_id": talk.name}
            talk.socket.send(compact_json(pong))
        else:
            self._say(talk, told, success=True, message="pong")

    def _auth(self, talk: StreamConnection, told: Json) -> None:
        args = told.get("args")
        name = str(args[0]) if isinstance(args, list) and args else ""
        fault = self._gate.faults.take(FaultGroup.STREAM, talk.path, name, "auth_refused")
        now_ms = to_ms(self._venue.now()) + self._gate.skew_ms
        key = authenticate_stream(args if isinstance(args, list) else [], self._venue.keys, now_ms)
        if key is None or fault is not None:
            self._say(talk, told, success=False, message="Params Error")
            return
        talk.key = key.name
        self._say(talk, told, success=True)

    def _subscribe(self, talk: StreamConnection, told: Json) -> None:
        if talk.path == PRIVATE and not talk.key:
            self._say(talk, told, success=False, message="Request not authorized")
            return
        topics = _args(told)
        talk.topics.update(topics)
        self._say(talk, told, success=True)
        for topic in topics if talk.path in PUBLIC else ():
            for frame in snapshot_frames(self._venue, talk, PUBLIC[talk.path], topic):
                self._talks.deliver(topic, [talk], compact_json(frame))

    def _say(self, talk: StreamConnection, told: Json, *, success: bool, message: str = "") -> None:
        answer: Json = {
            "success": success,
            "ret_msg": message,
            "conn_id": talk.name,
            "op": told.get("op"),
        }
        if "req_id" in told:
            answer["req_id"] = _id(told)
        talk.socket.send(compact_json(answer))

    def _hear_account(self, account: Account, told: Sequence[AccountUpdate]) -> None:
        listening = [
            talk
            for talk in self._talks.open
            if talk.key and self._venue.keys[talk.key].account == account.name
        ]
        if not listening:
            return
        now_ms = to_ms(self._venue.now())
        for topics, frame in private_frames(told, now_ms):
            text = compact_json(frame)
            talks = [talk for talk in listening if talk.topics.intersection(topics)]
            self._talks.deliver(topics[0], talks, text)

    def _hear_market(self, shown: MarketState, prints: Sequence[PublicTradeRow]) -> None:
        now_ms = to_ms(self._venue.now())
        for talk in list(self._talks.open):
            category = PUBLIC.get(talk.path)
            if category is None or not talk.topics:
                continue
            for topic, frame in market_frames(shown, prints, talk, category, now_ms):
                self._talks.deliver(topic, [talk], compact_json(frame))


def _args(told: Json) -> list[str]:
    args: Any = told.get("args")
    return [str(each) for each in args] if isinstance(args, list) else []


def _id(told: Json) -> str:
    return str(told.get("req_id", ""))
