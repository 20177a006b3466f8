"""The orders and positions that requests name: who owns them, and what they say of the request.

A request that names no account is for the account of the rows that it names.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from oms.domain.access import Principal, Role
from oms.domain.commands.command import CancelOrder, CommandPayload, SendOrder
from oms.domain.commands.command_targets import (
    target_order_ids,
    target_position_ids,
    target_strategy_ids,
)
from oms.domain.errors import Refused
from oms.wire.commands.command_requests import CommandRequest

OwnerRows = Mapping[int, tuple[int, int]]
"""(account id, strategy id) of rows, by row id."""

Owners = tuple[OwnerRows, OwnerRows]
"""Of orders, and of positions."""


class NamedRows(NamedTuple):
    """The ids of the rows that a command names."""

    order_ids: tuple[int, ...]
    position_ids: tuple[int, ...]


def named_rows(payload: CommandPayload) -> NamedRows:
    """Return the ids of the rows that a command names."""
    return NamedRows(target_order_ids(payload), target_position_ids(payload))


def target_of(
    principal: Principal, command: CommandRequest, named: NamedRows, owners: Owners
) -> tuple[int, tuple[int, ...], Refused | None]:
    """Return account and strategies that a request refers to, or why there are none."""
    payload = command.payload
    if not named.order_ids and not named.position_ids:
        return command.account_id or 0, _sorted(target_strategy_ids(payload)), None
    referenced = [("order", i, owners[0].get(i)) for i in named.order_ids]
    referenced += [("position", i, owners[1].get(i)) for i in named.position_ids]
    account_id = command.account_id or _first_account(principal, referenced)
    strategies = list(target_strategy_ids(payload))
    missing: list[tuple[str, int]] = []
    for kind, row_id, owner in referenced:
        if owner is not None and owner[0] == account_id:
            strategies.append(owner[1])
        else:
            missing.append((kind, row_id))
    # The worker stores an order that names an unknown position as rejected, and cancels the orders
    # of a list that exist.
    is_left_to_worker = isinstance(payload, SendOrder) or (
        isinstance(payload, CancelOrder) and len(missing) < len(referenced)
    )
    if missing and not is_left_to_worker:
        kind, row_id = missing[0]
        text = f"there is no {kind} {row_id}"
        return account_id, (), Refused(code=f"{kind}_not_found", message=text)
    return account_id, _sorted(strategies), None


def _sorted(ids: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted(set(ids)) if len(ids) > 1 else ids)


def _first_account(
    principal: Principal, referenced: Sequence[tuple[str, int, tuple[int, int] | None]]
) -> int:
    """Return the account of the first row that may be known to the caller, 0 if there is none."""
    for _, _, owner in referenced:
        if owner is not None and (principal.role is Role.ADMIN or principal.grant(owner[0])):
            return owner[0]
    return 0
