"""Administration of accounts: ``ports.account_admin.AccountAdmin``."""

from collections.abc import Collection, Sequence
from typing import Any

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.coordination.fencing import revoke_lease
from oms.adapters.sql.coordination.id_blocks import SqlIdBlocks
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.adapters.sql.rows import events
from oms.domain.account_change import (
    ENGINE_FIELDS,
    AccountUsage,
    affects_trading,
    refuse_account_change,
)
from oms.domain.errors import Conflict, NotFound
from oms.ports.admin.account_admin import AccountChange, AccountCheck, AccountRecord
from oms.ports.audit_log import AuditContext
from oms.ports.ledger_store import EventRow
from oms.ports.registry import AuditEntry
from oms.wire.account_config.extra_config import check_extra_config
from oms.wire.admin.account_requests import CHANGEABLE_FIELDS, apply_account_change
from oms.wire.json import dumps, loads

#: Columns reported unchanged.
_MORE_COLUMNS = (
    "reconcile_enabled",
    "reconcile_short_interval_seconds",
    "reconcile_short_lookback_seconds",
    "reconcile_hourly_interval_seconds",
    "reconcile_hourly_lookback_seconds",
    "reconcile_long_interval_seconds",
    "reconcile_long_lookback_seconds",
    "dispatcher_worker_hint",
    "dispatcher_hint_updated_at",
    "raw_storage_mode",
)
_SELECTED = (
    "SELECT a.id, a.label, a.exchange_id, a.position_mode, a.environment, a.is_testnet, a.status,"
    " a.live_enabled, a.extra_config_json, a.trader_name, a.created_at, c.api_key_enc,"
    " c.secret_enc, c.passphrase_enc, c.updated_at,"
    f" {', '.join(f'a.{name}' for name in _MORE_COLUMNS)}"
    " FROM accounts a LEFT JOIN account_credentials_encrypted c ON c.account_id = a.id"
)
_SEALED = ("api_key_enc", "secret_enc", "passphrase_enc")
#: Columns of changeable fields; the others have the name of their field.
_COLUMNS = {"extra_config": "extra_config_json"}


class SqlAccountAdmin(AuditedWriter):
    """``ports.account_admin.AccountAdmin``."""

    def __init__(self, database: Database, ids: SqlIdBlocks, check_account: AccountCheck) -> None:
        super().__init__(database, ids)
        self._check_account = check_account

    async def records(self) -> Sequence[AccountRecord]:
        """Return all accounts, ascending."""
        return [
            self._record(row) for row in await self._database.fetch(f"{_SELECTED} ORDER BY a.id")
        ]

    async def record(self, account_id: int) -> AccountRecord | None:
        """Return one account."""
        text = f"{_SELECTED} WHERE a.id = {self._dialect.param}"
        rows = await self._database.fetch(text, (account_id,))
        return self._record(rows[0]) if rows else None

    async def change(
        self, account_id: int, change: AccountChange, audit_context: AuditContext
    ) -> int:
        """Change an account, fencing its worker if trading is affected; returns 1.

        Raises ``NotFound``, ``Conflict``, ``Invalid``.
        """
        if change.extra_config is not None:
            check_extra_config(change.extra_config)
        event_id = await self._ids.allocate("event")

        async def work(session: Session) -> AuditedResult[int]:
            before = await self._lock(session, account_id)
            after = apply_account_change(before, change)
            changed = {n for n in CHANGEABLE_FIELDS if getattr(after, n) != getattr(before, n)}
            head = await revoke_lease(session, account_id) if affects_trading(changed) else None
            refused = refuse_account_change(changed, await _read_usage(session, account_id))
            if refused is not None:
                raise Conflict(refused.message)
            if changed & ENGINE_FIELDS:
                self._check_account(
                    exchange_id=after.exchange_id,
                    environment=after.environment,
                    extra_config=after.extra_config,
                )
            if changed:
                await _update(session, account_id, _columns(after, changed))
            if "status" in changed and head is not None:
                event = _status_event(event_id, account_id, head, after.status, audit_context)
                await events.INSERT(
                    session, [events.event_to_row(event, audit_context.at, session.dialect)]
                )
                await _advance(session, account_id, head + 1)
            old, new = _columns(before, changed), _columns(after, changed)
            return 1, [_entry(account_id, old, new, audit_context)]

        return await self._write_audited(work, audit_context.at)

    async def _lock(self, session: Session, account_id: int) -> AccountRecord:
        param = session.dialect.param
        lock = f"SELECT id FROM accounts WHERE id = {param}{session.dialect.for_update}"
        if not await session.fetch(lock, (account_id,)):
            raise NotFound(f"account_id={account_id}", code="account_not_found")
        rows = await session.fetch(f"{_SELECTED} WHERE a.id = {param}", (account_id,))
        return self._record(rows[0])

    def _record(self, row: Any) -> AccountRecord:
        more: dict[str, object] = dict(zip(_MORE_COLUMNS, row[15:], strict=True))
        more["reconcile_enabled"] = bool(more["reconcile_enabled"])
        hinted = self._dialect.decode_optional_time(more["dispatcher_hint_updated_at"])
        more["dispatcher_hint_updated_at"] = hinted
        return AccountRecord(
            id=row[0],
            label=row[1],
            exchange_id=row[2],
            position_mode=row[3],
            environment=row[4],
            is_testnet=bool(row[5]),
            status=row[6],
            live_enabled=bool(row[7]),
            extra_config=row[8] or "{}",
            trader_name=row[9],
            created_at=self._dialect.decode_time(row[10]),
            more=more,
            sealed=frozenset(n for n, text in zip(_SEALED, row[11:14], strict=True) if text),
            sealed_at=self._dialect.decode_optional_time(row[14]),
        )


def _columns(record: AccountRecord, fields: Collection[str]) -> dict[str, Any]:
    """Return the values of ``fields`` by column, ordered by column."""
    column_fields = sorted((_COLUMNS.get(field, field), field) for field in fields)
    return {column: getattr(record, field) for column, field in column_fields}


async def _advance(session: Session, account_id: int, head: int) -> None:
    param = session.dialect.param
    text = f"UPDATE account_streams SET head_seq = {param} WHERE account_id = {param}"
    await session.execute(text, (head, account_id))


async def _read_usage(session: Session, account_id: int) -> AccountUsage:
    param = session.dialect.param
    orders = f"EXISTS (SELECT 1 FROM oms_orders WHERE account_id = {param}"
    positions = f"EXISTS (SELECT 1 FROM oms_positions WHERE account_id = {param}"
    archived = f"EXISTS (SELECT 1 FROM archived_rows WHERE account_id = {param}"
    text = (
        f"SELECT {orders}), {orders} AND is_open = 1),"
        f" {positions} AND state IN ('open', 'close_requested')),"
        f" {archived} AND kind = 'order')"
    )
    ((has_orders, has_open_orders, has_open_positions, has_archived),) = await session.fetch(
        text, (account_id, account_id, account_id, account_id)
    )
    return AccountUsage(
        has_orders=bool(has_orders or has_archived),
        has_open_orders=bool(has_open_orders),
        has_open_positions=bool(has_open_positions),
    )


async def _update(session: Session, account_id: int, columns: dict[str, Any]) -> None:
    param = session.dialect.param
    sets = ", ".join(f"{name} = {param}" for name in columns)
    text = f"UPDATE accounts SET {sets} WHERE id = {param}"
    await session.execute(text, (*columns.values(), account_id))


def _status_event(
    event_id: int, account_id: int, head: int, status: str, audit_context: AuditContext
) -> EventRow:
    payload = {
        "account_id": account_id,
        "status": status,
        "comment": audit_context.comment,
        "actor_user_id": audit_context.user_id,
        "actor_api_key_id": audit_context.api_key_id,
    }
    return EventRow(
        id=event_id,
        account_id=account_id,
        seq=head + 1,
        seq_to=head + 1,
        strategy_id=0,
        namespace="risk",
        event_type="account_status_changed",
        payload=dumps(payload),
    )


def _entry(
    account_id: int, before: dict[str, Any], after: dict[str, Any], audit_context: AuditContext
) -> AuditEntry:
    for columns in (before, after):
        if "extra_config_json" in columns:
            columns["extra_config_json"] = loads(columns["extra_config_json"])
    return audit_context.entry(
        "change_account",
        "account",
        account_id,
        before=dumps(before),
        after=dumps(after),
        account_id=account_id,
    )
