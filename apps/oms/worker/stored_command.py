"""A command, and its result so far, from the row of the queue."""

from oms.domain.commands.command import Command, CommandResult
from oms.domain.value import constructor
from oms.ports.command_queue import CommandRow
from oms.wire.commands.command_codec import decode_payload
from oms.wire.commands.result_codec import load_result

_new_command = constructor(Command)


def result_of(row: CommandRow) -> CommandResult:
    """Return the result so far of a command that is not finished."""
    return load_result(row.status, row.error, row.result, row.order_id)


def command_of(row: CommandRow) -> Command:
    """Return the command of a stored row."""
    return _new_command(
        id=row.id,
        account_id=row.account_id,
        payload=decode_payload(row.command_type, row.payload),
        actor=row.actor,
        request_id=row.request_id,
        comment=row.comment,
        created_at=row.created_at,
        held_until=row.held_until,
    )
