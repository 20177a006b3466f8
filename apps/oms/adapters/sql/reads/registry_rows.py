"""The rows of users, keys, permissions, accounts, strategies and kill switches, as audited."""

from typing import Any

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.rows.access import PERMISSION_FLAGS
from oms.adapters.sql.rows.users import restrictions_from_row, restrictions_json
from oms.ports.verification_reads import RegistryRow
from oms.wire.json import NotJson, loads

_FLAGS = ", ".join(PERMISSION_FLAGS)
#: Columns with the names of the audited fields; what commands change is not among them.
_PLAIN = {
    "user": ("users", ("name", "role", "status"), ("user_name", "role", "status")),
    "strategy": ("strategies", ("name", "status"), ("name", "status")),
    "account": (
        "accounts",
        *((("exchange_id", "label", "position_mode", "environment", "live_enabled"),) * 2),
    ),
    "kill_switch": (
        "kill_switches",
        ("scope", "mode", "comment", "cancel_entries", "flatten", "is_on", "set_by", "cause"),
        ("scope", "mode", "comment", "cancel_entries", "flatten", "on", "set_by", "cause"),
    ),
}


async def read_registry_rows(database: Database) -> list[RegistryRow]:
    """Return all rows with their fields in the form of the audit log. Raises ``Unavailable``."""
    found: list[RegistryRow] = []
    for entity, (table, columns, fields) in _PLAIN.items():
        rows = await database.fetch(f"SELECT id, {', '.join(columns)} FROM {table} ORDER BY id")
        found += [
            RegistryRow(entity, str(row[0]), None, dict(zip(fields, row[1:], strict=True)))
            for row in rows
        ]
    for account_id, text in await database.fetch("SELECT id, extra_config_json FROM accounts"):
        fields_of = {"extra_config_json": _json(text)}
        found.append(RegistryRow("account", str(account_id), None, fields_of))
    return [*found, *await _keys(database), *await _permissions(database)]


async def _keys(database: Database) -> list[RegistryRow]:
    rows = await database.fetch(
        "SELECT id, user_id, key_prefix, label, status, expires_at, ip_allowlist,"
        " max_order_notional, max_day_notional FROM user_api_keys ORDER BY id"
    )
    return [
        RegistryRow(
            "api_key",
            str(row[0]),
            None,
            {
                "user_id": row[1],
                "key_prefix": row[2],
                "label": row[3],
                "status": row[4],
                "restrictions": restrictions_json(restrictions_from_row(row[5:], database.dialect)),
            },
        )
        for row in rows
    ]


async def _permissions(database: Database) -> list[RegistryRow]:
    listed = await database.fetch(
        "SELECT api_key_id, account_id, strategy_id FROM api_key_strategy_permissions"
        " WHERE status = 'active' ORDER BY strategy_id"
    )
    strategies: dict[tuple[Any, Any], list[int]] = {}
    for key_id, account_id, strategy_id in listed:
        strategies.setdefault((key_id, account_id), []).append(strategy_id)
    rows = await database.fetch(
        f"SELECT api_key_id, account_id, {_FLAGS} FROM api_key_account_permissions"
        " WHERE status = 'active'"
    )
    return [
        RegistryRow(
            "api_key",
            str(row[0]),
            row[1],
            {
                **{name: bool(flag) for name, flag in zip(PERMISSION_FLAGS, row[2:], strict=True)},
                "strategy_ids": strategies.get((row[0], row[1]), []),
            },
        )
        for row in rows
    ]


def _json(text: Any) -> Any:
    try:
        return None if text is None else loads(text)
    except (NotJson, TypeError):
        return text
