"""Users, keys, permissions, accounts, strategies and kill switches compared with the audit log.

Each of their changes is audited in its transaction, so a row that differs from the last audited
values, or a user or key without an audited creation, was not written by the gateway.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from oms.domain.audit_chain import AuditRow
from oms.ports.audit_log import AuditLog, AuditQuery
from oms.ports.verification_reads import RegistryRow, VerificationReads
from oms.services.verify.findings import Finding, make_finding
from oms.wire.json import NotJson, dumps, loads

ENTITIES = ("user", "api_key", "account", "strategy", "kill_switch")
ROWS_PER_PAGE = 500
#: Entities of which every row must have been created by an audited change.
_CREATED = ("user", "api_key")

Subject = tuple[str, str, int | None]
"""Entity, id, and for a permission of a key its account."""


@dataclass(slots=True)
class AuditedState:
    """The last audited value of each field, with the time of its change."""

    fields: dict[Subject, dict[str, tuple[datetime, int, Any]]] = field(default_factory=dict)
    #: Names of users and prefixes of keys whose creation is audited under another id.
    names: set[tuple[str, str]] = field(default_factory=set)
    #: Time of the last change of all keys of a user on an account.
    granted_at: dict[int, datetime] = field(default_factory=dict)

    def add(self, row: AuditRow) -> None:
        """Apply an audit row."""
        after = _object(row.after)
        if row.action == "grant" and row.account_id is not None:
            last = self.granted_at.get(row.account_id, row.created_at)
            self.granted_at[row.account_id] = max(last, row.created_at)
            return
        for text in (after, _object(row.before)):
            self.names |= {
                (name, str(text[name])) for name in ("user_name", "key_prefix") if name in text
            }
        account_id = row.account_id if row.action == "set_permission" else None
        subject = (row.entity, row.entity_id, account_id)
        if row.entity == "user" and row.action == "create_api_key":
            return
        known = self.fields.setdefault(subject, {})
        for name, value in after.items():
            change = (row.created_at, row.id, value)
            if name not in known or change[:2] > known[name][:2]:
                known[name] = change


async def check_registry(audit_log: AuditLog, reads: VerificationReads) -> Sequence[Finding]:
    """Return the rows that differ from the audit log. Raises ``Unavailable``.

    Rows may change between the reads, so only findings of two passes remain.
    """
    first = await _findings(audit_log, reads)
    if not first:
        return ()
    again = set(await _findings(audit_log, reads))
    return [finding for finding in first if finding in again]


async def _findings(audit_log: AuditLog, reads: VerificationReads) -> Sequence[Finding]:
    state = AuditedState()
    rows = await reads.registry_rows()
    for entity in ENTITIES:
        after_id: int | None = 0
        while after_id is not None:
            page = await audit_log.page(
                AuditQuery(
                    entity=entity, page_size=ROWS_PER_PAGE, after_id=after_id, with_total=False
                )
            )
            for row in page.items:
                state.add(row)
            after_id = page.next_after_id
    return [*_compare(rows, state), *_missing(rows, state)]


def _compare(rows: Iterable[RegistryRow], state: AuditedState) -> Iterator[Finding]:
    for row in rows:
        subject = (row.entity, row.row_id, row.account_id)
        audited = state.fields.get(subject)
        if audited is None:
            if row.entity in _CREATED and row.account_id is None and not _is_named(row, state):
                yield make_finding(
                    "registry_unaudited", row.entity, row.row_id, "an audited creation", None
                )
            continue
        for name, (changed_at, _, value) in audited.items():
            if name not in row.fields or _is_granted_later(row, changed_at, state):
                continue
            if row.fields[name] != value:
                found = dumps({name: row.fields[name]})
                yield make_finding(
                    "registry_row", row.entity, row.row_id, dumps({name: value}), found
                )


def _missing(rows: Iterable[RegistryRow], state: AuditedState) -> Iterator[Finding]:
    """Yield findings for audited rows that do not exist: none of them is ever deleted."""
    existing = {(row.entity, row.row_id, row.account_id) for row in rows}
    for entity, row_id, account_id in state.fields:
        if row_id.isdigit() and (entity, row_id, account_id) not in existing:
            is_permission = account_id is not None
            expected = f"permission on account {account_id}" if is_permission else "a row"
            yield make_finding("registry_row", entity, row_id, expected, None)


def _is_named(row: RegistryRow, state: AuditedState) -> bool:
    name = "user_name" if row.entity == "user" else "key_prefix"
    return (name, str(row.fields.get(name))) in state.names


def _is_granted_later(row: RegistryRow, changed_at: datetime, state: AuditedState) -> bool:
    """Whether all keys of a user got other permissions on the account since."""
    granted_at = None if row.account_id is None else state.granted_at.get(row.account_id)
    return granted_at is not None and granted_at >= changed_at


def _object(text: str | None) -> Mapping[str, Any]:
    if text is None:
        return {}
    try:
        content = loads(text)
    except NotJson:
        return {}
    return content if isinstance(content, dict) else {}
