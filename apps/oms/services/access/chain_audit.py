"""Chains the audit log: new rows are appended to the hash chain, in batches.

One process does this. If two do, one of them finds that the head of the chain has moved. A chain
that cannot be appended to although its head did not move was tampered with: that is logged.
"""

import logging
from dataclasses import dataclass

from oms.domain.audit_chain import make_chain_link
from oms.ports.audit_log import AuditLog, ChainedRow, ChainHead

logger = logging.getLogger(__name__)

ROWS_PER_BATCH = 200
BATCHES_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainAudit:
    """Appends the unchained rows of the audit log."""

    log: AuditLog

    async def __call__(self) -> int:
        """Return how many rows were chained. Raises ``Unavailable``."""
        count = 0
        for _ in range(BATCHES_MAX):
            head = await self.log.head()
            if head is None:
                logger.error("audit_chain_broken chain=audit_log reason=no_head")
                break
            rows = await self.log.unchained_rows(ROWS_PER_BATCH)
            if not rows:
                break
            tail, chained = head, list[ChainedRow]()
            for row in rows:
                chain_link = make_chain_link(row, tail.length + 1, tail.hash)
                chained.append(ChainedRow(row=row, link=chain_link))
                tail = ChainHead(length=chain_link.number, hash=chain_link.hash)
            if not await self.log.append_to_chain(head, chained):
                if await self.log.head() == head:
                    logger.error("audit_chain_broken chain=audit_log reason=not_its_end")
                break
            count += len(rows)
        return count
