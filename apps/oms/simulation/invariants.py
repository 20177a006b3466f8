"""What must hold after every step, counted anew from the facts; checked in production too.

Σ fills = filled ≤ qty. The change of every total is what the fills and deposits say. ``used`` is
never negative and moves with locks and margins alone. A contract position moves by its fills. An
order ends once, and no fill is older than its order. Spot does not go short unless that is set.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

from oms.domain.errors import OmsError
from oms.domain.instrument import Kind
from oms.domain.money import ZERO, difference, product, total
from oms.domain.order import Side
from oms.simulation.facts import Deposited, Filled, FundingPaid, InsurancePaid, Withdrawn
from oms.simulation.matching import reaches
from oms.simulation.memory import Balance, Memory, PaperOrder, PaperTrade, PositionKey
from oms.simulation.sheet import Sheet

_NOTHING = Balance()


class InvariantBroken(OmsError):
    """The paper exchange contradicts itself: a bug. The memory before the step still holds."""


def check(sheet: Sheet) -> None:
    """Raise ``InvariantBroken`` if the sheet's step broke a rule."""
    trades = [fact.trade for fact in sheet.facts if isinstance(fact, Filled)]
    _check_orders(sheet, trades)
    _check_balances(sheet, trades)
    _check_positions(sheet, trades)


def _check_orders(sheet: Sheet, trades: Iterable[PaperTrade]) -> None:
    fills: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for trade in trades:
        fills[trade.exchange_order_id] = total(fills[trade.exchange_order_id], trade.qty)
    resting = [order for order in sheet.touched_orders.values() if order is not None]
    limited: dict[str, PaperOrder] = {}
    for order in (*resting, *sheet.ended):
        name = order.exchange_order_id
        if order.price is not None:
            limited[name] = order
        before = sheet.before.order(order.symbol, name)
        told = total(ZERO if before is None else before.filled, fills.pop(name, ZERO))
        _demand(told == order.filled, f"{name}: fills {told} are not filled {order.filled}")
        _demand(order.filled <= order.qty, f"{name}: filled more than its quantity")
        _demand(order.created_at <= sheet.at, f"{name}: a fill older than its order")
    _demand(not fills, f"fills of unknown orders {sorted(fills)}")
    if limited:
        _check_limits(sheet, limited, trades)
    ended = {order.exchange_order_id for order in sheet.ended}
    _demand(len(ended) == len(sheet.ended), "an order ended twice")
    _demand(not any(order.exchange_order_id in ended for order in resting), "an ended order rests")


def _check_limits(
    sheet: Sheet, limited: Mapping[str, PaperOrder], trades: Iterable[PaperTrade]
) -> None:
    """An order may have been moved in the step, before or after it was executed."""
    for trade in trades:
        order = limited.get(trade.exchange_order_id)
        if order is None:
            continue
        known = (order, sheet.before.order(order.symbol, order.exchange_order_id))
        limits = [each.price for each in known if each is not None and each.price is not None]
        within = any(reaches(order.side, limit, trade.price) for limit in limits)
        _demand(within, f"{trade.trade_id}: a fill beyond the limit of its order")


def _check_balances(sheet: Sheet, trades: Iterable[PaperTrade]) -> None:
    flows = _flows(sheet, trades)
    locks = _locks(sheet)
    before = sheet.before.balances
    for currency, now in sheet.balances.items():
        was = before.get(currency, _NOTHING)
        if now is was:
            _demand(not flows.get(currency), f"{currency}: money moved beside the balance")
            continue
        moved = difference(now.total, was.total)
        _demand(moved == flows.get(currency, ZERO), f"{currency}: total moved by {moved}")
        locked = difference(now.used, was.used)
        _demand(locked == locks.get(currency, ZERO), f"{currency}: used moved by {locked}")
        _demand(now.used >= 0, f"{currency}: used is negative")
    if not sheet.settings.allow_spot_short:
        _check_no_short(sheet, trades)


def _flows(sheet: Sheet, trades: Iterable[PaperTrade]) -> Mapping[str, Decimal]:
    """What fills and deposits say that the totals moved by."""
    flows: dict[str, Decimal] = defaultdict(lambda: ZERO)

    def add(currency: str, amount: Decimal) -> None:
        flows[currency] = total(flows[currency], amount)

    for trade in trades:
        instrument = sheet.instrument(trade.symbol)
        if instrument.kind is Kind.SPOT:
            signed = product(trade.qty, Decimal(trade.side.sign))
            add(instrument.base, signed)
            add(instrument.quote, product(signed, trade.price).copy_negate())
        else:
            add(instrument.settle, trade.realised)
        add(trade.fee_currency, trade.fee.copy_negate())
    for fact in sheet.facts:
        match fact:
            case Deposited() | InsurancePaid() | FundingPaid():
                add(fact.currency, fact.amount)
            case Withdrawn():
                add(fact.currency, fact.amount.copy_negate())
    return flows


def _locks(sheet: Sheet) -> Mapping[str, Decimal]:
    """What touched orders and positions say that the used amounts moved by."""
    locks: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for order in sheet.touched_orders.values():
        if order is not None:
            locks[order.locked_currency] = total(locks[order.locked_currency], order.locked)
    for order in _orders_before(sheet):
        locks[order.locked_currency] = difference(locks[order.locked_currency], order.locked)
    for key in _positions_moved(sheet):
        settle = sheet.instrument(key[0]).settle
        now, was = sheet.positions.get(key), sheet.before.positions.get(key)
        margin = difference(now.margin if now else ZERO, was.margin if was else ZERO)
        locks[settle] = total(locks[settle], margin)
    return locks


def _orders_before(sheet: Sheet) -> Iterable[PaperOrder]:
    """Touched orders as they rested before the step."""
    symbols = {order.symbol for order in sheet.touched_orders.values() if order is not None}
    symbols |= {order.symbol for order in sheet.ended}
    for symbol in symbols:
        resting = sheet.before.orders.get(symbol, {})
        for name in sheet.touched_orders:
            if name in resting:
                yield resting[name]


def _positions_moved(sheet: Sheet) -> Iterable[PositionKey]:
    before = sheet.before.positions
    for key in before.keys() | sheet.positions.keys():
        if before.get(key) is not sheet.positions.get(key):
            yield key


def _check_positions(sheet: Sheet, trades: Iterable[PaperTrade]) -> None:
    moves: dict[PositionKey, Decimal] = defaultdict(lambda: ZERO)
    for trade in trades:
        if sheet.instrument(trade.symbol).kind is not Kind.SPOT:
            key = (trade.symbol, trade.leg)
            moves[key] = total(moves[key], product(trade.qty, Decimal(trade.side.sign)))
    for key in _positions_moved(sheet):
        moved = difference(sheet.held(*key), _held_before(sheet.before, key))
        _demand(moved == moves.pop(key, ZERO), f"{key}: position moved by {moved}")
    _demand(not any(moves.values()), f"fills of unknown positions {sorted(moves)}")


def _held_before(memory: Memory, key: PositionKey) -> Decimal:
    position = memory.positions.get(key)
    return ZERO if position is None else position.qty


def _check_no_short(sheet: Sheet, trades: Iterable[PaperTrade]) -> None:
    for trade in trades:
        instrument = sheet.instrument(trade.symbol)
        if instrument.kind is Kind.SPOT and trade.side is Side.SELL:
            was = sheet.before.balances.get(instrument.base, _NOTHING).free
            enough = sheet.free(instrument.base) >= min(was, ZERO)
            _demand(enough, f"{instrument.base}: sold more than there was")


def _demand(holds: bool, message: str) -> None:
    if not holds:
        raise InvariantBroken(message)
