"""The streams of the Bybit dialect: who listens to what, and what a fault makes of a frame.

The text of a frame is fixed when what it tells happens, whenever it is sent: only so do frames
that are held back or reversed prove anything.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from loopback.account import Account
from loopback.bybit.frames import market_frames, private_frames, snapshot_frames
from loopback.bybit.names import Json, compact, ms
from loopback.bybit.signature import key_of_socket
from loopback.faults import Fault, Group
from loopback.gate import Gate
from loopback.http import Socket
from loopback.rows import Happening
from loopback.venue import Print, Shown, Venue

PRIVATE = "/v5/private"
PUBLIC = {"/v5/public/spot": "spot", "/v5/public/linear": "linear"}
EMPTY = ("/v5/public/inverse", "/v5/public/option")


@dataclass
class Talk:
    """One connection."""

    socket: Socket
    path: str
    name: str = field(default_factory=lambda: str(uuid4()))
    key: str = ""
    topics: set[str] = field(default_factory=set)
    #: Levels that were told last, by topic: a delta is what differs.
    books: dict[str, tuple[dict[str, str], dict[str, str]]] = field(default_factory=dict)


@dataclass
class Held:
    """Frames that are kept until there are ``wanted`` of them."""

    wanted: int
    match: str
    key: str
    frames: list[tuple[Talk, str]] = field(default_factory=list)


class Sockets:
    """All connections of the dialect."""

    def __init__(self, venue: Venue, gate: Gate) -> None:
        self._venue, self._gate = venue, gate
        self._talks: list[Talk] = []
        self._held: list[Held] = []
        venue.account_ears.append(self._hear_account)
        venue.market_ears.append(self._hear_market)

    def has(self, path: str) -> bool:
        """Whether there is a stream at a path."""
        return path == PRIVATE or path in PUBLIC or path in EMPTY

    async def serve(self, path: str, socket: Socket) -> None:
        """Talk until the socket is gone."""
        talk = Talk(socket, path)
        self._talks.append(talk)
        try:
            async for text in socket.texts():
                self._answer(talk, text)
        finally:
            self._talks.remove(talk)

    def strike(self, fault: Fault) -> int:
        """Abort or close the connections that a fault means; how many."""
        hit = [
            talk for talk in self._talks if fault.match in talk.path and fault.key in ("", talk.key)
        ]
        for talk in hit:
            if fault.mode == "abort":
                talk.socket.abort()
            else:
                talk.socket.close(int(fault.number("code", 1001)))
        return len(hit)

    def topics(self) -> list[list[str]]:
        """What each connection listens to."""
        return [sorted(talk.topics) for talk in self._talks]

    def release(self) -> None:
        """Send what is held."""
        held, self._held = self._held, []
        for each in held:
            self._send_reversed(each)

    def _answer(self, talk: Talk, text: str) -> None:
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

    def _pong(self, talk: Talk, told: Json) -> None:
        if talk.path == PRIVATE:
            args = [str(ms(self._venue.now()))]
            pong = {"req_id": _id(told), "op": "pong", "args": args, "conn_id": talk.name}
            talk.socket.send(compact(pong))
        else:
            self._say(talk, told, success=True, message="pong")

    def _auth(self, talk: Talk, told: Json) -> None:
        args = told.get("args")
        name = str(args[0]) if isinstance(args, list) and args else ""
        fault = self._gate.faults.take(Group.STREAM, talk.path, name, "auth_refused")
        now_ms = ms(self._venue.now()) + self._gate.skew_ms
        key = key_of_socket(args if isinstance(args, list) else [], self._venue.keys, now_ms)
        if key is None or fault is not None:
            self._say(talk, told, success=False, message="Params Error")
            return
        talk.key = key.name
        self._say(talk, told, success=True)

    def _subscribe(self, talk: Talk, told: Json) -> None:
        if talk.path == PRIVATE and not talk.key:
            self._say(talk, told, success=False, message="Request not authorized")
            return
        topics = _args(told)
        talk.topics.update(topics)
        self._say(talk, told, success=True)
        for topic in topics if talk.path in PUBLIC else ():
            for frame in snapshot_frames(self._venue, talk, PUBLIC[talk.path], topic):
                self._deliver(topic, [talk], compact(frame))

    def _say(self, talk: Talk, told: Json, *, success: bool, message: str = "") -> None:
        answer: Json = {
            "success": success,
            "ret_msg": message,
            "conn_id": talk.name,
            "op": told.get("op"),
        }
        if "req_id" in told:
            answer["req_id"] = _id(told)
        talk.socket.send(compact(answer))

    def _hear_account(self, account: Account, told: Sequence[Happening]) -> None:
        listening = [
            talk
            for talk in self._talks
            if talk.key and self._venue.keys[talk.key].account == account.name
        ]
        if not listening:
            return
        now_ms = ms(self._venue.now())
        for topics, frame in private_frames(told, now_ms):
            text = compact(frame)
            talks = [talk for talk in listening if talk.topics.intersection(topics)]
            self._deliver(topics[0], talks, text)

    def _hear_market(self, shown: Shown, prints: Sequence[Print]) -> None:
        now_ms = ms(self._venue.now())
        for talk in list(self._talks):
            category = PUBLIC.get(talk.path)
            if category is None or not talk.topics:
                continue
            for topic, frame in market_frames(shown, prints, talk, category, now_ms):
                self._deliver(topic, [talk], compact(frame))

    def _deliver(self, topic: str, talks: list[Talk], text: str) -> None:
        """Send a frame, unless a fault makes something else of it."""
        if not talks:
            return
        for held in self._held:
            if held.match in topic and held.key in ("", talks[0].key):
                self._hold(held, talks, text)
                return
        fault = self._gate.faults.take(Group.STREAM, topic, talks[0].key, *_AT_FRAMES)
        later = asyncio.get_running_loop().call_later
        match None if fault is None else fault.mode:
            case "silence" | "drop":
                return
            case "delay":
                assert fault is not None
                later(fault.number("ms", 500) / 1000, _send, talks, text)
                return
            case "hold":
                assert fault is not None
                held = Held(int(fault.number("frames", 3)), fault.match, fault.key)
                self._held.append(held)
                self._hold(held, talks, text)
                return
            case "dup":
                _send(talks, text)
            case "dup_late":
                assert fault is not None
                later(fault.number("ms", 500) / 1000, _send, talks, text)
        _send(talks, text)

    def _hold(self, held: Held, talks: list[Talk], text: str) -> None:
        held.frames += [(talk, text) for talk in talks]
        held.wanted -= 1
        if held.wanted <= 0:
            self._held.remove(held)
            self._send_reversed(held)

    def _send_reversed(self, held: Held) -> None:
        for talk, text in reversed(held.frames):
            talk.socket.send(text)


_AT_FRAMES = ("silence", "drop", "dup", "dup_late", "hold", "delay")


def _send(talks: list[Talk], text: str) -> None:
    for talk in talks:
        talk.socket.send(text)


def _args(told: Json) -> list[str]:
    args: Any = told.get("args")
    return [str(each) for each in args] if isinstance(args, list) else []


def _id(told: Json) -> str:
    return str(told.get("req_id", ""))
