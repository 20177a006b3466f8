"""A WebSocket to an ASGI application in the same process, without a socket."""

import asyncio
import json
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp

SECONDS_MAX = 10.0

Frame = dict[str, Any]


class AsgiWebSocket:
    """The client side of one connection."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self.received: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self._last_id = 0

    async def request(self, action: str, payload: object, namespace: str | None = None) -> Frame:
        """Sends a frame and returns its reply; other frames before it are discarded."""
        self._last_id += 1
        frame: Frame = {"id": self._last_id, "action": action, "payload": payload}
        if namespace is not None:
            frame["namespace"] = namespace
        self.sent.put_nowait({"type": "websocket.receive", "text": json.dumps(frame)})
        while True:
            received = await self.receive()
            if received["id"] == self._last_id:
                return received

    async def receive(self) -> Frame:
        """Returns the next frame."""
        async with asyncio.timeout(SECONDS_MAX):
            message = await self.received.get()
        assert message["type"] == "websocket.send", message
        frame: Frame = json.loads(message["text"])
        return frame

    async def closed(self) -> int:
        """Waits for the close of the server; returns its code."""
        async with asyncio.timeout(SECONDS_MAX):
            while (message := await self.received.get())["type"] != "websocket.close":
                pass
        return int(message["code"])


@asynccontextmanager
async def connect_websocket(
    app: ASGIApp, key: str = "", *, headers: dict[str, str] | None = None
) -> AsyncIterator[AsgiWebSocket]:
    """A connection with the credential, if any, in its header, after the ``connected`` event."""
    named = ({"x-api-key": key} if key else {}) | (headers or {})
    socket = AsgiWebSocket()
    socket.sent.put_nowait({"type": "websocket.connect"})
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": "/ws",
        "raw_path": b"/ws",
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), text.encode()) for name, text in named.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "subprotocols": [],
    }

    async def send(message: MutableMapping[str, Any]) -> None:
        socket.received.put_nowait(message)

    serving = asyncio.ensure_future(app(scope, socket.sent.get, send))
    try:
        accepted = await socket.received.get()
        assert accepted["type"] == "websocket.accept", accepted
        assert (await socket.receive())["event"] == "connected"
        yield socket
    finally:
        socket.sent.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await serving
