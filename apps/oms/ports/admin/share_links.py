"""Storage of share links."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.share_link import ShareLink
from oms.ports.audit_log import AuditContext


class ShareLinks(Protocol):
    """Reads and writes share links; every method raises ``Unavailable``."""

    async def all(self, user_id: int | None) -> Sequence[ShareLink]:
        """Return the links of a user (``None``: of all), the newest first."""
        ...

    async def of_token(self, token_hash: str) -> ShareLink | None:
        """Return the link with this token."""
        ...

    async def find(self, link_id: int) -> ShareLink | None:
        """Return a link."""
        ...

    async def create(self, link: ShareLink, audit_context: AuditContext) -> ShareLink:
        """Store a link with its audit row; returns it with its id."""
        ...

    async def revoke(self, link: ShareLink, at: datetime, audit_context: AuditContext) -> bool:
        """Revoke a link with its audit row; ``False`` if it is revoked already."""
        ...
