"""Codec of stored command results.

``error``   {code, message, reason, limit, value, set_by, outcome, facts?}
``result``  {order_id, client_order_id, order_ids, position_ids, deal_ids,
            skipped: [[order_id, code]], value, replayed,
            deferred_command_id}; empty keys are left out, an empty
            result is ``None``

A notification carries [status, error, result, order_id, finished_at]: the columns of these names.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from oms.domain.commands.command import CommandResult, CommandStatus, command_status
from oms.domain.errors import Refused
from oms.domain.value import constructor
from oms.ports.command_queue import CommandRow, NewCommand
from oms.wire.json import (
    NotJson,
    dumps_fast,
    loads,
    loads_fast,
    optional_decimal_text,
    time_text,
)

_new_row, _new_result = constructor(CommandRow), constructor(CommandResult)

_ROWS = ("order_ids", "position_ids", "deal_ids")


def dump_error(error: Refused) -> str:
    """Return the error as JSON text; all keys are present but ``facts``, which is optional."""
    fields: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "reason": error.reason,
        "limit": optional_decimal_text(error.limit),
        "value": optional_decimal_text(error.value),
        "set_by": error.set_by,
        "outcome": error.outcome,
    }
    if error.facts:
        fields["facts"] = dict(error.facts)
    return dumps_fast(fields)


def dump_result(result: CommandResult) -> str | None:
    """Return what a command created or changed as JSON text."""
    fields: dict[str, Any] = {}
    if result.order_id is not None:
        fields["order_id"] = result.order_id
    if result.client_order_id is not None:
        fields["client_order_id"] = result.client_order_id
    if result.order_ids:
        fields["order_ids"] = list(result.order_ids)
    if result.position_ids:
        fields["position_ids"] = list(result.position_ids)
    if result.deal_ids:
        fields["deal_ids"] = list(result.deal_ids)
    if result.skipped:
        fields["skipped"] = [list(pair) for pair in result.skipped]
    if result.value is not None:
        fields["value"] = result.value
    if result.replayed:
        fields["replayed"] = True
    if result.deferred_command_id is not None:
        fields["deferred_command_id"] = result.deferred_command_id
    return dumps_fast(fields) if fields else None


def dump_result_notice(result: CommandResult, at: datetime) -> str:
    """Return a final result as the text of a notification."""
    error = None if result.error is None else dump_error(result.error)
    return dumps_fast(
        [str(result.status), error, dump_result(result), result.order_id, time_text(at)]
    )


def load_result_notice(text: str, command: NewCommand) -> CommandRow | None:
    """Return ``command`` with the notified result; ``None`` if the text has another format."""
    try:
        status, error, result, order_id, finished_at = loads_fast(text)
        return _new_row(
            id=command.id,
            account_id=command.account_id,
            command_type=command.command_type,
            payload=command.payload,
            fingerprint=command.fingerprint,
            actor=command.actor,
            status=command_status(status),
            created_at=command.created_at,
            request_id=command.request_id,
            comment=command.comment,
            error=error,
            result=result,
            order_id=order_id,
            attempts=1,
            finished_at=datetime.fromisoformat(finished_at),
        )
    except (NotJson, ValueError, TypeError):
        return None


def load_error(text: str) -> Refused:
    """Decode the output of ``dump_error``."""
    fields = loads(text)
    return Refused(
        code=fields["code"],
        message=fields["message"],
        reason=fields["reason"],
        limit=_decimal(fields["limit"]),
        value=_decimal(fields["value"]),
        set_by=fields["set_by"],
        outcome=fields["outcome"],
        facts=fields.get("facts"),
    )


def load_result(
    status: CommandStatus, error: str | None, result: str | None, order_id: int | None
) -> CommandResult:
    """Return the result stored in the columns of a command."""
    fields: dict[str, Any] = {"order_id": order_id}
    if result is not None:
        fields |= loads_fast(result)
        for name in _ROWS:
            if name in fields:
                fields[name] = tuple(fields[name])
        if "skipped" in fields:
            fields["skipped"] = tuple(tuple(pair) for pair in fields["skipped"])
    return _new_result(status=status, error=None if error is None else load_error(error), **fields)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
