"""``break_even``: the stop loss of a position moves to where closing it loses nothing."""

from datetime import datetime
from decimal import Decimal

from oms.domain.commands.command import BreakEven, ChangePosition, CommandResult, CommandStatus
from oms.domain.errors import Refused
from oms.domain.ledger.matched_view import matched_views, simple_view
from oms.domain.ledger.position import Position
from oms.domain.orders.order_rounding import round_stop
from oms.domain.side import Side
from oms.services.account_state.state import AccountState
from oms.services.commands.position_ops import PositionOps, not_open
from oms.services.ledger.record import Changes
from oms.services.risk.admit_order import refuse_delisted


async def set_break_even(
    ops: PositionOps, state: AccountState, payload: BreakEven, changes: Changes, now: datetime
) -> CommandResult:
    """Set the stop loss to the break-even price, at the tick that does not lose.

    That price is the average entry with the fees of the entries; the fee of the close is not known.
    A stop loss that is better already stays. Refused if a fee has no rate, and like every stop loss
    that the market has passed.
    """
    position = state.positions.get(payload.position_id)
    if position is None:
        return not_open(payload.position_id)
    delisted = refuse_delisted(state, position.symbol)
    if delisted is not None:
        return CommandResult.refused(delisted)
    price = await _break_even(ops, state, position)
    if price is None:
        message = f"the break-even price of position {position.id} depends on fees without a rate"
        refused = Refused(code="validation_error", reason="break_even_unknown", message=message)
        return CommandResult.refused(refused)
    tick = state.exchange.instruments()[position.symbol].tick
    price = round_stop(price, position.side.opposite, tick)
    stop, is_long = position.stop_loss, position.side is Side.BUY
    if stop is not None and (stop >= price if is_long else stop <= price):
        return CommandResult(status=CommandStatus.DONE, position_ids=(position.id,))
    change = ChangePosition(position_id=position.id, stop_loss=price)
    return ops.change(state, change, changes, now)


async def _break_even(ops: PositionOps, state: AccountState, position: Position) -> Decimal | None:
    """Return the break-even price; the deals are read if it depends on them."""
    instrument = state.exchange.instruments()[position.symbol]
    view = simple_view(position, instrument)
    if view is None:
        history = await ops.load_history(state, instrument, position.opened_at)
        view = matched_views(history.positions, history.deals, instrument)[position.id]
    return view.break_even
