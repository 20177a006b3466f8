"""Account requests: deposits, withdrawals, resets, leverage and margin mode.

A request that cannot be fulfilled is rejected and changes nothing.
"""

from decimal import Decimal

from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import ZERO, add, decimal_text, subtract
from oms.domain.value import evolve
from oms.simulation.account.costs import initial_margin
from oms.simulation.account.liquidation import cancel_orders, close_position_at
from oms.simulation.account.margin import (
    available,
    compute_position_margin,
    entry_price,
    withdrawable,
)
from oms.simulation.events import Deposited, LeverageSet, MarginModeSet, Withdrawn
from oms.simulation.inputs import Deposit, Reset, SetLeverage, SetMarginMode, Withdraw
from oms.simulation.orders.admission import Rejection
from oms.simulation.orders.resting_orders import compute_lock
from oms.simulation.state.contract_overrides import NO_OVERRIDES, MarginMode
from oms.simulation.state.paper_account import Balance, PaperPosition
from oms.simulation.state.paper_order import OrderSource
from oms.simulation.state.step_state import StepState

_NOTHING = Balance()


def deposit(state: StepState, request: Deposit) -> None:
    """Deposits money."""
    assert request.amount > 0, "a deposit brings money"
    _transfer(state, request.currency, request.amount)


def withdraw(state: StepState, request: Withdraw) -> Rejection | None:
    """Withdraws money. Rejects more than is free and not bound by positions."""
    assert request.amount > 0, "a withdrawal takes money"
    available = max(withdrawable(state, request.currency), ZERO)
    if request.amount > available:
        message = (
            f"{decimal_text(available)} {request.currency} can be withdrawn, "
            f"not {decimal_text(request.amount)}"
        )
        return Rejection(code="insufficient_funds", message=message)
    _transfer(state, request.currency, request.amount.copy_negate())
    return None


def reset(state: StepState, request: Reset) -> None:
    """Resets the account to no orders, no positions and the requested balances.

    Positions are closed at the mark price without a fee, at their entry price where no price is
    known. Events of the past remain.
    """
    cancel_orders(state, "reset", lambda order: True)
    state.filled_parents.clear()
    for key in sorted(state.positions):
        position = state.positions[key]
        position_margin = compute_position_margin(state, state.settings, position)
        price = position_margin.mark
        if price is None:
            price = entry_price(position_margin.instrument, position)
        close_position_at(state, position, price, OrderSource.CORRECTION)
    requested = dict(request.balances)
    for currency in sorted(state.balances.keys() | requested.keys()):
        current = state.balances.get(currency, _NOTHING).total
        _transfer(state, currency, subtract(requested.get(currency, ZERO), current))


def set_leverage(state: StepState, request: SetLeverage) -> Rejection | None:
    """Sets the leverage of a contract and recomputes the margins of its positions and orders."""
    instrument = state.instruments[request.symbol]
    if (
        instrument.kind is InstrumentKind.SPOT
        or not 1 <= request.leverage <= instrument.max_leverage
    ):
        return _reject(f"{request.symbol} has a leverage of 1 to {instrument.max_leverage}")
    before = available(state, state.settings, instrument.settle)
    old_leverage = state.leverage_of(instrument)
    terms = state.contracts.get(request.symbol, NO_OVERRIDES)
    state.set_contract_overrides(request.symbol, evolve(terms, leverage=request.leverage))
    for (symbol, _), position in list(state.positions.items()):
        if symbol == request.symbol:
            rejection = _update_margin(state, instrument, position, old_leverage)
            if rejection is not None:
                return rejection
    for order in list(state.orders.get(request.symbol, {}).values()):
        if order.locked:
            amount = compute_lock(state, order)
            state.lock(order.locked_currency, subtract(amount, order.locked))
            state.put_order(evolve(order, locked=amount))
    available_now = available(state, state.settings, instrument.settle)
    if available_now < 0 and available_now < before:
        missing = decimal_text(available_now.copy_negate())
        message = f"{missing} {instrument.settle} are missing for that leverage"
        return Rejection(code="insufficient_funds", message=message)
    state.events.append(LeverageSet(symbol=request.symbol, leverage=request.leverage))
    return None


def set_margin_mode(state: StepState, request: SetMarginMode) -> Rejection | None:
    """Sets the margin mode of a contract without orders and positions; no change is accepted."""
    if state.instruments[request.symbol].kind is InstrumentKind.SPOT:
        return _reject(f"{request.symbol} has no margin")
    terms = state.contracts.get(request.symbol, NO_OVERRIDES)
    if state.settings.margin_mode_of(terms) is not request.mode:
        has_position = any(symbol == request.symbol for symbol, _ in state.positions)
        if has_position or state.orders.get(request.symbol):
            return _reject(f"{request.symbol} has open orders or positions")
        state.set_contract_overrides(request.symbol, evolve(terms, margin_mode=request.mode))
    state.events.append(MarginModeSet(symbol=request.symbol, mode=request.mode))
    return None


def _reject(message: str) -> Rejection:
    return Rejection(code="exchange_rejected", message=message)


def _update_margin(
    state: StepState, instrument: Instrument, position: PaperPosition, old_leverage: int
) -> Rejection | None:
    """Recomputes the margin of a position; an isolated one keeps what it gained."""
    margin = initial_margin(state.leverage_of(instrument), position.cost)
    terms = state.contracts.get(position.symbol)
    if state.settings.margin_mode_of(terms) is MarginMode.ISOLATED:
        moved = subtract(margin, initial_margin(old_leverage, position.cost))
        margin = max(add(position.margin, moved), ZERO)
    state.lock(instrument.settle, subtract(margin, position.margin))
    after = evolve(position, margin=margin)
    state.put_position((position.symbol, position.leg), after)
    position_margin = compute_position_margin(state, state.settings, after)
    if (
        position_margin.is_isolated
        and add(margin, position_margin.unrealised) <= position_margin.maintenance
    ):
        return _reject(f"{position.symbol} would be liquidated under that leverage")
    return None


def _transfer(state: StepState, currency: str, amount: Decimal) -> None:
    """Adds money (negative: removes it) and appends the event."""
    if not amount:
        return
    state.credit(currency, amount)
    name, size = state.next_transfer(), amount.copy_abs()
    event = Deposited if amount > 0 else Withdrawn
    state.events.append(event(transfer_id=name, currency=currency, amount=size, at=state.at))
