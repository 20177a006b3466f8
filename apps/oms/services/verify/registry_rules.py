"""Users, keys, permissions, accounts, strategies and kill switches compared with the audit log.

Each of their changes is audited in its transaction, so a row that differs from the last audited
values, or a user, key or permission that no audited change made, was not written by the gateway.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from oms.domain.audit_chain import AuditRow
from oms.ports.audit_log import AuditLog, AuditPosition, AuditQuery
from oms.ports.verification_reads import RegistryRow, VerificationReads
from oms.services.verify.findings import Finding, make_finding
from oms.services.verify.permission_rules import PermissionHistory
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
    permissions: PermissionHistory = field(default_factory=PermissionHistory)

    def add(self, row: AuditRow) -> None:
        """Apply an audit row."""
        after = _object(row.after)
        self.permissions.add(row, after)
        if row.action == "grant":
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
        after: AuditPosition | None = AuditPosition()
        while after is not None:
            page = await audit_log.page(
                AuditQuery(entity=entity, page_size=ROWS_PER_PAGE, after=after, with_total=False)
            )
            for row in page.items:
                state.add(row)
            after = page.next
    return [*_compare(rows, state), *_missing(rows, state)]


def _compare(rows: Sequence[RegistryRow], state: AuditedState) -> Iterator[Finding]:
    owners = {
        row.row_id: row.fields.get("user_id")
        for row in rows
        if row.entity == "api_key" and row.account_id is None
    }
    for row in rows:
        if row.account_id is not None:
            yield from _compare_permission(row, owners.get(row.row_id), state)
            continue
        audited = state.fields.get((row.entity, row.row_id, None))
        if audited is None:
            if row.entity in _CREATED and not _is_named(row, state):
                yield make_finding(
                    "registry_unaudited", row.entity, row.row_id, "an audited creation", None
                )
            continue
        for name, (_, _, value) in audited.items():
            if name in row.fields and row.fields[name] != value:
                found = dumps({name: row.fields[name]})
                yield make_finding(
                    "registry_row", row.entity, row.row_id, dumps({name: value}), found
                )


def _compare_permission(row: RegistryRow, user_id: Any, state: AuditedState) -> Iterator[Finding]:
    assert row.account_id is not None
    expected = state.permissions.expected(row.row_id, user_id, row.account_id)
    if expected is None:
        return
    where: dict[str, Any] = {"account_id": row.account_id}
    found = dumps({**where, **row.fields})
    if not expected:
        text = f"an audited permission on account {row.account_id}"
        yield make_finding("registry_unaudited", row.entity, row.row_id, text, found)
    elif not any(_matches(row.fields, flags) for flags in expected):
        text = dumps({**where, **expected[-1]})
        yield make_finding("registry_row", row.entity, row.row_id, text, found)


def _matches(fields: Mapping[str, Any], audited: Mapping[str, Any]) -> bool:
    return all(fields[name] == value for name, value in audited.items() if name in fields)


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


def _object(text: str | None) -> Mapping[str, Any]:
    if text is None:
        return {}
    try:
        content = loads(text)
    except NotJson:
        return {}
    return content if isinstance(content, dict) else {}
