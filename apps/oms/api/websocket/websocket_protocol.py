"""uvicorn's WebSocket protocol with another keepalive timeout; invalid text is not logged.

Without a PONG uvicorn closes with 1011 and waits for ever for a peer that does not read. This
protocol closes with 4408, and aborts the transport some seconds after the application is done.
"""

import asyncio
from asyncio.transports import BaseTransport
from collections import deque
from typing import Any

from uvicorn._types import ASGIReceiveEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from oms.api.connection_limits import ConnectionLimits
from oms.api.websocket.frames import AUTHENTICATED_SCOPE_KEY, FRAME_BYTES_MAX
from oms.config_sections import EventSettings

NO_PONG = 4408
INVALID_DATA = 1007
SEGMENT_BYTES = 2 * 1024
"""Received bytes that are parsed before the loop runs other tasks."""

LINGER_SECONDS = 10.0


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Closes with 4408 without a PONG and aborts lingering connections.

    It is a ``connection_limits.LimitedConnection``: it may be closed until it is authenticated.
    """

    #: Set by the HTTP protocol; absent without limits.
    limits: ConnectionLimits | None = None
    #: The session limits the time until authentication, the keepalive the rest.
    deadline = float("inf")

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin a connection."""
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        self.idle_since = self.loop.time()
        self._segments: deque[bytes] = deque()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the connection."""
        if self.limits is not None:
            self.limits.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse received bytes, long ones in segments: thousands of frames fit into one read."""
        if len(data) <= SEGMENT_BYTES and not self._segments:
            super().data_received(data)
            return
        is_parsing = bool(self._segments)
        starts = range(0, len(data), SEGMENT_BYTES)
        self._segments.extend(data[start : start + SEGMENT_BYTES] for start in starts)
        self.transport.pause_reading()
        if not is_parsing:
            self._parse_segment()

    async def receive(self) -> ASGIReceiveEvent:
        """Return the next message; nothing is read from the peer while segments wait."""
        message = await super().receive()
        if self._segments:
            self.transport.pause_reading()
        return message

    def _parse_segment(self) -> None:
        if self.disconnected or self.transport.is_closing():
            self._segments.clear()
            return
        super().data_received(self._segments[0])
        self._segments.popleft()
        if self._segments:
            self.loop.call_soon(self._parse_segment)
        elif not self.read_paused:
            self.transport.resume_reading()

    @property
    def is_authenticated(self) -> bool:
        """Whether the connection is authenticated."""
        return getattr(self, "scope", {}).get(AUTHENTICATED_SCOPE_KEY, False) is True

    @property
    def is_closable(self) -> bool:
        """Whether the connection is not authenticated."""
        return not self.is_authenticated

    def unsent_bytes(self) -> int:
        """Return 0: the send buffer of the session is limited itself."""
        return 0

    def expire(self) -> str | None:
        """Do nothing: there is no deadline."""
        return None

    def abort(self) -> None:
        """Close the connection at once."""
        self.transport.abort()

    def keepalive_timeout(self) -> None:
        """Close the connection: no PONG came in time."""
        self.pong_timer = None
        self.pending_ping_payload = None
        if self.close_sent or self.transport.is_closing():
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": NO_PONG})
        self.conn.send_close(NO_PONG, "no answer to PING")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()
        self._linger()

    def send_receive_event_to_app(self) -> None:
        """Pass on a received message; text that is not UTF-8 closes, without a log entry."""
        data = b"".join(self.frames)
        if self.close_sent or self.curr_msg_data_type != "text" or _is_utf8(data):
            super().send_receive_event_to_app()
            return
        self.frames = []
        self.conn.send_close(INVALID_DATA, "text is UTF-8")
        self.handle_parser_exception()

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        """Abort the transport later if the peer does not close."""
        super().on_task_complete(task)
        if not self.disconnected:
            self._linger()

    def _linger(self) -> None:
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def uvicorn_websocket_options(events: EventSettings) -> dict[str, Any]:
    """Return the ``uvicorn.Config`` options for ``/ws``."""
    return {
        "ws": WebSocketProtocol,
        "ws_max_size": FRAME_BYTES_MAX,
        "ws_ping_interval": events.ping_seconds,
        "ws_ping_timeout": events.pong_seconds,
        "ws_per_message_deflate": False,
    }
