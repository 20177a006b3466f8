"""The number of commands committed together while more are waiting.

About half of the commands whose callers wait: these send their next ones while the other half is
executed, so that neither worker nor API is idle. Bounds: a commit costs as much as several
commands, and larger batches than a hundred save nothing more.
"""

from dataclasses import dataclass
from math import ceil

BATCH_MIN, BATCH_MAX = 8, 100
BATCH_SHARE = 0.55
"""Share of the commands in flight. Some callers are always between two commands, more of them the
smaller the batches are: a little more than half lets the batches grow to one half.
"""
DECAY = 0.995
"""How much of the largest number in flight is kept from round to round."""


@dataclass(slots=True)
class AdaptiveBatchSize:
    """Tracks the largest recent number of commands in flight."""

    _peak: float = 0.0

    def batch_size(self, inflight: int) -> int:
        """Return the commit size of a round that begins with ``inflight`` commands in flight."""
        self._peak = max(inflight, self._peak * DECAY)
        return min(max(ceil(self._peak * BATCH_SHARE), BATCH_MIN), BATCH_MAX)
