"""Administration of users, keys, permissions and strategies: request bodies.

Null keys count as absent, except where null clears a value.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from oms.domain.access import UNRESTRICTED, Grant, Restrictions
from oms.domain.value import evolve, value
from oms.ports.admin.strategies import StrategyChange
from oms.ports.admin.user_admin import AccountPermission, ApiKeyChange
from oms.wire.admin import admin_schemas as shapes
from oms.wire.field_validation import drop_nulls, require_object, validate
from oms.wire.request_body import malformed_at

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


def read_key_change(body: object) -> KeyChangeRequest:
    """Parse changes of a key, at least one. Raises ``Malformed``."""
    fields = read_fields(shapes.KEY_CHANGE, body, ("label",))
    if not fields:
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
