"""The last refusal of each source: requests refused before they became a signal have no row.

Only requests with valid credentials are stored: others may not write to the row of a source.
"""

import logging
from dataclasses import dataclass, field
from datetime import timedelta

from oms.domain.errors import OmsError, Unauthenticated, Unavailable
from oms.domain.signals.source import SignalSource, SourceRefusal
from oms.ports.clock import Clock
from oms.ports.signals.signal_sources import SignalSources

logger = logging.getLogger(__name__)

REPEAT_INTERVAL = timedelta(seconds=10)
"""For how long a refusal with the reason of the one before is not stored again."""
REASON_CHARACTERS_MAX = 64
TEXT_CHARACTERS_MAX = 255


@dataclass(slots=True, kw_only=True)
class RecordSourceRefusal:
    """Stores why the request of a source was refused; one process writes a reason rarely."""

    sources: SignalSources
    clock: Clock
    #: The last refusal that this process stored, by source.
    _stored: dict[int, SourceRefusal] = field(default_factory=dict)

    async def __call__(self, source: SignalSource | None, error: OmsError) -> None:
        """Store the refusal; one that cannot be stored is logged."""
        if source is None or isinstance(error, Unauthenticated | Unavailable):
            return
        refusal = SourceRefusal(
            refused_at=self.clock.now(),
            reason=(error.reason or error.code)[:REASON_CHARACTERS_MAX],
            message=error.message[:TEXT_CHARACTERS_MAX],
        )
        before = self._stored.get(source.id)
        if before is not None and before.reason == refusal.reason:
            age = refusal.refused_at - before.refused_at
            if timedelta(0) <= age < REPEAT_INTERVAL:
                return
        self._stored[source.id] = refusal
        try:
            await self.sources.record_refusal(source.id, refusal)
        except Unavailable as unavailable:
            logger.warning(
                "source_refusal_not_stored source_id=%d reason=%s message=%s",
                source.id,
                refusal.reason,
                unavailable.message,
            )
