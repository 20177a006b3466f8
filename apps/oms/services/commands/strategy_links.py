"""Refresh of the strategies linked to an account while a worker holds it.

The links are read only for commands that name a strategy. A known link is cached for
``cache_seconds``; an unknown one is always queried.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from oms.domain.commands.command import CommandPayload
from oms.ports.registry import Registry
from oms.services.account_state.state import AccountState

ACCOUNTS_CACHED_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyLinkRefresh:
    """Updates ``strategy_ids`` of account states."""

    registry: Registry
    cache_seconds: float
    #: Seconds of a clock that is never set back: the age of what is cached.
    monotonic: Callable[[], float] = time.monotonic
    #: Time of the last read, by account id.
    _read_at: dict[int, float] = field(default_factory=dict)

    def forget(self) -> None:
        """Read the links of every account again."""
        self._read_at.clear()

    async def __call__(self, state: AccountState, payload: CommandPayload) -> None:
        """Read again if ``payload`` names a strategy. Raises ``Unavailable``."""
        strategy_id = getattr(payload, "strategy_id", 0)
        if not strategy_id:
            return
        account_id = state.account.id
        read_at, now = self._read_at.get(account_id), self.monotonic()
        is_fresh = read_at is not None and now - read_at < self.cache_seconds
        if is_fresh and strategy_id in state.strategy_ids:
            return
        strategy_ids = await self.registry.linked_strategies([account_id])
        state.strategy_ids = strategy_ids.get(account_id, frozenset())
        if len(self._read_at) >= ACCOUNTS_CACHED_MAX:
            self._read_at.clear()
        self._read_at[account_id] = now
