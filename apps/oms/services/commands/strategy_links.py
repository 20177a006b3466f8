"""The strategies of an account as they are now: made, linked and disabled while a worker holds it.

Asked only for commands that name a strategy. A link that is known is believed for
``cache_seconds``; one that is not is looked for again.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from oms.domain.commands.command import CommandPayload
from oms.ports.registry import Registry
from oms.services.account_state.state import AccountState

ACCOUNTS_CACHED_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyLinkRefresh:
    """Brings ``strategy_ids`` of homes up to date."""

    registry: Registry
    cache_seconds: float
    #: By account: when it was read last.
    _read: dict[int, datetime] = field(default_factory=dict)

    async def __call__(self, state: AccountState, payload: CommandPayload, now: datetime) -> None:
        """Look again if ``payload`` names a strategy. Raises ``Unavailable``."""
        strategy_id = getattr(payload, "strategy_id", 0)
        if not strategy_id:
            return
        account_id = state.account.id
        read_at = self._read.get(account_id)
        is_fresh = read_at is not None and now - read_at < timedelta(seconds=self.cache_seconds)
        if is_fresh and strategy_id in state.strategy_ids:
            return
        found = await self.registry.linked_strategies([account_id])
        state.strategy_ids = found.get(account_id, frozenset())
        if len(self._read) >= ACCOUNTS_CACHED_MAX:
            self._read.clear()
        self._read[account_id] = now
