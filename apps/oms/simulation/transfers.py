"""What is set and moved from outside: deposits, withdrawals, a reset, leverage, margin mode.

Judged like orders are: a wish that cannot be met is rejected and changes nothing.
"""

from decimal import Decimal

from oms.domain.instrument import Instrument, Kind
from oms.domain.money import ZERO, difference, plain, total
from oms.domain.value import evolve
from oms.simulation.admission import Rejection
from oms.simulation.contracts import AS_SET, MarginMode
from oms.simulation.costs import margin_of
from oms.simulation.facts import Deposited, LeverageSet, MarginModeSet, Withdrawn
from oms.simulation.inputs import Deposit, Reset, SetLeverage, SetMarginMode, Withdraw
from oms.simulation.liquidation import cancel_orders, close_at
from oms.simulation.margin import available, entry_price, spendable, stand_of
from oms.simulation.memory import Balance, OrderSource, PaperPosition
from oms.simulation.resting import lock_of
from oms.simulation.sheet import Sheet

_NOTHING = Balance()


def deposit(sheet: Sheet, wish: Deposit) -> None:
    """Money arrives."""
    assert wish.amount > 0, "a deposit brings money"
    _move(sheet, wish.currency, wish.amount)


def withdraw(sheet: Sheet, wish: Withdraw) -> Rejection | None:
    """Money leaves, if it is free and no position needs it."""
    assert wish.amount > 0, "a withdrawal takes money"
    there = max(spendable(sheet, wish.currency), ZERO)
    if wish.amount > there:
        message = f"{plain(there)} {wish.currency} can be withdrawn, not {plain(wish.amount)}"
        return Rejection(code="insufficient_funds", message=message)
    _move(sheet, wish.currency, wish.amount.copy_negate())
    return None


def reset(sheet: Sheet, wish: Reset) -> None:
    """Begin anew: no orders, no positions, and these balances alone. What happened stays told.

    Positions are closed at the mark without a fee; where no price is known, at their entry.
    """
    cancel_orders(sheet, "reset", lambda order: True)
    sheet.parents.clear()
    for key in sorted(sheet.positions):
        position = sheet.positions[key]
        stand = stand_of(sheet, sheet.settings, position)
        price = stand.mark
        if price is None:
            price = entry_price(stand.instrument, position)
        close_at(sheet, position, price, OrderSource.CORRECTION)
    wished = dict(wish.balances)
    for currency in sorted(sheet.balances.keys() | wished.keys()):
        there = sheet.balances.get(currency, _NOTHING).total
        _move(sheet, currency, difference(wished.get(currency, ZERO), there))


def set_leverage(sheet: Sheet, wish: SetLeverage) -> Rejection | None:
    """Another leverage for a contract: margins and what orders reserve are counted anew."""
    instrument = sheet.instruments[wish.symbol]
    if instrument.kind is Kind.SPOT or not 1 <= wish.leverage <= instrument.max_leverage:
        return _refused(f"{wish.symbol} has a leverage of 1 to {instrument.max_leverage}")
    before = available(sheet, sheet.settings, instrument.settle)
    old = sheet.leverage_of(instrument)
    terms = sheet.contracts.get(wish.symbol, AS_SET)
    sheet.put_terms(wish.symbol, evolve(terms, leverage=wish.leverage))
    for (symbol, _), position in list(sheet.positions.items()):
        if symbol == wish.symbol:
            refused = _put_margin(sheet, instrument, position, old)
            if refused is not None:
                return refused
    for order in list(sheet.orders.get(wish.symbol, {}).values()):
        if order.locked:
            amount = lock_of(sheet, order)
            sheet.lock(order.locked_currency, difference(amount, order.locked))
            sheet.put_order(evolve(order, locked=amount))
    left = available(sheet, sheet.settings, instrument.settle)
    if left < 0 and left < before:
        message = f"{plain(left.copy_negate())} {instrument.settle} are missing for that leverage"
        return Rejection(code="insufficient_funds", message=message)
    sheet.facts.append(LeverageSet(symbol=wish.symbol, leverage=wish.leverage))
    return None


def set_margin_mode(sheet: Sheet, wish: SetMarginMode) -> Rejection | None:
    """Another margin mode for a contract without orders and positions; "already so" is success."""
    if sheet.instruments[wish.symbol].kind is Kind.SPOT:
        return _refused(f"{wish.symbol} has no margin")
    terms = sheet.contracts.get(wish.symbol, AS_SET)
    if sheet.settings.margin_mode_of(terms) is not wish.mode:
        held = any(symbol == wish.symbol for symbol, _ in sheet.positions)
        if held or sheet.orders.get(wish.symbol):
            return _refused(f"{wish.symbol} has open orders or positions")
        sheet.put_terms(wish.symbol, evolve(terms, margin_mode=wish.mode))
    sheet.facts.append(MarginModeSet(symbol=wish.symbol, mode=wish.mode))
    return None


def _refused(message: str) -> Rejection:
    return Rejection(code="exchange_rejected", message=message)


def _put_margin(
    sheet: Sheet, instrument: Instrument, position: PaperPosition, old: int
) -> Rejection | None:
    """The margin of a position under the new leverage; an isolated one keeps what it gained."""
    margin = margin_of(sheet.leverage_of(instrument), position.cost)
    terms = sheet.contracts.get(position.symbol)
    if sheet.settings.margin_mode_of(terms) is MarginMode.ISOLATED:
        moved = difference(margin, margin_of(old, position.cost))
        margin = max(total(position.margin, moved), ZERO)
    sheet.lock(instrument.settle, difference(margin, position.margin))
    after = evolve(position, margin=margin)
    sheet.put_position((position.symbol, position.leg), after)
    stand = stand_of(sheet, sheet.settings, after)
    if stand.is_isolated and total(margin, stand.unrealised) <= stand.maintenance:
        return _refused(f"{position.symbol} would be liquidated under that leverage")
    return None


def _move(sheet: Sheet, currency: str, amount: Decimal) -> None:
    """Bring money in (negative: out) and tell it."""
    if not amount:
        return
    sheet.credit(currency, amount)
    name, size = sheet.next_transfer(), amount.copy_abs()
    fact = Deposited if amount > 0 else Withdrawn
    sheet.facts.append(fact(transfer_id=name, currency=currency, amount=size, at=sheet.at))
