"""uvicorn's WebSocket protocol with another keepalive timeout, and quiet about invalid text.

Without a PONG uvicorn closes with 1011 and waits for ever for a peer that does not read. This
protocol closes with 4408, and aborts the transport some seconds after the application is done.
"""

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from oms.api.websocket.frames import FRAME_BYTES_MAX
from oms.config import EventSettings

NO_PONG = 4408
INVALID_DATA = 1007
LINGER_SECONDS = 10.0


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Closes with 4408 without a PONG and aborts lingering connections."""

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
