"""How many exports run at a time: each reads its whole list, page after page."""

from collections import Counter
from dataclasses import dataclass, field

from oms.domain.errors import RateLimited

PER_KEY_MAX = 2
PER_PROCESS_MAX = 8
RETRY_SECONDS = 5


@dataclass(slots=True)
class RunningExports:
    """The exports that a process streams, by API key."""

    _by_key: Counter[int] = field(default_factory=Counter)

    def begin(self, api_key_id: int) -> None:
        """Count an export, until ``end``. Raises ``RateLimited`` if too many run."""
        if self._by_key[api_key_id] >= PER_KEY_MAX or self._by_key.total() >= PER_PROCESS_MAX:
            message = f"at most {PER_KEY_MAX} exports of a key and {PER_PROCESS_MAX} of all run"
            raise RateLimited(message, reason="exports", retry_after_seconds=RETRY_SECONDS)
        self._by_key[api_key_id] += 1

    def end(self, api_key_id: int) -> None:
        """Count an export that was sent or given up."""
        self._by_key -= Counter({api_key_id: 1})
