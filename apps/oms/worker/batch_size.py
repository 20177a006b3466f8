"""How many commands are committed together while more wait.

Half of those whose callers wait: these send their next ones while the other half is executed, so
that neither the worker nor the API stands still. The bounds: a commit costs as much as several
commands, and from a hundred on larger ones save nothing more.
"""

from dataclasses import dataclass
from math import ceil

BATCH_MIN, BATCH_MAX = 8, 100
BATCH_SHARE = 0.55
"""Of what is in hand at most. Part of the crowd is always outside, answered and not back yet, the
more the smaller the parts are: a little more than half lets them grow until they are halves."""
DECAY = 0.995
"""How much of the largest crowd is remembered from round to round."""


@dataclass(slots=True)
class AdaptiveBatchSize:
    """The most commands that were in hand at once lately."""

    _size: float = 0.0

    def batch_size(self, here: int) -> int:
        """The commands of one commit of a round that begins with ``here`` in hand."""
        self._size = max(here, self._size * DECAY)
        return min(max(ceil(self._size * BATCH_SHARE), BATCH_MIN), BATCH_MAX)
