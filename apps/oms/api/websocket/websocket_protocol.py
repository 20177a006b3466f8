"""The server's side of WebSocket liveness: PING, and what happens without a PONG.

uvicorn closes with 1011 then, and waits for ever to say so to who does not read; we close with
4408 and end a connection for good some seconds after its application did.
"""

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from oms.api.websocket.frames import FRAME_BYTES_MAX
from oms.config import EventSettings

NO_PONG = 4408
LINGER_SECONDS = 10.0


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol with our close code and no connection that outlives its peer."""

    def keepalive_timeout(self) -> None:
        """No PONG came in time."""
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
        """The application is done with the connection."""
        super().on_task_complete(task)
        if not self.disconnected:
            self._linger()

    def _linger(self) -> None:
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)


def uvicorn_websocket_options(events: EventSettings) -> dict[str, Any]:
    """What ``uvicorn.Config`` must know to serve ``/ws``."""
    return {
        "ws": WebSocketProtocol,
        "ws_max_size": FRAME_BYTES_MAX,
        "ws_ping_interval": events.ping_seconds,
        "ws_ping_timeout": events.pong_seconds,
        "ws_per_message_deflate": False,
    }
