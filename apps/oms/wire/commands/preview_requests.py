"""Requests of verdicts on commands: ``POST /oms/commands/preview`` and ``POST /risk/check``."""

from oms.domain.commands.account_commands import CheckOrder
from oms.domain.commands.command import ChangeOrder, ClosePosition, CommandPayload, SendOrder
from oms.domain.commands.command_targets import (
    target_order_ids,
    target_position_ids,
    target_strategy_ids,
)
from oms.domain.orders.order_types import OCO_PARAM
from oms.domain.value import evolve
from oms.wire.commands.command_codec import command_type_of, encode_payload
from oms.wire.commands.command_requests import CommandRequest, read_commands
from oms.wire.request_body import malformed_at

PREVIEWS_MAX = 100
"""Commands of one request."""


def read_previews(body: object) -> tuple[CommandRequest, ...]:
    """Parse a body as ``POST /oms/commands`` takes it; its commands are those that ask.

    Raises ``Malformed``, also of commands that have no preview.
    """
    requests = read_commands(body, PREVIEWS_MAX)
    for index, request in enumerate(requests):
        if not _has_preview(request.payload):
            message = "send_order, close_position, or change_order without stop levels is expected"
            raise malformed_at((index, "command"), message, "no_preview")
    return tuple(
        evolve(request, payload=check_of(request.payload, is_preview=True), request_id=None)
        for request in requests
    )


def check_of(payload: CommandPayload, *, is_preview: bool = False) -> CheckOrder:
    """Return the command that asks for the verdict on another one."""
    return CheckOrder(
        order=encode_payload(payload),
        command=command_type_of(payload),
        strategy_ids=target_strategy_ids(payload),
        position_ids=target_position_ids(payload),
        order_ids=target_order_ids(payload),
        is_preview=is_preview,
    )


def _has_preview(payload: CommandPayload) -> bool:
    match payload:
        case SendOrder():
            return OCO_PARAM not in payload.params
        case ChangeOrder():
            return payload.levels is None
        case _:
            return isinstance(payload, ClosePosition)
