"""Since when workers of the gateway have run without a gap, as their heartbeats say.

A worker that starts while another one runs, or soon after it ended, goes on with the other's time.
One that starts after a longer gap, or that could not reach the database, begins again.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from oms.domain.times import utc_text
from oms.ports.leases import WorkerRow

RESTART_SECONDS_MAX = 10.0
"""How long after the end of its lease a worker that was killed may be replaced without a gap."""
FIELD = "works_since"
"""The field of the status of a worker."""


@dataclass(slots=True)
class Continuity:
    """The time from which on this worker knows that workers have run."""

    since: datetime | None = None
    _may_inherit: bool = True

    def begin(self, now: datetime, others: Iterable[WorkerRow]) -> None:
        """Set the time, unless it is known, from the heartbeats that are no older than a gap."""
        if self.since is not None:
            return
        times = [_read(each.status) for each in others] if self._may_inherit else []
        self.since = min(max((each for each in times if each is not None), default=now), now)

    def interrupt(self) -> None:
        """Note that the database was not available: the next time begins after it."""
        self.since, self._may_inherit = None, False

    def status_fields(self) -> Mapping[str, str | None]:
        """Return the field that others read."""
        return {FIELD: None if self.since is None else utc_text(self.since)}


def _read(status: str) -> datetime | None:
    fields: dict[str, Any] = json.loads(status)
    text = fields.get(FIELD)
    return datetime.fromisoformat(text) if isinstance(text, str) else None
