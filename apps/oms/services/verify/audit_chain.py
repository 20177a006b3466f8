"""Verification of the audit log's hash chain: no row changed, missing or added.

Rows that are not chained yet are valid: housekeeping chains them within about a minute.
"""

from collections.abc import Iterator
from datetime import timedelta

from oms.domain.audit_chain import make_chain_link
from oms.ports.audit_log import AUDIT_CHAIN_ID, AuditLog, ChainedRow, ChainHead
from oms.services.verify.chain_head import check_chain
from oms.services.verify.findings import Finding, make_finding

ROWS_PER_PAGE = 500
CHAINING_DELAY_MAX = timedelta(minutes=15)
"""A row is chained before any row that is this much younger."""


async def check_audit_chain(log: AuditLog) -> list[Finding]:
    """Return the violations of the chain. Raises ``Unavailable``."""
    findings: list[Finding] = []

    async def read_on(end: ChainHead) -> ChainHead:
        for each in await log.chained_rows(end.length, ROWS_PER_PAGE):
            findings.extend(_check_link(each, end))
            if not isinstance(each.link.number, int):
                break
            end = ChainHead(length=each.link.number, hash=each.link.hash)
        return end

    findings += await check_chain(AUDIT_CHAIN_ID, log.head, read_on)
    findings += [
        make_finding("chain_skipped", "audit_log", row_id, "chained", "not chained")
        for row_id in await log.skipped_rows(CHAINING_DELAY_MAX)
    ]
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
