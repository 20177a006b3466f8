"""When and from where keys were last used: written at most once a minute each, beside the request.

Whoever asks does not wait for it, and a failure to write it is nobody's failure.
"""

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from oms.domain.access import Principal
from oms.domain.errors import OmsError
from oms.ports.credentials import LoginCredentials

WRITE_INTERVAL = timedelta(minutes=1)
KEYS_CACHED_MAX = 10_000
IP_CHARACTERS_MAX = 45

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastUsedRecorder:
    """Notes uses; ``close`` it when done."""

    credentials: LoginCredentials
    _noted: OrderedDict[tuple[int, int | None], datetime] = field(default_factory=OrderedDict)
    _writing: set["asyncio.Task[None]"] = field(default_factory=set)

    def __call__(self, principal: Principal, ip: str, now: datetime) -> None:
        """Note a use, unless one was noted within the last minute."""
        name = (principal.api_key_id, principal.token_id)
        before = self._noted.get(name)
        if before is not None and now - before < WRITE_INTERVAL:
            return
        self._noted[name] = now
        self._noted.move_to_end(name)
        if len(self._noted) > KEYS_CACHED_MAX:
            self._noted.popitem(last=False)
        task = asyncio.create_task(self._write(*name, ip[:IP_CHARACTERS_MAX], now))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def close(self) -> None:
        """Wait for what is being written."""
        await asyncio.gather(*self._writing)

    async def _write(self, key_id: int, token_id: int | None, ip: str, now: datetime) -> None:
        try:
            await self.credentials.record_use(key_id, token_id, ip, now, now - WRITE_INTERVAL)
        except OmsError as wrong:
            logger.debug("use_not_noted api_key_id=%d reason=%s", key_id, wrong.message)
