"""What a worker sees of its accounts now, for its heartbeat: protection, streams, prices."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from oms.domain.account import Engine
from oms.domain.protection.native_orders import Protection, protection_of
from oms.ports.exchange import StreamState
from oms.services.account_state.state import AccountState
from oms.wire.account_config.paper_settings import LIVE_SOURCE

FIGURES_SECONDS = 5.0
"""How old the figures may be: they are counted over all accounts of the worker."""
PROTECTION_SECONDS = 30.0
"""The same of the protection, which is counted over all positions with levels."""


@dataclass(slots=True)
class AccountFigures:
    """The figures of the loaded accounts, counted every few seconds."""

    monotonic: Callable[[], float] = time.monotonic
    _fields: Mapping[str, object] = field(default_factory=dict)
    _counted_at: float | None = None
    _protection: Mapping[str, int] = field(default_factory=dict)
    _protection_at: float | None = None
    #: Since when the streams of an account are not connected.
    _disconnected_since: dict[int, float] = field(default_factory=dict)

    def status_fields(self, states: Iterable[AccountState]) -> Mapping[str, object]:
        """Return the fields of the heartbeat."""
        now = self.monotonic()
        if self._counted_at is None or now - self._counted_at >= FIGURES_SECONDS:
            self._fields, self._counted_at = self._count(tuple(states), now), now
        return self._fields

    def _count(self, states: Sequence[AccountState], now: float) -> Mapping[str, object]:
        if self._protection_at is None or now - self._protection_at >= PROTECTION_SECONDS:
            self._protection, self._protection_at = _count_protection(states), now
        streams, unpriced, stale = dict[str, float](), 0, 0
        for state in states:
            stale += len(state.stale_symbols)
            unpriced += _has_no_prices(state)
            seconds = self._disconnected_seconds(state, now)
            if seconds is not None:
                streams[str(state.account.id)] = seconds
        return {
            "protection": dict(self._protection),
            "streams": streams,
            "stale_symbols": stale,
            "unpriced_accounts": unpriced,
        }

    def _disconnected_seconds(self, state: AccountState, now: float) -> float | None:
        """Return for how long the streams are not connected; ``None``: the account has none."""
        account_id = state.account.id
        if state.account.engine is Engine.PAPER:
            return None
        stream = state.exchange.connection().stream
        if stream is StreamState.CONNECTING:
            return round(now - self._disconnected_since.setdefault(account_id, now), 3)
        self._disconnected_since.pop(account_id, None)
        return None if stream is StreamState.NONE else 0.0


def _count_protection(states: Sequence[AccountState]) -> Mapping[str, int]:
    counts = Counter({each.value: 0 for each in Protection})
    for state in states:
        counts.update(protection_of(each).value for each in state.armed.values())
        counts[Protection.NONE.value] += len(state.positions) - len(state.armed)
    return counts


def _has_no_prices(state: AccountState) -> bool:
    """Return whether the live prices of a paper account cannot be read."""
    account = state.account
    if account.engine is not Engine.PAPER or not account.paper.uses(LIVE_SOURCE):
        return False
    return state.exchange.connection().prices_unavailable is not None
