"""Keep-alive HTTP connections over asyncio's streams; ``connection_pool`` as coroutines."""

import asyncio
import time
from dataclasses import dataclass, field

from ccxt_driver.sansio.http1 import (
    DEFAULT_PORTS,
    HttpRequest,
    HttpResponse,
    ResponseParser,
    encode_request,
    parse_base_url,
)
from ccxt_driver.sansio.idle_pool import IdlePool, RequestNotSent

_READ_BYTES = 64 * 1024


@dataclass(slots=True, eq=False)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    used_at: float = field(default_factory=time.monotonic)

    def is_open(self) -> bool:
        """Whether the other side has not closed it, as far as the loop has noticed."""
        return not self.reader.at_eof() and not self.writer.is_closing()

    def close(self) -> None:
        self.writer.close()


class AsyncConnectionPool:
    """Connections to one address, opened on demand, for one event loop at a time."""

    def __init__(self, base_url: str, timeout_seconds: float) -> None:
        self._address = parse_base_url(base_url)
        self._timeout_seconds = timeout_seconds
        self._idle: IdlePool[_Connection] = IdlePool()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def exchange(self, request: HttpRequest) -> HttpResponse:
        """Sends a request and returns its response.

        A request that is not repeatable is sent at most once. Raises ``RequestNotSent`` if no
        connection could be opened, ``OSError`` if the response was lost.
        """
        data = encode_request(request, self._address)
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # connections of another loop cannot be used
            self._idle, self._loop = IdlePool(), loop
        for connection in self._idle.candidates(is_repeatable=request.is_repeatable):
            try:
                return await self._exchange_on(connection, data)
            except TimeoutError:
                raise
            except OSError:
                if not request.is_repeatable:
                    raise
        return await self._exchange_on(await self._connect(), data)

    async def close(self) -> None:
        """Closes the idle connections; the next request opens a new one."""
        connections = self._idle.clear()
        for connection in connections:
            connection.close()
        if self._loop is asyncio.get_running_loop():
            await asyncio.gather(
                *(each.writer.wait_closed() for each in connections), return_exceptions=True
            )

    async def _connect(self) -> _Connection:
        scheme = self._address.scheme
        port = self._address.port or DEFAULT_PORTS[scheme]
        opening = asyncio.open_connection(
            self._address.hostname, port, ssl=True if scheme == "https" else None
        )
        try:
            return _Connection(*await asyncio.wait_for(opening, self._timeout_seconds))
        except OSError as cause:
            raise RequestNotSent(cause) from cause

    async def _exchange_on(self, connection: _Connection, data: bytes) -> HttpResponse:
        response, parser = None, ResponseParser()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                connection.writer.write(data)
                await connection.writer.drain()
                while response is None:
                    response = parser.feed(await connection.reader.read(_READ_BYTES))
        finally:
            if response is not None and response.keeps_connection:
                self._idle.put(connection)
            else:
                connection.close()
        return response
