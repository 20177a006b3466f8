"""The checks of a risk policy: pure functions of an entry, the exposure and prices.

The first check that fails is the reason of the refusal. What a check needs and is not known refuses
as well: without a price ``risk_no_price``.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from oms.domain.errors import Refused
from oms.domain.money import ZERO, add, decimal_text, divide, multiply, subtract
from oms.domain.orders.order import Side
from oms.domain.orders.order_types import LIMIT_TYPES, TRIGGERED_TYPES
from oms.domain.risk.exposure import Entry, Exposure
from oms.domain.risk.limit_context import LimitContext, Market
from oms.domain.risk.policy import AccountPolicy, Limit, Limits, scope_text
from oms.domain.risk.policy_keys import KEYS
from oms.domain.risk.valuation import named_price, needs_market, valuation_of
from oms.domain.value import value

_HUNDRED = Decimal(100)


@value
class _Measure:
    """The limits of one scope, and what they are measured over."""

    limits: Limits
    entry: Entry
    exposure: Exposure
    context: LimitContext

    @property
    def market(self) -> Market | None:
        """Return the prices of the entry's symbol."""
        return self.context.markets.get(self.entry.symbol)


class _Unknown(Exception):
    """A price or a rate that a check needs is not known."""

    reason = "risk_no_price"


class _UnknownEquity(_Unknown):
    """The equity or the result of the day is not known."""

    reason = "risk_error"


def check_limits(policy: AccountPolicy, entry: Entry, context: LimitContext) -> Refused | None:
    """Return why the policy refuses the entry, or ``None``."""
    measures = [
        _Measure(limits=policy.account, entry=entry, exposure=context.exposure, context=context)
    ]
    own = policy.limits_of(entry.strategy_id)
    if own:
        exposure = context.exposure.of_strategy(entry.strategy_id)
        measures.append(_Measure(limits=own, entry=entry, exposure=exposure, context=context))
    for name, check in _CHECKS.items():
        for measure in measures:
            limit = measure.limits.get(name)
            if limit is None:
                continue
            try:
                refused = check(limit, measure)
            except _Unknown as error:
                return _unknown(limit, error)
            if refused is not None:
                return refused
    return None


def needs_price(policy: AccountPolicy, entry: Entry) -> bool:
    """Return whether a check needs market prices of the entry's symbol."""
    names = policy.keys_for(entry.strategy_id)
    if "price_collar_pct" in names and entry.order_type not in TRIGGERED_TYPES:
        return True
    return needs_market(entry) and any(KEYS[name].needs_price for name in names)


def needs_rate(policy: AccountPolicy, entry: Entry) -> bool:
    """Return whether a check counts money."""
    names = policy.keys_for(entry.strategy_id)
    return any(KEYS[name].needs_price for name in names - {"price_collar_pct"})


def needs_equity(policy: AccountPolicy, entry: Entry) -> bool:
    """Return whether a check needs the equity of the account."""
    return any(KEYS[name].needs_equity for name in policy.keys_for(entry.strategy_id))


def symbols_to_mark(policy: AccountPolicy, entry: Entry, exposure: Exposure) -> Sequence[str]:
    """Return the other symbols whose prices a check needs."""
    names = policy.keys_for(entry.strategy_id)
    if not any(KEYS[name].needs_marks for name in names):
        return ()
    held = {p.symbol for p in exposure.positions} | {e.symbol for e in exposure.reserved}
    return sorted(held - {entry.symbol})


def _check_symbol(limit: Limit, measure: _Measure) -> Refused | None:
    assert isinstance(limit.setting, frozenset)
    if measure.entry.symbol in limit.setting:
        return None
    message = f"{measure.entry.symbol} is not one of the symbols that {scope_text(limit)} may trade"
    return _refused(limit, measure, message)


def _check_collar(limit: Limit, measure: _Measure) -> Refused | None:
    """Refuse a price further than the limit beyond the reference, on the side that costs more.

    The reference of an order that waits for a trigger is its trigger price.
    """
    entry, market = measure.entry, measure.market
    if entry.order_type in TRIGGERED_TYPES:
        if entry.order_type not in LIMIT_TYPES:
            return None
        reference = entry.trigger_price
    else:
        reference = None if market is None else market.mid
    price = named_price(entry) or valuation_of(entry, market)
    if reference is None or price is None or not reference:
        raise _Unknown(f"there is no current price of {entry.symbol}")
    beyond = subtract(price, reference)
    if entry.side is Side.SELL:
        beyond = -beyond
    # beyond / reference × 100 > limit, without a division
    if multiply(beyond, _HUNDRED) <= multiply(_number(limit), reference):
        return None
    percent = _percent(beyond, reference)
    message = (
        f"the price {decimal_text(price)} is {decimal_text(percent)} % beyond the reference"
        f" {decimal_text(reference)}; {_at_most(limit)} %"
    )
    return _refused(limit, measure, message, percent)


def _check_open_positions(limit: Limit, measure: _Measure) -> Refused | None:
    exposure = measure.exposure
    if not exposure.opens_position(measure.entry):
        return None
    return _check_count(limit, measure, len(exposure.open_keys()) + 1, "positions")


def _check_open_of_symbol(limit: Limit, measure: _Measure) -> Refused | None:
    exposure, symbol = measure.exposure, measure.entry.symbol
    if not exposure.opens_position(measure.entry):
        return None
    count = len(exposure.open_keys(symbol)) + 1
    return _check_count(limit, measure, count, f"positions in {symbol}")


def _check_open_orders(limit: Limit, measure: _Measure) -> Refused | None:
    entry = measure.entry
    if not entry.rests:
        return None
    resting = [e for e in measure.exposure.reserved if e.symbol == entry.symbol and e.rests]
    return _check_count(limit, measure, len(resting) + 1, f"entry orders in {entry.symbol}")


def _check_count(limit: Limit, measure: _Measure, count: int, noun: str) -> Refused | None:
    if count <= _number(limit):
        return None
    message = f"{count} open {noun} with this order; {_at_most(limit)}"
    return _refused(limit, measure, message, Decimal(count))


def _check_qty(limit: Limit, measure: _Measure) -> Refused | None:
    qty = measure.entry.qty
    if qty <= _number(limit):
        return None
    message = f"the quantity is {decimal_text(qty)}; {_at_most(limit)}"
    return _refused(limit, measure, message, qty)


def _check_min_notional(limit: Limit, measure: _Measure) -> Refused | None:
    worth = _notional(measure, measure.entry.qty)
    if worth >= _number(limit):
        return None
    message = (
        f"the order is worth {decimal_text(worth)}; {scope_text(limit)} demands at least"
        f" {decimal_text(_number(limit))}"
    )
    return _refused(limit, measure, message, worth)


def _check_max_notional(limit: Limit, measure: _Measure) -> Refused | None:
    worth = _notional(measure, measure.entry.qty)
    return _check_worth(limit, measure, worth, "the order is worth")


def _check_position_notional(limit: Limit, measure: _Measure) -> Refused | None:
    worth = _notional(measure, measure.exposure.quantity_after(measure.entry))
    return _check_worth(limit, measure, worth, "with this order the position is worth")


def _check_total_exposure(limit: Limit, measure: _Measure) -> Refused | None:
    """Refuse a sum of all positions and reservations above the limit.

    The entry's symbol is valued at the entry's price, the others at the middle of their prices.
    """
    context, total = measure.context, ZERO
    for symbol, qty in measure.exposure.quantities([measure.entry]).items():
        if symbol == measure.entry.symbol:
            total = add(total, _notional(measure, qty))
            continue
        market = context.markets.get(symbol)
        if market is None:
            raise _Unknown(f"there is no current price of {symbol}, which is held")
        total = add(total, _notional_at(context, symbol, qty, market.mid))
    return _check_worth(limit, measure, total, "with this order all positions are worth")


def _check_capital(limit: Limit, measure: _Measure) -> Refused | None:
    worth = _notional(measure, measure.exposure.quantity_after(measure.entry))
    equity = _dollars_of(measure.context, measure.context.equity.equity)
    if multiply(worth, _HUNDRED) <= multiply(_number(limit), equity):
        return None
    percent = _percent(worth, equity) if equity > 0 else None
    message = (
        f"with this order the position is worth {decimal_text(worth)}, the account"
        f" {decimal_text(equity)}; {_at_most(limit)} %"
    )
    return _refused(limit, measure, message, percent)


def _check_daily_loss(limit: Limit, measure: _Measure) -> Refused | None:
    """Refuse while the day has lost the limit or more."""
    loss = -_dollars_of(measure.context, measure.context.equity.day_result)
    if loss < _number(limit):
        return None
    message = f"the day has lost {decimal_text(loss)}; {_at_most(limit)}"
    return _refused(limit, measure, message, loss)


def _check_daily_loss_pct(limit: Limit, measure: _Measure) -> Refused | None:
    context = measure.context
    loss = -_dollars_of(context, context.equity.day_result)
    start = _dollars_of(context, context.equity.at_day_start)
    if loss <= 0 or multiply(loss, _HUNDRED) < multiply(_number(limit), start):
        return None
    percent = _percent(loss, start) if start > 0 else None
    message = (
        f"the day has lost {decimal_text(loss)} of {decimal_text(start)} at its beginning;"
        f" {_at_most(limit)} %"
    )
    return _refused(limit, measure, message, percent)


def _dollars_of(context: LimitContext, amount: Decimal | None) -> Decimal:
    """Return an amount in the currency of the equity in dollars. Raises ``_UnknownEquity``."""
    dollars = context.in_dollars(amount)
    if dollars is None:
        raise _UnknownEquity("the equity of the account, or what the day has earned, is not known")
    return dollars


def _check_worth(limit: Limit, measure: _Measure, worth: Decimal, text: str) -> Refused | None:
    if worth <= _number(limit):
        return None
    return _refused(limit, measure, f"{text} {decimal_text(worth)}; {_at_most(limit)}", worth)


_CHECKS: Mapping[str, Callable[[Limit, _Measure], Refused | None]] = {
    "allowed_symbols": _check_symbol,
    "price_collar_pct": _check_collar,
    "max_open_positions": _check_open_positions,
    "max_open_positions_per_symbol": _check_open_of_symbol,
    "max_open_orders_per_symbol": _check_open_orders,
    "max_order_qty.crypto": _check_qty,
    "min_order_notional": _check_min_notional,
    "max_order_notional": _check_max_notional,
    "max_position_notional": _check_position_notional,
    "max_capital_per_position_pct": _check_capital,
    "max_total_exposure": _check_total_exposure,
    "daily_loss_limit": _check_daily_loss,
    "daily_loss_limit_pct": _check_daily_loss_pct,
}
"""The checks in their order; ``allow_new_positions`` is checked before, with the switches."""


def worth_of(context: LimitContext, symbol: str, qty: Decimal) -> Decimal | None:
    """Return the worth of a quantity at the middle of its prices; ``None`` if it is not known."""
    market = context.markets.get(symbol)
    try:
        return None if market is None else _notional_at(context, symbol, qty, market.mid)
    except _Unknown:
        return None


def _notional_at(context: LimitContext, symbol: str, qty: Decimal, price: Decimal) -> Decimal:
    """Return the worth of a quantity in dollars. Raises ``_Unknown``."""
    instrument = context.instruments.get(symbol)
    if instrument is None:
        raise _Unknown(f"{symbol} is not listed any more")
    rate = context.rates.get(instrument.quote)
    if rate is None:
        raise _Unknown(f"there is no current rate of {instrument.quote}")
    return multiply(instrument.notional(qty, price), rate)


def _notional(measure: _Measure, qty: Decimal) -> Decimal:
    """Return the worth of a quantity of the entry's symbol at the entry's price."""
    price = valuation_of(measure.entry, measure.market)
    if price is None:
        raise _Unknown(f"there is no current price of {measure.entry.symbol}")
    return _notional_at(measure.context, measure.entry.symbol, qty, price)


def _number(limit: Limit) -> Decimal:
    assert isinstance(limit.setting, Decimal)
    return limit.setting


def _percent(part: Decimal, whole: Decimal) -> Decimal:
    return divide(multiply(part, _HUNDRED), whole)


def _at_most(limit: Limit) -> str:
    return f"{scope_text(limit)} allows {decimal_text(_number(limit))}"


def _refused(
    limit: Limit, measure: _Measure, message: str, actual: Decimal | None = None
) -> Refused:
    market = measure.market
    price = valuation_of(measure.entry, market)
    prices = {
        "price": None if price is None else decimal_text(price),
        "price_at": None if market is None else market.at,
    }
    return Refused(
        code="risk_blocked",
        reason=KEYS[limit.key].reason,
        message=message,
        limit=limit.setting if isinstance(limit.setting, Decimal) else None,
        value=actual,
        set_by=limit.scope.value,
        facts=limit.facts() | prices,
    )


def _unknown(limit: Limit, error: _Unknown) -> Refused:
    text = f"{error}, which {limit.key} of {scope_text(limit)} needs"
    return Refused(
        code="risk_blocked",
        reason=error.reason,
        message=text,
        limit=limit.setting if isinstance(limit.setting, Decimal) else None,
        set_by=limit.scope.value,
        facts=limit.facts(),
    )
