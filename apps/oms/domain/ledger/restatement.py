"""Restatement: changes to booked history that require a replay.

Three causes: an execution that belongs before booked ones (or replaces an inferred one), an
execution reversed by the exchange, and orders moved to another strategy or position.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from oms.domain.ids import IdGenerator
from oms.domain.ledger.booking import build_deal
from oms.domain.ledger.deal import Deal, DealEntry, DealType
from oms.domain.ledger.history_replay import BUST_PREFIX, SymbolHistory
from oms.domain.ledger.ledger_update import EXEC_TYPES, LedgerUpdate
from oms.domain.ledger.replay_diff import replay_and_diff
from oms.domain.money import ZERO, subtract
from oms.domain.orders.execution_report import Execution, ExecutionReport, ReportKind
from oms.domain.orders.order import Order, advance_order, remove_provisional
from oms.domain.value import evolve


def restate(
    history: SymbolHistory, order: Order, report: ExecutionReport, next_id: IdGenerator
) -> LedgerUpdate:
    """Book an execution that is late, replaces an inferred one, or is reversed."""
    execution = report.execution
    assert execution is not None, "only executions are folded"
    if report.kind is ReportKind.BUSTED:
        return _busted(history, order, report, execution, next_id)
    order, shrunk, removed = _replaced(history, order, execution)
    after = advance_order(order, report)
    assert after is not None, "a fill is legal from every state"
    inferred = (*removed, *shrunk)
    late = evolve(
        build_deal(order, report, execution, next_id("deal")),
        position_id=inferred[0].position_id
        if inferred
        else 0,  # keeps the ticket of the inferred deal
    )
    gone = {deal.id for deal in inferred}
    kept = [deal for deal in history.deals if deal.id not in gone]
    history = evolve(
        history,
        deals=(*kept, *shrunk, late),
        orders={**history.orders, order.id: order},
    )
    fresh = frozenset((late.id,))
    entry = replay_and_diff(
        history, next_id, report.received_at, cause="late_fill", told={order.id: after}, fresh=fresh
    )
    told = {deal.id for deal in entry.deals_changed}
    return evolve(
        _about(order.id, entry),
        deals_changed=(*entry.deals_changed, *(d for d in shrunk if d.id not in told)),
        deals_removed=removed,
        exec_type=EXEC_TYPES[report.kind],
        late_fill=True,
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
    for report in reports:
        order = after[report.order_id]
        assert report.execution is not None and not order.provisional_qty, "plain late executions"
        late.append(build_deal(order, report, report.execution, next_id("deal")))
        grown = advance_order(order, report)
        assert grown is not None, "a fill is legal from every state"
        after[order.id] = grown
    known = evolve(history, deals=(*history.deals, *late), orders={**history.orders, **orders})
    fresh = frozenset(deal.id for deal in late)
    now = max(report.received_at for report in reports)
    return replay_and_diff(known, next_id, now, cause="late_fill", told=after, fresh=fresh)


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
    told = bust or right
    assert told is not None, "something is to be corrected"
    victims: list[Deal] = []
    after = order
    if bust is not None and bust.execution is not None:
        name = bust.execution.exchange_trade_id
        victims = [d for d in history.deals if d.exchange_trade_id == name]
        after = advance_order(after, bust) or after
        history = _with(history, [_reversing(victim, bust, next_id) for victim in victims])
    fresh = {deal.id for deal in history.deals[len(history.deals) - len(victims) :]}
    if right is not None and right.execution is not None:
        after = advance_order(after, right) or after
        whole = build_deal(order, right, right.execution, next_id("deal"))
        place = next((d for d in victims if d.entry is DealEntry.IN), next(iter(victims), whole))
        whole = evolve(whole, position_id=place.position_id, entry=place.entry)
        history = _with(history, [evolve(whole, comment=place.comment)])
        fresh.add(whole.id)
    elif not after.filled_qty:
        after = evolve(after, position_id=after.ticket_id)
    history = evolve(history, orders={**history.orders, order.id: after})
    entry = replay_and_diff(
        history,
        next_id,
        told.received_at,
        cause="correction",
        told={order.id: after},
        fresh=frozenset(fresh),
    )
    exec_type = "trade_cancel" if right is None else "trade_correct" if bust else "trade"
    return evolve(_about(order.id, entry), exec_type=exec_type)


def apply_update(history: SymbolHistory, entry: LedgerUpdate) -> SymbolHistory:
    """Return the history after ``update``."""
    deals = {d.id: d for d in (*history.deals, *entry.deals, *entry.deals_changed)}
    positions = {p.id: p for p in (*history.positions, *entry.positions)}
    orders = {**history.orders, **{order.id: order for order in entry.orders}}
    if entry.order is not None:
        orders[entry.order.id] = entry.order
    return evolve(
        history, deals=tuple(deals.values()), positions=tuple(positions.values()), orders=orders
    )


def _with(history: SymbolHistory, deals: Sequence[Deal]) -> SymbolHistory:
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
    entry = replay_and_diff(history, next_id, now, cause="reassign", told={})
    moved = {order.id: order for order in entry.orders}
    rest = (order for order_id, order in orders.items() if order_id not in moved)
    return evolve(entry, orders=(*entry.orders, *rest))


def _busted(
    history: SymbolHistory,
    order: Order,
    report: ExecutionReport,
    execution: Execution,
    next_id: IdGenerator,
) -> LedgerUpdate:
    victims = [d for d in history.deals if d.exchange_trade_id == execution.exchange_trade_id]
    after = advance_order(order, report) or order
    if not after.filled_qty:
        after = evolve(after, position_id=after.ticket_id)
    reversing = [_reversing(victim, report, next_id) for victim in victims]
    history = evolve(history, deals=(*history.deals, *reversing))
    fresh = frozenset(deal.id for deal in reversing)
    entry = replay_and_diff(
        history, next_id, report.received_at, cause="bust", told={order.id: after}, fresh=fresh
    )
    return evolve(_about(order.id, entry), exec_type=EXEC_TYPES[report.kind])


def _about(order_id: int, entry: LedgerUpdate) -> LedgerUpdate:
    """Return the update with its ``order`` set to the one order that it is about."""
    (order,) = (each for each in entry.orders if each.id == order_id)
    return evolve(entry, order=order, orders=tuple(o for o in entry.orders if o is not order))


def _reversing(victim: Deal, report: ExecutionReport, next_id: IdGenerator) -> Deal:
    """Return the deal that reverses ``victim`` and its fee."""
    return evolve(
        victim,
        id=next_id("deal"),
        side=victim.side.opposite,
        fee=None if victim.fee is None else victim.fee.copy_negate(),
        profit=ZERO,
        reason="correction",
        type=DealType.CORRECTION,
        exchange_trade_id=f"{BUST_PREFIX}{victim.exchange_trade_id}",
        origin=report.source.value,
        executed_at=report.received_at,
        created_at=report.received_at,
    )


def _replaced(
    history: SymbolHistory, order: Order, execution: Execution
) -> tuple[Order, tuple[Deal, ...], tuple[Deal, ...]]:
    """Reduce the order and its inferred deals by the quantity of the actual ``execution``.

    Returns the order, the deals that shrink and the deals that are removed.
    """
    left = ZERO if execution.provisional else min(order.provisional_qty, execution.qty)
    shrunk: list[Deal] = []
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
            shrunk.append(evolve(deal, qty=subtract(deal.qty, part)))
    return order, tuple(shrunk), tuple(removed)
