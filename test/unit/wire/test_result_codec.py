"""Command results survive encoding in their columns."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from oms.domain.commands.command import Actor, CommandResult, CommandStatus
from oms.domain.errors import Refused
from oms.ports.command_queue import NewCommand
from oms.wire.commands.result_codec import (
    dump_error,
    dump_result,
    dump_result_notice,
    load_result,
    load_result_notice,
)
from oms.wire.json import loads

ERROR = Refused(
    code="risk_blocked",
    message='no "more" é\n',
    reason="max_order_qty",
    limit=Decimal("1.50"),
    value=Decimal("1E+3"),
    set_by="account 7",
    outcome="not_sent",
)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
COMMAND = NewCommand(
    id=3,
    account_id=7,
    command_type="send_order",
    payload="{}",
    fingerprint="f",
    actor=Actor(user_id=1, api_key_id=2, role="trader"),
    created_at=NOON,
)


@pytest.mark.parametrize(
    "result",
    [
        CommandResult(status=CommandStatus.DONE),
        CommandResult(status=CommandStatus.DONE, order_id=5, client_order_id="C5"),
        CommandResult(status=CommandStatus.DONE, order_ids=(1, 2), skipped=((3, "too_late"),)),
        CommandResult(
            status=CommandStatus.DONE, order_ids=(1,), position_ids=(4, 5), deal_ids=(6, 7)
        ),
        CommandResult(status=CommandStatus.DONE, value='{"last":1.5}'),
        CommandResult(status=CommandStatus.REFUSED, error=ERROR),
        CommandResult(
            status=CommandStatus.FAILED,
            order_id=5,
            error=Refused(code="exchange_rejected", message="no", outcome="rejected"),
        ),
    ],
)
def test_a_result_survives_encoding(result: CommandResult) -> None:
    error = None if result.error is None else dump_error(result.error)

    assert load_result(result.status, error, dump_result(result), result.order_id) == result
    row = load_result_notice(dump_result_notice(result, NOON), COMMAND)
    assert row is not None
    assert load_result(row.status, row.error, row.result, row.order_id) == result
    assert (row.id, row.payload, row.finished_at) == (COMMAND.id, COMMAND.payload, NOON)


def test_an_error_names_every_key_and_writes_plain_decimals() -> None:
    assert loads(dump_error(ERROR)) == {
        "code": "risk_blocked",
        "message": 'no "more" é\n',
        "reason": "max_order_qty",
        "limit": "1.5",
        "value": "1000",
        "set_by": "account 7",
        "outcome": "not_sent",
    }


def test_an_empty_result_is_none() -> None:
    assert dump_result(CommandResult(status=CommandStatus.DONE)) is None
    assert dump_result(CommandResult(status=CommandStatus.DONE, order_id=5)) == '{"order_id":5}'
