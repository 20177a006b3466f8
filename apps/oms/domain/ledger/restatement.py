"""Restatement: changes to booked history that require a replay.

Three causes: an execution that belongs before booked ones (or replaces an inferred one), an
execution reversed by the exchange, and orders moved to another strategy or position.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from oms.domain.account import PositionMode
from oms.domain.event import Event
from oms.domain.ids import IdGenerator
from oms.domain.ledger.allocation import execution_key
from oms.domain.ledger.booking import build_deal, execution_key_of
from oms.domain.ledger.deal import Deal, DealEntry, DealType
from oms.domain.ledger.execution_legs import ticket_name
from oms.domain.ledger.history_replay import SymbolHistory
from oms.domain.ledger.ledger_events import over_close_events, over_fill_events
from oms.domain.ledger.ledger_update import EXEC_TYPES, LedgerUpdate
from oms.domain.ledger.replay_diff import replay_and_diff
from oms.domain.ledger.replay_steps import BUST_PREFIX, busted_trade_ids
from oms.domain.money import ZERO, subtract
from oms.domain.orders.execution_report import Execution, ExecutionReport, ReportKind
from oms.domain.orders.order import Order, advance_order, remove_provisional
from oms.domain.value import evolve


def restate(
    history: SymbolHistory, order: Order, report: ExecutionReport, next_id: IdGenerator
) -> LedgerUpdate:
    """Book an execution that is late, replaces an inferred one, or is reversed."""
    execution = report.execution
    assert execution is not None, "only executions are booked"
    if report.kind is ReportKind.BUSTED:
        return _reverse(history, order, report, execution, next_id)
    unfilled_ids = _unfilled([order])
    order, reduced, removed = _replace_inferred(history, order, execution)
    after = advance_order(order, report)
    assert after is not None, "a fill is legal from every state"
    inferred = (*removed, *reduced)
    inferred_ids = {deal.id for deal in inferred}
    remaining = [deal for deal in history.deals if deal.id not in inferred_ids]
    position_id = _ticket_of(inferred, remaining, history.mode)
    late = evolve(build_deal(order, report, execution, next_id("deal")), position_id=position_id)
    history = evolve(history.with_orders({order.id: order}), deals=(*remaining, *reduced, late))
    new_deal_ids = frozenset((late.id,))
    update = replay_and_diff(
        history,
        next_id,
        report.received_at,
        cause="late_fill",
        new_orders={order.id: after},
        new_deal_ids=new_deal_ids,
        unfilled_ids=unfilled_ids,
    )
    known_ids = {deal.id for deal in (*update.deals_changed, *update.deals_removed)}
    over_closed = over_close_events(history.mode, update.deals, execution.exchange_trade_id)
    return evolve(
        _for_order(order.id, update),
        deals_changed=(*update.deals_changed, *(d for d in reduced if d.id not in known_ids)),
        deals_removed=(*update.deals_removed, *removed),
        events=(
            *update.events,
            *over_closed,
            *over_fill_events(order, after, execution.exchange_trade_id),
        ),
        exec_type=EXEC_TYPES[report.kind],
        late_fill=not order.is_open or _is_late(history, execution),
    )


def _ticket_of(inferred: Sequence[Deal], others: Sequence[Deal], mode: PositionMode) -> int:
    """Return the ticket that only ``inferred`` deals entered; 0 if ``others`` did, too.

    The actual execution keeps it. A ticket with other entries, not busted, is not that of the
    execution unless a replay says so: it may belong after the ticket's close.
    """
    entered = next((ticket_name(mode, d) for d in inferred if d.entry is DealEntry.IN), 0)
    busted = busted_trade_ids(others)
    is_shared = any(
        ticket_name(mode, deal) == entered and deal.entry is DealEntry.IN
        for deal in others
        if deal.type is DealType.TRADE and deal.exchange_trade_id not in busted
    )
    return 0 if is_shared and mode is PositionMode.HEDGE else entered


def _is_late(history: SymbolHistory, execution: Execution) -> bool:
    """Return whether the execution belongs before another one."""
    key = execution_key_of(execution)
    return any(
        key < execution_key(deal.executed_at, deal.exchange_sequence, deal.exchange_trade_id)
        for deal in history.deals
        if deal.type is DealType.TRADE
    )


def apply_late_fills(
    history: SymbolHistory,
    orders: Mapping[int, Order],
    reports: Sequence[ExecutionReport],
    next_id: IdGenerator,
) -> LedgerUpdate:
    """Book late executions of one symbol with a single replay.

    Equal to booking them one by one. None may replace an inferred execution. ``orders`` are those
    of the reports; their new form is at the end of the returned ``orders``.
    """
    after = dict(orders)
    late: list[Deal] = []
    over_filled: list[Event] = []
    for report in reports:
        order = after[report.order_id]
        assert report.execution is not None and not order.provisional_qty, "plain late executions"
        late.append(build_deal(order, report, report.execution, next_id("deal")))
        advanced = advance_order(order, report)
        assert advanced is not None, "a fill is legal from every state"
        over_filled += over_fill_events(order, advanced, report.execution.exchange_trade_id)
        after[order.id] = advanced
    extended = _with_deals(history.with_orders(orders), late)
    new_deal_ids = frozenset(deal.id for deal in late)
    now = max(report.received_at for report in reports)
    update = replay_and_diff(
        extended,
        next_id,
        now,
        cause="late_fill",
        new_orders=after,
        new_deal_ids=new_deal_ids,
        unfilled_ids=_unfilled(orders.values()),
    )
    over_closed = [
        event
        for deal in late
        for event in over_close_events(history.mode, update.deals, deal.exchange_trade_id)
    ]
    return evolve(update, events=(*update.events, *over_closed, *over_filled))


def apply_correction(
    history: SymbolHistory,
    order: Order,
    bust: ExecutionReport | None,
    right: ExecutionReport | None,
    next_id: IdGenerator,
) -> LedgerUpdate:
    """Reverse an execution, book the ``right`` one, or both, with a single replay.

    The right one takes the place of the reversed one, so a ticket that it opened keeps its id.
    """
    report = bust or right
    assert report is not None, "a correction needs a bust or a right execution"
    reversed_deals: list[Deal] = []
    after, history = order, history.with_orders({order.id: order})
    if bust is not None and bust.execution is not None:
        name = bust.execution.exchange_trade_id
        reversed_deals = [d for d in history.deals if d.exchange_trade_id == name]
        after = advance_order(after, bust) or after
        history = _with_deals(
            history,
            [_reversing_deal(reversed_deal, bust, next_id) for reversed_deal in reversed_deals],
        )
    new_deal_ids = {deal.id for deal in history.deals[len(history.deals) - len(reversed_deals) :]}
    if right is not None and right.execution is not None:
        after = advance_order(after, right) or after
        deal_of_right = build_deal(order, right, right.execution, next_id("deal"))
        place = next(
            (d for d in reversed_deals if d.entry is DealEntry.IN),
            next(iter(reversed_deals), deal_of_right),
        )
        place_id = ticket_name(history.mode, place)
        keeps_rate = deal_of_right.fee_currency == place.fee_currency
        deal_of_right = evolve(
            deal_of_right,
            position_id=place_id,
            entry=place.entry,
            fee_rate=place.fee_rate if keeps_rate else None,
        )
        history = _with_deals(history, [evolve(deal_of_right, comment=place.comment)])
        new_deal_ids.add(deal_of_right.id)
    elif not after.filled_qty:
        after = evolve(after, position_id=after.ticket_id)
    history = evolve(history, orders={**history.orders, order.id: after})
    update = replay_and_diff(
        history,
        next_id,
        report.received_at,
        cause="correction",
        new_orders={order.id: after},
        new_deal_ids=frozenset(new_deal_ids),
    )
    exec_type = "trade_cancel" if right is None else "trade_correct" if bust else "trade"
    return evolve(_for_order(order.id, update), exec_type=exec_type)


def apply_update(history: SymbolHistory, update: LedgerUpdate) -> SymbolHistory:
    """Return the history after ``update``."""
    deals = {d.id: d for d in (*history.deals, *update.deals, *update.deals_changed)}
    for removed in update.deals_removed:
        deals.pop(removed.id, None)
    positions = {p.id: p for p in (*history.positions, *update.positions)}
    orders = {**history.orders, **{order.id: order for order in update.orders}}
    if update.order is not None:
        orders[update.order.id] = update.order
    return evolve(
        history, deals=tuple(deals.values()), positions=tuple(positions.values()), orders=orders
    )


def _unfilled(orders: Iterable[Order]) -> frozenset[int]:
    return frozenset(o.id for o in orders if not o.filled_qty and not o.provisional_qty)


def _with_deals(history: SymbolHistory, deals: Sequence[Deal]) -> SymbolHistory:
    return evolve(history, deals=(*history.deals, *deals))


def apply_reassignment(
    history: SymbolHistory, orders: Mapping[int, Order], next_id: IdGenerator, now: datetime
) -> LedgerUpdate:
    """Replay with ``orders`` in their new form: another strategy, another ticket."""
    orders = {
        order_id: order if order.filled_qty else evolve(order, position_id=order.ticket_id)
        for order_id, order in orders.items()
    }
    history = evolve(history, orders={**history.orders, **orders})
    update = replay_and_diff(history, next_id, now, cause="reassign", new_orders={})
    moved = {order.id: order for order in update.orders}
    rest = (order for order_id, order in orders.items() if order_id not in moved)
    return evolve(update, orders=(*update.orders, *rest))


def _reverse(
    history: SymbolHistory,
    order: Order,
    report: ExecutionReport,
    execution: Execution,
    next_id: IdGenerator,
) -> LedgerUpdate:
    reversed_deals = [
        d for d in history.deals if d.exchange_trade_id == execution.exchange_trade_id
    ]
    after = advance_order(order, report) or order
    if not after.filled_qty:
        after = evolve(after, position_id=after.ticket_id)
    reversing = [
        _reversing_deal(reversed_deal, report, next_id) for reversed_deal in reversed_deals
    ]
    history = evolve(history, deals=(*history.deals, *reversing))
    new_deal_ids = frozenset(deal.id for deal in reversing)
    update = replay_and_diff(
        history,
        next_id,
        report.received_at,
        cause="bust",
        new_orders={order.id: after},
        new_deal_ids=new_deal_ids,
    )
    return evolve(_for_order(order.id, update), exec_type=EXEC_TYPES[report.kind])


def _for_order(order_id: int, update: LedgerUpdate) -> LedgerUpdate:
    """Return the update with its ``order`` set to the one order that it is about."""
    (order,) = (each for each in update.orders if each.id == order_id)
    return evolve(update, order=order, orders=tuple(o for o in update.orders if o is not order))


def _reversing_deal(reversed_deal: Deal, report: ExecutionReport, next_id: IdGenerator) -> Deal:
    """Return the deal that reverses ``reversed_deal`` and its fee."""
    return evolve(
        reversed_deal,
        id=next_id("deal"),
        side=reversed_deal.side.opposite,
        fee=None if reversed_deal.fee is None else reversed_deal.fee.copy_negate(),
        profit=ZERO,
        reason="correction",
        type=DealType.CORRECTION,
        exchange_trade_id=f"{BUST_PREFIX}{reversed_deal.exchange_trade_id}",
        origin=report.source.value,
        executed_at=report.received_at,
        created_at=report.received_at,
    )


def _replace_inferred(
    history: SymbolHistory, order: Order, execution: Execution
) -> tuple[Order, tuple[Deal, ...], tuple[Deal, ...]]:
    """Reduce the order and its inferred deals by the quantity of the actual ``execution``.

    Returns the order, the deals that shrink and the deals that are removed.
    """
    left = ZERO if execution.provisional else min(order.provisional_qty, execution.qty)
    reduced: list[Deal] = []
    removed: list[Deal] = []
    for deal in sorted(history.deals, key=lambda each: each.id):
        if not left or not deal.provisional or deal.order_id != order.id:
            continue
        part = min(left, deal.qty)
        left = subtract(left, part)
        order = remove_provisional(order, part, deal.price)
        if part == deal.qty:
            removed.append(deal)
        else:
            reduced.append(evolve(deal, qty=subtract(deal.qty, part)))
    return order, tuple(reduced), tuple(removed)
