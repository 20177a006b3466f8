"""A gateway's WebSocket on 127.0.0.1 that says what a test tells it to."""

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
    """What was asked of it, and the connection that lives."""

    base_url: str = ""
    #: Frames of the clients, and the credential of each connection.
    received: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    #: Frames that are said after a ``subscribe``, one list for each connection in turn.
    script: list[list[dict[str, Any]]] = field(default_factory=list)
    supports_market_data: bool = True
    refuses_auth: bool = False
    #: Set when market data were asked for.
    market_asked: asyncio.Event = field(default_factory=asyncio.Event)
    _live: ServerConnection | None = None

    async def push(self, *frames: dict[str, Any]) -> None:
        """Push frames to the newest connection."""
        assert self._live is not None
        for frame in frames:
            await self._live.send(json.dumps(frame))

    async def disconnect(self) -> None:
        """Close the newest connection."""
        assert self._live is not None
        await self._live.close(1012)

    async def serve(self, connection: ServerConnection) -> None:
        """One connection."""
        assert connection.request is not None
        self.keys.append(connection.request.headers.get("x-api-key"))
        self._live = connection
        try:
            async for text in connection:
                frame = json.loads(text)
                self.received.append(frame)
                await self._answer(connection, frame)
        except ConnectionClosed:
            pass  # a client may go without a word

    async def _answer(self, connection: ServerConnection, frame: dict[str, Any]) -> None:
        refused = self.refuses_auth and frame["action"] == "auth"
        refused |= frame["action"] == "subscribe_market" and not self.supports_market_data
        reply = {"id": frame["id"], "ok": not refused, "type": "ws_response", "payload": {}}
        await connection.send(json.dumps(reply))
        if frame["action"] == "subscribe_market":
            self.market_asked.set()
        if frame["action"] == "subscribe" and self.script:
            for said in self.script.pop(0):
                await connection.send(json.dumps(said))


@asynccontextmanager
async def run_scripted_websocket() -> AsyncIterator[ScriptedWebSocket]:
    """A server that runs while the block does."""
    script = ScriptedWebSocket()
    async with serve(script.serve, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        script.base_url = f"http://127.0.0.1:{port}"
        yield script
        await asyncio.sleep(0)
