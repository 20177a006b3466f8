"""What must hold after every step, counted anew from the facts; checked in production too.

Σ fills = filled ≤ qty. The change of every total is what fills, fundings and transfers say.
``used`` is never negative and moves with locks and margins alone. A contract position moves by its
fills. An order ends once, and no fill is older than its order. Spot does not go short unless that
is set. ``check`` looks at what a step touched, ``check_all`` at a whole memory.
"""

from collections.abc import Mapping
from decimal import Decimal

from oms.domain.errors import OmsError
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import EXACT, ZERO
from oms.domain.orders.order import Side
from oms.simulation.account.margin import has_positions_settled_in
from oms.simulation.events import Deposited, Filled, FundingPaid, InsurancePaid, Withdrawn
from oms.simulation.market.matching import is_within_limit
from oms.simulation.settings import SimulationSettings
from oms.simulation.state.exchange_state import (
    PLAIN_TERMS,
    Balance,
    ExchangeState,
    Leg,
    PaperOrder,
    PaperTrade,
    PositionKey,
)
from oms.simulation.state.step_state import StepState

_NOTHING = Balance()
_add, _subtract = EXACT.add, EXACT.subtract

_INCOMES = (Deposited, InsurancePaid, FundingPaid)

Amounts = dict[str, Decimal]
"""By currency, or by order."""


class InvariantBroken(OmsError):
    """The paper exchange contradicts itself: a bug. The memory before the step still holds."""


class _Movements:
    """What a step's facts say that has moved."""

    __slots__ = ("fills", "flows", "moves", "sold", "trades")

    def __init__(self, state: StepState) -> None:
        self.trades: list[PaperTrade] = []
        #: Quantity executed, by order.
        self.fills: Amounts = {}
        #: Quantity of positions, signed.
        self.moves: dict[PositionKey, Decimal] = {}
        #: Money, by currency.
        self.flows: Amounts = {}
        #: What was sold on spot.
        self.sold: list[str] = []
        for event in state.events:
            if isinstance(event, Filled):
                self._fill(state.instruments[event.trade.symbol], event.trade)
            elif isinstance(event, _INCOMES):
                self._flow(event.currency, event.amount)
            elif isinstance(event, Withdrawn):
                self._flow(event.currency, event.amount.copy_negate())

    def _fill(self, instrument: Instrument, trade: PaperTrade) -> None:
        self.trades.append(trade)
        name, qty, is_buy = trade.exchange_order_id, trade.qty, trade.side is Side.BUY
        self.fills[name] = _add(self.fills.get(name, ZERO), qty)
        signed = qty if is_buy else qty.copy_negate()
        if instrument.kind is InstrumentKind.SPOT:
            value = EXACT.multiply(qty, trade.price)
            self._flow(instrument.base, signed)
            self._flow(instrument.quote, value.copy_negate() if is_buy else value)
            if not is_buy:
                self.sold.append(instrument.base)
        else:
            key = (trade.symbol, trade.leg)
            self.moves[key] = _add(self.moves.get(key, ZERO), signed)
            self._flow(instrument.settle, trade.realised)
        self._flow(trade.fee_currency, trade.fee.copy_negate())

    def _flow(self, currency: str, amount: Decimal) -> None:
        self.flows[currency] = _add(self.flows.get(currency, ZERO), amount)


def check_step(state: StepState) -> None:
    """Raise ``InvariantBroken`` if the sheet's step broke a rule."""
    movements = _Movements(state)
    locks = _check_orders(state, movements)
    if movements.moves or state.touched_positions:
        _check_positions(state, movements.moves, locks)
    _check_balances(state, movements.flows, locks)
    if movements.sold and not state.settings.allow_spot_short:
        _check_no_short(state, movements.sold)


def check_state(state: ExchangeState, settings: SimulationSettings) -> None:
    """Raise ``InvariantBroken`` if a whole memory breaks a rule that needs no history."""
    locks: Amounts = {}
    for symbol, orders in state.orders.items():
        for name, order in orders.items():
            if order.exchange_order_id != name or order.symbol != symbol:
                _fail(f"{name}: not where it belongs")
            if not 0 <= order.filled < order.qty:
                _fail(f"{name}: rests with {order.filled} of {order.qty} filled")
            if (order.terms is not PLAIN_TERMS) is not (name in state.orders_with_terms):
                _fail(f"{name}: its terms are overlooked")
            locks[order.locked_currency] = _add(
                locks.get(order.locked_currency, ZERO), order.locked
            )
    legs = {Leg.LONG, Leg.SHORT} if settings.hedge else {Leg.BOTH}
    for key, position in state.positions.items():
        settle = settings.instruments[position.symbol].settle
        if key != (position.symbol, position.leg) or key[1] not in legs or not position.qty:
            _fail(f"{key}: no such position can be")
        if position.leg is not Leg.BOTH and (position.qty > 0) is not (position.leg is Leg.LONG):
            _fail(f"{key}: the leg of the other side")
        locks[settle] = _add(locks.get(settle, ZERO), position.margin)
    for currency in state.balances.keys() | locks.keys():
        balance = state.balances.get(currency, _NOTHING)
        if balance.used != locks.get(currency, ZERO) or balance.used < 0:
            _fail(f"{currency}: used {balance.used} is not what is locked")
        if _add(balance.free, balance.used) != balance.total:
            _fail(f"{currency}: free and used are not the total")


def _check_orders(state: StepState, movements: _Movements) -> Amounts:
    """Every touched order; what their locks say that the used amounts moved by."""
    fills, locks = movements.fills, Amounts()
    limited: dict[str, PaperOrder] = {}
    changes, ended = state.touched_orders, set()
    for order in state.ended_orders:
        name = order.exchange_order_id
        if name in ended or changes.get(name) is not None:
            _fail(f"{name}: an order ended twice, or rests after its end")
        ended.add(name)
        _check_order(state, order, fills, locks, limited)
    for name, resting in changes.items():
        if resting is not None:
            _check_order(state, resting, fills, locks, limited)
            if resting.locked:
                currency = resting.locked_currency
                locks[currency] = _add(locks.get(currency, ZERO), resting.locked)
        elif name not in ended:
            _fail(f"{name}: an order vanished")
    if fills:
        _fail(f"fills of unknown orders {sorted(fills)}")
    if limited and movements.trades:
        _check_limits(state, limited, movements.trades)
    return locks


def _check_order(
    state: StepState,
    order: PaperOrder,
    fills: Amounts,
    locks: Amounts,
    limited: dict[str, PaperOrder],
) -> None:
    name = order.exchange_order_id
    if order.price is not None:
        limited[name] = order
    movements = fills.pop(name, ZERO)
    before = state.before.order(order.symbol, name)
    if before is not None:
        movements = _add(movements, before.filled)
        if before.locked and name in state.touched_orders:
            currency = before.locked_currency
            locks[currency] = _subtract(locks.get(currency, ZERO), before.locked)
    if movements != order.filled:
        _fail(f"{name}: fills {movements} are not filled {order.filled}")
    if order.filled > order.qty:
        _fail(f"{name}: filled more than its quantity")
    if order.created_at > state.at:
        _fail(f"{name}: a fill older than its order")


def _check_limits(
    state: StepState, limited: Mapping[str, PaperOrder], trades: list[PaperTrade]
) -> None:
    """An order may have been moved in the step, before or after it was executed."""
    for trade in trades:
        order = limited.get(trade.exchange_order_id)
        if order is None or order.price is None:
            continue
        if is_within_limit(order.side, order.price, trade.price):
            continue
        before = state.before.order(order.symbol, order.exchange_order_id)
        limit = None if before is None else before.price
        if limit is None or not is_within_limit(order.side, limit, trade.price):
            _fail(f"{trade.trade_id}: a fill beyond the limit of its order")


def _check_positions(state: StepState, moves: dict[PositionKey, Decimal], locks: Amounts) -> None:
    """Positions move by their fills; adds the margins to what the locks moved by."""
    for key in state.touched_positions:
        now, was = state.positions.get(key), state.before.positions.get(key)
        held, margin = (ZERO, ZERO) if now is None else (now.qty, now.margin)
        if was is not None:
            held, margin = _subtract(held, was.qty), _subtract(margin, was.margin)
        if held != moves.pop(key, ZERO):
            _fail(f"{key}: position moved by {held}")
        settle = state.instruments[key[0]].settle
        locks[settle] = _add(locks.get(settle, ZERO), margin)
    if moves:
        _fail(f"fills of unknown positions {sorted(moves)}")


def _check_balances(state: StepState, flows: Amounts, locks: Amounts) -> None:
    before = state.before.balances
    for currency, now in state.balances.items():
        was = before.get(currency)
        if now is was:
            if flows.get(currency) or locks.get(currency):
                _fail(f"{currency}: money moved beside the balance")
            continue
        used = now.used
        moved, locked = now.total, used
        if was is not None:
            moved, locked = _subtract(moved, was.total), _subtract(used, was.used)
        if moved != flows.get(currency, ZERO):
            _fail(f"{currency}: total moved by {moved}")
        if locked != locks.get(currency, ZERO):
            _fail(f"{currency}: used moved by {locked}")
        if used < 0:
            _fail(f"{currency}: used is negative")


def _check_no_short(state: StepState, sold: list[str]) -> None:
    """Where contracts are settled in the base, their losses may take what is free below zero."""
    for base in sold:
        if base in state.settled_currencies or has_positions_settled_in(state, base):
            continue
        was = state.before.balances.get(base, _NOTHING).free
        if state.free_balance(base) < min(was, ZERO):
            _fail(f"{base}: sold more than there was")


def _fail(message: str) -> None:
    raise InvariantBroken(message)
