"""Listeners on a real WebSocket: a server on a free port, and a client that keeps what it hears."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import repeat
from typing import Any

import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from oms.api.websocket.websocket_protocol import uvicorn_websocket_options
from oms.config import EventSettings

SECONDS_MAX = 10.0
LOOK_EVERY_SECONDS = 0.01

Frame = dict[str, Any]


@asynccontextmanager
async def serve_app(
    app: FastAPI, events: EventSettings, *, send_buffer: int | None = None
) -> AsyncIterator[str]:
    """Serve ``app`` on a free port; its address. Whoever made it runs its lifespan."""
    listener = socket.socket()
    if send_buffer is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, lifespan="off", log_config=None, **uvicorn_websocket_options(events)
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await wait_for_condition(lambda: server.started)
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/ws"
    finally:
        server.should_exit = True
        await serving


async def wait_for_condition(look: Callable[[], object], seconds: float = SECONDS_MAX) -> None:
    """Return once ``look`` is true; fails after ``seconds``."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    for pause in repeat(LOOK_EVERY_SECONDS):
        if look():
            return
        assert clock() < deadline, f"not within {seconds:g} s"
        await asyncio.sleep(pause)


class WebSocketClient:
    """One connection; ``frames`` holds all that was read."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.frames: list[Frame] = []

    @property
    def events(self) -> list[Frame]:
        """The stored events among the frames."""
        return [frame for frame in self.frames if "seq" in frame]

    @property
    def seqs(self) -> list[int]:
        """Their numbers."""
        return [frame["seq"] for frame in self.events]

    async def send(self, action: str, payload: object = None, **more: object) -> None:
        """Send a frame whose id is its action unless ``more`` says otherwise."""
        frame = {"id": action, "action": action, "payload": payload or {}} | more
        await self.connection.send(json.dumps(frame))

    async def receive(self) -> Frame:
        """The next frame."""
        async with asyncio.timeout(SECONDS_MAX):
            frame: Frame = json.loads(await self.connection.recv())
        self.frames.append(frame)
        return frame

    async def receive_until(self, is_it: Callable[[Frame], bool]) -> Frame:
        """Read until a frame is the one."""
        while not is_it(frame := await self.receive()):
            pass
        return frame

    async def receive_event(self, name: str) -> Frame:
        """Read until an event or reply of that name."""
        return await self.receive_until(lambda frame: frame["event"] == name)

    async def receive_seq(self, seq: int) -> Frame:
        """Read until the event of that number."""
        return await self.receive_until(lambda frame: frame.get("seq") == seq)

    async def request(self, action: str, payload: object = None, **more: object) -> Frame:
        """Send a frame and read until its reply."""
        await self.send(action, payload, **more)
        wanted = more.get("id", action)
        return await self.receive_until(
            lambda frame: frame["type"] == "ws_response" and frame["id"] == wanted
        )

    async def wait_closed(self) -> tuple[int, str]:
        """Read to the end; the close code and its reason."""
        try:
            while True:
                await self.receive()
        except ConnectionClosed as closed:
            assert closed.rcvd is not None, "the connection was lost, not closed"
            return closed.rcvd.code, closed.rcvd.reason


@asynccontextmanager
async def connect_client(
    url: str, key: str | None = None, **options: Any
) -> AsyncIterator[WebSocketClient]:
    """A connection, with its credential in the header."""
    headers = {} if key is None else {"x-api-key": key}
    async with connect(
        url, additional_headers=headers, compression=None, max_size=None, **options
    ) as connection:
        yield WebSocketClient(connection)
