"""Kept-alive HTTP connections over asyncio's streams; ``connections`` without threads.

The same promises: a trading request is sent once and never again, a read that meets a connection
which the other side has closed meanwhile is sent anew.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import parse_headers
from io import BytesIO
from urllib.parse import SplitResult

from ccxt_driver.transport.connection_pool import (
    IDLE_CONNECTIONS_MAX,
    IDLE_SECONDS_MAX,
    HttpResponse,
    RequestNotSent,
    parse_base_url,
)

_HEAD_BYTES_MAX = 64 * 1024
_PORTS = {"http": 80, "https": 443}


@dataclass(slots=True, eq=False)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    since: float = field(default_factory=time.monotonic)

    def is_usable(self, seconds_max: float) -> bool:
        """Idle for a short time only, and the other side has not closed it."""
        is_young = time.monotonic() - self.since <= seconds_max
        return is_young and not self.reader.at_eof() and not self.writer.is_closing()


class AsyncConnectionPool:
    """Connections to one address, opened when they are needed, for one event loop at a time."""

    def __init__(self, base_url: str, timeout_seconds: float) -> None:
        self._parts: SplitResult = parse_base_url(base_url)
        self._timeout_seconds = timeout_seconds
        self._kept: list[_Connection] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    async def exchange(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        is_repeatable: bool,
    ) -> HttpResponse:
        """Send a request and read its answer; ``target`` is path and query.

        Raises ``NotSent`` if no connection came about, ``OSError`` if the answer was lost.
        """
        text = self._written(method, target, headers, body)
        if is_repeatable:
            while (kept := self._take(float("inf"))) is not None:
                try:
                    return await self._ask(kept, text)
                except TimeoutError:
                    raise
                except OSError:
                    continue  # it was closed meanwhile: the next one, at last a new one
        kept = None if is_repeatable else self._take(IDLE_SECONDS_MAX)
        return await self._ask(kept or await self._connect(), text)

    async def close(self) -> None:
        """Close the idle connections; the next request opens a new one."""
        kept, self._kept = self._kept, []
        for connection in kept:
            connection.writer.close()
        if self._loop is asyncio.get_running_loop():
            await asyncio.gather(
                *(each.writer.wait_closed() for each in kept), return_exceptions=True
            )

    def _written(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None
    ) -> bytes:
        lines = [f"{method} {target} HTTP/1.1", f"host: {self._parts.netloc.rpartition('@')[2]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body is not None or method != "GET":
            lines.append(f"content-length: {len(body or b'')}")
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("a header or path holds a line break")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")

    def _take(self, seconds_max: float) -> _Connection | None:
        """An idle connection that can be trusted; others are closed."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # connections of a loop that is over are of no use
            self._kept, self._loop = [], loop
        while self._kept:
            kept = self._kept.pop()
            if kept.is_usable(seconds_max):
                return kept
            kept.writer.close()
        return None

    async def _connect(self) -> _Connection:
        is_tls = self._parts.scheme == "https"
        port = self._parts.port or _PORTS[self._parts.scheme]
        opening = asyncio.open_connection(
            self._parts.hostname, port, ssl=is_tls or None, limit=_HEAD_BYTES_MAX
        )
        try:
            return _Connection(*await asyncio.wait_for(opening, self._timeout_seconds))
        except OSError as cause:
            raise RequestNotSent(cause) from cause

    async def _ask(self, connection: _Connection, text: bytes) -> HttpResponse:
        is_kept = False
        try:
            async with asyncio.timeout(self._timeout_seconds):
                connection.writer.write(text)
                await connection.writer.drain()
                answer = await _read_answer(connection.reader)
            is_kept = not _is_last(answer) and len(self._kept) < IDLE_CONNECTIONS_MAX
        finally:
            if is_kept:
                connection.since = time.monotonic()
                self._kept.append(connection)
            else:
                connection.writer.close()
        return answer


async def _read_answer(reader: asyncio.StreamReader) -> HttpResponse:
    """One whole answer. Raises ``OSError`` for less, or for what is no HTTP."""
    try:
        status, headers = 100, dict[str, str]()
        while 100 <= status < 200:  # an interim answer is followed by the answer itself
            head = await reader.readuntil(b"\r\n\r\n")
            first, _, rest = head.partition(b"\r\n")
            status = int(first.split(None, 2)[1])
            headers = {name.lower(): value for name, value in parse_headers(BytesIO(rest)).items()}
        return HttpResponse(status=status, headers=headers, body=await _read_body(reader, headers))
    except (
        asyncio.IncompleteReadError,
        asyncio.LimitOverrunError,
        ValueError,
        IndexError,
    ) as wrong:
        raise ConnectionError(f"the answer was no whole HTTP answer: {wrong!r}") from wrong


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return await _read_chunks(reader)
    length = headers.get("content-length")
    return await (reader.read() if length is None else reader.readexactly(int(length)))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers say nothing that is needed
    return b"".join(parts)


def _is_last(answer: HttpResponse) -> bool:
    """Whether the connection ends with this answer."""
    is_framed = "content-length" in answer.headers or "transfer-encoding" in answer.headers
    return not is_framed or "close" in answer.headers.get("connection", "").lower()
