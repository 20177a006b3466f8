"""Hash chain of the audit log: the hash of each row covers the row and the previous hash.

Changing, removing or inserting a row invalidates every later hash. Rows are chained after they were
written, by a single process, in the order of ``number``.
"""

import hashlib
import json
from datetime import datetime

from oms.domain.value import value

GENESIS_HASH = "0" * 64
"""Previous hash of the first row."""


@value
class AuditRow:
    """A row of the audit log."""

    id: int
    account_id: int | None
    actor: str
    actor_user_id: int | None
    actor_api_key_id: int | None
    actor_role: str | None
    actor_ip: str | None
    action: str
    entity: str
    entity_id: str
    before: str | None
    after: str | None
    comment: str | None
    request_id: str | None
    created_at: datetime


@value
class ChainLink:
    """Position of a row in the chain, with its hashes."""

    number: int
    prev_hash: str
    hash: str


def make_chain_link(row: AuditRow, number: int, prev_hash: str) -> ChainLink:
    """Return the link of ``row`` at position ``number`` after the row with hash ``prev_hash``."""
    fields = [
        prev_hash,
        number,
        row.id,
        row.account_id,
        row.actor,
        row.actor_user_id,
        row.actor_api_key_id,
        row.actor_role,
        row.actor_ip,
        row.action,
        row.entity,
        row.entity_id,
        row.before,
        row.after,
        row.comment,
        row.request_id,
        row.created_at.replace(tzinfo=None).isoformat(timespec="microseconds"),
    ]
    # Columns of SQLite may hold values of any type after tampering: no such text is a valid one.
    text = json.dumps(fields, ensure_ascii=True, separators=(",", ":"), default=repr)
    return ChainLink(
        number=number, prev_hash=prev_hash, hash=hashlib.sha256(text.encode("ascii")).hexdigest()
    )
