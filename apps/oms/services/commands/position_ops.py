"""Commands on positions that need no new exposure: close-by, merge, levels, reassign.

On contracts of a hedge account the exchange itself holds a long and a short leg: there a close-by
is two ordinary closes. Elsewhere the tickets are ours alone and close against each other in the
book, without an order.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from oms.domain.account import PositionMode
from oms.domain.commands.command import (
    ChangePosition,
    CloseBy,
    ClosePosition,
    Command,
    CommandResult,
    CommandStatus,
    MergePositions,
    Reassign,
)
from oms.domain.errors import Refused
from oms.domain.event import Event
from oms.domain.instrument import Instrument, InstrumentKind, refuse_off_grid
from oms.domain.ledger.allocation import ExecutionKey, execution_key
from oms.domain.ledger.deal import DealEntry
from oms.domain.ledger.history_replay import SymbolHistory
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.ledger.position import Position
from oms.domain.ledger.position_operations import (
    change_position,
    close_by,
    merge_positions,
    refuse_close_by,
    refuse_merge,
)
from oms.domain.ledger.restatement import apply_reassignment
from oms.domain.money import decimal_text
from oms.domain.orders.order import Order
from oms.domain.value import evolve
from oms.ports.ids import IdBlocks
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.commands.place_order import PlaceOrder
from oms.services.ledger.load_history import LoadHistory
from oms.services.ledger.record import Changes, RecordReports

IDS_PER_REASSIGN = 64
"""Deals and positions fetched before a symbol is folded again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionOps:
    """Runs ``CloseBy``, ``MergePositions``, ``PositionChange`` and ``Reassign``."""

    ledger: LedgerStore
    record: RecordReports
    ids: IdBlocks
    place: PlaceOrder
    load_history: LoadHistory

    async def close_by(
        self, state: AccountState, command: Command, wish: CloseBy, changes: Changes, now: datetime
    ) -> CommandResult:
        """Close two opposite tickets against each other."""
        a, b = state.positions.get(wish.position_id_a), state.positions.get(wish.position_id_b)
        if a is None or b is None:
            return _not_open(wish.position_id_a if a is None else wish.position_id_b)
        instrument = state.exchange.instruments()[a.symbol]
        denied = refuse_close_by(wish, a, b, instrument)
        if denied is not None:
            return _refused(denied)
        if _native_legs(state, instrument):
            return await self._two_closes(state, command, wish, (a, b), changes, now)
        await self.ids.ensure("deal", 2)
        entry = close_by(wish, a, b, instrument, command.id, self.ids, now)
        self.record.stage(state, entry, changes)
        _note(state, a.symbol, execution_key(now, 0, entry.deals[0].exchange_trade_id))
        return _done(entry)

    async def _two_closes(
        self,
        state: AccountState,
        command: Command,
        wish: CloseBy,
        pair: tuple[Position, Position],
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        qty = wish.qty or min(position.qty.copy_abs() for position in pair)
        made: list[int] = []
        for position in pair:
            closing = ClosePosition(
                position_id=position.id, qty=qty, reason="close_by_internal", comment=wish.comment
            )
            result = await self.place(state, evolve(command, payload=closing), changes, now)
            if result.order_id is not None:
                made.append(result.order_id)
            if result.error is not None:
                return evolve(result, order_id=None, order_ids=tuple(made))
        facts = {
            "command_id": command.id,
            "position_id_a": pair[0].id,
            "position_id_b": pair[1].id,
            "qty": decimal_text(qty),
        }
        changes.events.append(Event(name="close_by_executed", facts=facts))
        return CommandResult(
            status=CommandStatus.DONE,
            order_ids=tuple(made),
            position_ids=tuple(position.id for position in pair),
        )

    def merge(
        self,
        state: AccountState,
        command: Command,
        wish: MergePositions,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Move a position into another; open orders follow."""
        source = state.positions.get(wish.source_position_id)
        target = state.positions.get(wish.target_position_id)
        if source is None or target is None:
            missing = wish.source_position_id if source is None else wish.target_position_id
            return _not_open(missing)
        instrument = state.exchange.instruments()[target.symbol]
        denied = refuse_merge(wish, source, target) or refuse_off_grid(
            instrument, qty=None, prices=(wish.stop_loss, wish.stop_gain)
        )
        if denied is not None:
            return _refused(denied)
        entry = merge_positions(wish, source, target, instrument, command.id, now)
        moved = tuple(
            _moved(order, target.id, now)
            for order in state.orders_in(target.symbol)
            if order.position_id == source.id
        )
        entry = evolve(entry, orders=moved)
        self.record.stage(state, entry, changes)
        _note(state, target.symbol, execution_key(now, 0, ""))
        return _done(entry)

    def change(
        self, state: AccountState, wish: ChangePosition, changes: Changes, now: datetime
    ) -> CommandResult:
        """Set or clear levels and comment."""
        position = state.positions.get(wish.position_id)
        if position is None:
            return _not_open(wish.position_id)
        entry = change_position(wish, position, now)
        after = entry.positions[0]
        instrument = state.exchange.instruments()[position.symbol]
        denied = refuse_off_grid(instrument, qty=None, prices=(after.stop_loss, after.stop_gain))
        if denied is not None:
            return _refused(denied)
        self.record.stage(state, entry, changes)
        return _done(entry)

    async def reassign(
        self, state: AccountState, wish: Reassign, changes: Changes, now: datetime
    ) -> CommandResult:
        """Move orders to a strategy and a ticket, and fold their symbols again."""
        orders: list[Order] = []
        for order_id in wish.order_ids:
            order = state.find_order(order_id)
            order = order or await self.ledger.order(state.account.id, order_id)
            if order is None:
                message = f"order {order_id} is not in this account"
                return _refused(Refused(code="order_not_found", message=message))
            orders.append(order)
        if wish.strategy_id not in state.strategy_ids:
            message = f"strategy {wish.strategy_id} is not active on account {state.account.id}"
            return _refused(Refused(code="invalid_strategy_id", message=message))
        moves: list[_Move] = []
        for symbol in sorted({order.symbol for order in orders}):
            mine = [order for order in orders if order.symbol == symbol]
            move = await self._planned(state, wish, mine, now)
            if (opening := _opened_by_a_close(move)) is not None:
                return _refused(_no_longer_closes(opening, wish))
            moves.append(move)
        for move in moves:
            self._carry_out(state, wish, move, changes)
        return CommandResult(
            status=CommandStatus.DONE,
            order_ids=wish.order_ids,
            deal_ids=tuple(d.id for move in moves for d in move.entry.deals_changed),
            position_ids=tuple(p.id for move in moves for p in move.entry.positions),
        )

    async def _planned(
        self, state: AccountState, wish: Reassign, orders: list[Order], now: datetime
    ) -> "_Move":
        """What moving orders of one symbol comes to; a ticket that an order named stays named."""
        instrument = state.exchange.instruments()[orders[0].symbol]
        moment = min(order.created_at for order in orders)
        history = await self.load_history(state, instrument, moment)
        await self.ids.ensure("deal", IDS_PER_REASSIGN + len(history.deals))
        await self.ids.ensure("position", IDS_PER_REASSIGN + len(history.deals))
        moved = {
            order.id: evolve(
                order,
                strategy_id=wish.strategy_id,
                ticket_id=wish.position_id or order.ticket_id,
                reconciled=True,
                version=order.version + 1,
                updated_at=now,
            )
            for order in orders
        }
        entry = apply_reassignment(history, moved, self.ids, now)
        return _Move(orders=orders, history=history, entry=entry)

    def _carry_out(
        self, state: AccountState, wish: Reassign, move: "_Move", changes: Changes
    ) -> None:
        entry, orders = move.entry, move.orders
        self.record.stage(state, entry, changes, move.history)
        facts = {
            "deals_updated": len(entry.deals_changed),
            "orders_updated": len(orders),
            "positions_updated": len(entry.positions),
            "target_strategy_id": wish.strategy_id,
            "target_position_id": wish.position_id,
        }
        audit = facts | {
            "before": [_place_of(order) for order in orders],
            "after": [_place_of(changes.orders[order.id]) for order in orders],
        }
        for name, told in (("reassigned", facts), ("reassign_audit", audit)):
            changes.events.append(Event(name=name, strategy_id=wish.strategy_id, facts=told))


class _Move(NamedTuple):
    """Orders of one symbol, the history they stand in, and what moving them changes."""

    orders: list[Order]
    history: SymbolHistory
    entry: LedgerUpdate


def _opened_by_a_close(move: _Move) -> Order | None:
    """An order of ours that only reduces and would open a position where it is moved to."""
    known = {deal.id: deal for deal in move.history.deals}
    for deal in (*move.entry.deals, *move.entry.deals_changed):
        before = known.get(deal.id)
        opens = deal.entry is DealEntry.IN and (before is None or before.entry is not DealEntry.IN)
        order = next((order for order in move.orders if order.id == deal.order_id), None)
        if opens and order is not None and order.reduce_only and order.command_id is not None:
            return order
    return None


def _no_longer_closes(order: Order, wish: Reassign) -> Refused:
    message = (
        f"order {order.id} only closes, and strategy {wish.strategy_id} holds nothing there that"
        " it could close: move the order that opened the position with it"
    )
    return Refused(code="invalid_close_volume", reason="nothing_to_close", message=message)


def _note(state: AccountState, symbol: str, at: ExecutionKey) -> None:
    """What is executed before ``at`` and heard of later is late, though nothing else was traded."""
    known = state.newest_key.get(symbol)
    state.newest_key[symbol] = at if known is None else max(known, at)


def _native_legs(state: AccountState, instrument: Instrument) -> bool:
    """Whether the exchange holds a long and a short leg of its own."""
    hedged = state.account.position_mode is PositionMode.HEDGE
    return hedged and instrument.kind is not InstrumentKind.SPOT


def _place_of(order: Order) -> dict[str, int]:
    """Where an order belongs."""
    return {
        "order_id": order.id,
        "strategy_id": order.strategy_id,
        "position_id": order.position_id,
    }


def _moved(order: Order, position_id: int, now: datetime) -> Order:
    return evolve(order, position_id=position_id, version=order.version + 1, updated_at=now)


def _done(entry: LedgerUpdate) -> CommandResult:
    return CommandResult(
        status=CommandStatus.DONE,
        position_ids=tuple(position.id for position in entry.positions),
        deal_ids=tuple(deal.id for deal in entry.deals),
    )


def _refused(why: Refused) -> CommandResult:
    return CommandResult(status=CommandStatus.REFUSED, error=why)


def _not_open(position_id: int) -> CommandResult:
    message = f"position {position_id} is not open in this account"
    return _refused(Refused(code="position_not_found", message=message))
