"""Rows of users and keys, and what keys are held to, as values and as the audit log tells them."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from oms.adapters.sql.dialect import Dialect
from oms.adapters.sql.rows.access import FLAGS
from oms.domain.access import UNRESTRICTED, Grant, Restrictions
from oms.ports.people import KeyRow
from oms.ports.registry import UserRow
from oms.wire.json import NotJson, dumps, loads, optional_decimal, optional_time

USER_SELECTED = "id, name, role, status, created_at"
#: Of a key where the table is named ``k``.
HELD = "k.expires_at, k.ip_allowlist, k.max_order_notional, k.max_day_notional"
KEY_SELECTED = (
    "k.id, k.user_id, u.name, u.role, u.status, k.status, k.created_at, k.label, k.key_prefix,"
    f" k.last_used_at, k.last_used_ip, {HELD}"
)
KEY_JOINED = "user_api_keys k JOIN users u ON u.id = k.user_id"
#: Where a key may be used from whose list nobody can read.
NOWHERE = (ip_network("255.255.255.255/32"),)


def user_of(row: Any, dialect: Dialect) -> UserRow:
    """The user of a row of ``USER_SELECTED``."""
    return UserRow(
        id=row[0], name=row[1], role=row[2], status=row[3], created_at=dialect.time_out(row[4])
    )


def key_of(row: Any, dialect: Dialect) -> KeyRow:
    """The key of a row of ``KEY_SELECTED``."""
    return KeyRow(
        id=row[0],
        user_id=row[1],
        user_name=row[2],
        role=row[3],
        user_status=row[4],
        status=row[5],
        created_at=dialect.time_out(row[6]),
        label=row[7],
        prefix=row[8],
        last_used_at=dialect.optional_time_out(row[9]),
        last_used_ip=row[10],
        restrictions=restrictions_of(row[11:15], dialect),
    )


def restrictions_of(row: Sequence[Any], dialect: Dialect) -> Restrictions:
    """What a key is held to, from the columns of ``HELD``."""
    if all(value is None for value in row):
        return UNRESTRICTED
    return Restrictions(
        expires_at=dialect.optional_time_out(row[0]),
        networks=_networks(row[1]),
        max_order_notional=dialect.optional_decimal_out(row[2]),
        max_day_notional=dialect.optional_decimal_out(row[3]),
    )


def restrictions_in(held: Restrictions, dialect: Dialect) -> tuple[Any, ...]:
    """The columns of ``HELD``."""
    networks = dumps([str(network) for network in held.networks]) if held.networks else None
    return (
        dialect.optional_time_in(held.expires_at),
        networks,
        dialect.optional_decimal_in(held.max_order_notional),
        dialect.optional_decimal_in(held.max_day_notional),
    )


def told_restrictions(held: Restrictions) -> dict[str, Any]:
    """What a key is held to, as JSON values."""
    return {
        "expires_at": optional_time(held.expires_at),
        "ip_allowlist": [str(network) for network in held.networks] or None,
        "max_order_notional": optional_decimal(held.max_order_notional),
        "max_day_notional": optional_decimal(held.max_day_notional),
    }


def told_key(label: str | None, status: str, restrictions: Restrictions, **more: object) -> str:
    """A key in the audit log: never its text, never its hash."""
    told = {"label": label, "status": status, "restrictions": told_restrictions(restrictions)}
    return dumps(told | more)


def told_grant(grant: Grant | None) -> str | None:
    """Flags and list of strategies in the audit log."""
    if grant is None:
        return None
    told: Mapping[str, object] = {name: getattr(grant, name) for name in FLAGS}
    return dumps({**told, "strategy_ids": sorted(grant.strategy_ids)})


def _networks(text: str | None) -> tuple[IPv4Network | IPv6Network, ...]:
    """Somebody may have written to the table by hand: what is no list of networks is nowhere."""
    if text is None:
        return ()
    try:
        listed = loads(text)
        found = tuple(ip_network(str(part), strict=False) for part in listed)
    except (NotJson, ValueError, TypeError):
        return NOWHERE
    return found
