"""A TCP proxy on 127.0.0.1 that aborts all its connections on demand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class CutProxy:
    """Forwards connections to ``target_port``."""

    target_port: int
    base_url: str = ""
    cuts: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut(self) -> None:
        """Abort every connection, also in the middle of a message."""
        self.cuts += bool(self._writers)
        for writer in self._writers:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        writers = {writer, target_writer}
        self._writers |= writers
        try:
            await asyncio.gather(_forward(reader, target_writer), _forward(target_reader, writer))
        finally:
            self._writers -= writers
            for each in writers:
                each.close()


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # aborted by ``cut``
    writer.close()


@asynccontextmanager
async def cut_proxy(target_port: int) -> AsyncIterator[CutProxy]:
    """A proxy that runs for the duration of the block."""
    proxy = CutProxy(target_port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()
        await server.wait_closed()
