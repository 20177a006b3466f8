"""The invariants of orders, deals and positions as pure rules: rows in, findings out.

An order is the sum of its deals; a position is the fold of its deals. Nothing is repaired here.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from oms.domain.account import PositionMode
from oms.domain.deal import Deal, DealEntry, DealType, signed_quantity
from oms.domain.instrument import Instrument
from oms.domain.money import ZERO, product, total
from oms.domain.order import Order, OrderState
from oms.domain.position import Fill, Position, PositionState, folded
from oms.domain.value import evolve
from oms.services.verify.findings import Finding, breach, differing

#: What the fold must give again, and the invariant that each is.
_FOLDED = {
    "cost": "position_cost",
    "exit_value": "position_exit_value",
    "avg_price": "position_avg_price",
    "close_price": "position_close_price",
    "qty_opened": "position_qty_opened",
    "qty_closed": "position_qty_closed",
    "max_qty": "position_max_qty",
    "profit": "position_profit",
    "realized_pnl": "position_realized_pnl",
}


def order_findings(order: Order, deals: Iterable[Deal]) -> list[Finding]:
    """Whether the order's fills are its deals, and its state what they say."""
    trades = [deal for deal in deals if deal.type is DealType.TRADE]
    filled = value = ZERO
    for deal in trades:
        filled = total(filled, deal.qty)
        value = total(value, product(deal.qty, deal.price))
    found = differing("order_filled_qty", "order", order.id, filled, order.filled_qty)
    found += differing("order_fill_value", "order", order.id, value, order.fill_value)
    found += differing("order_fees", "order", order.id, _fees(trades), _nonzero(order.fees))
    if order.filled_qty > order.qty and not _came_late(order, trades):
        found.append(breach("order_overfilled", "order", order.id, order.qty, order.filled_qty))
    return found + _state_findings(order)


def _state_findings(order: Order) -> list[Finding]:
    found: list[Finding] = []
    filled = order.filled_qty
    match order.state:
        case OrderState.FILLED:
            fits, rule = filled >= order.qty, "filled whole"
        case OrderState.PARTIALLY_FILLED:
            fits, rule = ZERO < filled < order.qty, "filled in part"
        case OrderState.CANCELED | OrderState.EXPIRED | OrderState.REJECTED:
            fits, rule = filled < order.qty, "not filled whole"
        case OrderState.PENDING_SUBMIT | OrderState.UNKNOWN | OrderState.SUBMITTED:
            fits, rule = filled == 0, "not filled"
    if not fits:
        told = f"{filled:f} of {order.qty:f}"
        expected = f"{order.state.value}: {rule}"
        found.append(breach("order_state", "order", order.id, expected, told))
    if (order.closed_at is None) is not order.is_open:
        expected = "none" if order.is_open else "a time"
        found.append(breach("order_closed_at", "order", order.id, expected, order.closed_at))
    return found


def _came_late(order: Order, trades: Sequence[Deal]) -> bool:
    """Whether something was executed after the order's last word: that is booked as told."""
    return order.closed_at is not None and any(d.created_at > order.closed_at for d in trades)


def deal_findings(
    deal: Deal, orders: Mapping[int, Order], positions: Mapping[int, Position]
) -> Iterator[Finding]:
    """Whether the deal belongs to an order and a position of its account and symbol."""
    owner = (deal.account_id, deal.symbol)
    position = positions.get(deal.position_id)
    if position is None:
        yield breach("deal_position", "deal", deal.id, f"position {deal.position_id}", None)
    elif (position.account_id, position.symbol) != owner:
        told = f"account {position.account_id}, {position.symbol}"
        expected = f"account {deal.account_id}, {deal.symbol}"
        yield breach("deal_position", "deal", deal.id, expected, told)
    if deal.order_id is None:
        return
    order = orders.get(deal.order_id)
    if order is None:
        yield breach("deal_order", "deal", deal.id, f"order {deal.order_id}", None)
    elif (order.account_id, order.symbol, order.side) != (*owner, deal.side):
        told = f"account {order.account_id}, {order.symbol}, {order.side.value}"
        expected = f"account {deal.account_id}, {deal.symbol}, {deal.side.value}"
        yield breach("deal_order", "deal", deal.id, expected, told)


def repeated_deals(deals: Iterable[Deal]) -> Iterator[Finding]:
    """Deals whose leg of an execution was booked before."""
    first: dict[tuple[str, str, int], int] = {}
    for deal in sorted(deals, key=lambda deal: deal.id):
        key = (deal.symbol, deal.exchange_trade_id, deal.leg)
        earlier = first.setdefault(key, deal.id)
        if earlier != deal.id and deal.exchange_trade_id:
            told = f"also deal {earlier}"
            name = f"{deal.symbol} {deal.exchange_trade_id} leg {deal.leg} once"
            yield breach("deal_unique", "deal", deal.id, name, told)


def position_findings(
    position: Position, instrument: Instrument | None, deals: Sequence[Deal]
) -> list[Finding]:
    """Whether the stored position is the fold of its deals; a merged one is not judged.

    Which deal was booked first is not stored. Time heard tells, unless a clock was set back or
    ids of two workers cross: a position is in order if one of the possible orders gives it.
    """
    if position.state is PositionState.MERGED:
        return []
    if instrument is None:
        return [
            breach("position_symbol", "position", position.id, "an instrument", position.symbol)
        ]
    trades = [deal for deal in deals if deal.type is DealType.TRADE]
    looks = (
        sorted(trades, key=lambda d: (d.created_at, d.id)),
        sorted(trades, key=lambda d: d.id),
        sorted(trades, key=lambda d: (d.executed_at, d.created_at, d.id)),
    )
    found: list[Finding] = []
    for number, ordered in enumerate(looks):
        if number and ordered == looks[0]:
            continue
        judged = _folded_findings(position, instrument, ordered)
        if not judged:
            return []
        found = found or judged
    return found


def _folded_findings(
    position: Position, instrument: Instrument, deals: Sequence[Deal]
) -> list[Finding]:
    signed = [signed_quantity(instrument, d.side, d.qty, d.fee, d.fee_currency) for d in deals]
    open_qty = ZERO
    for delta in signed:
        open_qty = total(open_qty, delta)
    found = differing("position_quantity", "position", position.id, open_qty, position.qty)
    after = _blank(position)
    for deal, delta in zip(deals, signed, strict=True):
        grows = after.qty == 0 or (delta > 0) == (after.qty > 0)
        if not grows and delta.copy_abs() > after.qty.copy_abs():
            held = after.qty.copy_abs()
            return [*found, breach("deal_quantity", "deal", deal.id, f"at most {held:f}", delta)]
        after, profit = folded(after, instrument, _fill(deal, delta))
        found += differing("deal_profit", "deal", deal.id, profit, deal.profit)
        entered = deal.entry is DealEntry.IN
        if entered is not grows:
            expected = "in" if grows else "out"
            found.append(breach("deal_entry", "deal", deal.id, expected, deal.entry.value))
    return found + _stored_findings(position, after)


def _stored_findings(position: Position, after: Position) -> list[Finding]:
    found: list[Finding] = []
    for name, invariant in _FOLDED.items():
        expected, stored = getattr(after, name), getattr(position, name)
        found += differing(invariant, "position", position.id, expected, stored)
    fees, stored_fees = _nonzero(after.fees), _nonzero(position.fees)
    found += differing("position_fees", "position", position.id, fees, stored_fees)
    if position.is_open is not after.is_open:
        expected = "open" if after.is_open else "closed"
        found.append(
            breach("position_state", "position", position.id, expected, position.state.value)
        )
    return found


def several_open(mode: PositionMode, positions: Iterable[Position]) -> Iterator[list[Position]]:
    """Groups of open positions of which the mode allows but one."""
    if mode is PositionMode.HEDGE:
        return
    groups: dict[tuple[str, int], list[Position]] = defaultdict(list)
    for position in positions:
        strategy_id = position.strategy_id if mode is PositionMode.STRATEGY_NETTING else 0
        groups[position.symbol, strategy_id].append(position)
    yield from (group for group in groups.values() if len(group) > 1)


def one_open_findings(mode: PositionMode, group: Sequence[Position]) -> Iterator[Finding]:
    """What a group of ``several_open`` is: each after the first is one too many."""
    first = group[0]
    rule = f"one open position in {first.symbol}"
    if mode is PositionMode.STRATEGY_NETTING:
        rule += f" of strategy {first.strategy_id}"
    for position in group[1:]:
        yield breach("one_open", "position", position.id, rule, f"also position {first.id}")


def _blank(position: Position) -> Position:
    """The position before its first deal; funding is no deal yet and stays."""
    return evolve(
        position,
        qty=ZERO,
        cost=Fraction(0),
        exit_value=Fraction(0),
        avg_price=ZERO,
        close_price=None,
        state=PositionState.OPEN,
        qty_opened=ZERO,
        qty_closed=ZERO,
        max_qty=ZERO,
        profit=ZERO,
        realized_pnl=position.funding,
        fees={},
    )


def _fill(deal: Deal, delta: Decimal) -> Fill:
    return Fill(
        delta=delta,
        price=deal.price,
        fee=deal.fee,
        fee_currency=deal.fee_currency,
        reason=deal.reason,
        executed_at=deal.executed_at,
        heard_at=deal.created_at,
    )


def _fees(deals: Iterable[Deal]) -> dict[str, Decimal]:
    fees: dict[str, Decimal] = {}
    for deal in deals:
        if deal.fee is not None and deal.fee_currency is not None:
            fees[deal.fee_currency] = total(fees.get(deal.fee_currency, ZERO), deal.fee)
    return _nonzero(fees)


def _nonzero(fees: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {currency: fee for currency, fee in fees.items() if fee}
