"""Whether the chain of the audit log holds: every row as it was chained, none missing, none more.

Rows that are not chained yet are no breach: the chores chain them within a minute or so.
"""

from collections.abc import Iterator

from oms.domain.audit_chain import GENESIS_HASH, make_chain_link
from oms.ports.audit_log import AuditLog, ChainedRow, ChainHead
from oms.services.verify.findings import Finding, compare_values, make_finding

ROWS_PER_PAGE = 500


async def check_audit_chain(log: AuditLog) -> list[Finding]:
    """The breaches of the chain. Raises ``Unavailable``."""
    head = await log.head()  # what is chained while we look comes after it
    end = ChainHead(length=0, hash=GENESIS_HASH)
    findings: list[Finding] = []
    while end.length < head.length and (rows := await log.chained_rows(end.length, ROWS_PER_PAGE)):
        for each in rows:
            if each.link.number > head.length:
                break
            findings += _judged(each, end)
            end = ChainHead(length=each.link.number, hash=each.link.hash)
        else:
            continue
        break
    findings += compare_values("chain_length", "audit_chain", 1, head.length, end.length)
    findings += compare_values("chain_head", "audit_chain", 1, head.hash, end.hash)
    return findings


def _judged(each: ChainedRow, end: ChainHead) -> Iterator[Finding]:
    told, row = each.link, each.row
    if told.number != end.length + 1:
        yield make_finding("chain_number", "audit_log", row.id, end.length + 1, told.number)
    if told.prev_hash != end.hash:
        yield make_finding("chain_link", "audit_log", row.id, end.hash, told.prev_hash)
    counted = make_chain_link(row, told.number, told.prev_hash)
    if counted.hash != told.hash:
        yield make_finding("chain_hash", "audit_log", row.id, counted.hash, told.hash)
