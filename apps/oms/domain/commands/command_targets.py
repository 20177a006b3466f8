"""Orders and positions that commands refer to by id."""

from oms.domain.commands.account_commands import RefreshOrder, ResolveUnknownOrder
from oms.domain.commands.command import (
    CancelOrder,
    ChangeOrder,
    ChangePosition,
    CloseBy,
    ClosePosition,
    CommandPayload,
    MergePositions,
    Reassign,
    SendOrder,
)


def target_order_ids(payload: CommandPayload) -> tuple[int, ...]:
    """Return the ids of the orders that a command refers to, in its order."""
    match payload:
        case SendOrder():
            return ()
        case CancelOrder(order_ids=order_ids) | Reassign(order_ids=order_ids):
            return order_ids
        case ChangeOrder(order_id=order_id) | RefreshOrder(order_id=order_id):
            return (order_id,)
        case ResolveUnknownOrder(order_id=order_id):
            return (order_id,)
        case _:
            return ()


def target_position_ids(payload: CommandPayload) -> tuple[int, ...]:
    """Return the ids of the positions that a command acts on, in its order."""
    match payload:
        case SendOrder():
            return ()
        case ClosePosition(position_id=position_id) | ChangePosition(position_id=position_id):
            return (position_id,)
        case CloseBy(position_id_a=first, position_id_b=second):
            return (first, second)
        case MergePositions(source_position_id=first, target_position_id=second):
            return (first, second)
        case _:
            return ()
