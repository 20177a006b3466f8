"""The stream connections of all dialects, and the faults that change frames on their way.

The text of a frame is fixed when its event happens, however late it is sent.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import uuid4

from loopback.faults import Fault, FaultGroup, FaultQueue
from loopback.formatting import Json
from loopback.server.http import WebSocket


@dataclass
class StreamConnection:
    """One connection of a client."""

    socket: WebSocket
    path: str
    name: str = field(default_factory=lambda: str(uuid4()))
    key: str = ""
    topics: set[str] = field(default_factory=set)
    #: The last sent book levels by topic, from which deltas are computed.
    books: dict[str, tuple[dict[str, str], dict[str, str]]] = field(default_factory=dict)


@dataclass
class HeldFrames:
    """Frames that are held until ``remaining`` more have been added."""

    remaining: int
    match: str
    key: str
    frames: list[tuple[StreamConnection, str]] = field(default_factory=list)


class StreamHub:
    """All open connections."""

    def __init__(self, faults: FaultQueue) -> None:
        self._faults = faults
        self.connections: list[StreamConnection] = []
        self._held: list[HeldFrames] = []

    async def serve(
        self,
        connection: StreamConnection,
        handle: Callable[[Json], None],
        replies: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Handles the JSON objects that a client sends, until its connection is closed.

        ``replies`` are those to plain texts.
        """
        self.connections.append(connection)
        try:
            async for text in connection.socket.texts():
                if text in replies:
                    connection.socket.send(replies[text])
                    continue
                try:
                    frame = json.loads(text)
                except ValueError:
                    continue
                if isinstance(frame, dict):
                    handle(frame)
        finally:
            self.connections.remove(connection)

    def inject_fault(self, fault: Fault) -> int:
        """Aborts or closes the connections that match a fault; returns their number."""
        matching = [
            each
            for each in self.connections
            if fault.match in each.path and fault.key in ("", each.key)
        ]
        for connection in matching:
            if fault.mode == "abort":
                connection.socket.abort()
            else:
                connection.socket.close(int(fault.number("code", 1001)))
        return len(matching)

    def topics(self) -> list[list[str]]:
        """Returns the topics of each connection."""
        return [sorted(connection.topics) for connection in self.connections]

    def release_held(self) -> None:
        """Sends all held frames."""
        held, self._held = self._held, []
        for frames in held:
            self._send_reversed(frames)

    def deliver(self, topic: str, receivers: list[StreamConnection], text: str) -> None:
        """Sends a frame to the receivers, unless a fault drops, delays or repeats it."""
        if not receivers:
            return
        for held in self._held:
            if held.match in topic and held.key in ("", receivers[0].key):
                self._hold(held, receivers, text)
                return
        fault = self._faults.take(FaultGroup.STREAM, topic, receivers[0].key, *_FRAME_MODES)
        call_later = asyncio.get_running_loop().call_later
        match None if fault is None else fault.mode:
            case "silence" | "drop":
                return
            case "delay":
                assert fault is not None
                call_later(fault.number("ms", 500) / 1000, _send, receivers, text)
                return
            case "hold":
                assert fault is not None
                held = HeldFrames(int(fault.number("frames", 3)), fault.match, fault.key)
                self._held.append(held)
                self._hold(held, receivers, text)
                return
            case "dup":
                _send(receivers, text)
            case "dup_late":
                assert fault is not None
                call_later(fault.number("ms", 500) / 1000, _send, receivers, text)
        _send(receivers, text)

    def _hold(self, held: HeldFrames, receivers: list[StreamConnection], text: str) -> None:
        held.frames += [(connection, text) for connection in receivers]
        held.remaining -= 1
        if held.remaining <= 0:
            self._held.remove(held)
            self._send_reversed(held)

    def _send_reversed(self, held: HeldFrames) -> None:
        for connection, text in reversed(held.frames):
            connection.socket.send(text)


_FRAME_MODES = ("silence", "drop", "dup", "dup_late", "hold", "delay")


def _send(receivers: list[StreamConnection], text: str) -> None:
    for connection in receivers:
        connection.socket.send(text)
