"""Stored HTTP responses by ``Idempotency-Key``, for changes that are not commands.

A key is claimed before the change and holds the response afterwards, so a crash in between never
leads to a second execution. Commands store their keys in ``ports.command_queue``.
"""

from datetime import datetime
from typing import Protocol

from oms.domain.value import value


@value
class StoredResponse:
    """Content of a key; without ``status`` the first request has no response yet."""

    fingerprint: str
    status: int | None
    body: str | None


class IdempotentResponses(Protocol):
    """Storage of the keys; every method raises ``Unavailable``."""

    async def claim(
        self, scope_hash: str, fingerprint: str, now: datetime, expires_at: datetime
    ) -> StoredResponse | None:
        """Claim the key; returns ``None`` on success, else its current content."""
        ...

    async def save(self, scope_hash: str, status: int, body: str) -> None:
        """Store the response of the request that claimed the key."""
        ...

    async def release(self, scope_hash: str) -> None:
        """Release the key: nothing was changed."""
        ...
