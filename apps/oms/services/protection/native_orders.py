"""Orders at the exchange that stand for the levels of positions: placed, followed, canceled.

Each order is placed by a system command that enters the queue in one transaction with the record
of it in the position's levels; so a crash neither loses nor repeats one. What became of it is read
from the account's open orders, and once it has ended, from the store. An order that was refused, or
ended while its position is open, leaves its level to the watcher until the levels are changed. One
that never arrived, as after a crash, is replaced.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from oms.domain.commands.command import ClosePosition
from oms.domain.errors import Refused
from oms.domain.event import Event
from oms.domain.ledger.close_lock import is_close_order
from oms.domain.ledger.position import Position
from oms.domain.orders.order import Order
from oms.domain.protection.levels import (
    NO_LEVELS,
    Levels,
    NativeOrder,
    NativeState,
    PendingClose,
    StopKind,
)
from oms.domain.protection.native_orders import (
    NATIVE_TYPES,
    is_native,
    native_levels,
    native_quantity,
    state_of_open,
    surplus_orders,
)
from oms.domain.protection.stop_settings import ProtectionMode
from oms.domain.value import evolve
from oms.ports.command_queue import CommandQueue, CommandRow
from oms.ports.ids import IdBlocks
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.follow_ups import add_follow_up
from oms.services.account_state.state import AccountState
from oms.services.commands.bulk_close import CancelOne
from oms.services.ledger.record import Changes
from oms.wire.commands.result_codec import load_error

CANCEL_AGAIN_AFTER = timedelta(seconds=1)
"""Pause before a cancel that the exchange rejected is sent again."""

REPLACE_AFTER = timedelta(seconds=1)
"""Pause before an order is replaced, however often the size of its position changes."""

PLACE_AGAIN_AFTER = timedelta(seconds=5)
"""Pause before an order that never arrived is placed again."""

SETTLED_AFTER = timedelta(seconds=1)
"""How long a canceled order may still turn out to be that of a closed position."""

_NOT_SUPPORTED = Refused(
    code="order_type_not_supported", message="no stop levels rest at this exchange"
)
#: Codes of orders that were not placed for reasons that pass.
_NEVER_ARRIVED = frozenset(
    {"not_placed", "expired_before_send", "exchange_unavailable", "exchange_rate_limited"}
)
_LOST = Refused(code="command_not_found", message="the command that places it is not stored")


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeOrders:
    """Keeps the orders at the exchange equal to levels and size of their positions."""

    ledger: LedgerStore
    ids: IdBlocks
    queue: CommandQueue
    cancel: CancelOne

    async def follow(
        self, state: AccountState, position: Position, changes: Changes, now: datetime
    ) -> Levels:
        """Return the levels with what became of their orders; cancel orders that are replaced.

        An order that was executed in part, while the position is open, leaves a close of the rest.
        """
        levels, wanted = position.levels or NO_LEVELS, self._wanted(state, position, now)
        orders = _orders_of(state, position.id)
        qty = native_quantity(position, state.exchange.instruments()[position.symbol].step)
        records: list[NativeOrder] = []
        for record in levels.native:
            level = wanted.get(record.kind)
            if level is None or record.state is NativeState.FAILED:
                records += [] if level is None else [record]
                continue
            order = next((o for o in orders if o.command_id == record.command_id), None)
            if order is not None:
                status = state_of_open(record, order, level, qty)
                trigger = record.trigger or order.trigger_price
                records.append(evolve(record, order_id=order.id, state=status, trigger=trigger))
                continue
            ending = await self._ending(state, position, record)
            is_changed = record.level != level or record.qty != qty
            if isinstance(ending, Order) and ending.filled_qty:
                pending = PendingClose(kind=record.kind, command_id=None)
                levels = evolve(levels, pending_close=levels.pending_close or pending)
            elif (
                ending is None
                or _is_recent(ending, now, is_changed=is_changed)
                or _is_being_closed(state, position)
            ):
                records.append(evolve(record, state=NativeState.PLACING))
            elif _never_arrived(ending) or is_changed:
                records.append(evolve(record, state=NativeState.OUTDATED))
            else:
                records.append(evolve(record, state=NativeState.FAILED))
                changes.events.append(_degraded_event(position, record, ending))
        levels = evolve(levels, native=tuple(records))
        await self._cancel(state, surplus_orders(orders, levels, wanted.keys()), changes, now)
        return levels

    async def place(
        self,
        state: AccountState,
        position: Position,
        levels: Levels,
        changes: Changes,
        now: datetime,
    ) -> Levels:
        """Place the orders that are missing or outdated; returns the levels that name them."""
        records = {record.kind: record for record in levels.native}
        wanted = {
            kind: level
            for kind, level in self._levels(state, position, now).items()
            if kind not in records or _is_replaced(state, records[kind], now)
        }
        qty = native_quantity(position, state.exchange.instruments()[position.symbol].step)
        if not wanted or not qty:
            return levels
        if not state.exchange.holds_exits(position.symbol):
            return _refuse(state, position, levels, wanted, changes)
        for kind, level in wanted.items():
            is_trailing = kind is StopKind.TRAILING
            closing = ClosePosition(
                position_id=position.id,
                order_type=NATIVE_TYPES[kind],
                qty=qty,
                for_level=True,
                reason=kind.value,
                trigger_price=None if is_trailing else level,
                trailing_percent=levels.stop_trailing_pct if is_trailing else None,
                trailing_amount=levels.stop_trailing_amount if is_trailing else None,
            )
            name = f"protect:{position.id}:{levels.arming}:{kind.value}"
            command_id = await add_follow_up(state, self.ids, name, closing, now)
            records[kind] = NativeOrder(
                kind=kind,
                command_id=command_id,
                level=level,
                qty=qty,
                best=levels.stop_trailing_best if is_trailing else None,
            )
        return evolve(levels, arming=levels.arming + 1, native=tuple(records.values()))

    async def release(self, state: AccountState, changes: Changes, now: datetime) -> None:
        """Cancel the orders of positions that have ended."""
        for position_id in list(state.native_positions):
            if position_id in state.positions:
                continue
            orders = _orders_of(state, position_id)
            if orders:
                await self._cancel(state, orders, changes, now)
            else:
                state.native_positions.discard(position_id)

    def _wanted(
        self, state: AccountState, position: Position, now: datetime
    ) -> Mapping[StopKind, Decimal]:
        levels = self._levels(state, position, now)
        is_strict = state.account.stops.protection is ProtectionMode.NATIVE
        return levels if is_strict or state.exchange.holds_exits(position.symbol) else {}

    def _levels(
        self, state: AccountState, position: Position, now: datetime
    ) -> Mapping[StopKind, Decimal]:
        """Return the levels that are to rest at the exchange, if it takes them."""
        levels = position.levels or NO_LEVELS
        holds_trailing = levels.is_trailing and state.exchange.holds_trailing(
            position.symbol, levels.stop_trailing_pct, levels.stop_trailing_amount
        )
        return native_levels(state.account, position, now, holds_trailing=holds_trailing)

    async def _cancel(
        self, state: AccountState, orders: Sequence[Order], changes: Changes, now: datetime
    ) -> None:
        """Request the cancels; one that was rejected lately waits."""
        for order in orders:
            is_due = now - order.updated_at >= CANCEL_AGAIN_AFTER or state.paper is not None
            if order.pending_change is None and is_due:
                await self.cancel(state, order.id, changes, now)

    async def _ending(
        self, state: AccountState, position: Position, record: NativeOrder
    ) -> Order | Refused | None:
        """Return the ended order or why there is none; ``None`` if it is still on its way."""
        order_id, command_id = record.order_id, record.command_id
        if order_id is None:
            if command_id in state.pending or any(
                command_id in unit.results or any(each.id == command_id for each in unit.follow_ups)
                for unit in state.units_of_work()
            ):
                return None
            row = (await self.queue.find([command_id])).get(command_id)
            if row is None or not row.status.is_final:
                return _LOST if row is None else None
            if row.order_id is None:
                return _error_of(row)
            order_id = row.order_id
        order = state.find_order(order_id) or await self.ledger.order(state.account.id, order_id)
        return _LOST if order is None else order


def _is_recent(ending: Order | Refused, now: datetime, *, is_changed: bool) -> bool:
    """Return whether it is too early to judge: the order was canceled just now, and the exchange
    cancels one when the other closes the position, or it did not arrive, or was refused and another
    one is wanted since: that waits a while.
    """
    if not isinstance(ending, Order) or ending.closed_at is None:
        return False
    never_arrived = _never_arrived(ending)
    if ending.reject_code is not None and not never_arrived:
        return is_changed and now - ending.closed_at < REPLACE_AFTER
    return now - ending.closed_at < (PLACE_AGAIN_AFTER if never_arrived else SETTLED_AFTER)


def _never_arrived(ending: Order | Refused) -> bool:
    """Return whether the exchange does not have the order and did not refuse it."""
    return isinstance(ending, Order) and ending.reject_code in _NEVER_ARRIVED


def _is_replaced(state: AccountState, record: NativeOrder, now: datetime) -> bool:
    """Return whether another order takes the place of an outdated one now."""
    order = state.orders.get(record.order_id or 0)
    is_due = order is None or now - order.created_at >= REPLACE_AFTER or state.paper is not None
    return record.state is NativeState.OUTDATED and is_due


def _orders_of(state: AccountState, position_id: int) -> list[Order]:
    """Return the open orders that stand for a level of the position."""
    return [o for o in state.orders.values() if o.group_id == position_id and is_native(o)]


def _is_being_closed(state: AccountState, position: Position) -> bool:
    """Return whether a market order closes the position now."""
    return any(
        is_close_order(order, position.id) and order.order_type == "market"
        for order in state.orders.values()
    )


def _refuse(
    state: AccountState,
    position: Position,
    levels: Levels,
    wanted: Mapping[StopKind, Decimal],
    changes: Changes,
) -> Levels:
    """Return the levels as failed where the account asks for orders that its exchange has not."""
    if state.account.stops.protection is not ProtectionMode.NATIVE:
        return levels
    records = [
        NativeOrder(
            kind=kind,
            command_id=0,
            level=level,
            qty=position.qty.copy_abs(),
            state=NativeState.FAILED,
        )
        for kind, level in wanted.items()
    ]
    changes.events += [_degraded_event(position, each, _NOT_SUPPORTED) for each in records]
    return evolve(levels, native=(*levels.native, *records))


def _error_of(row: CommandRow) -> Refused:
    error = load_error(row.error) if row.error else None
    return error or _LOST


def _degraded_event(position: Position, record: NativeOrder, ending: Order | Refused) -> Event:
    order_id, error = record.order_id, ending
    if isinstance(ending, Order):
        order_id, state = ending.id, ending.state.value
        message = ending.reject_message or f"order {ending.id} is {state}, the position is open"
        error = Refused(code=ending.reject_code or "order_not_open", message=message)
    assert isinstance(error, Refused), "an order was replaced by its error"
    facts = {
        "position_id": position.id,
        "kind": record.kind.value,
        "level": record.level,
        "order_id": order_id,
        "code": error.code,
        "message": error.message,
    }
    return Event(name="protection_degraded", strategy_id=position.strategy_id, facts=facts)
