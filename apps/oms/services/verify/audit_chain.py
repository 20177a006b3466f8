"""Verification of the audit log's hash chain: no row changed, missing or added.

Rows that are not chained yet are valid: housekeeping chains them within about a minute.
"""

from collections.abc import Iterator

from oms.domain.audit_chain import GENESIS_HASH, make_chain_link
from oms.ports.audit_log import AuditLog, ChainedRow, ChainHead
from oms.services.verify.findings import Finding, compare_values, make_finding

ROWS_PER_PAGE = 500


async def check_audit_chain(log: AuditLog) -> list[Finding]:
    """Return the violations of the chain. Raises ``Unavailable``."""
    head = await log.head()  # rows chained later come after this head
    end = ChainHead(length=0, hash=GENESIS_HASH)
    findings: list[Finding] = []
    while end.length < head.length and (rows := await log.chained_rows(end.length, ROWS_PER_PAGE)):
        for each in rows:
            if each.link.number > head.length:
                break
            findings += _check_link(each, end)
            end = ChainHead(length=each.link.number, hash=each.link.hash)
        else:
            continue
        break
    findings += compare_values("chain_length", "audit_chain", 1, head.length, end.length)
    findings += compare_values("chain_head", "audit_chain", 1, head.hash, end.hash)
    return findings


def _check_link(each: ChainedRow, end: ChainHead) -> Iterator[Finding]:
    link, row = each.link, each.row
    if link.number != end.length + 1:
        yield make_finding("chain_number", "audit_log", row.id, end.length + 1, link.number)
    if link.prev_hash != end.hash:
        yield make_finding("chain_link", "audit_log", row.id, end.hash, link.prev_hash)
    computed = make_chain_link(row, link.number, link.prev_hash)
    if computed.hash != link.hash:
        yield make_finding("chain_hash", "audit_log", row.id, computed.hash, link.hash)
