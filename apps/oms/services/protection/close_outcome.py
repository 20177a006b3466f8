"""What became of the system command that closes a position."""

from collections.abc import Mapping

from oms.domain.commands.command import CommandStatus
from oms.domain.errors import Refused
from oms.domain.ledger.close_lock import is_close_order
from oms.domain.ledger.position import Position
from oms.domain.value import value
from oms.ports.command_queue import CommandRow
from oms.services.account_state.state import AccountState
from oms.wire.commands.result_codec import load_error

_LOST = Refused(code="command_not_found", message="the command that closes it is not stored")


@value
class CloseOutcome:
    """Whether the command has ended though the position is open, and the error if it failed."""

    has_ended: bool
    error: Refused | None = None


_IN_PROGRESS = CloseOutcome(has_ended=False)


def close_outcome(
    state: AccountState, position: Position, command_id: int, rows: Mapping[int, CommandRow]
) -> CloseOutcome:
    """Return the outcome for an open position; ``rows`` are the stored commands by id."""
    units = state.units_of_work()
    if command_id in state.pending or any(
        command_id in unit.results or any(each.id == command_id for each in unit.follow_ups)
        for unit in units
    ):
        return _IN_PROGRESS
    if any(
        order.command_id == command_id and is_close_order(order, position.id)
        for order in state.orders_in(position.symbol)
    ):
        return _IN_PROGRESS
    row = rows.get(command_id)
    if row is None:
        return CloseOutcome(has_ended=True, error=_LOST)
    if not row.status.is_final:
        return _IN_PROGRESS
    if row.status is CommandStatus.DONE:
        return CloseOutcome(has_ended=True)
    return CloseOutcome(has_ended=True, error=load_error(row.error) if row.error else _LOST)
