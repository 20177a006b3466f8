"""uvicorn's WebSocket protocol with another keepalive timeout.

Without a PONG uvicorn closes with 1011 and waits for ever for a peer that does not read. This
protocol closes with 4408, and aborts the transport some seconds after the application is done.
"""

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from oms.api.websocket.frames import FRAME_BYTES_MAX
from oms.config import EventSettings

NO_PONG = 4408
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

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        """Abort the transport later if the peer does not close."""
        super().on_task_complete(task)
        if not self.disconnected:
            self._linger()

    def _linger(self) -> None:
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)


def uvicorn_websocket_options(events: EventSettings) -> dict[str, Any]:
    """Return the ``uvicorn.Config`` options for ``/ws``."""
    return {
        "ws": WebSocketProtocol,
        "ws_max_size": FRAME_BYTES_MAX,
        "ws_ping_interval": events.ping_seconds,
        "ws_ping_timeout": events.pong_seconds,
        "ws_per_message_deflate": False,
    }
