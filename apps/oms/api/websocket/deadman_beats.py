"""Dead-man switches that a connection armed: each of its frames is a beat.

Beats are stored at most once a second, with the time of the last frame.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from oms.api.websocket.event_subscription import Spawn
from oms.api.websocket.frames import Frame, reply_frame
from oms.api.websocket.send_buffer import SendBuffer
from oms.domain.access import Principal
from oms.domain.errors import Conflict, Unavailable
from oms.ports.audit_log import AuditContext
from oms.ports.clock import Clock
from oms.services.submission.deadman_admin import DeadmanAdmin
from oms.wire.commands.deadman_requests import read_deadman
from oms.wire.responses.deadman_rows import deadman_row

logger = logging.getLogger(__name__)

STORE_SECONDS = 1.0
SWITCHES_MAX = 100
"""Switches that the frames of one connection can keep from firing."""


@dataclass(slots=True, kw_only=True)
class DeadmanBeats:
    """The switches of one connection."""

    build_admin: Callable[[], DeadmanAdmin]
    clock: Clock
    send_buffer: SendBuffer
    spawn: Spawn
    ip: str
    #: Authenticates the connection again. Raises ``Unauthenticated``, ``Unavailable``.
    authenticate: Callable[[], Awaitable[Principal]]
    _switch_ids: list[int] = field(default_factory=list)
    #: Time of the last frame that is not stored.
    _last_frame_at: datetime | None = None
    _is_storing: bool = False

    async def arm(self, frame: Frame) -> None:
        """Arm a switch for this connection. Raises ``Malformed``, ``OmsError``."""
        request = read_deadman(dict(frame.payload), None)
        if len(self._switch_ids) >= SWITCHES_MAX:
            message = f"this connection armed {SWITCHES_MAX} dead-man switches, which is the most"
            raise Conflict(message, reason="too_many_switches")
        principal = await self.authenticate()
        context = AuditContext(
            actor=principal.user_name,
            at=self.clock.now(),
            user_id=principal.user_id,
            api_key_id=principal.api_key_id,
            role=principal.role.value,
            ip=self.ip,
            comment=request.comment,
            request_id=frame.request_id,
        )
        switch = await self.build_admin().arm(principal, request, context)
        self._switch_ids.append(switch.id)
        self.send_buffer.put(reply_frame(frame, "deadman_armed", dict(deadman_row(switch))))

    def beat(self) -> None:
        """Count a frame; without a switch of this connection it does nothing."""
        if not self._switch_ids:
            return
        self._last_frame_at = self.clock.now()
        if not self._is_storing:
            self._is_storing = True
            self.spawn(self._store())

    async def _store(self) -> None:
        """Store the beats until no frame has arrived for a second."""
        try:
            while (at := self._last_frame_at) is not None:
                self._last_frame_at = None
                try:
                    await self.build_admin().switches.beat(self._switch_ids, at)
                except Unavailable as error:
                    logger.warning("deadman_beat_not_stored message=%s", error.message)
                await asyncio.sleep(STORE_SECONDS)
        finally:
            self._is_storing = False
