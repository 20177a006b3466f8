"""Rows of users and API keys, the restrictions of keys, and their form in the audit log."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.rows.access import PERMISSION_FLAGS
from oms.domain.access import UNRESTRICTED, Grant, Restrictions
from oms.ports.admin.user_admin import ApiKeyRow
from oms.ports.registry import UserRow
from oms.wire.json import NotJson, dumps, loads, optional_decimal_text, optional_time_text

USER_SELECTED = "id, name, role, status, created_at"
#: Restriction columns of the table alias ``k``.
RESTRICTION_COLUMNS = "k.expires_at, k.ip_allowlist, k.max_order_notional, k.max_day_notional"
KEY_SELECTED = (
    "k.id, k.user_id, u.name, u.role, u.status, k.status, k.created_at, k.label, k.key_prefix,"
    f" k.last_used_at, k.last_used_ip, {RESTRICTION_COLUMNS},"
    " k.disabled_by, k.disabled_by_user_id"
)
KEY_JOINED = "user_api_keys k JOIN users u ON u.id = k.user_id"
#: Allowlist of a key whose stored list is invalid: matches no client.
NO_NETWORK = (ip_network("255.255.255.255/32"),)


def user_from_row(row: Any, dialect: Dialect) -> UserRow:
    """Return the user of a row of ``USER_SELECTED``."""
    return UserRow(
        id=row[0], name=row[1], role=row[2], status=row[3], created_at=dialect.decode_time(row[4])
    )


def key_from_row(row: Any, dialect: Dialect) -> ApiKeyRow:
    """Return the key of a row of ``KEY_SELECTED``."""
    return ApiKeyRow(
        id=row[0],
        user_id=row[1],
        user_name=row[2],
        role=row[3],
        user_status=row[4],
        status=row[5],
        created_at=dialect.decode_time(row[6]),
        label=row[7],
        prefix=row[8],
        last_used_at=dialect.decode_optional_time(row[9]),
        last_used_ip=row[10],
        restrictions=restrictions_from_row(row[11:15], dialect),
        disabled_by=row[15],
        disabled_by_user_id=row[16],
    )


def restrictions_from_row(row: Sequence[Any], dialect: Dialect) -> Restrictions:
    """Return the restrictions of a row of ``RESTRICTION_COLUMNS``."""
    if all(value is None for value in row):
        return UNRESTRICTED
    return Restrictions(
        expires_at=dialect.decode_optional_time(row[0]),
        networks=_networks(row[1]),
        max_order_notional=dialect.decode_optional_decimal(row[2]),
        max_day_notional=dialect.decode_optional_decimal(row[3]),
    )


def restrictions_to_row(restrictions: Restrictions, dialect: Dialect) -> tuple[Any, ...]:
    """Return the values of ``RESTRICTION_COLUMNS``."""
    networks = (
        dumps([str(network) for network in restrictions.networks])
        if restrictions.networks
        else None
    )
    return (
        dialect.encode_optional_time(restrictions.expires_at),
        networks,
        dialect.encode_optional_decimal(restrictions.max_order_notional),
        dialect.encode_optional_decimal(restrictions.max_day_notional),
    )


def restrictions_json(restrictions: Restrictions) -> dict[str, Any]:
    """Return the restrictions as JSON values."""
    return {
        "expires_at": optional_time_text(restrictions.expires_at),
        "ip_allowlist": [str(network) for network in restrictions.networks] or None,
        "max_order_notional": optional_decimal_text(restrictions.max_order_notional),
        "max_day_notional": optional_decimal_text(restrictions.max_day_notional),
    }


def key_audit_json(
    label: str | None, status: str, restrictions: Restrictions, **more: object
) -> str:
    """Return the audit JSON of a key, without its text and hash."""
    content = {"label": label, "status": status, "restrictions": restrictions_json(restrictions)}
    return dumps(content | more)


def grant_audit_json(grant: Grant | None, **more: object) -> str | None:
    """Return the audit JSON of permission flags and strategies."""
    if grant is None:
        return None
    content: Mapping[str, object] = {name: getattr(grant, name) for name in PERMISSION_FLAGS}
    return dumps({**content, "strategy_ids": sorted(grant.strategy_ids), **more})


def _networks(text: str | None) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return the networks of an allowlist; an invalid list allows no network."""
    if text is None:
        return ()
    try:
        texts = loads(text)
        networks = tuple(ip_network(str(part), strict=False) for part in texts)
    except (NotJson, ValueError, TypeError):
        return NO_NETWORK
    return networks
