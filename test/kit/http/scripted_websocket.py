"""A scripted gateway WebSocket on 127.0.0.1."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed


@dataclass(slots=True)
class ScriptedWebSocket:
    """The received frames, the script, and the newest connection."""

    base_url: str = ""
    #: Received frames, and the credential of each connection.
    received: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    #: Frames pushed after a ``subscribe``, one list per subscription in order.
    script: list[list[dict[str, Any]]] = field(default_factory=list)
    supports_market_data: bool = True
    refuses_auth: bool = False
    #: Set when market data were requested.
    market_asked: asyncio.Event = field(default_factory=asyncio.Event)
    _connection: ServerConnection | None = None

    async def push(self, *frames: dict[str, Any]) -> None:
        """Push frames to the newest connection."""
        assert self._connection is not None
        for frame in frames:
            await self._connection.send(json.dumps(frame))

    async def disconnect(self) -> None:
        """Close the newest connection."""
        assert self._connection is not None
        await self._connection.close(1012)

    async def serve(self, connection: ServerConnection) -> None:
        """One connection."""
        assert connection.request is not None
        self.keys.append(connection.request.headers.get("x-api-key"))
        self._connection = connection
        try:
            async for text in connection:
                frame = json.loads(text)
                self.received.append(frame)
                await self._answer(connection, frame)
        except ConnectionClosed:
            pass  # the client may disconnect

    async def _answer(self, connection: ServerConnection, frame: dict[str, Any]) -> None:
        is_refused = self.refuses_auth and frame["action"] == "auth"
        is_refused |= frame["action"] == "subscribe_market" and not self.supports_market_data
        reply = {"id": frame["id"], "ok": not is_refused, "type": "ws_response", "payload": {}}
        await connection.send(json.dumps(reply))
        if frame["action"] == "subscribe_market":
            self.market_asked.set()
        if frame["action"] == "subscribe" and self.script:
            for pushed in self.script.pop(0):
                await connection.send(json.dumps(pushed))


@asynccontextmanager
async def run_scripted_websocket() -> AsyncIterator[ScriptedWebSocket]:
    """A server that runs for the duration of the block."""
    script = ScriptedWebSocket()
    async with serve(script.serve, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        script.base_url = f"http://127.0.0.1:{port}"
        yield script
        await asyncio.sleep(0)
