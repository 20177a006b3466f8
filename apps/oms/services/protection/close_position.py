"""A close that the gateway itself sends: it replaces a resting close of the position."""

from datetime import datetime

from oms.domain.commands.command import ClosePosition, Command, CommandResult
from oms.domain.errors import Refused
from oms.domain.ledger.close_lock import is_close_order
from oms.domain.ledger.position import Position
from oms.services.account_state.state import AccountState
from oms.services.commands.bulk_close import CancelOne
from oms.services.commands.place_order import PlaceOrder
from oms.services.ledger.record import Changes


async def close_by_gateway(
    place: PlaceOrder,
    cancel: CancelOne,
    state: AccountState,
    command: Command,
    changes: Changes,
    now: datetime,
) -> CommandResult:
    """Cancel resting closes of the position, and close it; refused while one is still open.

    At an exchange that answers later the cancel is in progress when this returns. An order that
    stands for a level rests beside other closes. Refused too once the levels that caused it were
    changed.
    """
    assert isinstance(command.payload, ClosePosition)
    position_id = command.payload.position_id
    position = state.positions.get(position_id)
    is_native = command.payload.for_level
    is_current = _is_requested if is_native else _is_pending
    if position is not None and not is_current(position, command.id):
        message = f"the stop levels of position {position_id} were changed since"
        refused = Refused(code="conflict", reason="levels_changed", message=message)
        return CommandResult.refused(refused)
    if is_native:
        return await place(state, command, changes, now)
    closes = [order.id for order in state.orders.values() if is_close_order(order, position_id)]
    for order_id in sorted(closes):
        await cancel(state, order_id, changes, now)
    if any(is_close_order(order, position_id) for order in state.orders.values()):
        message = f"an order that closes position {position_id} is being canceled"
        return CommandResult.refused(Refused(code="position_close_in_progress", message=message))
    return await place(state, command, changes, now)


def _is_pending(position: Position, command_id: int) -> bool:
    """Return whether the position waits for this close."""
    pending = None if position.levels is None else position.levels.pending_close
    return pending is not None and pending.command_id == command_id


def _is_requested(position: Position, command_id: int) -> bool:
    """Return whether the order of this command is to stand for a level of the position."""
    native = () if position.levels is None else position.levels.native
    return any(each.command_id == command_id for each in native)
