"""Overridden trading days in the API: the rules of a change.

What has been is not changed: orders were judged by the hours of that day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from oms.domain.errors import Conflict, Invalid, NotFound
from oms.domain.session_override import DAYS_AHEAD_MAX, SessionOverride, local_day
from oms.ports.admin.session_overrides import SessionOverrideStore
from oms.ports.audit_log import AuditContext


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOverrideAdmin:
    """Lists, sets and deletes overrides. Every method raises ``Unavailable``."""

    store: SessionOverrideStore

    async def all(self) -> Sequence[SessionOverride]:
        """Return all overrides, ascending by market and day."""
        return await self.store.all()

    async def set(
        self, override: SessionOverride, audit_context: AuditContext, *, replaces: bool
    ) -> SessionOverride:
        """Store an override. Raises ``Invalid``, and ``Conflict`` if the day has one."""
        today = local_day(override.session, override.set_at)
        if override.day < today:
            raise Invalid(f"{override.day} is before {today}", reason="past_date")
        if override.day > today + timedelta(days=DAYS_AHEAD_MAX):
            message = f"{override.day} is more than {DAYS_AHEAD_MAX} days ahead"
            raise Invalid(message, reason="date_too_far")
        hours = override.trading_session
        if hours is not None and hours.closes_at <= hours.opens_at:
            raise Invalid("close has to be after open", reason="close_before_open")
        return await self.store.set(override, audit_context, replaces=replaces)

    async def delete(self, override_id: int, now: datetime, audit_context: AuditContext) -> None:
        """Delete an override. Raises ``NotFound``, and ``Conflict`` for a day that has been."""
        override = await self.store.find(override_id)
        if override is not None and override.day < local_day(override.session, now):
            raise Conflict(f"{override.day} has been", reason="past_date")
        if override is None or not await self.store.delete(override_id, audit_context):
            raise NotFound(f"there is no session override {override_id}")
