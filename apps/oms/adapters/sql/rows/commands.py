"""Rows of ``oms_commands``: stored whole, finished once by their result."""

from datetime import datetime
from typing import Any

from oms.adapters.sql.bulk import Change, Insert
from oms.adapters.sql.dialect import Dialect
from oms.adapters.sql.rows.text import clipped
from oms.adapters.sql.script import Values
from oms.domain.command import Actor, CommandResult, CommandStatus
from oms.ports.queue import CommandRow, NewCommand
from oms.wire.results import dump_error, dump_result

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
INSERT = Insert(table="oms_commands", columns=COLUMNS, long_column=6)

FINISH = Change(
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
    also="attempts = attempts + 1",
    fillers={
        "account_id": "0",
        "command_type": "''",
        "fingerprint": "''",
        "payload_json": "''",
        "created_at": "'1970-01-01 00:00:00'",
    },
)

CALL_TRADES = """SUBSTR({}payload_json, 1, 8) = '{{"trade"'"""
"""Whether a stored ccxt call trades, of a table to be named; see ``wire.commands``."""

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
)
SELECTED = ", ".join(_READ)
#: The same where the table is named ``c``.
SELECTED_C = ", ".join(f"c.{name}" for name in _READ)
#: Words of a command that still waits for its result.
WAITING = (CommandStatus.QUEUED.value, CommandStatus.RUNNING.value)


def values(command: NewCommand, dialect: Dialect) -> Values:
    """The row of a new command, in the order of ``COLUMNS``."""
    created_at = dialect.time_in(command.created_at)
    return (
        command.id,
        command.account_id,
        command.command_type,
        command.request_id,
        command.idempotency_key,
        command.fingerprint,
        command.payload,
        CommandStatus.QUEUED.value,
        command.after_command_id,
        dialect.optional_time_in(command.hold_until),
        command.actor.user_id,
        command.actor.api_key_id,
        command.actor.role,
        command.actor.ip,
        clipped(command.comment),
        created_at,
        created_at,
    )


def finish_values(
    command_id: int, result: CommandResult, token: int, now: datetime, dialect: Dialect
) -> Values:
    """The values of ``FINISH``: how the command ended, under which lease, when."""
    at = dialect.time_in(now)
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


def command_of(row: Any, dialect: Dialect) -> CommandRow:
    """The command of a row of ``SELECTED``."""
    return CommandRow(
        id=row[0],
        account_id=row[1],
        command_type=row[2],
        payload=row[3],
        fingerprint=row[4],
        status=CommandStatus(row[5]),
        created_at=dialect.time_out(row[6]),
        request_id=row[7],
        comment=row[8],
        error=row[9],
        result=row[10],
        order_id=row[11],
        attempts=row[12],
        started_at=dialect.optional_time_out(row[13]),
        finished_at=dialect.optional_time_out(row[14]),
        actor=Actor(
            user_id=row[15] or 0, api_key_id=row[16] or 0, role=row[17] or "", ip=row[18] or ""
        ),
    )
