"""Bytes of HTTP requests that no client library sends, and their exchange over a socket."""

import random
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SILENCE_SECONDS = 0.25
STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) [^\r\n]*\r\n")
#: The response of the request that is smuggled behind another.
SMUGGLED_BODY = b'{"status":"ok"}'
_SMUGGLED = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
_POST = b"POST /user/password HTTP/1.1\r\nHost: x\r\n"
_HOST = b"Host: x\r\n"
_CHUNKED = b"0\r\n\r\n" + _SMUGGLED


_AMBIGUOUS_HEADERS = {
    "length and chunked": b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
    "chunked and length": b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
    "chunked with a space": b"Content-Length: 0\r\nTransfer-Encoding : chunked\r\n",
    "unknown coding": b"Content-Length: 0\r\nTransfer-Encoding: xchunked\r\n",
    "coding after chunked": b"Content-Length: 0\r\nTransfer-Encoding: chunked, identity\r\n",
    "coding twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
    "chunked in a folded line": b"Content-Length: 0\r\nTransfer-Encoding:\r\n chunked\r\n",
    "two lengths": b"Content-Length: 0\r\nContent-Length: 40\r\n",
    "signed length": b"Content-Length: +0\r\n",
    "negative length": b"Content-Length: -1\r\n",
    "hexadecimal length": b"Content-Length: 0x0\r\n",
    "list of lengths": b"Content-Length: 0, 40\r\n",
    "length with a vertical tab": b"Content-Length: \x0b0\r\n",
    "length too large": b"Content-Length: 18446744073709551616\r\n",
    "length with a null": b"Content-Length: 0\x00\r\n",
    "header with a null": b"X-A: \x00\r\nContent-Length: 0\r\n",
    "name with a space": b"X A: b\r\nContent-Length: 0\r\n",
    "line without a colon": b"nonsense\r\nContent-Length: 0\r\n",
    "bare return": b"X-A: b\rContent-Length: 0\r\n",
    "name with a return": b"X-A\r: b\r\nContent-Length: 0\r\n",
}
_AMBIGUOUS_CHUNKS = {
    "chunk size of 17 digits": b"FFFFFFFFFFFFFFFFF\r\n",
    "negative chunk": b"-1\r\n",
    "chunk size with 0x": b"0x0\r\n\r\n",
    "chunk without its end": b"1\r\nab\r\n0\r\n\r\n",
    "chunk size with a space": b"0 0\r\n\r\n",
    "no chunk size": b"\r\n\r\n",
    "chunk size ended by a newline": b"1\na\r\n0\r\n\r\n",
}


def _get(target: bytes, lines: bytes = b"") -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\n" + _HOST + lines + b"\r\n"


_ODD = {
    "newlines only": b"GET /livez HTTP/1.1\nHost: x\n\n",
    "no host": b"GET /livez HTTP/1.1\r\n\r\n",
    "absolute address": _get(b"http://example.com/livez"),
    "absolute address with a password": b"GET http://u:p@[::1]:1/livez HTTP/1.1\r\n"
    + _HOST
    + b"\r\n",
    "CONNECT": b"CONNECT example.com:443 HTTP/1.1\r\n" + _HOST + b"\r\n",
    "OPTIONS *": b"OPTIONS * HTTP/1.1\r\n" + _HOST + b"\r\n",
    "TRACE": b"TRACE / HTTP/1.1\r\n" + _HOST + b"\r\n",
    "unknown method": b"STEAL /livez HTTP/1.1\r\n" + _HOST + b"\r\n",
    "method in lower case": b"get /livez HTTP/1.1\r\n" + _HOST + b"\r\n",
    "long method": b"G" * 10_000 + b" /livez HTTP/1.1\r\n" + _HOST + b"\r\n",
    "HTTP/0.9": b"GET /livez\r\n\r\n",
    "HTTP/1.0": b"GET /livez HTTP/1.0\r\n\r\n",
    "HTTP/9.9": b"GET /livez HTTP/9.9\r\n" + _HOST + b"\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": bytes.fromhex("16030100f4010000f00303") + bytes(200),
    "no path": b"GET  HTTP/1.1\r\n" + _HOST + b"\r\n",
    "path without a slash": _get(b"livez"),
    "parent folders": _get(b"/../../../etc/passwd"),
    "encoded parent folders": _get(b"/ui/%2e%2e/%2e%2e/etc/passwd"),
    "encoded null": _get(b"/oms/orders/1%00"),
    "invalid percent": _get(b"/oms/orders/%zz%f"),
    "path that is no text": _get(b"/\xff\xfe\x80"),
    "two slashes": _get(b"//livez"),
    "long path": _get(b"/" + b"a" * 100_000),
    "long query": _get(b"/livez?" + b"a=b&" * 30_000),
    "query that is no text": b"GET /oms/accounts?status=\xff%ff%00 HTTP/1.1\r\n" + _HOST + b"\r\n",
    "long header": _get(b"/livez", b"X-A: " + b"b" * 200_000 + b"\r\n"),
    "many headers": _get(b"/livez", b"X-A: b\r\n" * 5000),
    "long chunk extension": _POST
    + b"Transfer-Encoding: chunked\r\n\r\n1;"
    + b"a" * 100_000
    + b"\r\nx\r\n0\r\n\r\n",
    "trailer with a key": _POST
    + b"Transfer-Encoding: chunked\r\n\r\n0\r\nx-api-key: tok_x\r\n\r\n",
    "expectation": _POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n",
    "unknown expectation": _POST + b"Expect: wonders\r\nContent-Length: 2\r\n\r\n{}",
    "upgrade to h2c": _get(
        b"/livez",
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
    ),
    "upgrade elsewhere": b"GET /livez HTTP/1.1\r\n"
    + _HOST
    + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    + b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    "upgrade without a key": _get(
        b"/ws", b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    ),
    "upgrade of an old version": _get(
        b"/ws", b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 7\r\n"
    ),
    "half a request": b"GET /livez HT",
    "half a body": _POST + b"Content-Length: 100\r\n\r\n{",
    "hundred requests": _SMUGGLED * 100,
    "nothing": b"",
    "empty lines": b"\r\n" * 1000,
    "nulls": bytes(5000),
}


@dataclass(frozen=True, slots=True)
class RawRequest:
    """The parts of a request, each sent by itself; what follows an ambiguous one is no request."""

    name: str
    parts: tuple[bytes, ...]
    is_ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """All that was received."""

    data: bytes

    @property
    def statuses(self) -> list[int]:
        """The statuses of all responses."""
        return [int(status) for status in STATUS_LINE.findall(self.data)]


def exchange(port: int, parts: Sequence[bytes]) -> RawAnswer:
    """Send the parts and read until the server closes or is silent."""
    received = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for part in parts:
                connection.sendall(part)
            connection.settimeout(SILENCE_SECONDS)
            while data := connection.recv(65_536):
                received += data
        except (TimeoutError, ConnectionError):
            return RawAnswer(bytes(received))  # Silent, or closed while this side was sending.
    return RawAnswer(bytes(received))


def smuggling_requests() -> Iterator[RawRequest]:
    """Requests whose end two servers could see at different places."""
    for name, lines in _AMBIGUOUS_HEADERS.items():
        yield RawRequest(name, (_POST + lines + b"\r\n" + _CHUNKED,), is_ambiguous=True)
    for name, body in _AMBIGUOUS_CHUNKS.items():
        head = _POST + b"Transfer-Encoding: chunked\r\n\r\n"
        yield RawRequest(name, (head + body + _SMUGGLED,), is_ambiguous=True)


def odd_requests() -> Iterator[RawRequest]:
    """Incomplete, oversized and unusual requests."""
    for name, data in _ODD.items():
        yield RawRequest(name, (data,))
    yield RawRequest("byte by byte", tuple(bytes([byte]) for byte in _SMUGGLED))


def mutated_requests(chosen: random.Random, count: int) -> Iterator[RawRequest]:
    """The requests above with random bytes changed, removed or doubled."""
    known = [r for r in (*smuggling_requests(), *odd_requests()) if len(r.parts) == 1]
    for number in range(count):
        data = bytearray(chosen.choice(known).parts[0][:3000])
        for _ in range(chosen.randint(1, 6)):
            position = chosen.randrange(len(data) + 1)
            match chosen.randrange(4):
                case 0:
                    data[position:position] = bytes([chosen.randrange(256)])
                case 1:
                    del data[position : position + chosen.randint(1, 4)]
                case 2:
                    data[position:position] = chosen.choice((b"\r\n", b"\n", b"\x00", b" ", b":"))
                case _:
                    data[position:position] = data[position : position + chosen.randint(1, 40)]
        yield RawRequest(f"mutation {number}", (bytes(data),))
