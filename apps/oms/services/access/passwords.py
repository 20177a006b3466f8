"""Passwords: hashed with argon2id, slowly on purpose, never remembered. The one user of argon2.

The parameters stand in each hash, so they may be raised: what was made with others is made anew
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
#: Hashes counted at once: each takes its memory.
HASHES_CONCURRENT_MAX = 2

DUMMY_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1"
    "$F6Xtm7n0hGbcJxiqArBGXw$vKIotR9ODffKvbO6ZIqa25QEsPyq6qGEPzcQT6S9A/o"
)
"""The hash that is compared where a user has none, so that both take the same time."""


def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM)


@dataclass(frozen=True, slots=True)
class Passwords:
    """Makes and compares hashes, in threads, a few at once."""

    _hasher: PasswordHasher = field(default_factory=_hasher)
    _seats: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(HASHES_CONCURRENT_MAX)
    )

    async def hash(self, password: str) -> str:
        """The hash to store. Raises ``Invalid`` (``weak_password``)."""
        if not CHARACTERS_MIN <= len(password) <= CHARACTERS_MAX:
            text = f"a password has {CHARACTERS_MIN} to {CHARACTERS_MAX} characters"
            raise Invalid(text, code="weak_password")
        async with self._seats:
            return await asyncio.to_thread(self._hasher.hash, _bytes(password))

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether ``password`` is the one; ``None`` fits nothing, and takes as long."""
        async with self._seats:
            matches = await asyncio.to_thread(
                self._compared, DUMMY_HASH if stored is None else stored, password
            )
        return matches and stored is not None

    def needs_rehash(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than are used now."""
        return self._hasher.check_needs_rehash(stored)

    def _compared(self, stored: str, password: str) -> bool:
        try:
            # Longer ones are nobody's; their length shall not cost us time.
            self._hasher.verify(stored, _bytes(password[: CHARACTERS_MAX + 1]))
        except (VerificationError, InvalidHashError):
            return False
        return True


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
