"""Password hashing with argon2id. The only module that uses argon2.

The parameters are part of each hash and may be raised: a hash with other parameters is replaced
when its owner logs in.
"""

import asyncio
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from oms.domain.errors import Invalid

MEMORY_KIB = 19_456
TIME_COST = 2
PARALLELISM = 1
CHARACTERS_MIN = 10
CHARACTERS_MAX = 256
#: Concurrent hash computations; each takes ``MEMORY_KIB``.
HASHES_CONCURRENT_MAX = 2

DUMMY_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1"
    "$F6Xtm7n0hGbcJxiqArBGXw$vKIotR9ODffKvbO6ZIqa25QEsPyq6qGEPzcQT6S9A/o"
)
"""Compared if a user has no password, so that both cases take the same time."""


def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM)


@dataclass(frozen=True, slots=True)
class Passwords:
    """Computes and compares hashes in threads."""

    _hasher: PasswordHasher = field(default_factory=_hasher)
    _slots: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(HASHES_CONCURRENT_MAX)
    )

    async def hash(self, password: str) -> str:
        """Return the hash to store. Raises ``Invalid`` (``weak_password``)."""
        if not CHARACTERS_MIN <= len(password) <= CHARACTERS_MAX:
            text = f"a password has {CHARACTERS_MIN} to {CHARACTERS_MAX} characters"
            raise Invalid(text, code="weak_password")
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, _bytes(password))

    async def matches(self, stored: str | None, password: str) -> bool:
        """Return whether ``password`` matches; ``None`` matches nothing and takes as long."""
        async with self._slots:
            matches = await asyncio.to_thread(
                self._verify, DUMMY_HASH if stored is None else stored, password
            )
        return matches and stored is not None

    def needs_rehash(self, stored: str) -> bool:
        """Return whether the hash has other parameters than those in use."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            # Longer passwords match nothing; their length must not cost time.
            self._hasher.verify(stored, _bytes(password[: CHARACTERS_MAX + 1]))
        except (VerificationError, InvalidHashError):
            return False
        return True


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
