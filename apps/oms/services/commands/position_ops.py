"""Commands on positions that need no new exposure: close-by, merge, stop levels, reassign.

On contracts of a hedge account the exchange itself holds a long and a short leg: there a close-by
is two ordinary closes. Elsewhere tickets exist in this system only and close against each other in
the ledger, without an order.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from oms.domain.account import PositionMode
from oms.domain.commands.command import (
    KEEP,
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
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.allocation import boundary_key
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
from oms.domain.orders.order_rounding import round_levels
from oms.domain.protection.level_prices import refuse_levels, refuse_percent
from oms.domain.protection.targets import refuse_targets
from oms.domain.side import Side
from oms.domain.value import evolve
from oms.ports.ids import IdBlocks
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.commands.place_order import PlaceOrder
from oms.services.ledger.load_history import LoadHistory
from oms.services.ledger.record import Changes, RecordReports
from oms.services.risk.admit_order import refuse_delisted

IDS_PER_REASSIGN = 64
"""Ids of deals and positions reserved before a symbol is replayed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionOps:
    """Runs ``CloseBy``, ``MergePositions``, ``ChangePosition`` and ``Reassign``."""

    ledger: LedgerStore
    record: RecordReports
    ids: IdBlocks
    place: PlaceOrder
    load_history: LoadHistory

    async def close_by(
        self,
        state: AccountState,
        command: Command,
        payload: CloseBy,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Close two opposite tickets against each other."""
        a, b = (
            state.positions.get(payload.position_id_a),
            state.positions.get(payload.position_id_b),
        )
        if a is None or b is None:
            return not_open(payload.position_id_a if a is None else payload.position_id_b)
        if (delisted := refuse_delisted(state, a.symbol)) is not None:
            return CommandResult.refused(delisted)
        instrument = state.exchange.instruments()[a.symbol]
        refused = refuse_close_by(payload, a, b, instrument)
        if refused is not None:
            return CommandResult.refused(refused)
        if _has_native_legs(state, instrument):
            return await self._two_closes(state, command, payload, (a, b), changes, now)
        await self.ids.ensure("deal", 2)
        entry = close_by(payload, a, b, instrument, command.id, self.ids, now)
        self.record.stage(state, entry, changes)
        return _done_result(entry)

    async def _two_closes(
        self,
        state: AccountState,
        command: Command,
        payload: CloseBy,
        positions: tuple[Position, Position],
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        qty = payload.qty or min(position.qty.copy_abs() for position in positions)
        order_ids: list[int] = []
        for position in positions:
            closing = ClosePosition(
                position_id=position.id,
                qty=qty,
                reason="close_by_internal",
                comment=payload.comment,
            )
            result = await self.place(state, evolve(command, payload=closing), changes, now)
            if result.order_id is not None:
                order_ids.append(result.order_id)
            if result.error is not None:
                return evolve(result, order_id=None, order_ids=tuple(order_ids))
        facts = {
            "command_id": command.id,
            "position_id_a": positions[0].id,
            "position_id_b": positions[1].id,
            "qty": decimal_text(qty),
        }
        changes.events.append(Event(name="close_by_executed", facts=facts))
        return CommandResult(
            status=CommandStatus.DONE,
            order_ids=tuple(order_ids),
            position_ids=tuple(position.id for position in positions),
        )

    def merge(
        self,
        state: AccountState,
        command: Command,
        payload: MergePositions,
        changes: Changes,
        now: datetime,
    ) -> CommandResult:
        """Merge a position into another; its open orders move with it."""
        source = state.positions.get(payload.source_position_id)
        target = state.positions.get(payload.target_position_id)
        if source is None or target is None:
            missing = payload.source_position_id if source is None else payload.target_position_id
            return not_open(missing)
        if (delisted := refuse_delisted(state, target.symbol)) is not None:
            return CommandResult.refused(delisted)
        instrument = state.exchange.instruments()[target.symbol]
        payload = round_levels(payload, target.side, instrument)
        levels = (payload.stop_loss, payload.stop_gain)
        refused = refuse_merge(
            payload, source, target, state.account.position_mode
        ) or refuse_levels(target.side, *levels, _exit_price(state, target, now))
        if refused is not None:
            return CommandResult.refused(refused)
        entry = merge_positions(payload, source, target, instrument, command.id, now)
        moved = tuple(
            _move_order(order, target.id, now)
            for order in state.orders_in(target.symbol)
            if order.position_id == source.id
        )
        entry = evolve(entry, orders=moved)
        self.record.stage(state, entry, changes)
        state.advance_newest_key(target.symbol, boundary_key(now))
        return _done_result(entry)

    def change(
        self, state: AccountState, payload: ChangePosition, changes: Changes, now: datetime
    ) -> CommandResult:
        """Set or clear stop levels and comment."""
        position = state.positions.get(payload.position_id)
        if position is None:
            return not_open(payload.position_id)
        if (delisted := refuse_delisted(state, position.symbol)) is not None:
            return CommandResult.refused(delisted)
        instrument = state.exchange.instruments()[position.symbol]
        payload = round_levels(payload, position.side, instrument)
        entry = change_position(payload, position, instrument, now)
        after = entry.positions[0]
        levels = (after.stop_loss, after.stop_gain)
        refused = refuse_percent(after.side, after.levels)
        # A level that the market passed meanwhile does not keep the other one from being changed.
        changed = (
            None if payload.stop_loss is payload.stop_loss_pct is KEEP else after.stop_loss,
            None if payload.stop_gain is payload.stop_gain_pct is KEEP else after.stop_gain,
        )
        if refused is None and any(level is not None for level in changed):
            refused = refuse_levels(after.side, *levels, None) or refuse_levels(
                after.side, *changed, _exit_price(state, position, now)
            )
        targets = None if after.levels is None else after.levels.targets
        if refused is None and targets is not None and isinstance(payload.targets, tuple):
            price = _exit_price(state, position, now)
            refused = refuse_targets(after.side, after.stop_loss, targets, price)
        if refused is not None:
            return CommandResult.refused(refused)
        self.record.stage(state, entry, changes)
        return _done_result(entry)

    async def reassign(
        self, state: AccountState, payload: Reassign, changes: Changes, now: datetime
    ) -> CommandResult:
        """Move orders to a strategy and a ticket, and replay their symbols."""
        orders: list[Order] = []
        for order_id in payload.order_ids:
            order = state.find_order(order_id)
            order = order or await self.ledger.order(state.account.id, order_id)
            if order is None:
                message = f"order {order_id} is not in this account"
                return CommandResult.refused(Refused(code="order_not_found", message=message))
            orders.append(order)
        if payload.strategy_id not in state.strategy_ids:
            message = f"strategy {payload.strategy_id} is not active on account {state.account.id}"
            return CommandResult.refused(Refused(code="invalid_strategy_id", message=message))
        moves: list[_Move] = []
        for symbol in sorted({order.symbol for order in orders}):
            if (delisted := refuse_delisted(state, symbol)) is not None:
                return CommandResult.refused(delisted)
            symbol_orders = [order for order in orders if order.symbol == symbol]
            move = await self._plan_move(state, payload, symbol_orders, now)
            if (opening := _find_opening_close(move)) is not None:
                return CommandResult.refused(_refuse_opening(opening, payload))
            moves.append(move)
        for move in moves:
            self._apply_move(state, payload, move, changes)
        return CommandResult(
            status=CommandStatus.DONE,
            order_ids=payload.order_ids,
            deal_ids=tuple(d.id for move in moves for d in move.entry.deals_changed),
            position_ids=tuple(p.id for move in moves for p in move.entry.positions),
        )

    async def _plan_move(
        self, state: AccountState, payload: Reassign, orders: list[Order], now: datetime
    ) -> "_Move":
        """Return the effect of moving orders of one symbol; requested tickets are kept."""
        instrument = state.exchange.instruments()[orders[0].symbol]
        moment = min(order.created_at for order in orders)
        history = await self.load_history(state, instrument, moment)
        await self.ids.ensure("deal", IDS_PER_REASSIGN + len(history.deals))
        await self.ids.ensure("position", IDS_PER_REASSIGN + len(history.deals))
        moved = {
            order.id: evolve(
                order,
                strategy_id=payload.strategy_id,
                ticket_id=payload.position_id or order.ticket_id,
                reconciled=True,
                version=order.version + 1,
                updated_at=now,
            )
            for order in orders
        }
        entry = apply_reassignment(history, moved, self.ids, now)
        return _Move(orders=orders, history=history, entry=entry)

    def _apply_move(
        self, state: AccountState, payload: Reassign, move: "_Move", changes: Changes
    ) -> None:
        entry, orders = move.entry, move.orders
        self.record.stage(state, entry, changes, move.history.position_ids)
        facts = {
            "deals_updated": len(entry.deals_changed),
            "orders_updated": len(orders),
            "positions_updated": len(entry.positions),
            "target_strategy_id": payload.strategy_id,
            "target_position_id": payload.position_id,
        }
        audit = facts | {
            "before": [_target_of(order) for order in orders],
            "after": [_target_of(changes.orders[order.id]) for order in orders],
        }
        for name, fields in (("reassigned", facts), ("reassign_audit", audit)):
            changes.events.append(Event(name=name, strategy_id=payload.strategy_id, facts=fields))


class _Move(NamedTuple):
    """Orders of one symbol, its history, and the ledger update of moving them."""

    orders: list[Order]
    history: SymbolHistory
    entry: LedgerUpdate


def _find_opening_close(move: _Move) -> Order | None:
    """Return a reduce-only order, moved or not, that would open a position instead of closing."""
    deals_before = {deal.id: deal for deal in move.history.deals}
    for deal in (*move.entry.deals, *move.entry.deals_changed):
        before = deals_before.get(deal.id)
        opens = deal.entry is DealEntry.IN and (before is None or before.entry is not DealEntry.IN)
        order = move.history.orders.get(deal.order_id or 0)
        if opens and order is not None and order.reduce_only:
            return order
    return None


def _refuse_opening(order: Order, payload: Reassign) -> Refused:
    message = (
        f"order {order.id} only closes, and would have nothing to close after the move to strategy"
        f" {payload.strategy_id}: move it and the order that opened its position together"
    )
    return Refused(code="invalid_close_volume", reason="nothing_to_close", message=message)


def _exit_price(state: AccountState, position: Position, now: datetime) -> Decimal | None:
    """Return the price at which the position could be closed, ``None`` if it is not known."""
    quote = state.exchange.quote(position.symbol, now)
    if quote is None:
        return None
    return quote.bid if position.side is Side.BUY else quote.ask


def _has_native_legs(state: AccountState, instrument: Instrument) -> bool:
    """Return whether the exchange itself holds a long and a short leg."""
    is_hedge = state.account.position_mode is PositionMode.HEDGE
    return is_hedge and instrument.kind is not InstrumentKind.SPOT


def _target_of(order: Order) -> dict[str, int]:
    """Return strategy and position of an order, for the audit event."""
    return {
        "order_id": order.id,
        "strategy_id": order.strategy_id,
        "position_id": order.position_id,
    }


def _move_order(order: Order, position_id: int, now: datetime) -> Order:
    return evolve(order, position_id=position_id, version=order.version + 1, updated_at=now)


def _done_result(entry: LedgerUpdate) -> CommandResult:
    return CommandResult(
        status=CommandStatus.DONE,
        position_ids=tuple(position.id for position in entry.positions),
        deal_ids=tuple(deal.id for deal in entry.deals),
    )


def not_open(position_id: int) -> CommandResult:
    """Return the result of a command on a position that is closed or unknown."""
    message = f"position {position_id} is not open in this account"
    return CommandResult.refused(Refused(code="position_not_found", message=message))
