"""A minimal WebSocket client that subscribes and measures the delay of events.

With a hundred clients of a library, the library would be measured instead of the gateway. Only for
the bench: it validates nothing and never reconnects.
"""

import asyncio
import base64
import json
import time
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from bench.load import Target

_EVENT = b'"type":"ws_event","namespace":"position"'
_FROM = b'"ts":"'
_OPCODE_TEXT, _OPCODE_CLOSE, _OPCODE_PING, _OPCODE_PONG = 1, 8, 9, 10


@dataclass(slots=True)
class ClientStats:
    """The events and the last other frame of one client."""

    count: int = 0
    delays: list[float] = field(default_factory=list)
    is_subscribed: asyncio.Event = field(default_factory=asyncio.Event)
    last_message: bytes = b""


class WsClient(asyncio.Protocol):
    """Subscribes, replies to PING, and measures events."""

    def __init__(self, target: Target) -> None:
        self.stats = ClientStats()
        self._target = target
        self._buffer = bytearray()
        self._is_open = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends the upgrade request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        parts = urlsplit(self._target.base_url)
        key = base64.b64encode(b"0123456789abcdef").decode()
        transport.write(
            f"GET /ws HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"x-api-key: {self._target.api_key}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Processes all complete frames."""
        at = time.time()
        self._buffer += data
        if not self._is_open:
            head = self._buffer.find(b"\r\n\r\n")
            if head < 0:
                return
            self.stats.last_message = bytes(self._buffer[:head])
            del self._buffer[: head + 4]
            self._is_open = True
            self._subscribe()
        self._frames(at)

    def _subscribe(self) -> None:
        payload = {
            "account_ids": list(self._target.accounts),
            "namespaces": ["position"],
            "with_snapshot": False,
            "refresh": False,
        }
        for action, content in (
            ("auth", {"api_key": self._target.api_key}),
            ("subscribe", payload),
        ):
            frame = {"id": action, "namespace": "system", "action": action, "payload": content}
            self._send(_OPCODE_TEXT, json.dumps(frame).encode())

    def _frames(self, at: float) -> None:
        buffer, start = self._buffer, 0
        while len(buffer) >= start + 2:
            size, body = buffer[start + 1] & 127, start + 2
            if size >= 126:
                body += 2 if size == 126 else 8
                if len(buffer) < body:
                    break
                size = int.from_bytes(buffer[start + 2 : body], "big")
            if len(buffer) < body + size:
                break
            self._frame(buffer[start] & 15, bytes(buffer[body : body + size]), at)
            start = body + size
        del buffer[:start]

    def _frame(self, opcode: int, content: bytes, at: float) -> None:
        if opcode == _OPCODE_PING:
            self._send(_OPCODE_PONG, content)
        elif opcode == _OPCODE_CLOSE:
            self.stats.last_message = content
        elif _EVENT in content:
            begin = content.rindex(_FROM) + len(_FROM)
            ts = datetime.fromisoformat(content[begin : content.index(b'"', begin)].decode())
            self.stats.count += 1
            self.stats.delays.append((at - ts.timestamp()) * 1_000)
        elif b'"subscribed"' in content:
            self.stats.is_subscribed.set()
        elif b'"ok":false' in content:
            self.stats.last_message = content

    def _send(self, opcode: int, content: bytes) -> None:
        """Sends one masked frame with a mask of zeros."""
        assert self._transport is not None
        size = len(content)
        length = bytes([128 | size]) if size < 126 else bytes([254]) + size.to_bytes(2, "big")
        self._transport.write(bytes([128 | opcode]) + length + bytes(4) + content)

    def close(self) -> None:
        """Drops the connection."""
        if self._transport is not None:
            self._transport.abort()
