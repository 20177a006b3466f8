"""The worker's second look at access: may the one who asked still do this, now?

What the door let in may have waited; a key that was disabled meanwhile sends nothing any more.
A "yes" is believed for ``cache_seconds`` (at most 5); a "no" is asked again.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from oms.domain.access import Permission, refuse
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


Question = tuple[int, int, Permission, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """Asks again, with a short memory for "yes"."""

    registry: Registry
    cache_seconds: float
    #: Until when a question (key, account, permission, strategies) is answered with "yes".
    _allowed: dict[Question, datetime] = field(default_factory=dict)

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
        question = (actor.api_key_id, account_id, needed, strategies)
        until = self._allowed.get(question)
        if until is not None and now < until:
            return None
        principal = await self.registry.principal_of(actor.api_key_id, now)
        if principal is None:
            message = "the key that sent this command is no longer valid"
            return Refused(code="permission_denied", message=message)
        refused = refuse(principal, needed, account_id, strategies)
        if refused is None:
            if len(self._allowed) >= CACHE_ENTRIES_MAX:
                self._allowed.clear()
            self._allowed[question] = now + timedelta(seconds=self.cache_seconds)
        return refused
