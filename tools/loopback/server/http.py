"""HTTP and WebSocket on one port, with control over every byte.

Unlike an ordinary web server it can truncate a response, send none, or close the port. Independent
of exchanges.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qsl

from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

logger = logging.getLogger(__name__)

HEAD_BYTES_MAX = 65536
_READ_BYTES = 65536


@dataclass(frozen=True)
class Request:
    """``query`` and ``body`` are unparsed, ``headers`` by lower-case name."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def host(self) -> str:
        """The host name without the port."""
        return self.headers.get("host", "").rpartition(":")[0] or self.headers.get("host", "")

    @property
    def line(self) -> str:
        """Method and path, which faults match."""
        return f"{self.method} {self.path}"

    @property
    def params(self) -> dict[str, str]:
        """The query parameters."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass
class Response:
    """The last ``truncated_bytes`` of the body are not sent; with ``is_dropped`` nothing is."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    truncated_bytes: int = 0
    is_dropped: bool = False


class WebSocket:
    """The server side of one WebSocket, for text frames."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._protocol = ServerProtocol(max_size=None)
        self._texts: list[str] = []
        self._parts = b""
        self.is_closed = False

    def accept(self, head: bytes) -> bool:
        """Answers the client's handshake; returns whether the connection is established."""
        self._protocol.receive_data(head)
        for event in self._protocol.events_received():
            response = self._protocol.accept(event)  # type: ignore[arg-type]
            self._protocol.send_response(response)
        self._flush()
        return self._protocol.handshake_exc is None

    def send(self, text: str) -> None:
        """Sends a text frame, unless the connection is closed."""
        if self._is_open():
            self._protocol.send_text(text.encode())
            self._flush()

    def close(self, code: int) -> None:
        """Sends a close frame."""
        if self._is_open():
            self._protocol.send_close(code)
            self._flush()

    def _is_open(self) -> bool:
        """Whether neither side has closed the connection."""
        is_connected = not self.is_closed and not self._writer.is_closing()
        return is_connected and self._protocol.state is State.OPEN

    def abort(self) -> None:
        """Drops the connection without a close frame."""
        self.is_closed = True
        self._writer.transport.abort()

    async def texts(self) -> AsyncIterator[str]:
        """Yields the client's text frames until the connection is closed."""
        while not self.is_closed:
            try:
                data = await self._reader.read(_READ_BYTES)
            except ConnectionError:
                break
            if data:
                self._protocol.receive_data(data)
            else:
                self._protocol.receive_eof()
            for event in self._protocol.events_received():
                assert isinstance(event, Frame)
                text = self._text(event)
                if text is not None:
                    yield text
            self._flush()
            if not data or self._protocol.close_expected():
                break
        self.is_closed = True

    def _text(self, frame: Frame) -> str | None:
        if frame.opcode not in (Opcode.TEXT, Opcode.CONT, Opcode.BINARY):
            return None
        self._parts += bytes(frame.data)
        if not frame.fin:
            return None
        text, self._parts = self._parts.decode(), b""
        return text

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if self._writer.is_closing():
                return
            if data:
                self._writer.write(data)
            elif self._writer.can_write_eof():
                self._writer.write_eof()


class RequestHandler(Protocol):
    """The server at a port."""

    async def handle(self, request: Request) -> Response:
        """Returns the response to a request."""

    async def refuse_upgrade(self, request: Request) -> Response | None:
        """Returns the response to a refused WebSocket; ``None`` accepts it."""

    async def serve_stream(self, request: Request, socket: WebSocket) -> None:
        """Serves a WebSocket until it is closed."""


class HttpListener:
    """A port of 127.0.0.1 that can be closed and opened again with the same number."""

    def __init__(
        self, handler: RequestHandler, port: int, context: ssl.SSLContext | None = None
    ) -> None:
        self.port, self._handler, self._context = port, handler, context
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Listens; port 0 becomes a free one. Raises ``OSError`` if the port is in use."""
        if self._server is None:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: asyncio.StreamReaderProtocol(_Reader(), self._serve),
                "127.0.0.1",
                self.port,
                ssl=self._context,
            )
            self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stops listening and aborts the open connections."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while await self._serve_request(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client disconnected, or did not send HTTP
        finally:
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
                await writer.wait_closed()

    async def _serve_request(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Serves one request; returns whether the connection stays open."""
        head = await reader.readuntil(b"\r\n\r\n")
        request = _parse_head(head)
        if request.headers.get("upgrade", "").lower() == "websocket":
            await self._upgrade(request, head, reader, writer)
            return False
        body = await reader.readexactly(int(request.headers.get("content-length") or 0))
        request = Request(request.method, request.path, request.query, request.headers, body)
        return await _send(writer, await self._handle(request, reader))

    async def _handle(self, request: Request, reader: asyncio.StreamReader) -> Response:
        """Returns the response; cancels the handler when the client disconnects."""
        handling = asyncio.ensure_future(self._handler.handle(request))
        assert isinstance(reader, _Reader)
        disconnected = asyncio.ensure_future(reader.disconnected.wait())
        try:
            await asyncio.wait({handling, disconnected}, return_when=asyncio.FIRST_COMPLETED)
            return _result(handling) if handling.done() else Response(is_dropped=True)
        finally:
            handling.cancel()
            disconnected.cancel()
            await asyncio.gather(disconnected, return_exceptions=True)

    async def _upgrade(
        self,
        request: Request,
        head: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        refusal = await self._handler.refuse_upgrade(request)
        if refusal is not None:
            await _send(writer, refusal)
            return
        socket = WebSocket(reader, writer)
        if socket.accept(head):
            await self._handler.serve_stream(request, socket)


def _result(handling: asyncio.Future[Response]) -> Response:
    """Returns the response; an exception is logged and becomes a 500."""
    try:
        return handling.result()
    except Exception:
        logger.exception("a request handler failed")
        return Response(500, b"the loopback exchange has a bug", {"Content-Type": "text/plain"})


class _Reader(asyncio.StreamReader):
    """A reader with an event for the disconnection of the client."""

    def __init__(self) -> None:
        super().__init__(limit=HEAD_BYTES_MAX, loop=asyncio.get_running_loop())
        self.disconnected = asyncio.Event()

    def feed_eof(self) -> None:
        super().feed_eof()
        self.disconnected.set()

    def set_exception(self, exc: Exception) -> None:
        super().set_exception(exc)
        self.disconnected.set()


def _parse_head(head: bytes) -> Request:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, *_ = [*first.split(" "), "", ""]
    path, _, query = target.partition("?")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return Request(method, path, query, headers)


async def _send(writer: asyncio.StreamWriter, response: Response) -> bool:
    if response.is_dropped:
        writer.transport.abort()
        return False
    phrases = {each.value: each.phrase for each in HTTPStatus}
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Content-Length": str(len(response.body)),
    } | response.headers
    lines = [f"HTTP/1.1 {response.status} {phrases.get(response.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    writer.write(response.body[: len(response.body) - response.truncated_bytes])
    await writer.drain()
    return not response.truncated_bytes
