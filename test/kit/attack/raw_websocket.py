"""WebSocket connections below the protocol: frames that no client library sends."""

import contextlib
import socket
import struct
from types import TracebackType

TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 1, 2, 8, 9, 10, 0
_HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


def frame(
    opcode: int, payload: bytes, *, is_last: bool = True, is_masked: bool = True, reserved: int = 0
) -> bytes:
    """The bytes of one frame; the mask is of zeros."""
    first = (0x80 if is_last else 0) | reserved << 4 | opcode
    mask = 0x80 if is_masked else 0
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first, mask | size)
    elif size < 65_536:
        head = struct.pack("!BBH", first, mask | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask | 127, size)
    return head + (bytes(4) if is_masked else b"") + payload


class RawWebSocket:
    """An open connection; frames are sent as bytes."""

    def __init__(self, port: int, key: str | None = None) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._buffer = b""
        header = b"" if key is None else f"x-api-key: {key}\r\n".encode()
        self._socket.sendall(_HANDSHAKE + header + b"\r\n")
        while b"\r\n\r\n" not in self._buffer:
            self._buffer += self._read()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head

    def send(self, data: bytes) -> bool:
        """Send bytes; returns whether the server still accepts them."""
        try:
            self._socket.sendall(data)
        except (ConnectionError, TimeoutError):
            return False
        return True

    def receive(self) -> tuple[int, bytes] | None:
        """The next frame: opcode and payload; ``None`` at the end of the connection."""
        try:
            head = self._take(2)
            size = head[1] & 0x7F
            if size == 126:
                size = int.from_bytes(self._take(2), "big")
            elif size == 127:
                size = int.from_bytes(self._take(8), "big")
            return head[0] & 0x0F, self._take(size)
        except ConnectionError:
            return None

    def close_code(self, *, pings: bool = True) -> int | None:
        """Read to the end; returns the code of the close frame.

        With ``pings`` a ping follows what was sent, and its pong ends the reading, too: 0.
        """
        if pings:
            self.send(frame(PING, b"last"))
        while (received := self.receive()) is not None:
            opcode, payload = received
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
            if opcode == PONG and payload == b"last":
                return 0
        return None

    def finish(self) -> None:
        """Announce that nothing more is sent, unless the connection has ended."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the TCP connection."""
        self._socket.close()

    def __enter__(self) -> "RawWebSocket":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._buffer += self._read()
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def _read(self) -> bytes:
        data = self._socket.recv(65_536)
        if not data:
            raise ConnectionError("closed")
        return data
