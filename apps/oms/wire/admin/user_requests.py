"""Administration of users, keys, permissions and strategies: request bodies and rows.

Null keys count as absent, except where null clears a value. Rows contain no hashes.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from oms.domain.access import UNRESTRICTED, Grant, Principal, Restrictions
from oms.domain.audit_chain import AuditRow
from oms.domain.value import evolve, value
from oms.ports.admin.strategies import StrategyChange, StrategyRow
from oms.ports.admin.user_admin import (
    AccountPermission,
    AccountPermissionRow,
    ApiKeyChange,
    ApiKeyRow,
)
from oms.ports.registry import UserRow
from oms.wire.admin import admin_schemas as shapes
from oms.wire.field_validation import drop_nulls, require_object, validate
from oms.wire.json import NotJson, loads, optional_decimal_text, optional_time_text, time_text
from oms.wire.request_body import malformed_at

Row = dict[str, Any]
SentFields = Mapping[str, Any]
_FLAGS = (
    "can_read",
    "can_trade",
    "can_close_position",
    "can_risk_manage",
    "can_block_new_positions",
    "can_block_account",
    "restrict_to_strategies",
)


@value
class NewKeyRequest:
    """A request to create a key."""

    api_key: str | None
    label: str | None
    restrictions: Restrictions
    user_id: int | None = None


@value
class KeyChangeRequest:
    """A request to change a key; ``restrictions`` contains only sent fields."""

    change: ApiKeyChange
    restrictions: SentFields

    def applied(self, current: Restrictions) -> ApiKeyChange:
        """Return the change applied to the current restrictions."""
        if not self.restrictions:
            return self.change
        return evolve(self.change, restrictions=_restricted(current, self.restrictions))


def read_fields(
    shape: TypeAdapter[Any], body: object, keeps_null: tuple[str, ...] = ()
) -> SentFields:
    """Validate a body and return its fields. Raises ``Malformed``."""
    sent = require_object(body, ("body",))
    fields = drop_nulls(sent)
    fields |= {name: None for name in keeps_null if name in sent and sent[name] is None}
    validated: SentFields = validate(shape, fields, ())
    return validated


def read_new_key(body: object) -> NewKeyRequest:
    """Parse a key to be created. Raises ``Malformed``."""
    return _new_key(read_fields(shapes.NEW_KEY, body))


def read_key_change(body: object, *, needs_status: bool) -> KeyChangeRequest:
    """Parse changes of a key. Raises ``Malformed``."""
    fields = read_fields(shapes.KEY_CHANGE, body, ("label",))
    if "status" not in fields and (needs_status or not fields):
        raise malformed_at(("status",), "active or disabled is expected", "missing")
    change = ApiKeyChange(
        status=fields.get("status"),
        label=fields.get("label") or None,
        clears_label="label" in fields and not fields["label"],
    )
    return KeyChangeRequest(change=change, restrictions=fields.get("restrictions") or {})


def read_new_user(body: object) -> tuple[SentFields, NewKeyRequest, list[AccountPermission]]:
    """Parse a user with its first key and permissions. Raises ``Malformed``."""
    fields = read_fields(shapes.NEW_USER, body)
    permissions = [_permit(each) for each in fields.get("permissions", ())]
    accounts = [permit.account_id for permit in permissions]
    if len(set(accounts)) != len(accounts):
        raise malformed_at(("permissions",), "each account may be listed only once")
    return fields, _new_key(fields), permissions


def read_permission(body: object) -> AccountPermission:
    """Parse the flags of a key on an account. Raises ``Malformed``."""
    return _permit(read_fields(shapes.PERMIT, body))


def read_strategy(body: object, *, needs_accounts: bool) -> tuple[str, int | None, tuple[int, ...]]:
    """Parse name, client id and accounts of a strategy. Raises ``Malformed``."""
    fields = read_fields(shapes.STRATEGY, body)
    accounts = tuple(dict.fromkeys(fields.get("account_ids", ())))
    if needs_accounts and not accounts:
        raise malformed_at(("account_ids",), "name at least one account", "missing")
    return fields["name"], fields.get("client_strategy_id"), accounts


def read_strategy_change(body: object) -> StrategyChange:
    """Parse changes of a strategy. Raises ``Malformed``."""
    fields = read_fields(shapes.STRATEGY_CHANGE, body, ("client_strategy_id",))
    accounts = fields.get("account_ids")
    return StrategyChange(
        name=fields.get("name"),
        status=fields.get("status"),
        client_strategy_id=fields.get("client_strategy_id"),
        clears_client_id="client_strategy_id" in fields and fields["client_strategy_id"] is None,
        account_ids=None if accounts is None else tuple(dict.fromkeys(accounts)),
    )


def profile_row(principal: Principal, status: str = "active") -> Row:
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


def user_row(user: UserRow) -> Row:
    """Return the row of a user."""
    return {
        "user_id": user.id,
        "user_name": user.name,
        "role": user.role,
        "status": user.status,
        "created_at": time_text(user.created_at),
    }


def key_row(key: ApiKeyRow) -> Row:
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
        "restrictions": restrictions_row(key.restrictions),
    }


def admin_key_row(key: ApiKeyRow) -> Row:
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
        "restrictions": restrictions_row(key.restrictions),
    }


def restrictions_row(current: Restrictions) -> Row:
    """Return the restrictions of a key."""
    return {
        "expires_at": optional_time_text(current.expires_at),
        "ip_allowlist": [str(network) for network in current.networks] or None,
        "max_order_notional": optional_decimal_text(current.max_order_notional),
        "max_day_notional": optional_decimal_text(current.max_day_notional),
    }


def permission_row(permit: AccountPermissionRow) -> Row:
    """Return the flags of a key on an account."""
    return {
        "api_key_id": permit.api_key_id,
        "account_id": permit.account_id,
        **{flag: getattr(permit.grant, flag) for flag in _FLAGS},
        "strategy_ids": sorted(permit.grant.strategy_ids),
        "status": permit.status,
    }


def strategy_row(strategy: StrategyRow) -> Row:
    """Return the row of a strategy."""
    return {
        "strategy_id": strategy.id,
        "client_strategy_id": strategy.client_strategy_id,
        "name": strategy.name,
        "status": strategy.status,
        "account_ids": list(strategy.account_ids),
    }


def audit_row(row: AuditRow) -> Row:
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


def _new_key(fields: SentFields) -> NewKeyRequest:
    return NewKeyRequest(
        api_key=fields.get("api_key"),
        label=fields.get("label") or None,
        restrictions=_restricted(UNRESTRICTED, fields.get("restrictions") or {}),
        user_id=fields.get("user_id"),
    )


def _restricted(current: Restrictions, sent: SentFields) -> Restrictions:
    changes = dict(sent)
    if "ip_allowlist" in changes:
        changes["networks"] = changes.pop("ip_allowlist") or ()
    return evolve(current, **changes)


def _permit(fields: SentFields) -> AccountPermission:
    flags = {flag: fields[flag] for flag in _FLAGS if flag in fields}
    grant = Grant(**flags, strategy_ids=frozenset(fields.get("strategy_ids", ())))
    return AccountPermission(account_id=fields["account_id"], grant=grant)


def _json(text: str | None) -> Any:
    try:
        return None if text is None else loads(text)
    except NotJson:
        return text
