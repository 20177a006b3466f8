"""Permissions of keys, as the audit log says that they must be.

A permission is set for one key (``set_permission``), or for all keys of a user that are active
(``grant``), whose template a key created later may receive. A permission that none of these made
was not written by the gateway.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from oms.domain.access import TEMPLATE_FLAGS, template_grant
from oms.domain.audit_chain import AuditRow

Flags = Mapping[str, Any]
"""Permission flags and ``strategy_ids``, as audited."""


@dataclass(frozen=True, slots=True)
class _Change:
    """Permissions from a time on."""

    at: datetime
    flags: Flags


@dataclass(slots=True)
class PermissionHistory:
    """All audited changes of permissions, and when each key was active."""

    #: Of one key on an account.
    _set: dict[tuple[str, int], list[_Change]] = field(default_factory=dict)
    #: Of a user on an account; the user is ``None`` in rows that do not name one.
    _granted: dict[tuple[int | None, int], list[_Change]] = field(default_factory=dict)
    #: Status of a key from a time on.
    _status: dict[str, list[tuple[datetime, bool]]] = field(default_factory=dict)

    def add(self, row: AuditRow, after: Flags) -> None:
        """Apply an audit row with its values."""
        change = _Change(row.created_at, after)
        if row.action == "grant" and row.account_id is not None:
            self._granted.setdefault((after.get("user_id"), row.account_id), []).append(change)
        elif row.action == "set_permission" and row.account_id is not None:
            self._set.setdefault((row.entity_id, row.account_id), []).append(change)
        elif row.entity == "api_key" and "status" in after:
            is_active = after["status"] == "active"
            self._status.setdefault(row.entity_id, []).append((row.created_at, is_active))

    def expected(self, key_id: str, user_id: int, account_id: int) -> Sequence[Flags] | None:
        """Return the permissions of which the key must have one: changes of one time are several.

        Empty: no change gave the key permissions; ``None``: unknown, of a grant without its user.
        """
        changes = [
            *self._set.get((key_id, account_id), ()),
            *self._granted_to(key_id, user_id, account_id),
        ]
        last_at = max((change.at for change in changes), default=None)
        unnamed = self._granted.get((None, account_id), ())
        if any(last_at is None or change.at >= last_at for change in unnamed):
            return None
        return [change.flags for change in changes if change.at == last_at]

    def _granted_to(self, key_id: str, user_id: int, account_id: int) -> Iterator[_Change]:
        """Yield grants that the key received while it was active, and that of its creation."""
        granted = self._granted.get((user_id, account_id), ())
        statuses = self._status.get(key_id, ())
        if not statuses:  # its creation is audited under another id
            yield from granted
            return
        created_at = min(at for at, _ in statuses)
        before = [change for change in granted if change.at <= created_at]
        if before:
            last_at = max(change.at for change in before)
            for change in before:
                if change.at == last_at:
                    yield _Change(created_at, _template(change.flags))
        for change in granted:
            if change.at >= created_at and _was_active(statuses, change.at):
                yield change


def _was_active(statuses: Sequence[tuple[datetime, bool]], at: datetime) -> bool:
    """Return whether a key was active; at the time of a change it may be either."""
    last_at = max(time for time, _ in statuses if time <= at)
    return any(is_active for time, is_active in statuses if time == last_at) or (last_at == at)


def _template(flags: Flags) -> Flags:
    """Return what a new key receives of a grant of its user."""
    grant = template_grant(**{name: bool(flags.get(name)) for name in TEMPLATE_FLAGS})
    named = {name: getattr(grant, name) for name in flags if hasattr(grant, name)}
    return {**named, "strategy_ids": []}
