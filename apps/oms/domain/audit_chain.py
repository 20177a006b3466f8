"""The audit log as a chain: each row's hash covers the row and the hash before it.

A row that is changed, taken out or put in between shows in every hash after it. Rows are chained
some time after they were written, by one hand, in the order that ``number`` tells.
"""

import hashlib
import json
from datetime import datetime

from oms.domain.value import value

GENESIS_HASH = "0" * 64
"""What stands before the first row."""


@value
class AuditRow:
    """A row of the log as it was written."""

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
    """The place of a row in the chain."""

    number: int
    prev_hash: str
    hash: str


def make_chain_link(row: AuditRow, number: int, prev_hash: str) -> ChainLink:
    """The link of ``row`` as the ``number``-th, after the one whose hash is ``prev_hash``."""
    told = [
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
    text = json.dumps(told, ensure_ascii=True, separators=(",", ":"))
    return ChainLink(
        number=number, prev_hash=prev_hash, hash=hashlib.sha256(text.encode("ascii")).hexdigest()
    )
