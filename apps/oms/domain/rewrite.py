"""Facts that make a history be folded again, and what they change.

Three things make a history be folded again: an execution that belongs before others that are
booked (or replaces an inferred one), an execution that the exchange takes back, and orders that
move to another strategy or position.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from oms.domain.booking import deal_of
from oms.domain.deal import Deal, DealEntry, DealType
from oms.domain.entry import EXEC_TYPES, Entry
from oms.domain.ids import Mint
from oms.domain.money import ZERO, difference
from oms.domain.order import Order, advanced, without_provisional
from oms.domain.overlay import laid_over
from oms.domain.refold import BUST, History
from oms.domain.report import Execution, Report, ReportKind
from oms.domain.value import evolve


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
    entry = laid_over(
        history, mint, report.heard_at, cause="late_fill", told={order.id: after}, fresh=fresh
    )
    told = {deal.id for deal in entry.deals_changed}
    return evolve(
        _about(order.id, entry),
        deals_changed=(*entry.deals_changed, *(d for d in shrunk if d.id not in told)),
        deals_removed=removed,
        exec_type=EXEC_TYPES[report.kind],
        late_fill=True,
    )


def caught_up(
    history: History, orders: Mapping[int, Order], reports: Sequence[Report], mint: Mint
) -> Entry:
    """Book executions that are late, all of one symbol, with one fold.

    It is what booking one after the other comes to. None may stand for an inferred one. ``orders``
    are those that the reports are about; in their new form they end ``orders`` of what is returned.
    """
    after = dict(orders)
    late: list[Deal] = []
    for report in reports:
        order = after[report.order_id]
        assert report.execution is not None and not order.provisional_qty, "plain late executions"
        late.append(deal_of(order, report, report.execution, mint("deal")))
        grown = advanced(order, report)
        assert grown is not None, "a fill is legal from every state"
        after[order.id] = grown
    known = evolve(history, deals=(*history.deals, *late), orders={**history.orders, **orders})
    fresh = frozenset(deal.id for deal in late)
    now = max(report.heard_at for report in reports)
    return laid_over(known, mint, now, cause="late_fill", told=after, fresh=fresh)


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
    entry = laid_over(
        history,
        mint,
        told.heard_at,
        cause="correction",
        told={order.id: after},
        fresh=frozenset(fresh),
    )
    exec_type = "trade_cancel" if right is None else "trade_correct" if bust else "trade"
    return evolve(_about(order.id, entry), exec_type=exec_type)


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
    entry = laid_over(history, mint, now, cause="reassign", told={})
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
    entry = laid_over(
        history, mint, report.heard_at, cause="bust", told={order.id: after}, fresh=fresh
    )
    return evolve(_about(order.id, entry), exec_type=EXEC_TYPES[report.kind])


def _about(order_id: int, entry: Entry) -> Entry:
    """An entry that is about one order."""
    (order,) = (each for each in entry.orders if each.id == order_id)
    return evolve(entry, order=order, orders=tuple(o for o in entry.orders if o is not order))


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
