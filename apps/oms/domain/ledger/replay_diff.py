"""Comparison of a replayed history with the stored rows; returns only what changed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from oms.domain.account import PositionMode
from oms.domain.event import Event
from oms.domain.ids import IdGenerator
from oms.domain.ledger.charges import FEE_PREFIX
from oms.domain.ledger.deal import Deal, DealEntry, DealType
from oms.domain.ledger.funding_split import Timeline, merges_of, split_again
from oms.domain.ledger.history_replay import ReplayedHistory, SymbolHistory, replay_history
from oms.domain.ledger.ledger_events import closed_event, deal_event
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.ledger.position import Position, PositionState, apply_fee, apply_funding
from oms.domain.ledger.replay_steps import busted_trade_ids
from oms.domain.money import ZERO
from oms.domain.orders.order import Order
from oms.domain.protection.entry_levels import with_entry_levels
from oms.domain.protection.levels import NO_LEVELS
from oms.domain.protection.stop_rule import is_armed
from oms.domain.value import evolve

#: Position fields whose changes are reported in the event.
_REPORTED_FIELDS = (
    "qty",
    "avg_price",
    "profit",
    "realized_pnl",
    "qty_opened",
    "qty_closed",
    "state",
)


def replay_and_diff(
    history: SymbolHistory,
    next_id: IdGenerator,
    now: datetime,
    *,
    cause: str,
    new_orders: Mapping[int, Order],
    new_deal_ids: frozenset[int] = frozenset(),
    unfilled_ids: frozenset[int] = frozenset(),
) -> LedgerUpdate:
    """Replay ``history`` and compare. Deals in ``new_deal_ids`` are new.

    Orders in ``unfilled_ids`` had no execution before: they bring their stop levels.

    ``new_orders`` are the orders that the reports are about, in their new form; the returned
    ``orders`` contain them after orders that only moved to another position.
    """
    replayed = replay_history(history, next_id)
    ids = _ids(replayed, next_id)
    deals = _deals(history, replayed, ids, next_id)
    positions = _positions(history, replayed, ids, deals, unfilled_ids, now)
    current = {deal.id: deal for deal in history.deals if deal.id not in new_deal_ids}
    kept = {deal.id for deal in deals}
    new = tuple(deal for deal in deals if deal.id not in current)
    changed = tuple(d for d in deals if d.id in current and d != current[d.id])
    orders = _orders(history, replayed, ids, new_orders, now)
    events = (
        *(deal_event(deal) for deal in new),
        *_replay_event(history, positions, cause),
        *(closed_event(p) for p in positions if _just_closed(history, p)),
    )
    return LedgerUpdate(
        orders=orders,
        deals=new,
        deals_changed=changed,
        deals_removed=tuple(d for deal_id, d in current.items() if deal_id not in kept),
        positions=positions,
        events=events,
    )


def _ids(replayed: ReplayedHistory, next_id: IdGenerator) -> dict[int, int]:
    """Return the id of each working number: that of its predecessor, or a new one."""
    ids = dict(replayed.ids)
    for number in replayed.positions:
        if number not in ids:
            ids[number] = next_id("position")
    return ids


def _deals(
    history: SymbolHistory,
    replayed: ReplayedHistory,
    ids: Mapping[int, int],
    next_id: IdGenerator,
) -> list[Deal]:
    """Return all deals of the history with their new positions."""
    is_hedge = history.mode is PositionMode.HEDGE
    deals = [_with_position(deal, replayed, ids, is_hedge) for deal in replayed.deals]
    placed = {deal.id for deal in (*deals, *replayed.surplus)}
    busted = busted_trade_ids(history.deals)
    payments: list[Deal] = []
    for deal in history.deals:
        if deal.id in placed:
            continue
        if deal.type is DealType.COMMISSION:
            trade = deal.exchange_trade_id.removeprefix(FEE_PREFIX)
            number = replayed.trade_positions.get(trade)
            deals.append(deal if number is None else _moved(deal, number, ids))
        elif deal.type is DealType.FUNDING and history.covers(deal.executed_at):
            payments.append(deal)
        elif deal.exchange_trade_id in busted:
            deals.append(evolve(deal, profit=ZERO))
        else:
            deals.append(deal)
    merges = {
        ids[source]: (at, ids[target])
        for source, (at, target) in merges_of(replayed.positions.values()).items()
    }
    timeline = Timeline(history.instrument, deals, merges)
    return [*deals, *split_again(payments, timeline, next_id)]


def _moved(fee: Deal, number: int, ids: Mapping[int, int]) -> Deal:
    return evolve(fee, position_id=ids[number] if number else 0)


def _with_position(
    deal: Deal, replayed: ReplayedHistory, ids: Mapping[int, int], is_hedge: bool
) -> Deal:
    """Return a replayed deal under the actual ids of its positions.

    An entry that was known by another ticket is known by the one that is opened for it, too.
    """
    position_id = ids[deal.position_id] if deal.position_id else 0
    previous = replayed.previous_ids.get(deal.id) or ids.get(deal.previous_position_id or 0)
    previous = previous if previous != position_id else None
    opened = deal.opened_ticket_ids
    is_opened = deal.entry is DealEntry.IN and deal.position_id not in replayed.ids
    if is_opened and replayed.previous_ids.get(deal.id) and deal.order_id is not None and is_hedge:
        opened = (*opened, position_id)
    return evolve(
        deal,
        position_id=position_id,
        previous_position_id=previous,
        opened_ticket_ids=opened,
    )


def _positions(
    history: SymbolHistory,
    replayed: ReplayedHistory,
    ids: Mapping[int, int],
    deals: Sequence[Deal],
    unfilled_ids: frozenset[int],
    now: datetime,
) -> tuple[Position, ...]:
    """Return the positions that changed, in their new form; emptied ones last."""
    before = {position.id: position for position in history.positions}
    after: dict[int, Position] = {
        ids[number]: _with_ids(position, ids, before.get(ids[number]), before)
        for number, position in replayed.positions.items()
    }
    for position_id, position in after.items():
        first = after.get(position.identifier)
        if first is not None and first.identifier != position.identifier:
            # The chain began before this history.
            after[position_id] = evolve(position, identifier=first.identifier)
    entered = [d for d in deals if d.order_id in unfilled_ids and _is_entry(d)]
    for position_id, old in before.items():
        if position_id not in after:
            after[position_id] = _emptied_position(old, now)
        elif old.is_open and after[position_id].is_open:
            after[position_id] = _with_levels_of(old, after[position_id], history, entered)
        elif is_armed(after[position_id]):
            # Its version is above every arming that it had before it was closed.
            levels = after[position_id].levels or NO_LEVELS
            after[position_id] = evolve(
                after[position_id], levels=evolve(levels, arming=old.version)
            )
    for deal in deals:
        if deal.position_id in after:
            after[deal.position_id] = _with_charge(after[deal.position_id], history, deal)
    return tuple(
        evolve(position, version=1 + _version(before.get(position_id)), updated_at=now)
        for position_id, position in after.items()
        if not _same(position, before.get(position_id))
    )


def _version(old: Position | None) -> int:
    return 0 if old is None else old.version


def _with_ids(
    position: Position, ids: Mapping[int, int], old: Position | None, before: Mapping[int, Position]
) -> Position:
    """Return a replayed position under its actual ids, with the fields that only its predecessor
    has.
    """
    previous = ids.get(position.previous_position_id or 0)
    identifier = ids[position.identifier]
    if old is not None and previous is None and old.previous_position_id not in before:
        previous, identifier = old.previous_position_id, old.identifier
    position = evolve(
        position,
        id=ids[position.id],
        identifier=identifier,
        previous_position_id=previous,
        merged_into=ids.get(position.merged_into or 0),
    )
    if old is None:
        return position
    state = old.state if position.is_open and old.is_open else position.state
    return evolve(position, comment=old.comment, state=state)


def _is_entry(deal: Deal) -> bool:
    return deal.type is DealType.TRADE and deal.entry is DealEntry.IN


def _with_levels_of(
    old: Position, position: Position, history: SymbolHistory, entered: Sequence[Deal]
) -> Position:
    """Return a position that stays open with the levels it had, after these entries into it."""
    position = evolve(position, stop_loss=old.stop_loss, stop_gain=old.stop_gain, levels=old.levels)
    orders = [
        history.orders.get(deal.order_id or 0)
        for deal in entered
        if deal.position_id == position.id
    ]
    for order in (*orders, None):  # Without an order: the average price may have changed.
        position = with_entry_levels(position, order, history.instrument)
    return position


def _emptied_position(old: Position, now: datetime) -> Position:
    """Return a position that nothing is left of; its fees are applied again by its deals."""
    return evolve(
        old,
        qty=ZERO,
        cost=Fraction(0),
        exit_value=Fraction(0),
        state=PositionState.CLOSED,
        stop_loss=None,
        stop_gain=None,
        levels=None,
        qty_opened=ZERO,
        qty_closed=ZERO,
        max_qty=ZERO,
        profit=ZERO,
        realized_pnl=ZERO,
        fees={},
        funding=ZERO,
        close_price=None,
        close_reason="correction",
        merged_into=None,
        closed_at=old.closed_at or now,
    )


def _with_charge(position: Position, history: SymbolHistory, deal: Deal) -> Position:
    """Return the position after a deal that moved money only."""
    match deal.type:
        case DealType.FUNDING:
            return apply_funding(position, deal.profit)
        case DealType.COMMISSION:
            assert deal.fee is not None and deal.fee_currency is not None
            return apply_fee(position, history.instrument, deal.fee, deal.fee_currency)
        case DealType.TRADE | DealType.BALANCE | DealType.CORRECTION:
            return position


def _same(position: Position, old: Position | None) -> bool:
    if old is None:
        return False
    return evolve(position, version=old.version, updated_at=old.updated_at) == old


def _just_closed(history: SymbolHistory, position: Position) -> bool:
    old = next((p for p in history.positions if p.id == position.id), None)
    return not position.is_open and (old is None or old.is_open)


def _orders(
    history: SymbolHistory,
    replayed: ReplayedHistory,
    ids: Mapping[int, int],
    new_orders: Mapping[int, Order],
    now: datetime,
) -> tuple[Order, ...]:
    """Return orders whose executions moved to another position, then the given orders."""
    moved: list[Order] = []
    after = dict(new_orders)
    merged = {p.id: p.merged_into for p in history.positions if p.merged_into is not None}
    for order_id, number in replayed.order_positions.items():
        current = after.get(order_id) or history.orders.get(order_id)
        position_id = ids[number] if number else 0
        if current is None or _is_at(current, position_id, merged):
            continue
        if order_id in after:
            after[order_id] = evolve(current, position_id=position_id)
        else:
            moved.append(
                evolve(
                    current, position_id=position_id, version=current.version + 1, updated_at=now
                )
            )
    return (*moved, *after.values())


def _is_at(order: Order, position_id: int, merged: Mapping[int, int]) -> bool:
    """Return whether the order refers to the position, directly or, if final, by way of merges."""
    held = order.position_id
    while not order.is_open and held != position_id and held in merged:
        held = merged[held]
    return held == position_id


def _replay_event(
    history: SymbolHistory, positions: Sequence[Position], cause: str
) -> tuple[Event, ...]:
    """Return the event with the changed numbers, before and after."""
    before = {position.id: position for position in history.positions}
    changes: dict[str, object] = {}
    for position in positions:
        old = before.get(position.id)
        fields = {name: _before_after(old, position, name) for name in _REPORTED_FIELDS}
        changes[str(position.id)] = {
            name: pair for name, pair in fields.items() if pair[0] != pair[1]
        }
    if not changes:
        return ()
    facts = {"symbol": history.instrument.symbol, "cause": cause, "changes": changes}
    strategy_id = positions[0].strategy_id if len(positions) == 1 else 0
    return (Event(name="positions_refolded", strategy_id=strategy_id, facts=facts),)


def _before_after(old: Position | None, new: Position, name: str) -> tuple[object, object]:
    before: Decimal | str | None = None if old is None else getattr(old, name)
    return before, getattr(new, name)
