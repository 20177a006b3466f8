"""Answers kept under an ``Idempotency-Key``: for changes that are no command.

A key is claimed before anything is done and holds the answer afterwards: whatever dies between
the two, nothing is ever done twice. Commands keep their keys in ``ports.queue``, with themselves.
"""

from datetime import datetime
from typing import Protocol

from oms.domain.value import value


@value
class StoredResponse:
    """What stands under a key; without ``status`` the first request has no answer yet."""

    fingerprint: str
    status: int | None
    body: str | None


class IdempotentResponses(Protocol):
    """The keys; every method raises ``Unavailable``."""

    async def claim(
        self, scope_hash: str, fingerprint: str, now: datetime, expires_at: datetime
    ) -> StoredResponse | None:
        """Take the key: ``None``. What stands there already otherwise."""
        ...

    async def save(self, scope_hash: str, status: int, body: str) -> None:
        """Keep the answer of the request that took the key."""
        ...

    async def release(self, scope_hash: str) -> None:
        """Leave the key free again: nothing was done."""
        ...
