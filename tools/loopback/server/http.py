"""HTTP and WebSocket on one port, down to the single byte: a test must be able to break all of it.

An ordinary web server takes care that answers are whole; here an answer may be cut, never come, or
the listener may be gone. It knows nothing of exchanges.
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
    """``query`` and ``body`` as they came, ``headers`` by lower-case name."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def host(self) -> str:
        """The name that was asked for, without a port."""
        return self.headers.get("host", "").rpartition(":")[0] or self.headers.get("host", "")

    @property
    def line(self) -> str:
        """What faults match: the method and the path."""
        return f"{self.method} {self.path}"

    @property
    def params(self) -> dict[str, str]:
        """The query's parameters."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass
class Response:
    """``cut`` bytes of the body are kept back; with ``dead`` nothing is sent at all."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0
    dead: bool = False


class WebSocket:
    """One WebSocket: texts in, texts out."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._protocol = ServerProtocol(max_size=None)
        self._texts: list[str] = []
        self._parts = b""
        self.is_gone = False

    def accept(self, head: bytes) -> bool:
        """Answer the client's handshake; whether there is a connection now."""
        self._protocol.receive_data(head)
        for event in self._protocol.events_received():
            response = self._protocol.accept(event)  # type: ignore[arg-type]
            self._protocol.send_response(response)
        self._flush()
        return self._protocol.handshake_exc is None

    def send(self, text: str) -> None:
        """Send a text, unless the connection is gone."""
        if self._is_open():
            self._protocol.send_text(text.encode())
            self._flush()

    def close(self, code: int) -> None:
        """Say goodbye with a close code."""
        if self._is_open():
            self._protocol.send_close(code)
            self._flush()

    def _is_open(self) -> bool:
        """Whether nobody has said goodbye yet."""
        is_up = not self.is_gone and not self._writer.is_closing()
        return is_up and self._protocol.state is State.OPEN

    def abort(self) -> None:
        """Be gone without a word."""
        self.is_gone = True
        self._writer.transport.abort()

    async def texts(self) -> AsyncIterator[str]:
        """What the client says, until it is gone."""
        while not self.is_gone:
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
        self.is_gone = True

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
    """Who answers at a port."""

    async def answer(self, request: Request) -> Response:
        """The answer to a request."""

    async def refuse_upgrade(self, request: Request) -> Response | None:
        """Why this dial for a WebSocket gets none."""

    async def serve(self, request: Request, socket: WebSocket) -> None:
        """Talk until the socket is gone."""


class HttpListener:
    """A port of 127.0.0.1; it can be closed and opened again at the same number."""

    def __init__(
        self, who: RequestHandler, port: int, context: ssl.SSLContext | None = None
    ) -> None:
        self.port, self._who, self._context = port, who, context
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Listen; port 0 becomes a free one. Raises ``OSError`` where somebody else listens."""
        if self._server is None:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: asyncio.StreamReaderProtocol(_Reader(), self._serve),
                "127.0.0.1",
                self.port,
                ssl=self._context,
            )
            self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Refuse connections from now on, and end the ones there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the other side is gone, or never spoke HTTP
        finally:
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
                await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; whether another may follow on this connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        request = _request(head)
        if request.headers.get("upgrade", "").lower() == "websocket":
            await self._upgrade(request, head, reader, writer)
            return False
        body = await reader.readexactly(int(request.headers.get("content-length") or 0))
        request = Request(request.method, request.path, request.query, request.headers, body)
        return await _send(writer, await self._answer(request, reader))

    async def _answer(self, request: Request, reader: asyncio.StreamReader) -> Response:
        """The answer, given up as soon as the client is gone: it may wait for very long."""
        answer = asyncio.ensure_future(self._who.answer(request))
        assert isinstance(reader, _Reader)
        gone = asyncio.ensure_future(reader.gone.wait())
        try:
            await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
            return _result(answer) if answer.done() else Response(dead=True)
        finally:
            answer.cancel()
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)

    async def _upgrade(
        self,
        request: Request,
        head: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        refusal = await self._who.refuse_upgrade(request)
        if refusal is not None:
            await _send(writer, refusal)
            return
        socket = WebSocket(reader, writer)
        if socket.accept(head):
            await self._who.serve(request, socket)


def _result(answer: asyncio.Future[Response]) -> Response:
    """The answer; a bug is told on the terminal, and to the client as 500."""
    try:
        return answer.result()
    except Exception:
        logger.exception("the answer to a request has failed")
        return Response(500, b"the loopback exchange has a bug", {"Content-Type": "text/plain"})


class _Reader(asyncio.StreamReader):
    """A reader that tells when the client has gone, without reading what it sent ahead."""

    def __init__(self) -> None:
        super().__init__(limit=HEAD_BYTES_MAX, loop=asyncio.get_running_loop())
        self.gone = asyncio.Event()

    def feed_eof(self) -> None:
        super().feed_eof()
        self.gone.set()

    def set_exception(self, exc: Exception) -> None:
        super().set_exception(exc)
        self.gone.set()


def _request(head: bytes) -> Request:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, *_ = [*first.split(" "), "", ""]
    path, _, query = target.partition("?")
    headers = {}
    for line in lines:
        name, colon, told = line.partition(":")
        if colon:
            headers[name.strip().lower()] = told.strip()
    return Request(method, path, query, headers)


async def _send(writer: asyncio.StreamWriter, reply: Response) -> bool:
    if reply.dead:
        writer.transport.abort()
        return False
    phrases = {each.value: each.phrase for each in HTTPStatus}
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Content-Length": str(len(reply.body)),
    } | reply.headers
    lines = [f"HTTP/1.1 {reply.status} {phrases.get(reply.status, 'Unknown')}"]
    lines += [f"{name}: {told}" for name, told in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    writer.write(reply.body[: len(reply.body) - reply.cut])
    await writer.drain()
    return not reply.cut
