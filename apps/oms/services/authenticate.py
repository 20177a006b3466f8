"""Who is at the door: the text of a key becomes a principal.

Only the key's SHA-256 is looked up or remembered, never its text. What was read is believed for
``cache_seconds``: so long a disabled key may still work, and so long a new one may still not.
"""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from oms.domain.access import Principal
from oms.domain.errors import Unauthenticated
from oms.ports.clock import Clock
from oms.ports.registry import Registry

KEYS_REMEMBERED_MAX = 10_000
KEY_CHARACTERS_MAX = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticate:
    """Asks the registry, with a short memory; one question at a time per key."""

    registry: Registry
    clock: Clock
    cache_seconds: float
    _known: OrderedDict[str, tuple[datetime, Principal | None]] = field(default_factory=OrderedDict)
    _asking: dict[str, "asyncio.Task[Principal | None]"] = field(default_factory=dict)

    async def __call__(self, key: str | None) -> Principal:
        """Who ``key`` is. Raises ``Unauthenticated``: one answer for all keys that do not count."""
        if not key:
            raise Unauthenticated("send an API key in the header x-api-key", code="missing_api_key")
        principal = None
        if len(key) <= KEY_CHARACTERS_MAX:
            key_hash = hash_of(key)
            known = self._known.get(key_hash)
            if known is not None and self._is_fresh(known[0]):
                principal = known[1]
            else:
                principal = await self._asked(key_hash)
        if principal is None:
            raise Unauthenticated("the API key is not valid")
        return principal

    def forget(self) -> None:
        """Believe nothing of what was read so far."""
        self._known.clear()

    def _is_fresh(self, read_at: datetime) -> bool:
        return self.clock.now() - read_at < timedelta(seconds=self.cache_seconds)

    async def _asked(self, key_hash: str) -> Principal | None:
        asking = self._asking.get(key_hash)
        if asking is None:
            asking = asyncio.create_task(self._ask(key_hash))
            self._asking[key_hash] = asking
            asking.add_done_callback(lambda _: self._asking.pop(key_hash, None))
        return await asyncio.shield(asking)  # who gives up waiting does not end it for the others

    async def _ask(self, key_hash: str) -> Principal | None:
        now = self.clock.now()
        principal = await self.registry.principal(key_hash, now)
        self._known[key_hash] = (now, principal)
        self._known.move_to_end(key_hash)
        if len(self._known) > KEYS_REMEMBERED_MAX:
            self._known.popitem(last=False)
        return principal


def hash_of(key: str) -> str:
    """What is kept of a key: SHA-256 in hex."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
