"""A WebSocket to an ASGI application in this very process: no port, no server."""

import asyncio
import json
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp

SECONDS_MAX = 10.0

Frame = dict[str, Any]


class AsgiWebSocket:
    """One connection, from its client's side."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self.told: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self._asked = 0

    async def request(self, action: str, payload: object, namespace: str | None = None) -> Frame:
        """The reply to a frame; what is pushed meanwhile is passed over."""
        self._asked += 1
        frame: Frame = {"id": self._asked, "action": action, "payload": payload}
        if namespace is not None:
            frame["namespace"] = namespace
        self.sent.put_nowait({"type": "websocket.receive", "text": json.dumps(frame)})
        while True:
            told = await self.receive()
            if told["id"] == self._asked:
                return told

    async def receive(self) -> Frame:
        """The next frame."""
        async with asyncio.timeout(SECONDS_MAX):
            message = await self.told.get()
        assert message["type"] == "websocket.send", message
        frame: Frame = json.loads(message["text"])
        return frame

    async def closed(self) -> int:
        """The code that the other side closes with."""
        async with asyncio.timeout(SECONDS_MAX):
            while (message := await self.told.get())["type"] != "websocket.close":
                pass
        return int(message["code"])


@asynccontextmanager
async def connect_websocket(app: ASGIApp, key: str) -> AsyncIterator[AsgiWebSocket]:
    """A connection whose credential stands in its header; its hello was read."""
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
        "headers": [(b"x-api-key", key.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "subprotocols": [],
    }

    async def send(message: MutableMapping[str, Any]) -> None:
        socket.told.put_nowait(message)

    serving = asyncio.ensure_future(app(scope, socket.sent.get, send))
    try:
        accepted = await socket.told.get()
        assert accepted["type"] == "websocket.accept", accepted
        assert (await socket.receive())["event"] == "connected"
        yield socket
    finally:
        socket.sent.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await serving
