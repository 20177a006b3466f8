"""The event ``session_expiring``: the browser session of a connection ends soon."""

from dataclasses import dataclass
from datetime import datetime

from oms.api.websocket.frames import push_frame
from oms.api.websocket.send_buffer import SendBuffer
from oms.domain.browser_session import EXPIRY_NOTICE, BrowserSession
from oms.ports.clock import Clock
from oms.wire.responses.session_rows import session_expiring


@dataclass(slots=True)
class ExpiryNotice:
    """Sends the event once before each end; the end moves when the session is used."""

    clock: Clock
    send_buffer: SendBuffer
    _announced: datetime | None = None

    def __call__(self, session: BrowserSession) -> None:
        """Send the event if the session ends within ``EXPIRY_NOTICE``."""
        end = session.idle_ends_at
        if end != self._announced and end - self.clock.now() <= EXPIRY_NOTICE:
            self._announced = end
            self.send_buffer.put(push_frame("session_expiring", session_expiring(session)))
