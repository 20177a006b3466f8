"""Chains the audit log: what was written since goes to the end of the chain, in batches.

Done by the one process that does the chores; should two do it, one of them finds the end moved.
"""

from dataclasses import dataclass

from oms.domain.audit import link
from oms.ports.audit_log import AuditLog, Chained, ChainHead

ROWS_PER_BATCH = 200
BATCHES_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainAudit:
    """One round."""

    log: AuditLog

    async def __call__(self) -> int:
        """How many rows were chained. Raises ``Unavailable``."""
        count = 0
        for _ in range(BATCHES_MAX):
            head = await self.log.head()
            rows = await self.log.unchained(ROWS_PER_BATCH)
            if not rows:
                break
            end, chained = head, list[Chained]()
            for row in rows:
                place = link(row, end.length + 1, end.hash)
                chained.append(Chained(row=row, link=place))
                end = ChainHead(length=place.number, hash=place.hash)
            if not await self.log.chain(head, chained):
                break
            count += len(rows)
        return count
