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
ROUNDS = 2
LANES = 1
CHARACTERS_MIN = 10
CHARACTERS_MAX = 256
#: Hashes counted at once: each takes its memory.
AT_ONCE = 2

NOBODYS = (
    "$argon2id$v=19$m=19456,t=2,p=1"
    "$F6Xtm7n0hGbcJxiqArBGXw$vKIotR9ODffKvbO6ZIqa25QEsPyq6qGEPzcQT6S9A/o"
)
"""The hash that is compared where a user has none, so that both take the same time."""


def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=ROUNDS, memory_cost=MEMORY_KIB, parallelism=LANES)


@dataclass(frozen=True, slots=True)
class Passwords:
    """Makes and compares hashes, in threads, a few at once."""

    _hasher: PasswordHasher = field(default_factory=_hasher)
    _seats: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def hash(self, password: str) -> str:
        """The hash to store. Raises ``Invalid`` (``weak_password``)."""
        if not CHARACTERS_MIN <= len(password) <= CHARACTERS_MAX:
            text = f"a password has {CHARACTERS_MIN} to {CHARACTERS_MAX} characters"
            raise Invalid(text, code="weak_password")
        async with self._seats:
            return await asyncio.to_thread(self._hasher.hash, _bytes(password))

    async def fits(self, stored: str | None, password: str) -> bool:
        """Whether ``password`` is the one; ``None`` fits nothing, and takes as long."""
        async with self._seats:
            fits = await asyncio.to_thread(
                self._compared, NOBODYS if stored is None else stored, password
            )
        return fits and stored is not None

    def is_old(self, stored: str) -> bool:
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
