"""Commands on a whole account: cancel every order, close every position.

Each order and position is handled on its own; one that cannot be canceled or closed is skipped with
a reason, and the result lists both. An account without open orders or positions is a success with
empty lists.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from oms.domain.commands.command import (
    CancelAllOrders,
    CloseAllPositions,
    ClosePosition,
    Command,
    CommandResult,
    CommandStatus,
)
from oms.domain.errors import Refused
from oms.domain.event import Event
from oms.domain.ledger.position import Position
from oms.domain.orders.external_order import is_external
from oms.domain.orders.order import Order
from oms.domain.value import evolve
from oms.services.account_state.state import AccountState
from oms.services.commands.place_order import PlaceOrder
from oms.services.ledger.record import Changes
from oms.services.ledger.shared_credentials import SENT_BY_OTHER_ACCOUNT, find_other_senders

EXTERNAL_ORDER = "external_order"
"""Reason why a command with ``own_only`` skips an order."""

CLOSING_ROUNDS_MAX = 3
"""How often the remaining positions are closed again before they are reported."""

CancelOne = Callable[[AccountState, int, Changes, datetime], Awaitable[Refused | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkClose:
    """Runs ``CancelAllOrders`` and ``CloseAllPositions``."""

    place: PlaceOrder

    async def __call__(
        self,
        state: AccountState,
        command: Command,
        cancel: CancelOne,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Run the command; ``cancel`` cancels one order."""
        payload = command.payload
        assert isinstance(payload, CancelAllOrders | CloseAllPositions)
        orders = [order for order in state.orders.values() if _is_selected(payload, order)]
        other_senders = await find_other_senders(self.place.ledger, state, orders)
        canceled: list[int] = []
        skipped: list[tuple[int, str]] = []
        for order in sorted(orders, key=lambda each: each.id):
            if order.id in other_senders:
                skipped.append((order.id, SENT_BY_OTHER_ACCOUNT))
                continue
            if payload.own_only and is_external(order):
                skipped.append((order.id, EXTERNAL_ORDER))
                continue
            refused = await cancel(state, order.id, changes, now)
            if refused is None:
                canceled.append(order.id)
            else:
                skipped.append((order.id, refused.reason or refused.code))
        changes.events.append(_canceled_event(command, canceled, skipped))
        if isinstance(payload, CancelAllOrders):
            return CommandResult(
                status=CommandStatus.DONE, order_ids=tuple(canceled), skipped=tuple(skipped)
            )
        return await self._close(state, command, payload, changes, now)

    async def _close(
        self,
        state: AccountState,
        command: Command,
        payload: CloseAllPositions,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Close open positions in up to ``CLOSING_ROUNDS_MAX`` rounds; report what is left."""
        initial = {position.id for position in _selected_positions(state, payload)}
        reasons: dict[int, str] = {}
        order_ids: list[int] = []
        for _ in range(CLOSING_ROUNDS_MAX):
            for position in _selected_positions(state, payload):
                closing = ClosePosition(position_id=position.id, comment=payload.comment)
                closing_command = evolve(command, payload=closing)
                result = await self.place(state, closing_command, changes, now)
                if result.order_id is not None:
                    order_ids.append(result.order_id)
                if result.error is not None:
                    reasons[position.id] = result.error.reason or result.error.code
            if not _selected_positions(state, payload):
                break
        remaining = {position.id for position in _selected_positions(state, payload)}
        return CommandResult(
            status=CommandStatus.DONE,
            order_ids=tuple(order_ids),
            position_ids=tuple(sorted(initial - remaining)),
            skipped=tuple((each, reasons.get(each, "still_open")) for each in sorted(remaining)),
        )


def _selected_positions(state: AccountState, payload: CloseAllPositions) -> list[Position]:
    selected = (
        position for position in state.positions.values() if _is_selected(payload, position)
    )
    return sorted(selected, key=lambda position: position.id)


def _is_selected(payload: CancelAllOrders | CloseAllPositions, row: Order | Position) -> bool:
    of_strategy = not payload.strategy_ids or row.strategy_id in payload.strategy_ids
    return of_strategy and payload.symbol in (None, row.symbol)


def _canceled_event(
    command: Command, canceled: Iterable[int], skipped: Iterable[tuple[int, str]]
) -> Event:
    facts = {
        "command_id": command.id,
        "command_type": command.type,
        "canceled_order_ids": list(canceled),
        "skipped_order_ids": [order_id for order_id, _ in skipped],
    }
    return Event(name="orders_canceled_batch", facts=facts)
