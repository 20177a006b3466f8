"""Invariants of the exchange state, recomputed from a step's events; checked in production too.

The fills of an order sum up to its filled quantity, which is at most its quantity. The change of
each balance equals what fills, fundings and transfers moved. ``used`` is never negative and changes
with locks and margins only. A contract position changes by its fills only. An order ends once, and
no fill is older than its order. Spot balances do not go short unless the settings allow it.
``check_step`` checks what a step touched, ``check_state`` a whole state.
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
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.paper_account import Balance, PositionKey
from oms.simulation.state.paper_order import PLAIN_TERMS, Leg, PaperOrder, PaperTrade
from oms.simulation.state.step_state import StepState

_NOTHING = Balance()
_add, _subtract = EXACT.add, EXACT.subtract

_INCOMES = (Deposited, InsurancePaid, FundingPaid)

Amounts = dict[str, Decimal]
"""Amounts by currency or by order."""


class InvariantBroken(OmsError):
    """A step broke an invariant. This is a bug; the state before the step is still valid."""


class _Movements:
    """Quantities and amounts that the events of a step moved."""

    __slots__ = ("fills", "flows", "moves", "sold", "trades")

    def __init__(self, state: StepState) -> None:
        self.trades: list[PaperTrade] = []
        #: Executed quantity by order.
        self.fills: Amounts = {}
        #: Signed change of positions.
        self.moves: dict[PositionKey, Decimal] = {}
        #: Change of money by currency.
        self.flows: Amounts = {}
        #: Base currencies sold on spot.
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
    """Checks all that the step touched. Raises ``InvariantBroken``."""
    movements = _Movements(state)
    locks = _check_orders(state, movements)
    if movements.moves or state.touched_positions:
        _check_positions(state, movements.moves, locks)
    _check_balances(state, movements.flows, locks)
    if movements.sold and not state.settings.allow_spot_short:
        _check_no_short(state, movements.sold)


def check_state(state: ExchangeState, settings: SimulationSettings) -> None:
    """Checks the invariants of a state that need no history. Raises ``InvariantBroken``."""
    locks: Amounts = {}
    for symbol, orders in state.orders.items():
        for name, order in orders.items():
            if order.exchange_order_id != name or order.symbol != symbol:
                _fail(f"{name}: stored under another symbol or id")
            if not 0 <= order.filled < order.qty:
                _fail(f"{name}: rests with {order.filled} of {order.qty} filled")
            if (order.terms is not PLAIN_TERMS) is not (name in state.orders_with_terms):
                _fail(f"{name}: missing in or wrongly part of orders_with_terms")
            locks[order.locked_currency] = _add(
                locks.get(order.locked_currency, ZERO), order.locked
            )
    legs = {Leg.LONG, Leg.SHORT} if settings.hedge else {Leg.BOTH}
    for key, position in state.positions.items():
        settle = settings.instruments[position.symbol].settle
        if key != (position.symbol, position.leg) or key[1] not in legs or not position.qty:
            _fail(f"{key}: invalid key, leg or quantity of a position")
        if position.leg is not Leg.BOTH and (position.qty > 0) is not (position.leg is Leg.LONG):
            _fail(f"{key}: the sign of the quantity contradicts the leg")
        locks[settle] = _add(locks.get(settle, ZERO), position.margin)
    for currency in state.balances.keys() | locks.keys():
        balance = state.balances.get(currency, _NOTHING)
        if balance.used != locks.get(currency, ZERO) or balance.used < 0:
            _fail(f"{currency}: used {balance.used} is not what is locked")
        if _add(balance.free, balance.used) != balance.total:
            _fail(f"{currency}: free and used are not the total")


def _check_orders(state: StepState, movements: _Movements) -> Amounts:
    """Checks every touched order and returns the change of locked amounts by currency."""
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
            _fail(f"{name}: an order disappeared without an end")
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
    filled_by_events = fills.pop(name, ZERO)
    before = state.before.order(order.symbol, name)
    if before is not None:
        filled_by_events = _add(filled_by_events, before.filled)
        if before.locked and name in state.touched_orders:
            currency = before.locked_currency
            locks[currency] = _subtract(locks.get(currency, ZERO), before.locked)
    if filled_by_events != order.filled:
        _fail(f"{name}: fills {filled_by_events} are not filled {order.filled}")
    if order.filled > order.qty:
        _fail(f"{name}: filled more than its quantity")
    if order.created_at > state.at:
        _fail(f"{name}: a fill older than its order")


def _check_limits(
    state: StepState, limited: Mapping[str, PaperOrder], trades: list[PaperTrade]
) -> None:
    """Checks fills against the limit price before the step or after it."""
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
    """Checks that positions change by their fills; adds changes of margins to ``locks``."""
    for key in state.touched_positions:
        now, previous = state.positions.get(key), state.before.positions.get(key)
        held, margin = (ZERO, ZERO) if now is None else (now.qty, now.margin)
        if previous is not None:
            held, margin = _subtract(held, previous.qty), _subtract(margin, previous.margin)
        if held != moves.pop(key, ZERO):
            _fail(f"{key}: position moved by {held}")
        settle = state.instruments[key[0]].settle
        locks[settle] = _add(locks.get(settle, ZERO), margin)
    if moves:
        _fail(f"fills of unknown positions {sorted(moves)}")


def _check_balances(state: StepState, flows: Amounts, locks: Amounts) -> None:
    before = state.before.balances
    for currency, now in state.balances.items():
        previous = before.get(currency)
        if now is previous:
            if flows.get(currency) or locks.get(currency):
                _fail(f"{currency}: money moved without a change of the balance")
            continue
        used = now.used
        moved, locked = _add(now.free, used), used
        if previous is not None:
            total = _add(previous.free, previous.used)
            moved, locked = _subtract(moved, total), _subtract(used, previous.used)
        if moved != flows.get(currency, ZERO):
            _fail(f"{currency}: total moved by {moved}")
        if locked != locks.get(currency, ZERO):
            _fail(f"{currency}: used moved by {locked}")
        if used < 0:
            _fail(f"{currency}: used is negative")


def _check_no_short(state: StepState, sold: list[str]) -> None:
    """Checks spot sells; losses of contracts settled in the base may still take it below zero."""
    for base in sold:
        if base in state.settled_currencies or has_positions_settled_in(state, base):
            continue
        previous = state.before.balances.get(base, _NOTHING).free
        if state.free_balance(base) < min(previous, ZERO):
            _fail(f"{base}: sold more than was free")


def _fail(message: str) -> None:
    raise InvariantBroken(message)
