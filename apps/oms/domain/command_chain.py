"""Hash chain of the commands, which are the audit record of trades.

A command has a link for its acceptance, unless it ended before it was linked, and one for its
result; an unknown result that was resolved has another one. The digest of a link covers the columns
that never change from then on; its hash covers the digest and the previous hash.
"""

import hashlib
import json

import orjson

from oms.domain.value import constructor, value

ACCEPTED = "accepted"
"""Status of a link that covers the acceptance of a command and not its result."""

FINAL_STATUSES = frozenset({"done", "failed", "refused", "unknown"})
"""Statuses of commands whose link covers the result."""

UNRESOLVED_STATUSES = frozenset({ACCEPTED, "unknown"})
"""Statuses of links that another link of the command follows."""

#: Columns of SQLite may hold values of any type after tampering: no such text is a valid one.
_ENCODER = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), default=repr)
_DELETE = b"\x7f"
_COLUMN_TYPES = frozenset({str, int, type(None)})


@value
class CommandRecord:
    """The columns of a stored command that are linked; times are RFC 3339 text."""

    id: int
    account_id: int
    command_type: str
    request_id: str | None
    idempotency_key: str | None
    fingerprint: str
    payload: str
    actor_user_id: int | None
    actor_api_key_id: int | None
    actor_role: str | None
    actor_ip: str | None
    comment: str | None
    after_command_id: int | None
    hold_until: str | None
    created_at: str
    status: str
    error: str | None
    result: str | None
    order_id: int | None
    finished_at: str | None

    @property
    def link_status(self) -> str:
        """The status of a link made now."""
        return self.status if self.status in FINAL_STATUSES else ACCEPTED


@value
class CommandLink:
    """A link: its position, the command, and what is covered."""

    number: int
    command_id: int
    status: str
    digest: str
    hash: str


_new_link = constructor(CommandLink)


def command_digest(record: CommandRecord, status: str) -> str:
    """Return the SHA-256 of the columns that a link with this status covers."""
    fields = [
        record.id,
        record.account_id,
        record.command_type,
        record.request_id,
        record.idempotency_key,
        record.fingerprint,
        record.payload,
        record.actor_user_id,
        record.actor_api_key_id,
        record.actor_role,
        record.actor_ip,
        record.comment,
        record.after_command_id,
        record.hold_until,
        record.created_at,
    ]
    if status != ACCEPTED:
        fields += [record.status, record.error, record.result, record.order_id, record.finished_at]
    return _sha256(fields)


def link_hash(prev_hash: str, number: int, command_id: int, status: str, digest: str) -> str:
    """Return the hash of a link after the one with hash ``prev_hash``."""
    return _sha256([prev_hash, number, command_id, status, digest])


def make_command_link(record: CommandRecord, number: int, prev_hash: str) -> CommandLink:
    """Return the link of ``record`` at position ``number``."""
    status = record.link_status
    digest = command_digest(record, status)
    return _new_link(
        number=number,
        command_id=record.id,
        status=status,
        digest=digest,
        hash=link_hash(prev_hash, number, record.id, status, digest),
    )


def _sha256(fields: list[object]) -> str:
    return hashlib.sha256(_json_of(fields)).hexdigest()


def _json_of(fields: list[object]) -> bytes:
    """Return the text of ``_ENCODER``.

    ``orjson`` makes the same text ten times faster where every value is a text, an integer or
    ``None`` (it writes infinity as ``null``) and every character is ASCII and not DEL.
    """
    if _COLUMN_TYPES.issuperset(map(type, fields)):
        try:
            text = orjson.dumps(fields)
        except TypeError:
            pass  # An integer beyond 64 bits, or half of a surrogate pair.
        else:
            if text.isascii() and _DELETE not in text:
                return text
    return _ENCODER.encode(fields).encode("ascii")
