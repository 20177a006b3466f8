"""Who is at the door: the text of a key or of a login token becomes a principal.

Only SHA-256 is looked up or remembered, never the text. What was read is believed for
``cache_seconds``: so long a disabled key may still work, and so long a new one may still not.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from oms.domain.access import Principal, refuse_ip
from oms.domain.errors import Forbidden, Unauthenticated
from oms.ports.clock import Clock
from oms.ports.registry import Registry

KEYS_CACHED_MAX = 10_000
KEY_CHARACTERS_MAX = 512
TOKEN_PREFIX = "tok_"


@dataclass(slots=True, kw_only=True)
class Authenticate:
    """Asks the registry, with a short memory; one question at a time per key."""

    registry: Registry
    clock: Clock
    cache_seconds: float
    #: Told who was found, from where, and when; it must not wait.
    on_authenticated: Callable[[Principal, str, datetime], None] | None = None
    #: Keys found in the memory, asked for, and how often all was forgotten.
    hits: int = 0
    misses: int = 0
    invalidations: int = 0
    _known: OrderedDict[str, tuple[datetime, Principal | None]] = field(default_factory=OrderedDict)
    _asking: dict[str, "asyncio.Task[Principal | None]"] = field(default_factory=dict)

    async def __call__(self, key: str | None, ip: str = "") -> Principal:
        """Who ``key`` is. Raises ``Unauthenticated``: one answer for all keys that do not count,
        ``Forbidden`` where it may not be used from ``ip``, ``Unavailable``."""
        if not key:
            raise Unauthenticated("send an API key in the header x-api-key", code="missing_api_key")
        principal = None
        if len(key) <= KEY_CHARACTERS_MAX:
            key_hash = hash_key(key)
            known, now = self._known.get(key_hash), self.clock.now()
            if known is not None and now - known[0] < timedelta(seconds=self.cache_seconds):
                principal = known[1]
                self.hits += 1
            else:
                self.misses += 1
                principal = await self._asked(key_hash, key.startswith(TOKEN_PREFIX), ip)
            if principal is not None and principal.expires_at is not None:
                principal = principal if principal.expires_at > now else None
        if principal is None:
            raise Unauthenticated("the API key is not valid")
        refused = refuse_ip(principal.restrictions, ip)
        if refused is not None:
            raise Forbidden(refused.message, code=refused.code)
        return principal

    def forget(self) -> None:
        """Believe nothing of what was read so far, nor of what is being read now."""
        self._known = OrderedDict()
        self._asking = {}
        self.invalidations += 1

    @property
    def size(self) -> int:
        """How many keys are remembered."""
        return len(self._known)

    async def _asked(self, key_hash: str, is_token: bool, ip: str) -> Principal | None:
        asking = self._asking.get(key_hash)
        if asking is None:
            asking = asyncio.create_task(self._ask(key_hash, is_token, ip))
            self._asking[key_hash] = asking
            asking.add_done_callback(lambda done: self._answered(key_hash, done))
        return await asyncio.shield(asking)  # who gives up waiting does not end it for the others

    def _answered(self, key_hash: str, done: "asyncio.Task[Principal | None]") -> None:
        if self._asking.get(key_hash) is done:
            del self._asking[key_hash]

    async def _ask(self, key_hash: str, is_token: bool, ip: str) -> Principal | None:
        now, known = self.clock.now(), self._known
        ask = self.registry.principal_of_token if is_token else self.registry.principal
        principal = await ask(key_hash, now)
        known[key_hash] = (now, principal)  # of a memory that was forgotten meanwhile nobody reads
        known.move_to_end(key_hash)
        if len(known) > KEYS_CACHED_MAX:
            known.popitem(last=False)
        if principal is not None and self.on_authenticated is not None:
            self.on_authenticated(principal, ip, now)
        return principal


def hash_key(key: str) -> str:
    """What is kept of a key: SHA-256 in hex."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
