"""How much an opening order of a signal buys or sells, at the price that the worker sees.

Quantities are rounded down to the instrument's step; ``position_pct`` is rounded half-even, and to
what the cash pays for. A result below the minimum of the instrument is refused.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction

from oms.domain.errors import Refused
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import (
    EXACT,
    ZERO,
    add,
    decimal_text,
    divide,
    exact_fraction,
    multiply,
    subtract,
)
from oms.domain.side import Side
from oms.domain.signals.signal import ExecuteSignal, SignalAction, Sizing, SizingKind
from oms.domain.value import value

GROUP_EQUITY_UNKNOWN = "group_equity_unknown"
_ONE = Decimal(1)


@value
class SizingInputs:
    """What sizing reads: the price in quote, equity and cash in quote, ``None`` if not known."""

    instrument: Instrument
    price: Decimal | None
    equity: Decimal | None = None
    #: Of ``position_pct``; ``None``: no bound.
    cash: Decimal | None = None
    #: Fee of the order as a fraction of its value.
    fee_rate: Decimal = ZERO
    #: Stop loss of the position to open.
    stop_loss: Decimal | None = None
    #: What ``cash`` pays for, if that is not the price: the price moved by slippage.
    fill_price: Decimal | None = None


def needs_equity(signal: ExecuteSignal) -> bool:
    """Return whether the quantity of an opening order depends on the equity."""
    if signal.qty_pct is not None:
        return True
    has_quantity = signal.qty is not None or signal.notional is not None
    kinds = (SizingKind.PCT_EQUITY, SizingKind.POSITION_PCT, SizingKind.RISK_PCT)
    return not has_quantity and signal.rules.sizing.kind in kinds


def sizing_of(signal: ExecuteSignal) -> Sizing:
    """Return how the message asks to size an opening order, else the rule of its source."""
    if signal.qty is not None:
        return Sizing(kind=SizingKind.QTY, value=signal.qty)
    if signal.notional is not None:
        return Sizing(kind=SizingKind.NOTIONAL, value=signal.notional)
    if signal.qty_pct is not None:
        return Sizing(kind=SizingKind.PCT_EQUITY, value=signal.qty_pct)
    return signal.rules.sizing


def message_quantity(
    signal: ExecuteSignal, instrument: Instrument, price: Decimal | None
) -> Decimal | Refused | None:
    """Return the quantity that the message gives in base or as a value; ``None`` if neither."""
    if signal.qty is None and signal.notional is None:
        return None
    return _member_quantity(signal, SizingInputs(instrument=instrument, price=price))


def opening_quantity(signal: ExecuteSignal, inputs: SizingInputs) -> Decimal | Refused:
    """Return the quantity of an opening order, or why there is none."""
    qty = _member_quantity(signal, inputs)
    if not isinstance(qty, Refused) and signal.risk_pct is not None:
        by_risk = size_by_rule(Sizing(kind=SizingKind.RISK_PCT, value=signal.risk_pct), inputs)
        qty = by_risk if isinstance(by_risk, Refused) else min(by_risk, qty)
    if isinstance(qty, Refused):
        return qty
    return refuse_below_minimum(inputs.instrument, qty, inputs.price) or qty


def size_by_rule(sizing: Sizing, inputs: SizingInputs) -> Decimal | Refused:
    """Return the quantity that a rule gives, cut to the step, whatever the minimum is."""
    qty = _quantity(sizing, inputs)
    return qty if isinstance(qty, Refused) else _round_down(qty, inputs.instrument.step)


def slipped_price(price: Decimal, slippage: Decimal, side: Side, tick: Decimal) -> Decimal:
    """Return ``price`` moved by a fraction against an order, on the tick."""
    moved, is_buy = multiply(price, slippage), side is Side.BUY
    ticks = EXACT.divide(add(price, moved) if is_buy else subtract(price, moved), tick)
    whole = ticks.quantize(_ONE, ROUND_CEILING if is_buy else ROUND_FLOOR, EXACT)
    return multiply(whole, tick)


def share_of(signal: ExecuteSignal) -> Fraction | Refused:
    """Return by what a member of a group of accounts multiplies quantities; 1 without a group.

    A size in percent of the equity is taken of the own equity, so it is multiplied by the weight
    alone.
    """
    if signal.ratio is None:
        return Fraction(1)
    has_size = signal.action is SignalAction.POSITION_SIZE
    if signal.equity_weight is not None and not has_size and needs_equity(signal):
        return exact_fraction(signal.equity_weight)
    if signal.ratio_total is None:
        return exact_fraction(signal.ratio)
    if not signal.ratio_total:
        message = "the share of this account is not known: the equity of a member was unknown"
        return Refused(code="risk_blocked", reason=GROUP_EQUITY_UNKNOWN, message=message)
    return exact_fraction(signal.ratio) / exact_fraction(signal.ratio_total)


def size_of_member(signal: ExecuteSignal, step: Decimal) -> Decimal | Refused:
    """Return the signed size that the signal asks this account for, cut to the step."""
    size = exact_fraction(signal.position_size or ZERO)
    share = share_of(signal) if size else Fraction(1)
    if isinstance(share, Refused):
        return share
    wanted = _round_down(abs(size * share), step)
    return wanted if size >= 0 else -wanted


def refuse_below_minimum(
    instrument: Instrument, qty: Decimal, price: Decimal | None
) -> Refused | None:
    """Refuse a quantity below the step, or worth less than the minimum of the instrument."""
    if qty < instrument.step:
        return _refused("min_order_qty", "the quantity is too small", instrument.step, qty)
    worth = None if price is None else instrument.notional(qty, price)
    if worth is None or worth >= instrument.min_notional:
        return None
    return _refused(
        "min_order_notional", "the order is worth too little", instrument.min_notional, worth
    )


def refuse_slippage(
    signal: ExecuteSignal, price: Decimal | None, largest_pct: Decimal
) -> Refused | None:
    """Refuse a market price further from the signal's price than the source allows."""
    if not largest_pct or signal.signal_price is None:
        return None
    if price is None:
        return no_price(signal.symbol)
    distance = subtract(price, signal.signal_price).copy_abs()
    percent = divide(multiply(distance, Decimal(100)), signal.signal_price)
    if percent <= largest_pct:
        return None
    return _refused(
        "signal_slippage",
        f"the price {decimal_text(price)} is too far from the signal's,"
        f" {decimal_text(signal.signal_price)}",
        largest_pct,
        percent,
        {"price": decimal_text(price), "signal_price": decimal_text(signal.signal_price)},
    )


def refuse_pyramiding(entries: int, largest: int) -> Refused | None:
    """Refuse one more entry than the source allows at the same time; 0 allows any number."""
    if not largest or entries < largest:
        return None
    message = f"{entries} entries are open"
    return _refused("pyramiding_limit", message, Decimal(largest), Decimal(entries))


def no_price(symbol: str) -> Refused:
    """Return the refusal of what needs a price while none is known."""
    message = f"no current price of {symbol} is known"
    return Refused(
        code="risk_blocked", reason="risk_no_price", message=message, facts={"symbol": symbol}
    )


def _member_quantity(signal: ExecuteSignal, inputs: SizingInputs) -> Decimal | Refused:
    """Return the share of this account in the quantity, cut to the step."""
    qty = _quantity(sizing_of(signal), inputs)
    if isinstance(qty, Refused):
        return qty
    share = share_of(signal)
    if isinstance(share, Refused):
        return share
    return _round_down(qty * share, inputs.instrument.step)


def _quantity(sizing: Sizing, inputs: SizingInputs) -> Fraction | Refused:
    """Return the quantity before it is rounded; that of ``position_pct`` is rounded."""
    amount = exact_fraction(sizing.value)
    if sizing.kind is SizingKind.QTY:
        return amount
    price = inputs.price
    if price is None:
        return no_price(inputs.instrument.symbol)
    unit = exact_fraction(inputs.instrument.notional(_ONE, price))
    if sizing.kind is SizingKind.NOTIONAL:
        return amount / unit
    if inputs.equity is None:
        message = "the equity of the account is not known"
        return Refused(code="risk_blocked", reason="risk_no_price", message=message)
    part = max(exact_fraction(inputs.equity) * amount / 100, Fraction(0))
    if sizing.kind is SizingKind.PCT_EQUITY:
        return part / unit
    if sizing.kind is SizingKind.POSITION_PCT:
        return _position_share(part, unit, inputs)
    if inputs.stop_loss is None:
        message = "the quantity follows from the distance of the stop loss, and there is none"
        return Refused(code="risk_blocked", reason="sizing_needs_stop", message=message)
    return _by_stop_distance(part, price, inputs.stop_loss, inputs.instrument)


def _position_share(part: Fraction, unit: Fraction, inputs: SizingInputs) -> Fraction:
    """Return the nearest multiple of the step, or the largest one that the cash pays for."""
    step = exact_fraction(inputs.instrument.step)
    qty = round(part / unit / step) * step
    if inputs.cash is None:
        return qty
    if inputs.fill_price is not None:
        unit = exact_fraction(inputs.instrument.notional(_ONE, inputs.fill_price))
    cost, cash = unit * (1 + exact_fraction(inputs.fee_rate)), exact_fraction(inputs.cash)
    return qty if qty * cost <= cash else max(cash, Fraction(0)) // (cost * step) * step


def _by_stop_distance(
    risk: Fraction, price: Decimal, stop_loss: Decimal, instrument: Instrument
) -> Fraction | Refused:
    """Return the quantity that loses ``risk`` in quote between price and stop loss."""
    distance = abs(instrument.value(price) - instrument.value(stop_loss))
    loss = distance * exact_fraction(instrument.contract_size)
    if instrument.kind is InstrumentKind.INVERSE:
        loss *= exact_fraction(price)
    if not loss:
        message = f"the stop loss {decimal_text(stop_loss)} is at the price"
        return Refused(code="risk_blocked", reason="invalid_stops", message=message)
    return risk / loss


def _round_down(qty: Fraction, step: Decimal) -> Decimal:
    return multiply(step, Decimal(qty // exact_fraction(step)))


def _refused(
    reason: str,
    message: str,
    limit: Decimal,
    actual: Decimal,
    facts: dict[str, str | None] | None = None,
) -> Refused:
    return Refused(
        code="risk_blocked",
        reason=reason,
        message=f"{message}: {decimal_text(actual)}, limit {decimal_text(limit)}",
        limit=limit,
        value=actual,
        set_by="signal",
        facts=facts,
    )
