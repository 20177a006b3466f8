"""``reverse_position``: close a position, then open the same quantity on the other side.

Both orders share the close's id as ``group_id``. The opening order is stored by the transaction
that books the last execution of the close, and the command runs until the exchange has answered it:
after a crash the stored orders say which leg is next, so none is repeated or lost. Each leg is
checked like an order of the caller. If the opening leg is refused, the account is flat and the
result has the reason.
"""

from dataclasses import dataclass
from datetime import datetime

from oms.domain.account import PositionMode
from oms.domain.commands.command import (
    ClosePosition,
    Command,
    CommandResult,
    CommandStatus,
    ReversePosition,
    SendOrder,
)
from oms.domain.errors import Refused
from oms.domain.instrument import InstrumentKind
from oms.domain.orders.order import Order, OrderState
from oms.domain.value import evolve
from oms.services.account_state.pending import PendingReverse
from oms.services.account_state.state import AccountState
from oms.services.commands.connectivity_gate import refuse_if_unreachable
from oms.services.commands.kill_switch import KillSwitchCache
from oms.services.commands.place_order import PlaceOrder
from oms.services.commands.position_ops import not_open
from oms.services.ledger.record import Changes
from oms.services.risk.admit_order import refuse_delisted

_UNANSWERED = (OrderState.PENDING_SUBMIT, OrderState.UNKNOWN)
_NOT_CLOSED = Refused(
    code="conflict",
    reason="close_incomplete",
    message="the close ended before all of the position was closed; nothing was opened",
    outcome="rejected",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverse:
    """Runs ``ReversePosition``."""

    place: PlaceOrder
    #: ``None`` if there are no kill switches.
    kill_switches: KillSwitchCache | None = None

    async def start(
        self, state: AccountState, command: Command, changes: Changes, now: datetime
    ) -> CommandResult:
        """Send the close; ``advance`` continues when it has ended."""
        payload = command.payload
        assert isinstance(payload, ReversePosition)
        position = state.positions.get(payload.position_id)
        if position is None:
            return not_open(payload.position_id)
        delisted = refuse_delisted(state, position.symbol)
        if delisted is not None:
            return CommandResult.refused(delisted)
        instrument = state.exchange.instruments()[position.symbol]
        if instrument.kind is InstrumentKind.SPOT:
            message = f"{position.symbol} is a spot market, which has no short positions"
            refused = Refused(code="validation_error", reason="short_not_allowed", message=message)
            return CommandResult.refused(refused)
        if position.qty.copy_abs() < instrument.step:
            message = f"position {position.id} is below the step {instrument.step}"
            return CommandResult.refused(Refused(code="qty_below_minimum", message=message))
        closing = ClosePosition(position_id=position.id, comment=payload.comment)
        result = await self.place(state, evolve(command, payload=closing), changes, now)
        if result.error is not None or result.order_id is None:
            return result
        close_id = result.order_id
        _set_group(state, changes, close_id, close_id)
        pending = PendingReverse(command=command, close_order_id=close_id)
        state.pending_reverses.append(pending)
        return _running(pending)

    async def advance(
        self, state: AccountState, changes: Changes, now: datetime
    ) -> list[tuple[Command, CommandResult]]:
        """Send the opening legs whose closes have ended. Returns the commands that end."""
        finished: list[tuple[Command, CommandResult]] = []
        for pending in list(state.pending_reverses):
            close = await self._order(state, changes, pending.close_order_id)
            if close.is_open:
                continue
            if pending.open_order_id is None:
                result = await self._open(state, pending, close, changes, now)
            else:
                opening = await self._order(state, changes, pending.open_order_id)
                result = _result_of(pending, opening)
            if result is not None:
                state.pending_reverses.remove(pending)
                finished.append((pending.command, result))
        return finished

    async def _open(
        self,
        state: AccountState,
        pending: PendingReverse,
        close: Order,
        changes: Changes,
        now: datetime,
    ) -> CommandResult | None:
        """Send the opening leg. Returns the result if the command ends with it."""
        payload, ids = pending.command.payload, (close.id,)
        assert isinstance(payload, ReversePosition)
        if close.state is not OrderState.FILLED or payload.position_id in state.positions:
            refused = _NOT_CLOSED
            if close.state is OrderState.REJECTED:
                code = close.reject_code or "exchange_rejected"
                message = close.reject_message or code
                refused = Refused(code=code, message=message, outcome="rejected")
            return CommandResult(status=CommandStatus.FAILED, error=refused, order_ids=ids)
        if self.kill_switches is not None:
            await self.kill_switches(state)
        opening = SendOrder(
            symbol=close.symbol,
            side=close.side,
            order_type="market",
            qty=close.filled_qty,
            strategy_id=close.strategy_id,
            comment=payload.comment,
            new_position=state.account.position_mode is PositionMode.HEDGE,
        )
        refused_early = refuse_if_unreachable(state, opening)
        if refused_early is not None:
            return CommandResult(status=CommandStatus.FAILED, error=refused_early, order_ids=ids)
        sent = await self.place(state, evolve(pending.command, payload=opening), changes, now)
        assert sent.order_id is not None, "every send leaves an order row"
        pending.open_order_id = sent.order_id
        _set_group(state, changes, sent.order_id, close.id)
        result = _result_of(pending, changes.orders[sent.order_id])
        if sent.error is not None:
            return evolve(sent, order_id=None, client_order_id=None, order_ids=pending.order_ids)
        if result is None:
            state.work.results[pending.command.id] = _running(pending)
        return result

    async def _order(self, state: AccountState, changes: Changes, order_id: int) -> Order:
        order = changes.orders.get(order_id) or state.find_order(order_id)
        order = order or await self.place.ledger.order(state.account.id, order_id)
        assert order is not None, "orders of a running command are stored"
        return order


def restore_reverse(state: AccountState, command: Command, result: CommandResult) -> None:
    """Continue a command that was running when the account's last state was dropped."""
    close_id, *rest = result.order_ids
    opening_id = rest[0] if rest else None
    state.pending_reverses.append(
        PendingReverse(command=command, close_order_id=close_id, open_order_id=opening_id)
    )


def _running(pending: PendingReverse) -> CommandResult:
    return CommandResult(status=CommandStatus.RUNNING, order_ids=pending.order_ids)


def _result_of(pending: PendingReverse, opening: Order) -> CommandResult | None:
    """Return the result once the exchange has answered the opening leg."""
    if opening.state in _UNANSWERED:
        return None
    if opening.state is not OrderState.REJECTED:
        return CommandResult(status=CommandStatus.DONE, order_ids=pending.order_ids)
    code = opening.reject_code or "exchange_rejected"
    is_by_exchange = opening.reject_source == "exchange"
    refused = Refused(
        code=code,
        message=opening.reject_message or code,
        outcome="rejected" if is_by_exchange else "not_sent",
    )
    return CommandResult(status=CommandStatus.FAILED, error=refused, order_ids=pending.order_ids)


def _set_group(state: AccountState, changes: Changes, order_id: int, group_id: int) -> None:
    """Put an order that was just placed into a group, with what it was filled by at once."""
    order = evolve(changes.orders[order_id], group_id=group_id)
    state.put_order(order)
    changes.orders[order_id] = order
    fills = [deal for deal in changes.deals if deal.order_id == order_id]
    in_group = {deal.id: evolve(deal, group_id=group_id) for deal in fills}
    changes.deals = [in_group.get(deal.id, deal) for deal in changes.deals]
    state.work.replace_new_deals(in_group)
