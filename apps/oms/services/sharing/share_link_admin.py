"""Administration of share links: create, list, revoke."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from oms.domain.access import Principal, Role
from oms.domain.errors import Conflict, Invalid, LimitReached, NotFound
from oms.domain.share_link import (
    DEFAULT_DURATION,
    DURATION_MAX,
    LINKS_MAX,
    ShareLink,
    ShareStatus,
)
from oms.domain.value import value
from oms.ports.admin.share_links import ShareLinks
from oms.ports.audit_log import AuditContext
from oms.services.access.authenticate import hash_key
from oms.services.sharing.shared_figures import ReadSharedFigures
from oms.wire.sharing.share_links import NewShareLink


@value
class MadeShareLink:
    """A new link with its token, which is stored nowhere."""

    link: ShareLink
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareLinkAdmin:
    """Changes the links of a caller; every method raises ``Unavailable``."""

    store: ShareLinks
    figures: ReadSharedFigures

    async def all(self, principal: Principal) -> Sequence[ShareLink]:
        """Return the links of the caller, of all users for an admin, the newest first."""
        return await self.store.all(_scope(principal))

    async def create(
        self, principal: Principal, new: NewShareLink, audit_context: AuditContext
    ) -> MadeShareLink:
        """Store a link to what the caller may read.

        Raises ``NotFound``, ``Forbidden`` (accounts that he may not read), ``Invalid``,
        ``LimitReached``.
        """
        now = audit_context.at
        expires_at = now + DEFAULT_DURATION if new.expires_at is None else new.expires_at
        _check_expiry(expires_at, now)
        own = await self.store.all(principal.user_id)
        active = sum(link.status(now) is ShareStatus.ACTIVE for link in own)
        if active >= LINKS_MAX:
            message = f"{active} links can be opened: revoke one first"
            raise LimitReached(
                message, reason="share_links", limit=LINKS_MAX, value=active + 1, set_by="gateway"
            )
        token = secrets.token_urlsafe(32)
        link = ShareLink(
            id=0,
            token_hash=hash_key(token),
            api_key_id=principal.api_key_id,
            user_id=principal.user_id,
            created_by=principal.user_name,
            title=new.title,
            view=new.view,
            account_ids=new.account_ids,
            strategy_id=new.strategy_id,
            since=new.since,
            has_amounts=new.has_amounts,
            created_at=now,
            expires_at=expires_at,
        )
        await self.figures.read(principal, link)
        return MadeShareLink(link=await self.store.create(link, audit_context), token=token)

    async def revoke(self, principal: Principal, link_id: int, audit_context: AuditContext) -> None:
        """Revoke a link of the caller, of any user for an admin.

        Raises ``NotFound``, ``Conflict``.
        """
        link, user_id = await self.store.find(link_id), _scope(principal)
        if link is None or user_id not in (None, link.user_id):
            raise NotFound(f"there is no share link {link_id}")
        if not await self.store.revoke(link, audit_context.at, audit_context):
            raise Conflict("the link is revoked already")
        self.figures.forget(link.token_hash)


def _scope(principal: Principal) -> int | None:
    """Return the user whose links a caller sees; ``None``: all."""
    return None if principal.role is Role.ADMIN else principal.user_id


def _check_expiry(expires_at: datetime, now: datetime) -> None:
    if not now < expires_at <= now + DURATION_MAX:
        message = f"expires_at is in the future, at most {DURATION_MAX.days} days ahead"
        raise Invalid(message, reason="expires_at")
