"""Users, keys, permissions and entries of the audit log in responses; no row has a hash."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.access import Principal, Restrictions, Role
from oms.domain.audit_chain import AuditRow
from oms.ports.admin.user_admin import AccountPermissionRow, ApiKeyRow
from oms.ports.registry import UserRow
from oms.wire.json import NotJson, loads, optional_decimal_text, optional_time_text, time_text
from oms.wire.responses.value_types import ActiveText, Count, DecimalText, Id, TimeText, one_of


class UserBody(TypedDict):
    """A user."""

    user_id: Id
    user_name: str
    role: str
    status: str
    created_at: TimeText


class ProfileRow(TypedDict):
    """The authenticated user and his key."""

    user_id: Id
    user_name: str
    role: Annotated[str, one_of(*sorted(Role))]
    status: str
    api_key_id: Id
    auth: Annotated[str, one_of("key", "token")]
    expires_at: TimeText | None


class RestrictionsRow(TypedDict):
    """What limits a key; null does not."""

    expires_at: TimeText | None
    ip_allowlist: list[str] | None
    max_order_notional: DecimalText | None
    max_day_notional: DecimalText | None


class ApiKeyBody(TypedDict):
    """A key for its owner."""

    api_key_id: Id
    user_id: Id
    user_name: str
    role: str
    status: ActiveText
    created_at: TimeText
    label: str | None
    key_prefix: str | None
    last_used_at: TimeText | None
    last_used_ip: str | None
    disabled_by: str | None
    restrictions: RestrictionsRow


class UserApiKeyRow(TypedDict):
    """A key with its user, for admins."""

    user_id: Id
    user_name: str
    role: str
    user_status: str
    api_key_id: Id
    api_key_status: ActiveText
    label: str | None
    created_at: TimeText
    key_prefix: str | None
    last_used_at: TimeText | None
    last_used_ip: str | None
    disabled_by: str | None
    restrictions: RestrictionsRow


class PermissionRow(TypedDict):
    """What a key may do on an account."""

    api_key_id: Id
    account_id: Id
    can_read: bool
    can_trade: bool
    can_close_position: bool
    can_risk_manage: bool
    can_block_new_positions: bool
    can_block_account: bool
    restrict_to_strategies: bool
    strategy_ids: list[Count]
    status: str


class NewKey(TypedDict):
    """A new key with its clear text, which is not stored."""

    ok: bool
    user_id: Id
    api_key_id: Id
    api_key_plain: Annotated[
        str | None, Field(description="Null in a repeat under the same Idempotency-Key.")
    ]
    label: str | None


class KeyChanged(TypedDict):
    """How many rows of a key were changed."""

    ok: bool
    api_key_id: Id
    rows: Count


class LoggedIn(TypedDict):
    """A login token."""

    ok: bool
    token: Annotated[
        str | None, Field(description="Null in a repeat under the same Idempotency-Key.")
    ]
    token_type: Annotated[str, one_of("bearer")]
    expires_at: TimeText
    user_id: Id
    role: str
    api_key_id: Id


class LoggedOut(TypedDict):
    """How many tokens were revoked."""

    ok: bool
    revoked: Count


class ProfileChanged(TypedDict):
    """The caller's new name."""

    ok: bool
    user_id: Id
    user_name: str


class PasswordChanged(TypedDict):
    """The caller's password was changed."""

    ok: bool
    user_id: Id


class UserChanged(TypedDict):
    """How many rows of a user were changed."""

    ok: bool
    user_id: Id
    rows: Count


class AuditEntryRow(TypedDict):
    """An entry of the audit log."""

    id: Id
    created_at: TimeText
    account_id: Count | None
    actor: str
    actor_user_id: Id | None
    actor_api_key_id: Id | None
    actor_role: str | None
    actor_ip: str | None
    action: str
    entity: str
    entity_id: str
    before_json: Any
    after_json: Any
    comment: str | None
    request_id: str | None


def profile_row(principal: Principal, status: str = "active") -> ProfileRow:
    """Return the row of the authenticated principal."""
    return {
        "user_id": principal.user_id,
        "user_name": principal.user_name,
        "role": principal.role.value,
        "status": status,
        "api_key_id": principal.api_key_id,
        "auth": "key" if principal.token_id is None else "token",
        "expires_at": optional_time_text(principal.expires_at),
    }


def user_row(user: UserRow) -> UserBody:
    """Return the row of a user."""
    return {
        "user_id": user.id,
        "user_name": user.name,
        "role": user.role,
        "status": user.status,
        "created_at": time_text(user.created_at),
    }


def key_row(key: ApiKeyRow) -> ApiKeyBody:
    """Return the row of a key for its owner."""
    return {
        "api_key_id": key.id,
        "user_id": key.user_id,
        "user_name": key.user_name,
        "role": key.role,
        "status": key.status,
        "created_at": time_text(key.created_at),
        "label": key.label,
        "key_prefix": key.prefix,
        "last_used_at": optional_time_text(key.last_used_at),
        "last_used_ip": key.last_used_ip,
        "disabled_by": key.disabled_by,
        "restrictions": restrictions_row(key.restrictions),
    }


def admin_key_row(key: ApiKeyRow) -> UserApiKeyRow:
    """Return the row of a key with its user for admins."""
    return {
        "user_id": key.user_id,
        "user_name": key.user_name,
        "role": key.role,
        "user_status": key.user_status,
        "api_key_id": key.id,
        "api_key_status": key.status,
        "label": key.label,
        "created_at": time_text(key.created_at),
        "key_prefix": key.prefix,
        "last_used_at": optional_time_text(key.last_used_at),
        "last_used_ip": key.last_used_ip,
        "disabled_by": key.disabled_by,
        "restrictions": restrictions_row(key.restrictions),
    }


def restrictions_row(current: Restrictions) -> RestrictionsRow:
    """Return the restrictions of a key."""
    return {
        "expires_at": optional_time_text(current.expires_at),
        "ip_allowlist": [str(network) for network in current.networks] or None,
        "max_order_notional": optional_decimal_text(current.max_order_notional),
        "max_day_notional": optional_decimal_text(current.max_day_notional),
    }


def new_key_body(user_id: int, key_id: int, plain: str, label: str | None) -> NewKey:
    """Return the response with a new key's clear text, which is not stored."""
    return {
        "ok": True,
        "user_id": user_id,
        "api_key_id": key_id,
        "api_key_plain": plain,
        "label": label,
    }


def permission_row(permit: AccountPermissionRow) -> PermissionRow:
    """Return the flags of a key on an account."""
    return {
        "api_key_id": permit.api_key_id,
        "account_id": permit.account_id,
        "can_read": permit.grant.can_read,
        "can_trade": permit.grant.can_trade,
        "can_close_position": permit.grant.can_close_position,
        "can_risk_manage": permit.grant.can_risk_manage,
        "can_block_new_positions": permit.grant.can_block_new_positions,
        "can_block_account": permit.grant.can_block_account,
        "restrict_to_strategies": permit.grant.restrict_to_strategies,
        "strategy_ids": sorted(permit.grant.strategy_ids),
        "status": permit.status,
    }


def audit_row(row: AuditRow) -> AuditEntryRow:
    """Return a row of the audit log."""
    return {
        "id": row.id,
        "created_at": time_text(row.created_at),
        "account_id": row.account_id,
        "actor": row.actor,
        "actor_user_id": row.actor_user_id,
        "actor_api_key_id": row.actor_api_key_id,
        "actor_role": row.actor_role,
        "actor_ip": row.actor_ip,
        "action": row.action,
        "entity": row.entity,
        "entity_id": row.entity_id,
        "before_json": _json(row.before),
        "after_json": _json(row.after),
        "comment": row.comment,
        "request_id": row.request_id,
    }


def _json(text: str | None) -> Any:
    try:
        return None if text is None else loads(text)
    except NotJson:
        return text
