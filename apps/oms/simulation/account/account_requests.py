"""What is set and moved from outside: deposits, withdrawals, a reset, leverage, margin mode.

Judged like orders are: a wish that cannot be met is rejected and changes nothing.
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
from oms.simulation.state.exchange_state import Balance, OrderSource, PaperPosition
from oms.simulation.state.step_state import StepState

_NOTHING = Balance()


def deposit(sheet: StepState, wish: Deposit) -> None:
    """Money arrives."""
    assert wish.amount > 0, "a deposit brings money"
    _move(sheet, wish.currency, wish.amount)


def withdraw(sheet: StepState, wish: Withdraw) -> Rejection | None:
    """Money leaves, if it is free and no position needs it."""
    assert wish.amount > 0, "a withdrawal takes money"
    available = max(withdrawable(sheet, wish.currency), ZERO)
    if wish.amount > available:
        message = (
            f"{decimal_text(available)} {wish.currency} can be withdrawn, "
            f"not {decimal_text(wish.amount)}"
        )
        return Rejection(code="insufficient_funds", message=message)
    _move(sheet, wish.currency, wish.amount.copy_negate())
    return None


def reset(sheet: StepState, wish: Reset) -> None:
    """Begin anew: no orders, no positions, and these balances alone. What happened stays told.

    Positions are closed at the mark without a fee; where no price is known, at their entry.
    """
    cancel_orders(sheet, "reset", lambda order: True)
    sheet.filled_parents.clear()
    for key in sorted(sheet.positions):
        position = sheet.positions[key]
        stand = compute_position_margin(sheet, sheet.settings, position)
        price = stand.mark
        if price is None:
            price = entry_price(stand.instrument, position)
        close_position_at(sheet, position, price, OrderSource.CORRECTION)
    wished = dict(wish.balances)
    for currency in sorted(sheet.balances.keys() | wished.keys()):
        there = sheet.balances.get(currency, _NOTHING).total
        _move(sheet, currency, subtract(wished.get(currency, ZERO), there))


def set_leverage(sheet: StepState, wish: SetLeverage) -> Rejection | None:
    """Another leverage for a contract: margins and what orders reserve are counted anew."""
    instrument = sheet.instruments[wish.symbol]
    if instrument.kind is InstrumentKind.SPOT or not 1 <= wish.leverage <= instrument.max_leverage:
        return _refused(f"{wish.symbol} has a leverage of 1 to {instrument.max_leverage}")
    before = available(sheet, sheet.settings, instrument.settle)
    old = sheet.leverage_of(instrument)
    terms = sheet.contracts.get(wish.symbol, NO_OVERRIDES)
    sheet.put_terms(wish.symbol, evolve(terms, leverage=wish.leverage))
    for (symbol, _), position in list(sheet.positions.items()):
        if symbol == wish.symbol:
            refused = _put_margin(sheet, instrument, position, old)
            if refused is not None:
                return refused
    for order in list(sheet.orders.get(wish.symbol, {}).values()):
        if order.locked:
            amount = compute_lock(sheet, order)
            sheet.lock(order.locked_currency, subtract(amount, order.locked))
            sheet.put_order(evolve(order, locked=amount))
    left = available(sheet, sheet.settings, instrument.settle)
    if left < 0 and left < before:
        message = (
            f"{decimal_text(left.copy_negate())} {instrument.settle} are missing for that leverage"
        )
        return Rejection(code="insufficient_funds", message=message)
    sheet.events.append(LeverageSet(symbol=wish.symbol, leverage=wish.leverage))
    return None


def set_margin_mode(sheet: StepState, wish: SetMarginMode) -> Rejection | None:
    """Another margin mode for a contract without orders and positions; "already so" is success."""
    if sheet.instruments[wish.symbol].kind is InstrumentKind.SPOT:
        return _refused(f"{wish.symbol} has no margin")
    terms = sheet.contracts.get(wish.symbol, NO_OVERRIDES)
    if sheet.settings.margin_mode_of(terms) is not wish.mode:
        held = any(symbol == wish.symbol for symbol, _ in sheet.positions)
        if held or sheet.orders.get(wish.symbol):
            return _refused(f"{wish.symbol} has open orders or positions")
        sheet.put_terms(wish.symbol, evolve(terms, margin_mode=wish.mode))
    sheet.events.append(MarginModeSet(symbol=wish.symbol, mode=wish.mode))
    return None


def _refused(message: str) -> Rejection:
    return Rejection(code="exchange_rejected", message=message)


def _put_margin(
    sheet: StepState, instrument: Instrument, position: PaperPosition, old: int
) -> Rejection | None:
    """The margin of a position under the new leverage; an isolated one keeps what it gained."""
    margin = initial_margin(sheet.leverage_of(instrument), position.cost)
    terms = sheet.contracts.get(position.symbol)
    if sheet.settings.margin_mode_of(terms) is MarginMode.ISOLATED:
        moved = subtract(margin, initial_margin(old, position.cost))
        margin = max(add(position.margin, moved), ZERO)
    sheet.lock(instrument.settle, subtract(margin, position.margin))
    after = evolve(position, margin=margin)
    sheet.put_position((position.symbol, position.leg), after)
    stand = compute_position_margin(sheet, sheet.settings, after)
    if stand.is_isolated and add(margin, stand.unrealised) <= stand.maintenance:
        return _refused(f"{position.symbol} would be liquidated under that leverage")
    return None


def _move(sheet: StepState, currency: str, amount: Decimal) -> None:
    """Bring money in (negative: out) and tell it."""
    if not amount:
        return
    sheet.credit(currency, amount)
    name, size = sheet.next_transfer(), amount.copy_abs()
    event = Deposited if amount > 0 else Withdrawn
    sheet.events.append(event(transfer_id=name, currency=currency, amount=size, at=sheet.at))
