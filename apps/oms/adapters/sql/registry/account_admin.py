"""Administration of accounts: ``ports.account_admin.AccountAdmin``."""

from collections.abc import Sequence
from typing import Any

from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.coordination.fencing import revoke_lease
from oms.adapters.sql.registry.audited_writer import AuditedResult, AuditedWriter
from oms.adapters.sql.rows import events
from oms.domain.errors import Conflict, NotFound
from oms.ports.account_admin import AccountChange, AccountRecord
from oms.ports.audit_log import AuditContext
from oms.ports.ledger_store import EventRow
from oms.ports.registry import AuditEntry
from oms.wire.account_config.ccxt_allow import check_ccxt_allow
from oms.wire.account_config.discrepancy_policies import check_policies
from oms.wire.account_config.paper_settings import read_paper_settings
from oms.wire.admin.account_requests import environment_of
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
#: Changeable columns and the fields of ``AccountRecord``.
_SET = {
    "label": "label",
    "exchange_id": "exchange_id",
    "position_mode": "position_mode",
    "environment": "environment",
    "is_testnet": "is_testnet",
    "status": "status",
    "live_enabled": "live_enabled",
    "extra_config_json": "extra_config",
    "trader_name": "trader_name",
}
#: Columns that trading does not use.
_NOT_USED_BY_TRADING = frozenset({"label", "trader_name"})
#: Columns that are validated together.
_CHECKED_TOGETHER = frozenset({"exchange_id", "environment", "is_testnet", "extra_config_json"})


class SqlAccountAdmin(AuditedWriter):
    """``ports.account_admin.AccountAdmin``."""

    async def records(self) -> Sequence[AccountRecord]:
        """Return all accounts, ascending."""
        return [self._of(row) for row in await self._database.fetch(f"{_SELECTED} ORDER BY a.id")]

    async def record(self, account_id: int) -> AccountRecord | None:
        """Return one account."""
        text = f"{_SELECTED} WHERE a.id = {self._dialect.param}"
        found = await self._database.fetch(text, (account_id,))
        return self._of(found[0]) if found else None

    async def change(
        self, account_id: int, change: AccountChange, audit_context: AuditContext
    ) -> int:
        """Raises ``NotFound``, ``Conflict``, ``Invalid``."""
        if change.extra_config is not None:
            read_paper_settings(change.extra_config, strict=True)
            check_ccxt_allow(change.extra_config)
            check_policies(change.extra_config)
        await self._ids.ensure("event", 1)

        async def work(session: Session) -> AuditedResult[int]:
            before = await self._locked(session, account_id)
            requested = _requested_columns(before, change)
            changed = {n for n, field in _SET.items() if requested[n] != getattr(before, field)}
            head = (
                None if changed <= _NOT_USED_BY_TRADING else await revoke_lease(session, account_id)
            )
            await _refuse_conflicts(session, account_id, changed)
            if changed & _CHECKED_TOGETHER:
                check_account(
                    exchange_id=requested["exchange_id"],
                    environment=requested["environment"],
                    extra_config=requested["extra_config_json"],
                )
            if changed:
                await _update(session, account_id, {name: requested[name] for name in changed})
            if "status" in changed and head is not None:
                event = _status_event(
                    self._ids("event"), account_id, head, requested["status"], audit_context
                )
                await events.INSERT(
                    session, [events.event_to_row(event, audit_context.at, session.dialect)]
                )
                await _advance(session, account_id, head + 1)
            return 1, [
                _entry(before, {name: requested[name] for name in sorted(changed)}, audit_context)
            ]

        return await self._write_audited(work, audit_context.at)

    async def _locked(self, session: Session, account_id: int) -> AccountRecord:
        param = session.dialect.param
        lock = f"SELECT id FROM accounts WHERE id = {param}{session.dialect.for_update}"
        if not await session.fetch(lock, (account_id,)):
            raise NotFound(f"account_id={account_id}", code="account_not_found")
        found = await session.fetch(f"{_SELECTED} WHERE a.id = {param}", (account_id,))
        return self._of(found[0])

    def _of(self, row: Any) -> AccountRecord:
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


def _requested_columns(before: AccountRecord, change: AccountChange) -> dict[str, Any]:
    """Return the columns after the change."""
    requested: dict[str, Any] = {}
    for column, field in _SET.items():
        new = getattr(change, field)
        requested[column] = getattr(before, field) if new is None else new
    if change.clears_trader_name:
        requested["trader_name"] = None
    moved = (requested["exchange_id"], requested["is_testnet"])
    if change.environment is None and moved != (before.exchange_id, before.is_testnet):
        requested["environment"] = environment_of(*moved)
    return requested


async def _advance(session: Session, account_id: int, head: int) -> None:
    param = session.dialect.param
    text = f"UPDATE account_streams SET head_seq = {param} WHERE account_id = {param}"
    await session.execute(text, (head, account_id))


async def _refuse_conflicts(session: Session, account_id: int, changed: set[str]) -> None:
    """Raises ``Conflict``."""
    param = session.dialect.param
    if changed & {"exchange_id", "is_testnet"}:
        text = f"SELECT id FROM oms_orders WHERE account_id = {param} LIMIT 1"
        if await session.fetch(text, (account_id,)):
            raise Conflict("exchange_id and is_testnet change only before the first order")
    if "position_mode" in changed:
        orders = f"SELECT id FROM oms_orders WHERE account_id = {param} AND is_open = 1 LIMIT 1"
        positions = (
            f"SELECT id FROM oms_positions WHERE account_id = {param}"
            " AND state IN ('open', 'close_requested') LIMIT 1"
        )
        for text in (orders, positions):
            if await session.fetch(text, (account_id,)):
                raise Conflict("position_mode changes only while flat and without open orders")


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


def _entry(before: AccountRecord, after: dict[str, Any], audit_context: AuditContext) -> AuditEntry:
    was = {column: getattr(before, _SET[column]) for column in after}
    for columns in (was, after):
        if "extra_config_json" in columns:
            columns["extra_config_json"] = loads(columns["extra_config_json"])
    return audit_context.entry(
        "change_account",
        "account",
        before.id,
        before=dumps(was),
        after=dumps(after),
        account_id=before.id,
    )
