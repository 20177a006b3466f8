"""A receiver of webhooks on a free port: it answers by a script and keeps what it got."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event_id(self) -> int:
        """The event that the delivery is about."""
        return int(self.headers["x-oms-delivery"])


@dataclass
class SinkServer:
    """A running receiver."""

    port: int = 0
    #: Status of the next answers, by path; then 200. 0: no answer at all.
    statuses: dict[str, list[int]] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)

    def url(self, path: str = "/") -> str:
        """The address of a receiver."""
        return f"http://127.0.0.1:{self.port}{path}"

    def of(self, path: str) -> list[Received]:
        """What arrived at a path."""
        return [each for each in self.received if each.path == path]

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request and answer it."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            lines = (line.partition(":") for line in head[1:] if line)
            headers = {name.lower(): text.strip() for name, _, text in lines}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            path = head[0].split()[1]
            self.received.append(Received(path, headers, body))
            script = self.statuses.get(path, [])
            status = script.pop(0) if script else 200
            if status == 0:
                await reader.read()  # until the client gives up
                return
            location = "Location: /elsewhere\r\n" if 300 <= status < 400 else ""
            writer.write(
                f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n{location}"
                "Connection: close\r\n\r\n".encode()
            )
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return  # the client, or the test, has ended
        finally:
            writer.close()


@asynccontextmanager
async def open_sink_server() -> AsyncIterator[SinkServer]:
    """Run a receiver."""
    sink = SinkServer()
    server = await asyncio.start_server(sink.answer, "127.0.0.1", 0)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
