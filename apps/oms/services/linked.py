"""The strategies of an account as they are now: made, linked and disabled while a worker holds it.

Asked only for commands that name a strategy. A link that is known is believed for
``cache_seconds``; one that is not is looked for again.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from oms.domain.command import Payload
from oms.ports.registry import Registry
from oms.services.home import Home

ACCOUNTS_REMEMBERED_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """Brings ``strategy_ids`` of homes up to date."""

    registry: Registry
    cache_seconds: float
    #: By account: when it was read last.
    _read: dict[int, datetime] = field(default_factory=dict)

    async def __call__(self, home: Home, payload: Payload, now: datetime) -> None:
        """Look again if ``payload`` names a strategy. Raises ``Unavailable``."""
        strategy_id = getattr(payload, "strategy_id", 0)
        if not strategy_id:
            return
        account_id = home.account.id
        read_at = self._read.get(account_id)
        is_fresh = read_at is not None and now - read_at < timedelta(seconds=self.cache_seconds)
        if is_fresh and strategy_id in home.strategy_ids:
            return
        found = await self.registry.linked_strategies([account_id])
        home.strategy_ids = found.get(account_id, frozenset())
        if len(self._read) >= ACCOUNTS_REMEMBERED_MAX:
            self._read.clear()
        self._read[account_id] = now
