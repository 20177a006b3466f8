"""Authentication: the text of an API key or login token becomes a principal.

Only its SHA-256 is looked up or cached, never the text. An answer is cached for ``cache_seconds``:
for so long a disabled key may still work, and a new one may be unknown.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from oms.domain.access import Principal, refuse_ip
from oms.domain.browser_session import SESSION_PREFIX
from oms.domain.errors import Forbidden, Unauthenticated
from oms.domain.value import evolve
from oms.ports.clock import Clock
from oms.ports.registry import Registry

KEYS_CACHED_MAX = 10_000
KEY_CHARACTERS_MAX = 512
TOKEN_PREFIX = "tok_"


@dataclass(slots=True, kw_only=True)
class Authenticate:
    """Authenticates through the registry with a cache; lookups of a key share one query."""

    registry: Registry
    clock: Clock
    cache_seconds: float
    #: Seconds of a clock that is never set back: the age of what is cached.
    monotonic: Callable[[], float] = time.monotonic
    #: Called with principal, address and time of each lookup that succeeded; must not block.
    on_authenticated: Callable[[Principal, str, datetime], None] | None = None
    #: Called after the cache was dropped: a credential may have ended.
    on_forget: Callable[[], None] | None = None
    #: Called when this process changed a credential: other processes have it cached.
    on_change: Callable[[], None] | None = None
    #: Cache hits, cache misses, and how often the cache was dropped.
    hits: int = 0
    misses: int = 0
    invalidations: int = 0
    _cache: OrderedDict[str, tuple[float, Principal | None]] = field(default_factory=OrderedDict)
    _lookups: dict[str, "asyncio.Task[Principal | None]"] = field(default_factory=dict)

    async def __call__(self, key: str | None, ip: str = "") -> Principal:
        """Return the principal of ``key``.

        Raises ``Unauthenticated`` with one answer for all invalid keys, ``Forbidden`` if the key
        may not be used from ``ip``, ``Unavailable``.
        """
        if not key:
            raise Unauthenticated("send an API key in the header x-api-key", code="missing_api_key")
        principal = None
        if len(key) <= KEY_CHARACTERS_MAX:
            key_hash = hash_key(key)
            cached, now = self._cache.get(key_hash), self.clock.now()
            if cached is not None and self.monotonic() - cached[0] < self.cache_seconds:
                principal = cached[1]
                self.hits += 1
            else:
                self.misses += 1
                kind = TOKEN_PREFIX if key.startswith(TOKEN_PREFIX) else ""
                principal = await self._shared_lookup(key_hash, kind, ip)
            if principal is not None and principal.expires_at is not None:
                principal = principal if principal.expires_at > now else None
        return _admitted(principal, ip)

    async def session(self, text: str, ip: str = "") -> Principal:
        """Return the principal of the browser session with this text.

        Raises ``Unauthenticated``, ``Forbidden``, ``Unavailable``.
        """
        cache_key, now = _session_key(text), self.clock.now()
        cached, principal = self._cache.get(cache_key), None
        is_known = cached is not None and self.monotonic() - cached[0] < self.cache_seconds
        if cached is not None and is_known:
            principal = cached[1]
            self.hits += 1
        # Another process may have moved the idle end of a cached session.
        if not is_known or (principal is not None and _has_expired(principal, now)):
            self.misses += 1
            principal = await self._shared_lookup(cache_key, SESSION_PREFIX, ip)
        return _admitted(None if principal and _has_expired(principal, now) else principal, ip)

    async def reread_session(self, text: str, ip: str = "") -> Principal:
        """Return the principal of a session as it is stored now, whatever is cached.

        Raises ``Unauthenticated``, ``Forbidden``, ``Unavailable``.
        """
        cache_key = _session_key(text)
        self._lookups.pop(cache_key, None)  # One in progress may have read the row before.
        principal = await self._shared_lookup(cache_key, SESSION_PREFIX, ip)
        is_over = principal is not None and _has_expired(principal, self.clock.now())
        return _admitted(None if is_over else principal, ip)

    def update_session(self, text: str, **changes: datetime | None) -> None:
        """Change fields of the cached session with this text, until it is read again."""
        cache_key = _session_key(text)
        cached = self._cache.get(cache_key)
        if cached is None or cached[1] is None or cached[1].session is None:
            return
        session = evolve(cached[1].session, **changes)
        ends = (session.idle_ends_at, cached[1].restrictions.expires_at)
        expires_at = min(at for at in ends if at is not None)
        changed = evolve(cached[1], session=session, expires_at=expires_at)
        self._cache[cache_key] = (cached[0], changed)

    def forget_everywhere(self) -> None:
        """Drop the cache of this process, and let the others drop theirs."""
        self.forget()
        if self.on_change is not None:
            self.on_change()

    def forget(self) -> None:
        """Drop the cache, including the answers of lookups in progress."""
        self._cache = OrderedDict()
        self._lookups = {}
        self.invalidations += 1
        if self.on_forget is not None:
            self.on_forget()

    @property
    def size(self) -> int:
        """Return the number of cached keys."""
        return len(self._cache)

    async def _shared_lookup(self, key_hash: str, kind: str, ip: str) -> Principal | None:
        lookup = self._lookups.get(key_hash)
        if lookup is None:
            lookup = asyncio.create_task(self._lookup(key_hash, kind, ip))
            self._lookups[key_hash] = lookup
            lookup.add_done_callback(lambda done: self._lookup_done(key_hash, done))
        return await asyncio.shield(lookup)  # A cancelled caller does not cancel it for the others.

    def _lookup_done(self, key_hash: str, done: "asyncio.Task[Principal | None]") -> None:
        if self._lookups.get(key_hash) is done:
            del self._lookups[key_hash]

    async def _lookup(self, key_hash: str, kind: str, ip: str) -> Principal | None:
        began_at, now, cache = self.monotonic(), self.clock.now(), self._cache
        match kind:
            case "tok_":  # TOKEN_PREFIX
                principal = await self.registry.principal_of_token(key_hash, now)
            case "ses_":  # SESSION_PREFIX
                session_hash = key_hash.removeprefix(SESSION_PREFIX)
                principal = await self.registry.principal_of_session(session_hash, now)
            case _:
                principal = await self.registry.principal(key_hash, now)
        cache[key_hash] = (began_at, principal)  # No longer read if it was dropped meanwhile.
        cache.move_to_end(key_hash)
        if len(cache) > KEYS_CACHED_MAX:
            cache.popitem(last=False)
        if principal is not None and self.on_authenticated is not None:
            self.on_authenticated(principal, ip, now)
        return principal


def hash_key(key: str) -> str:
    """Return what is stored of a key: its SHA-256 in hex."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _session_key(text: str) -> str:
    """Return the cache key of a session: as an API key the same text is another credential."""
    return SESSION_PREFIX + hash_key(text)


def _has_expired(principal: Principal, now: datetime) -> bool:
    return principal.expires_at is not None and principal.expires_at <= now


def _admitted(principal: Principal | None, ip: str) -> Principal:
    """Return a valid principal. Raises ``Unauthenticated``, ``Forbidden``."""
    if principal is None:
        raise Unauthenticated("the API key is not valid")
    refused = refuse_ip(principal.restrictions, ip)
    if refused is not None:
        raise Forbidden(refused.message, code=refused.code)
    return principal
