"""Whether the chain of the audit log holds: every row as it was chained, none missing, none more.

Rows that are not chained yet are no breach: the chores chain them within a minute or so.
"""

from collections.abc import Iterator

from oms.domain.audit import GENESIS, link
from oms.ports.audit_log import AuditLog, Chained, ChainHead
from oms.services.verify.findings import Finding, breach, differing

ROWS_PER_PAGE = 500


async def chain_findings(log: AuditLog) -> list[Finding]:
    """The breaches of the chain. Raises ``Unavailable``."""
    head = await log.head()  # what is chained while we look comes after it
    end = ChainHead(length=0, hash=GENESIS)
    findings: list[Finding] = []
    while end.length < head.length and (rows := await log.chained(end.length, ROWS_PER_PAGE)):
        for each in rows:
            if each.link.number > head.length:
                break
            findings += _judged(each, end)
            end = ChainHead(length=each.link.number, hash=each.link.hash)
        else:
            continue
        break
    findings += differing("chain_length", "audit_chain", 1, head.length, end.length)
    findings += differing("chain_head", "audit_chain", 1, head.hash, end.hash)
    return findings


def _judged(each: Chained, end: ChainHead) -> Iterator[Finding]:
    told, row = each.link, each.row
    if told.number != end.length + 1:
        yield breach("chain_number", "audit_log", row.id, end.length + 1, told.number)
    if told.prev_hash != end.hash:
        yield breach("chain_link", "audit_log", row.id, end.hash, told.prev_hash)
    counted = link(row, told.number, told.prev_hash)
    if counted.hash != told.hash:
        yield breach("chain_hash", "audit_log", row.id, counted.hash, told.hash)
