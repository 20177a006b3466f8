"""What must be done once, by whoever holds lease 0: forgetting what is past its time."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from oms.ports.clock import Clock
from oms.ports.ledger import LedgerStore
from oms.ports.queue import CommandQueue

logger = logging.getLogger(__name__)

CHORES_EVERY_SECONDS = 60.0
ROWS_PER_ROUND_MAX = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Chores:
    """Housekeeping."""

    clock: Clock
    queue: CommandQueue
    ledger: LedgerStore
    retention_days: int

    async def __call__(self) -> None:
        """One round; what is left over waits for the next."""
        now = self.clock.now()
        keys = await self.queue.drop_expired_keys(now)
        before = now - timedelta(days=self.retention_days)
        rows = await self.ledger.trim(before, ROWS_PER_ROUND_MAX)
        if keys or rows:
            logger.info("housekeeping idempotency_keys=%d rows=%d", keys, rows)
