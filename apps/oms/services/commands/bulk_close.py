"""Commands over all of an account: cancel every order, close every position.

Each order and position is dealt with by itself; what cannot be is skipped with its reason, and the
result says both. Nothing open is a success with empty lists.
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
from oms.domain.orders.order import Order
from oms.domain.value import evolve
from oms.services.account_state.state import AccountState
from oms.services.commands.place_order import PlaceOrder
from oms.services.ledger.record import Changes
from oms.services.ledger.shared_credentials import SENT_BY_OTHER_ACCOUNT, find_other_senders

CLOSING_ROUNDS_MAX = 3
"""How often what is left is closed again before it is reported."""

CancelOne = Callable[[AccountState, int, Changes, datetime], Awaitable[Refused | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkClose:
    """Runs ``CancelAllOrders`` and ``CloseAll``."""

    place: PlaceOrder

    async def __call__(
        self,
        state: AccountState,
        command: Command,
        cancel: CancelOne,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Run it; ``cancel`` cancels one order."""
        wish = command.payload
        assert isinstance(wish, CancelAllOrders | CloseAllPositions)
        orders = [order for order in state.orders.values() if _meant(wish, order)]
        others = await find_other_senders(self.place.ledger, state, orders)
        canceled: list[int] = []
        skipped: list[tuple[int, str]] = []
        for order in sorted(orders, key=lambda each: each.id):
            if order.id in others:
                skipped.append((order.id, SENT_BY_OTHER_ACCOUNT))
                continue
            problem = await cancel(state, order.id, changes, now)
            if problem is None:
                canceled.append(order.id)
            else:
                skipped.append((order.id, problem.reason or problem.code))
        changes.events.append(_canceled_event(command, canceled, skipped))
        if isinstance(wish, CancelAllOrders):
            return CommandResult(
                status=CommandStatus.DONE, order_ids=tuple(canceled), skipped=tuple(skipped)
            )
        return await self._close(state, command, wish, changes, now)

    async def _close(
        self,
        state: AccountState,
        command: Command,
        wish: CloseAllPositions,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Close what is open, again and again until nothing moves; report what is left."""
        first = {position.id for position in _held(state, wish)}
        why: dict[int, str] = {}
        made: list[int] = []
        for _ in range(CLOSING_ROUNDS_MAX):
            for position in _held(state, wish):
                closing = ClosePosition(position_id=position.id, comment=wish.comment)
                part = evolve(command, payload=closing)
                result = await self.place(state, part, changes, now)
                if result.order_id is not None:
                    made.append(result.order_id)
                if result.error is not None:
                    why[position.id] = result.error.reason or result.error.code
            if not _held(state, wish):
                break
        left = {position.id for position in _held(state, wish)}
        return CommandResult(
            status=CommandStatus.DONE,
            order_ids=tuple(made),
            position_ids=tuple(sorted(first - left)),
            skipped=tuple((each, why.get(each, "still_open")) for each in sorted(left)),
        )


def _held(state: AccountState, wish: CloseAllPositions) -> list[Position]:
    meant = (position for position in state.positions.values() if _meant(wish, position))
    return sorted(meant, key=lambda position: position.id)


def _meant(wish: CancelAllOrders | CloseAllPositions, row: Order | Position) -> bool:
    of_strategy = not wish.strategy_ids or row.strategy_id in wish.strategy_ids
    return of_strategy and wish.symbol in (None, row.symbol)


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
