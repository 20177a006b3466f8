"""The open streams of all dialects, and what a fault makes of a frame on its way.

The text of a frame is fixed when what it tells happens, whenever it is sent: only so do frames
that are held back or reversed prove anything.
"""

import asyncio
from dataclasses import dataclass, field
from uuid import uuid4

from loopback.server.faults import Fault, FaultGroup
from loopback.server.http import WebSocket
from loopback.server.request_filter import RequestFilter


@dataclass
class StreamConnection:
    """One connection."""

    socket: WebSocket
    path: str
    name: str = field(default_factory=lambda: str(uuid4()))
    key: str = ""
    topics: set[str] = field(default_factory=set)
    #: Levels that were told last, by topic: a delta is what differs.
    books: dict[str, tuple[dict[str, str], dict[str, str]]] = field(default_factory=dict)


@dataclass
class HeldFrames:
    """Frames that are kept until there are ``wanted`` of them."""

    wanted: int
    match: str
    key: str
    frames: list[tuple[StreamConnection, str]] = field(default_factory=list)


class StreamHub:
    """All connections."""

    def __init__(self, gate: RequestFilter) -> None:
        self._gate = gate
        self.open: list[StreamConnection] = []
        self._held: list[HeldFrames] = []

    def inject_fault(self, fault: Fault) -> int:
        """Abort or close the connections that a fault means; how many."""
        hit = [
            talk for talk in self.open if fault.match in talk.path and fault.key in ("", talk.key)
        ]
        for talk in hit:
            if fault.mode == "abort":
                talk.socket.abort()
            else:
                talk.socket.close(int(fault.number("code", 1001)))
        return len(hit)

    def topics(self) -> list[list[str]]:
        """What each connection listens to."""
        return [sorted(talk.topics) for talk in self.open]

    def release(self) -> None:
        """Send what is held."""
        held, self._held = self._held, []
        for each in held:
            self._send_reversed(each)

    def deliver(self, topic: str, talks: list[StreamConnection], text: str) -> None:
        """Send a frame, unless a fault makes something else of it."""
        if not talks:
            return
        for held in self._held:
            if held.match in topic and held.key in ("", talks[0].key):
                self._hold(held, talks, text)
                return
        fault = self._gate.faults.take(FaultGroup.STREAM, topic, talks[0].key, *_AT_FRAMES)
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
                held = HeldFrames(int(fault.number("frames", 3)), fault.match, fault.key)
                self._held.append(held)
                self._hold(held, talks, text)
                return
            case "dup":
                _send(talks, text)
            case "dup_late":
                assert fault is not None
                later(fault.number("ms", 500) / 1000, _send, talks, text)
        _send(talks, text)

    def _hold(self, held: HeldFrames, talks: list[StreamConnection], text: str) -> None:
        held.frames += [(talk, text) for talk in talks]
        held.wanted -= 1
        if held.wanted <= 0:
            self._held.remove(held)
            self._send_reversed(held)

    def _send_reversed(self, held: HeldFrames) -> None:
        for talk, text in reversed(held.frames):
            talk.socket.send(text)


_AT_FRAMES = ("silence", "drop", "dup", "dup_late", "hold", "delay")


def _send(talks: list[StreamConnection], text: str) -> None:
    for talk in talks:
        talk.socket.send(text)
