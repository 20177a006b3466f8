"""A real WebSocket server on a free port, and a client that records received frames."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import repeat
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

SECONDS_MAX = 10.0
POLL_SECONDS = 0.01

Frame = dict[str, Any]


async def wait_for_condition(is_met: Callable[[], object], seconds: float = SECONDS_MAX) -> None:
    """Waits until ``is_met`` is true; fails after ``seconds``."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    for pause_seconds in repeat(POLL_SECONDS):
        if is_met():
            return
        assert clock() < deadline, f"not within {seconds:g} s"
        await asyncio.sleep(pause_seconds)


class WebSocketClient:
    """One connection; ``frames`` are all received frames."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.frames: list[Frame] = []

    @property
    def events(self) -> list[Frame]:
        """The frames of stored events."""
        return [frame for frame in self.frames if "seq" in frame]

    @property
    def seqs(self) -> list[int]:
        """The sequence numbers of the stored events."""
        return [frame["seq"] for frame in self.events]

    async def send(self, action: str, payload: object = None, **more: object) -> None:
        """Send a frame; its id is the action unless ``more`` has another."""
        frame = {"id": action, "action": action, "payload": payload or {}} | more
        await self.connection.send(json.dumps(frame))

    async def receive(self) -> Frame:
        """Returns the next frame."""
        async with asyncio.timeout(SECONDS_MAX):
            frame: Frame = json.loads(await self.connection.recv())
        self.frames.append(frame)
        return frame

    async def receive_until(self, is_expected: Callable[[Frame], bool]) -> Frame:
        """Receives frames until ``is_expected`` holds for one; returns that."""
        while not is_expected(frame := await self.receive()):
            pass
        return frame

    async def receive_event(self, name: str) -> Frame:
        """Receives frames until an event or reply of that name."""
        return await self.receive_until(lambda frame: frame["event"] == name)

    async def receive_seq(self, seq: int) -> Frame:
        """Receives frames until the event of that sequence number."""
        return await self.receive_until(lambda frame: frame.get("seq") == seq)

    async def request(self, action: str, payload: object = None, **more: object) -> Frame:
        """Sends a frame and receives until its reply."""
        await self.send(action, payload, **more)
        request_id = more.get("id", action)
        return await self.receive_until(
            lambda frame: frame["type"] == "ws_response" and frame["id"] == request_id
        )

    async def wait_closed(self) -> tuple[int, str]:
        """Receives until the server closes; returns close code and reason."""
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
    """A connection with the credential in its header."""
    headers = {} if key is None else {"x-api-key": key}
    async with connect(
        url, additional_headers=headers, compression=None, max_size=None, **options
    ) as connection:
        yield WebSocketClient(connection)
