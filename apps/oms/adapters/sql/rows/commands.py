"""Rows of ``oms_commands``: inserted when queued, updated once with the result."""

from datetime import datetime
from typing import Any

from oms.adapters.sql.connection.bulk_write import BulkInsert, BulkUpdate
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.statement_batch import Values
from oms.adapters.sql.rows.text_codec import truncate
from oms.domain.commands.command import Actor, CommandResult, CommandStatus, command_status
from oms.domain.value import constructor
from oms.ports.command_queue import CommandRow, NewCommand
from oms.wire.commands.result_codec import dump_error, dump_result

_new_row, _new_actor = constructor(CommandRow), constructor(Actor)

COLUMNS = (
    "id",
    "account_id",
    "command_type",
    "request_id",
    "idempotency_key",
    "fingerprint",
    "payload_json",
    "status",
    "after_command_id",
    "hold_until",
    "actor_user_id",
    "actor_api_key_id",
    "actor_role",
    "actor_ip",
    "comment",
    "created_at",
    "updated_at",
)
_QUEUED_AT = "queued_at"
"""The database's time of storing: the order of the queue, whatever the clocks of API hosts say."""
INSERT = BulkInsert(table="oms_commands", columns=COLUMNS, long_column=6, time_column=_QUEUED_AT)
#: A stored command with the same request id stays as it is.
INSERT_FOLLOW_UP = BulkInsert(
    table="oms_commands",
    columns=COLUMNS,
    key=("account_id", "request_id"),
    update_columns=("request_id",),
    long_column=6,
    time_column=_QUEUED_AT,
)

UPDATE_RESULT = BulkUpdate(
    table="oms_commands",
    key="id",
    columns=(
        "status",
        "error_json",
        "result_json",
        "order_id",
        "lease_token",
        "finished_at",
        "updated_at",
    ),
    always_set="attempts = attempts + 1",
    fillers={
        "account_id": "0",
        "command_type": "''",
        "fingerprint": "''",
        "payload_json": "''",
        "created_at": "'1970-01-01 00:00:00'",
    },
)

TRADING_CALL_SQL = """SUBSTR({}payload_json, 1, 8) = '{{"trade"'"""
"""SQL condition whether a stored ccxt call trades; ``{}`` is the table prefix."""

_READ = (
    "id",
    "account_id",
    "command_type",
    "payload_json",
    "fingerprint",
    "status",
    "created_at",
    "request_id",
    "comment",
    "error_json",
    "result_json",
    "order_id",
    "attempts",
    "started_at",
    "finished_at",
    "actor_user_id",
    "actor_api_key_id",
    "actor_role",
    "actor_ip",
    "after_command_id",
    "hold_until",
)
SELECTED = ", ".join(_READ)
#: The same with the table alias ``c``.
SELECTED_C = ", ".join(f"c.{name}" for name in _READ)
#: Statuses of a command without a result.
PENDING_STATUSES = (CommandStatus.QUEUED.value, CommandStatus.RUNNING.value)
_QUEUED = CommandStatus.QUEUED.value


def command_to_row(command: NewCommand, dialect: Dialect) -> Values:
    """Return the row of a new command in the order of ``COLUMNS``."""
    created_at = dialect.encode_time(command.created_at)
    return (
        command.id,
        command.account_id,
        command.command_type,
        command.request_id,
        command.idempotency_key,
        command.fingerprint,
        command.payload,
        _QUEUED,
        command.after_command_id,
        dialect.encode_optional_time(command.hold_until),
        command.actor.user_id,
        command.actor.api_key_id,
        command.actor.role,
        command.actor.ip,
        truncate(command.comment),
        created_at,
        created_at,
    )


def result_to_row(
    command_id: int, result: CommandResult, token: int, now: datetime, dialect: Dialect
) -> Values:
    """Return the values of ``UPDATE_RESULT``: result, lease token and time."""
    at = dialect.encode_time(now)
    return (
        command_id,
        str(result.status),
        None if result.error is None else dump_error(result.error),
        dump_result(result),
        result.order_id,
        token,
        at if result.status.is_final else None,
        at,
    )


def command_from_row(row: Any, dialect: Dialect) -> CommandRow:
    """Return the command of a row of ``SELECTED``."""
    is_chained = row[19] is not None
    return _new_row(
        id=row[0],
        account_id=row[1],
        command_type=row[2],
        payload=row[3],
        fingerprint=row[4],
        status=command_status(row[5]),
        created_at=dialect.decode_time(row[6]),
        request_id=row[7],
        comment=row[8],
        error=row[9],
        result=row[10],
        order_id=row[11],
        attempts=row[12],
        started_at=dialect.decode_optional_time(row[13]),
        finished_at=dialect.decode_optional_time(row[14]),
        actor=_new_actor(
            user_id=row[15] or 0, api_key_id=row[16] or 0, role=row[17] or "", ip=row[18] or ""
        ),
        held_until=None if is_chained else dialect.decode_optional_time(row[20]),
    )
