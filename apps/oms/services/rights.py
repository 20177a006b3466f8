"""The worker's second look at access: may the one who asked still do this, now?

What the door let in may have waited; a key that was disabled meanwhile sends nothing any more.
A "yes" is believed for ``cache_seconds`` (at most 5); a "no" is asked again.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from oms.domain.access import Permission, Principal, refuse
from oms.domain.command import (
    Actor,
    CancelOrder,
    CcxtCall,
    ChangeOrder,
    ClosePosition,
    PaperPrice,
    Payload,
    SendOrder,
)
from oms.domain.errors import Refused
from oms.ports.registry import Registry

CACHE_ENTRIES_MAX = 10_000


def permission_for(payload: Payload) -> Permission:
    """What a command needs."""
    match payload:
        case SendOrder() | ChangeOrder():
            return Permission.TRADE
        case CancelOrder():
            return Permission.CANCEL
        case ClosePosition():
            return Permission.CLOSE
        case PaperPrice():
            return Permission.PAPER
        case CcxtCall():
            return Permission.MARKET


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """Asks again, with a short memory."""

    registry: Registry
    cache_seconds: float
    _known: dict[int, tuple[datetime, Principal | None]] = field(default_factory=dict)

    async def __call__(
        self,
        actor: Actor,
        account_id: int,
        payload: Payload,
        strategies: tuple[int, ...],
        now: datetime,
    ) -> Refused | None:
        """Refuse what the actor may not do (any more); a "no" is never from memory."""
        needed = permission_for(payload)
        principal = await self._principal(actor.api_key_id, now)
        refused = _judged(principal, needed, account_id, strategies)
        if refused is not None and self._known[actor.api_key_id][0] != now:
            del self._known[actor.api_key_id]
            principal = await self._principal(actor.api_key_id, now)
            refused = _judged(principal, needed, account_id, strategies)
        return refused

    async def _principal(self, api_key_id: int, now: datetime) -> Principal | None:
        known = self._known.get(api_key_id)
        if known is not None and now - known[0] < timedelta(seconds=self.cache_seconds):
            return known[1]
        if len(self._known) >= CACHE_ENTRIES_MAX:
            self._known.clear()
        principal = await self.registry.principal_of(api_key_id, now)
        self._known[api_key_id] = (now, principal)
        return principal


def _judged(
    principal: Principal | None,
    needed: Permission,
    account_id: int,
    strategies: tuple[int, ...],
) -> Refused | None:
    if principal is None:
        message = "the key that sent this command is no longer valid"
        return Refused(code="permission_denied", message=message)
    return refuse(principal, needed, account_id, strategies)
