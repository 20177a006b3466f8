"""When and from where keys were last used, written in the background at most once a minute per key.

Requests do not wait for the write, and a failed write does not affect them.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from oms.domain.access import Principal
from oms.domain.errors import OmsError
from oms.ports.admin.login_credentials import LoginCredentials

WRITE_INTERVAL = timedelta(minutes=1)
KEYS_CACHED_MAX = 10_000
IP_CHARACTERS_MAX = 45

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastUsedRecorder:
    """Records the last use of keys; call ``close`` at the end."""

    credentials: LoginCredentials
    #: Seconds of a clock that is never set back: the age of what is cached.
    monotonic: Callable[[], float] = time.monotonic
    _recorded_at: OrderedDict[tuple[int, int | None], float] = field(default_factory=OrderedDict)
    _writes: set["asyncio.Task[None]"] = field(default_factory=set)

    def __call__(self, principal: Principal, ip: str, now: datetime) -> None:
        """Record a use, unless one was recorded within the last minute."""
        key = (principal.api_key_id, principal.token_id)
        before, seconds = self._recorded_at.get(key), self.monotonic()
        if before is not None and seconds - before < WRITE_INTERVAL.total_seconds():
            return
        self._recorded_at[key] = seconds
        self._recorded_at.move_to_end(key)
        if len(self._recorded_at) > KEYS_CACHED_MAX:
            self._recorded_at.popitem(last=False)
        task = asyncio.create_task(self._write(*key, ip[:IP_CHARACTERS_MAX], now))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def close(self) -> None:
        """Wait for the writes in progress."""
        await asyncio.gather(*self._writes)

    async def _write(self, key_id: int, token_id: int | None, ip: str, now: datetime) -> None:
        try:
            await self.credentials.record_use(key_id, token_id, ip, now, now - WRITE_INTERVAL)
        except OmsError as error:
            logger.debug("key_use_not_recorded api_key_id=%d reason=%s", key_id, error.message)
