"""One command for a group of accounts, as ``POST /oms/commands`` takes it."""

from collections.abc import Mapping, Sequence
from typing import Any

from oms.api.context import ApiContext
from oms.domain.access import Principal
from oms.services.submission.submit import IdempotencyKey, SubmitItemResult
from oms.wire.admin.account_groups import read_group_command
from oms.wire.commands.command_requests import CommandRequest
from oms.wire.json import canonical_json_steps
from oms.wire.responses.command_rows import CommandResultRow
from oms.wire.steps import in_steps


async def group_commands(
    context: ApiContext, principal: Principal, body: Mapping[str, Any]
) -> tuple[CommandRequest, ...]:
    """Return one command per member of the group. Raises ``Malformed``, ``NotFound``."""
    group_id, request = read_group_command(body)
    return tuple(await context.account_groups.commands(principal, group_id, request))


async def group_key(user_id: int, request_id: str | None, body: object) -> IdempotencyKey | None:
    """Return the key under which a group's command with a request id is stored once.

    A request id is unique in each account; this key also keeps accounts that became members later
    out of a repeat.
    """
    if request_id is None:
        return None
    text = await in_steps(canonical_json_steps(body))
    return IdempotencyKey(scope=f"{user_id} account group {request_id}", body=text)


def name_accounts(results: Sequence[CommandResultRow], items: Sequence[SubmitItemResult]) -> None:
    """Add to each result of a group the account that it is about."""
    for row, item in zip(results, items, strict=True):
        row["account_id"] = item.account_id
