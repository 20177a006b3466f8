"""Storage of overridden trading days."""

from collections.abc import Sequence
from typing import Protocol

from oms.domain.session_override import SessionOverride
from oms.ports.audit_log import AuditContext


class SessionOverrideStore(Protocol):
    """Reads and writes overridden trading days; every method raises ``Unavailable``."""

    async def all(self) -> Sequence[SessionOverride]:
        """Return all overrides, ascending by market and day."""
        ...

    async def find(self, override_id: int) -> SessionOverride | None:
        """Return an override."""
        ...

    async def set(
        self, override: SessionOverride, audit_context: AuditContext, *, replaces: bool
    ) -> SessionOverride:
        """Store an override with its audit row; returns it with its id.

        Raises ``Conflict`` (``override_exists``) if the day has another one and ``replaces`` is
        false.
        """
        ...

    async def delete(self, override_id: int, audit_context: AuditContext) -> bool:
        """Delete an override with its audit row; ``False`` if there is none."""
        ...
