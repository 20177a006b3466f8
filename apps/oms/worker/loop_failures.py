"""Failures of the loops of a worker, for its heartbeat."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

RECENT_SECONDS = 60.0
"""How long a loop counts as failing after a round failed."""


@dataclass(slots=True)
class LoopFailures:
    """Counts failed rounds since the start of the process, by loop."""

    monotonic: Callable[[], float] = time.monotonic
    _counts: dict[str, int] = field(default_factory=dict)
    _failed_at: dict[str, float] = field(default_factory=dict)

    def note(self, loop: str) -> None:
        """Count a round that raised an error."""
        self._counts[loop] = self._counts.get(loop, 0) + 1
        self._failed_at[loop] = self.monotonic()

    def status_fields(self) -> Mapping[str, object]:
        """Return the fields of the heartbeat: restarts by loop, and the loops that fail now."""
        now = self.monotonic()
        failing = [loop for loop, at in self._failed_at.items() if now - at < RECENT_SECONDS]
        return {"loop_restarts": dict(self._counts), "failing_loops": sorted(failing)}
