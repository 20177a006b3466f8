"""Lay a history that was folded again over the rows as they stood: what changed, and nothing else.

Three things make a history be folded again: an execution that belongs before others that are
booked (or replaces an inferred one), an execution that the exchange takes back, and orders that
move to another strategy or position.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from oms.domain.booking import deal_of
from oms.domain.deal import Deal, DealEntry, DealType
from oms.domain.entry import EXEC_TYPES, Entry
from oms.domain.event import Event
from oms.domain.ids import Mint
from oms.domain.ledger_events import closed_event, deal_event
from oms.domain.money import ZERO, difference
from oms.domain.order import Order, advanced, without_provisional
from oms.domain.position import Position, PositionState, charged, funded
from oms.domain.refold import BUST, Folded, History, busted_ids, folded_again
from oms.domain.report import Execution, Report, ReportKind
from oms.domain.value import evolve

#: What is told of a position that folding again changed.
_TOLD = ("qty", "avg_price", "profit", "realized_pnl", "qty_opened", "qty_closed", "state")


def rewritten(history: History, order: Order, report: Report, mint: Mint) -> Entry:
    """Book an execution that is late, real for an inferred one, or taken back."""
    execution = report.execution
    assert execution is not None, "only executions are folded"
    if report.kind is ReportKind.BUSTED:
        return _busted(history, order, report, execution, mint)
    order, shrunk, removed = _replaced(history, order, execution)
    after = advanced(order, report)
    assert after is not None, "a fill is legal from every state"
    inferred = (*removed, *shrunk)
    late = evolve(
        deal_of(order, report, execution, mint("deal")),
        position_id=inferred[0].position_id if inferred else 0,  # whose ticket keeps its name
    )
    gone = {deal.id for deal in inferred}
    kept = [deal for deal in history.deals if deal.id not in gone]
    history = evolve(
        history,
        deals=(*kept, *shrunk, late),
        orders={**history.orders, order.id: order},
    )
    fresh = frozenset((late.id,))
    entry = _laid_over(history, mint, report.heard_at, cause="late_fill", order=after, fresh=fresh)
    told = {deal.id for deal in entry.deals_changed}
    return evolve(
        entry,
        deals_changed=(*entry.deals_changed, *(d for d in shrunk if d.id not in told)),
        deals_removed=removed,
        exec_type=EXEC_TYPES[report.kind],
        late_fill=True,
    )


def corrected(
    history: History, order: Order, bust: Report | None, right: Report | None, mint: Mint
) -> Entry:
    """Take an execution back, book the ``right`` one, or both: folded together.

    A right one takes the place of its victim, so that a ticket it opened keeps its name.
    """
    told = bust or right
    assert told is not None, "something is to be corrected"
    victims: list[Deal] = []
    after = order
    if bust is not None and bust.execution is not None:
        name = bust.execution.exchange_trade_id
        victims = [d for d in history.deals if d.exchange_trade_id == name]
        after = advanced(after, bust) or after
        history = _with(history, [_reversing(victim, bust, mint) for victim in victims])
    fresh = {deal.id for deal in history.deals[len(history.deals) - len(victims) :]}
    if right is not None and right.execution is not None:
        after = advanced(after, right) or after
        whole = deal_of(order, right, right.execution, mint("deal"))
        place = next((d for d in victims if d.entry is DealEntry.IN), next(iter(victims), whole))
        whole = evolve(whole, position_id=place.position_id, entry=place.entry)
        history = _with(history, [evolve(whole, comment=place.comment)])
        fresh.add(whole.id)
    elif not after.filled_qty:
        after = evolve(after, position_id=after.ticket_id)
    history = evolve(history, orders={**history.orders, order.id: after})
    cause = "correction"
    entry = _laid_over(
        history, mint, told.heard_at, cause=cause, order=after, fresh=frozenset(fresh)
    )
    exec_type = "trade_cancel" if right is None else "trade_correct" if bust else "trade"
    return evolve(entry, exec_type=exec_type)


def overlaid(history: History, entry: Entry) -> History:
    """The history as it is after ``entry``."""
    deals = {d.id: d for d in (*history.deals, *entry.deals, *entry.deals_changed)}
    positions = {p.id: p for p in (*history.positions, *entry.positions)}
    orders = {**history.orders, **{order.id: order for order in entry.orders}}
    if entry.order is not None:
        orders[entry.order.id] = entry.order
    return evolve(
        history, deals=tuple(deals.values()), positions=tuple(positions.values()), orders=orders
    )


def _with(history: History, deals: Sequence[Deal]) -> History:
    return evolve(history, deals=(*history.deals, *deals))


def reassigned(history: History, orders: Mapping[int, Order], mint: Mint, now: datetime) -> Entry:
    """Fold with ``orders`` in their new form: another strategy, another ticket."""
    orders = {
        order_id: order if order.filled_qty else evolve(order, position_id=order.ticket_id)
        for order_id, order in orders.items()
    }
    history = evolve(history, orders={**history.orders, **orders})
    entry = _laid_over(history, mint, now, cause="reassign", order=None)
    moved = {order.id: order for order in entry.orders}
    rest = (order for order_id, order in orders.items() if order_id not in moved)
    return evolve(entry, orders=(*entry.orders, *rest))


def _busted(
    history: History, order: Order, report: Report, execution: Execution, mint: Mint
) -> Entry:
    victims = [d for d in history.deals if d.exchange_trade_id == execution.exchange_trade_id]
    after = advanced(order, report) or order
    if not after.filled_qty:
        after = evolve(after, position_id=after.ticket_id)
    reversing = [_reversing(victim, report, mint) for victim in victims]
    history = evolve(history, deals=(*history.deals, *reversing))
    fresh = frozenset(deal.id for deal in reversing)
    entry = _laid_over(history, mint, report.heard_at, cause="bust", order=after, fresh=fresh)
    return evolve(entry, exec_type=EXEC_TYPES[report.kind])


def _reversing(victim: Deal, report: Report, mint: Mint) -> Deal:
    """The deal that takes ``victim`` back, its fee with it."""
    return evolve(
        victim,
        id=mint("deal"),
        side=victim.side.opposite,
        fee=None if victim.fee is None else victim.fee.copy_negate(),
        profit=ZERO,
        reason="correction",
        type=DealType.CORRECTION,
        exchange_trade_id=f"{BUST}{victim.exchange_trade_id}",
        origin=report.heard.value,
        executed_at=report.heard_at,
        created_at=report.heard_at,
    )


def _replaced(
    history: History, order: Order, execution: Execution
) -> tuple[Order, tuple[Deal, ...], tuple[Deal, ...]]:
    """The order and its inferred deals less what the real ``execution`` stands for.

    Returns the order, the deals that shrink and the deals that go.
    """
    left = ZERO if execution.provisional else min(order.provisional_qty, execution.qty)
    shrunk: list[Deal] = []
    removed: list[Deal] = []
    for deal in sorted(history.deals, key=lambda each: each.id):
        if not left or not deal.provisional or deal.order_id != order.id:
            continue
        part = min(left, deal.qty)
        left = difference(left, part)
        order = without_provisional(order, part, deal.price)
        if part == deal.qty:
            removed.append(deal)
        else:
            shrunk.append(evolve(deal, qty=difference(deal.qty, part)))
    return order, tuple(shrunk), tuple(removed)


def _laid_over(
    history: History,
    mint: Mint,
    now: datetime,
    *,
    cause: str,
    order: Order | None,
    fresh: frozenset[int] = frozenset(),
) -> Entry:
    fold = folded_again(history, mint)
    ids = _ids(fold, mint)
    deals = _deals(history, fold, ids)
    positions = _positions(history, fold, ids, deals, now)
    known = {deal.id: deal for deal in history.deals if deal.position_id and deal.id not in fresh}
    new = tuple(deal for deal in deals if deal.id not in known)
    changed = tuple(d for d in deals if d.id in known and d != known[d.id])
    orders, order = _orders(history, fold, ids, order, now)
    events = (
        *(deal_event(deal) for deal in new),
        *_refold_event(history, positions, cause),
        *(closed_event(p) for p in positions if _just_closed(history, p)),
    )
    return Entry(
        order=order,
        orders=orders,
        deals=new,
        deals_changed=changed,
        positions=positions,
        events=events,
    )


def _ids(fold: Folded, mint: Mint) -> dict[int, int]:
    """The id of each working number: its forerunner's, or a new one."""
    ids = {number: before for before, number in fold.numbers.items()}
    for number in fold.positions:
        if number not in ids:
            ids[number] = mint("position")
    return ids


def _deals(history: History, fold: Folded, ids: Mapping[int, int]) -> list[Deal]:
    """All deals of the history in their new places."""
    deals = [
        evolve(
            deal,
            position_id=ids[deal.position_id],
            previous_position_id=ids.get(deal.previous_position_id or 0),
        )
        for deal in fold.deals
    ]
    placed = {deal.id for deal in deals}
    busted = busted_ids(history.deals)
    for deal in history.deals:
        if deal.id in placed:
            continue
        if deal.type is DealType.COMMISSION:
            trade = deal.exchange_trade_id.removeprefix("fee:")
            number = fold.trades.get(trade)
            deals.append(deal if number is None else evolve(deal, position_id=ids[number]))
        elif deal.exchange_trade_id in busted:
            deals.append(evolve(deal, profit=ZERO))
        else:
            deals.append(deal)
    return deals


def _positions(
    history: History, fold: Folded, ids: Mapping[int, int], deals: Sequence[Deal], now: datetime
) -> tuple[Position, ...]:
    """Positions whose numbers changed, in their new form; empty ones last."""
    before = {position.id: position for position in history.positions}
    after: dict[int, Position] = {
        ids[number]: _named(position, ids, before.get(ids[number]), before)
        for number, position in fold.positions.items()
    }
    for position_id, position in after.items():
        first = after.get(position.identifier)
        if first is not None and first.identifier != position.identifier:
            # The chain began before this history.
            after[position_id] = evolve(position, identifier=first.identifier)
    for position_id, old in before.items():
        if position_id not in after:
            after[position_id] = _emptied(old, now)
    for deal in deals:
        if deal.position_id in after:
            after[deal.position_id] = _charged(after[deal.position_id], history, deal)
    return tuple(
        evolve(position, version=1 + _version(before.get(position_id)), updated_at=now)
        for position_id, position in after.items()
        if not _same(position, before.get(position_id))
    )


def _version(old: Position | None) -> int:
    return 0 if old is None else old.version


def _named(
    position: Position, ids: Mapping[int, int], old: Position | None, before: Mapping[int, Position]
) -> Position:
    """A folded position under its real ids, with what only its forerunner knows."""
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
    held = position.is_open
    state = old.state if held and old.is_open else position.state
    return evolve(
        position,
        comment=old.comment,
        state=state,
        stop_loss=old.stop_loss if held and old.is_open else position.stop_loss,
        stop_gain=old.stop_gain if held and old.is_open else position.stop_gain,
    )


def _emptied(old: Position, now: datetime) -> Position:
    """A position that nothing is left of; its fees are charged anew by its deals."""
    return evolve(
        old,
        qty=ZERO,
        cost=Fraction(0),
        exit_value=Fraction(0),
        state=PositionState.CLOSED,
        stop_loss=None,
        stop_gain=None,
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


def _charged(position: Position, history: History, deal: Deal) -> Position:
    """The position after a deal that moved money alone."""
    match deal.type:
        case DealType.FUNDING:
            return funded(position, deal.profit)
        case DealType.COMMISSION:
            assert deal.fee is not None and deal.fee_currency is not None
            return charged(position, history.instrument, deal.fee, deal.fee_currency)
        case DealType.TRADE | DealType.BALANCE | DealType.CORRECTION:
            return position


def _same(position: Position, old: Position | None) -> bool:
    if old is None:
        return False
    return evolve(position, version=old.version, updated_at=old.updated_at) == old


def _just_closed(history: History, position: Position) -> bool:
    old = next((p for p in history.positions if p.id == position.id), None)
    return not position.is_open and (old is None or old.is_open)


def _orders(
    history: History, fold: Folded, ids: Mapping[int, int], order: Order | None, now: datetime
) -> tuple[tuple[Order, ...], Order | None]:
    """Orders whose executions went to another position, and the one the report is about."""
    moved: list[Order] = []
    merged = {p.id: p.merged_into for p in history.positions if p.merged_into is not None}
    for order_id, number in fold.tickets.items():
        known = order if order is not None and order.id == order_id else None
        known = known or history.orders.get(order_id)
        if known is None or _stands(known, ids[number], merged):
            continue
        if order is not None and order.id == order_id:
            order = evolve(order, position_id=ids[number])
        else:
            moved.append(
                evolve(known, position_id=ids[number], version=known.version + 1, updated_at=now)
            )
    return tuple(moved), order


def _stands(order: Order, position_id: int, merged: Mapping[int, int]) -> bool:
    """Whether the order's position is this one; what is over stays with what was merged into it."""
    held = order.position_id
    while not order.is_open and held != position_id and held in merged:
        held = merged[held]
    return held == position_id


def _refold_event(history: History, positions: Sequence[Position], cause: str) -> tuple[Event, ...]:
    """Which numbers changed, from what to what."""
    before = {position.id: position for position in history.positions}
    changes: dict[str, object] = {}
    for position in positions:
        old = before.get(position.id)
        numbers = {name: _numbers(old, position, name) for name in _TOLD}
        changes[str(position.id)] = {n: pair for n, pair in numbers.items() if pair[0] != pair[1]}
    if not changes:
        return ()
    facts = {"symbol": history.instrument.symbol, "cause": cause, "changes": changes}
    strategy_id = positions[0].strategy_id if len(positions) == 1 else 0
    return (Event(name="positions_refolded", strategy_id=strategy_id, facts=facts),)


def _numbers(old: Position | None, new: Position, name: str) -> tuple[object, object]:
    before: Decimal | str | None = None if old is None else getattr(old, name)
    return before, getattr(new, name)
