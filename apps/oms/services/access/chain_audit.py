"""Chains the audit log: what was written since goes to the end of the chain, in batches.

Done by the one process that does the chores; should two do it, one of them finds the end moved.
"""

from dataclasses import dataclass

from oms.domain.audit_chain import make_chain_link
from oms.ports.audit_log import AuditLog, ChainedRow, ChainHead

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
            rows = await self.log.unchained_rows(ROWS_PER_BATCH)
            if not rows:
                break
            end, chained = head, list[ChainedRow]()
            for row in rows:
                place = make_chain_link(row, end.length + 1, end.hash)
                chained.append(ChainedRow(row=row, link=place))
                end = ChainHead(length=place.number, hash=place.hash)
            if not await self.log.append_to_chain(head, chained):
                break
            count += len(rows)
        return count
