"""HTTP/1.1 without I/O: encodes one request, parses one response from the bytes received."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from http.client import parse_headers
from io import BytesIO
from urllib.parse import SplitResult, urlsplit

_HEAD_BYTES_MAX = 64 * 1024
_BODILESS_STATUSES = frozenset({204, 304})
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request; ``target`` is path and query. It may be repeated if ``is_repeatable``."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None = None
    is_repeatable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """One response; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_http_1_0: bool = False

    @property
    def keeps_connection(self) -> bool:
        """Whether the connection may be used again after this response."""
        is_framed = "content-length" in self.headers or "transfer-encoding" in self.headers
        is_framed = is_framed or self.status in _BODILESS_STATUSES
        is_closing = "close" in self.headers.get("connection", "").lower()
        return is_framed and not is_closing and not self.is_http_1_0


def parse_base_url(base_url: str) -> SplitResult:
    """Returns the parts of the gateway's base URL. Raises ``ValueError``."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{base_url!r} is not a URL such as http://127.0.0.1:8000")
    return parts


def encode_request(request: HttpRequest, address: SplitResult) -> bytes:
    """Returns the bytes of a request. Raises ``ValueError`` for line breaks in its head."""
    host = address.netloc.rpartition("@")[2]
    lines = [f"{request.method} {request.target} HTTP/1.1", f"host: {host}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    if request.body is not None or request.method != "GET":
        lines.append(f"content-length: {len(request.body or b'')}")
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header or path contains a line break")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (request.body or b"")


class ResponseParser:
    """Parses one response: ``feed`` received bytes until it returns the response."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._is_eof = False
        self._parsing = self._parse()
        next(self._parsing)

    def feed(self, data: bytes) -> HttpResponse | None:
        """Takes received bytes; ``b""`` is the end of the connection.

        Returns the response as soon as it is complete. Raises ``ConnectionError`` if it is
        incomplete at the end of the connection, or is not HTTP.
        """
        self._buffer += data
        self._is_eof = not data
        try:
            next(self._parsing)
        except StopIteration as done:
            response: HttpResponse = done.value
            return response
        except (ValueError, IndexError) as error:
            raise ConnectionError(f"invalid HTTP response: {error!r}") from error
        return None

    def _parse(self) -> Generator[None, None, HttpResponse]:
        yield
        status, headers, status_line = 100, dict[str, str](), b""
        while 100 <= status < 200:  # an interim response precedes the final one
            head = yield from self._read_until(b"\r\n\r\n")
            status_line, _, header_lines = head.partition(b"\r\n")
            status = int(status_line.split(None, 2)[1])
            headers = {
                name.lower(): value for name, value in parse_headers(BytesIO(header_lines)).items()
            }
        body = yield from self._read_body(status, headers)
        is_http_1_0 = status_line.startswith(b"HTTP/1.0")
        return HttpResponse(status=status, headers=headers, body=body, is_http_1_0=is_http_1_0)

    def _read_body(self, status: int, headers: Mapping[str, str]) -> Generator[None, None, bytes]:
        if status in _BODILESS_STATUSES:
            return b""
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return (yield from self._read_chunks())
        length = headers.get("content-length")
        if length is not None:
            return (yield from self._read_exactly(int(length)))
        while not self._is_eof:  # the body ends with the connection
            yield
        return bytes(self._buffer)

    def _read_chunks(self) -> Generator[None, None, bytes]:
        chunks: list[bytes] = []
        while size := int((yield from self._read_until(b"\r\n")).partition(b";")[0], 16):
            chunks.append((yield from self._read_exactly(size)))
            yield from self._read_exactly(2)
        while (yield from self._read_until(b"\r\n")) != b"\r\n":
            pass  # trailers are ignored
        return b"".join(chunks)

    def _read_until(self, separator: bytes) -> Generator[None, None, bytes]:
        searched = 0
        while (end := self._buffer.find(separator, searched)) < 0:
            if len(self._buffer) > _HEAD_BYTES_MAX:
                raise ValueError("a header is too long")
            searched = max(0, len(self._buffer) - len(separator) + 1)
            yield from self._need_more()
        return self._take(end + len(separator))

    def _read_exactly(self, size: int) -> Generator[None, None, bytes]:
        if size < 0:
            raise ValueError("a negative length")
        while len(self._buffer) < size:
            yield from self._need_more()
        return self._take(size)

    def _need_more(self) -> Generator[None, None, None]:
        if self._is_eof:
            raise ValueError("the connection ended before the response")
        yield

    def _take(self, size: int) -> bytes:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data
