"""The checks of a risk policy: pure functions of an entry, the exposure and prices.

The first check that fails is the reason of the refusal. What a check needs and is not known refuses
as well: without a price ``risk_no_price``.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from oms.domain.errors import Refused
from oms.domain.market_hours import Session, session_of
from oms.domain.money import decimal_text, divide, multiply, subtract
from oms.domain.orders.order import Side
from oms.domain.orders.order_types import LIMIT_TYPES, TRIGGERED_TYPES
from oms.domain.risk.activity_limits import check_cooldown, check_order_rate, check_signals
from oms.domain.risk.duplicate_limit import check_duplicate
from oms.domain.risk.exposure import Entry, Exposure
from oms.domain.risk.judgement import Judgement, LimitVerdict
from oms.domain.risk.limit_context import LimitContext
from oms.domain.risk.loss_limits import check_capital, check_losses
from oms.domain.risk.measure import (
    HUNDRED,
    Measure,
    Unknown,
    at_most,
    measure_of,
    notional_at,
    refused_by,
    refused_unknown,
)
from oms.domain.risk.policy import AccountPolicy, Limit, RulingLimit, RulingLimits, scope_text
from oms.domain.risk.valuation import needs_market

_BASIS_POINTS = Decimal(10000)


def check_limits(
    policy: AccountPolicy, entry: Entry, context: LimitContext, judgement: Judgement | None = None
) -> Refused | None:
    """Return why the policy refuses the entry, or ``None``.

    What was checked is kept in ``judgement``: until the first limit that refuses, or all.
    """
    ruling = policy.ruling(entry.strategy_id)
    account = measure_of(ruling, policy.account, None, entry, context.exposure, context)
    measures = (account, _own_measure(policy, entry, context) if ruling.has_own else account)
    is_complete = judgement is not None and judgement.is_complete
    refusals: dict[int, Refused] = {}
    judged, checks, has_signal = 0, _CHECKS, entry.signal_id is not None
    for each in ruling.limits:
        limit, refused = each.limit, None
        if has_signal or not each.is_of_signals:
            try:
                refused = checks[limit.key](limit, each.number, measures[each.is_own])
            except Unknown as error:
                refused = refused_unknown(limit, error)
        if refused is not None:
            refusals[judged] = refused
        judged += 1
        if refused is not None and not is_complete:
            break
    if judgement is not None:
        judgement.is_judged, judgement.price = True, account.price
        judgement.verdicts += _verdicts(ruling.limits[:judged], measures, refusals)
    return next(iter(refusals.values())) if refusals else None


def _own_measure(policy: AccountPolicy, entry: Entry, context: LimitContext) -> Measure:
    """Return what limits of the strategy are measured over: its part of the account."""
    strategy_id = entry.strategy_id
    ruling, own = policy.ruling(strategy_id), policy.limits_of(strategy_id)
    part = context.exposure.of_strategy(strategy_id)
    return measure_of(ruling, own, strategy_id, entry, part, context)


def _verdicts(
    limits: Sequence[RulingLimit],
    measures: tuple[Measure, Measure],
    refusals: Mapping[int, Refused],
) -> list[LimitVerdict]:
    """Return the limits with what was measured; in one expression, as an order has twenty."""
    account, own = measures[0].measured, measures[1].measured
    verdicts: list[LimitVerdict] = [
        (each, (own if each.is_own else account)[each.limit.key], None) for each in limits
    ]
    if not refusals:
        return verdicts
    for number, refused in refusals.items():
        each, measured, _ = verdicts[number]
        verdicts[number] = each, refused.value if measured is None else measured, refused
    return verdicts


def needs_price(ruling: RulingLimits, entry: Entry) -> bool:
    """Return whether a check needs market prices of the entry's symbol."""
    if not ruling.needs_price:
        return False
    if ruling.compares_prices and entry.order_type not in TRIGGERED_TYPES:
        return True
    return (ruling.compares_fills and entry.order_type == "market") or needs_market(entry)


def symbols_to_mark(ruling: RulingLimits, entry: Entry, exposure: Exposure) -> Sequence[str]:
    """Return the other symbols whose prices a check needs."""
    if not ruling.needs_marks:
        return ()
    symbol, held = entry.symbol, set()
    for position in exposure.positions:
        if position.symbol != symbol:
            held.add(position.symbol)
    for reserved in exposure.reserved:
        if reserved.symbol != symbol:
            held.add(reserved.symbol)
    return sorted(held) if held else ()


def _check_symbol(limit: Limit, _number: Decimal, measure: Measure) -> Refused | None:
    assert isinstance(limit.setting, frozenset)
    if measure.entry.symbol in limit.setting:
        return None
    message = f"{measure.entry.symbol} is not one of the symbols that {scope_text(limit)} may trade"
    return refused_by(limit, measure, message)


def _check_collar(limit: Limit, number: Decimal, measure: Measure) -> Refused | None:
    """Refuse a price further than the limit beyond the reference, on the side that costs more.

    The reference of an order that waits for a trigger is its trigger price.
    """
    entry, reference = measure.entry, measure.mid
    if entry.order_type in TRIGGERED_TYPES:
        if entry.order_type not in LIMIT_TYPES:
            return None
        reference = entry.trigger_price
    price = measure.named_price or measure.price
    if reference is None or price is None or not reference:
        raise Unknown(f"there is no current price of {entry.symbol}")
    beyond = subtract(price, reference) if entry.side is Side.BUY else subtract(reference, price)
    beyond = multiply(beyond, HUNDRED)
    percent = measure.measured[limit.key] = divide(beyond, reference)
    if beyond <= multiply(number, reference):  # exact, which the quotient is not
        return None
    message = (
        f"the price {decimal_text(price)} is {decimal_text(percent)} % beyond the reference"
        f" {decimal_text(reference)}; {at_most(limit)} %"
    )
    return refused_by(limit, measure, message, percent)


def _check_open_positions(limit: Limit, number: Decimal, measure: Measure) -> Refused | None:
    if measure.is_open:
        return None
    return _check_count(limit, number, measure, len(measure.quantities), "positions")


def _check_open_of_symbol(limit: Limit, number: Decimal, measure: Measure) -> Refused | None:
    if measure.is_open:
        return None
    symbol = measure.entry.symbol
    count = len([1 for key in measure.quantities if key.symbol == symbol])
    return _check_count(limit, number, measure, count, f"positions in {symbol}")


def _check_open_orders(limit: Limit, number: Decimal, measure: Measure) -> Refused | None:
    entry = measure.entry
    if not entry.rests:
        return None
    symbol = entry.symbol
    count = len([e for e in measure.reserved if e.symbol == symbol and e.rests]) + 1
    return _check_count(limit, number, measure, count, f"entry orders in {symbol}")


def _check_count(
    limit: Limit, number: Decimal, measure: Measure, count: int, noun: str
) -> Refused | None:
    measure.measured[limit.key] = Decimal(count)
    if count <= number:
        return None
    message = f"{count} open {noun} with this order; {at_most(limit)}"
    return refused_by(limit, measure, message, Decimal(count))


def _check_qty(limit: Limit, number: Decimal, measure: Measure) -> Refused | None:
    """Refuse a larger quantity of the asset class that the key names."""
    is_stock = session_of(measure.entry.symbol) is Session.US_EQUITY
    if is_stock is not (limit.key == "max_order_qty.stock"):
        return None
    qty = measure.measured[limit.key] = measure.entry.qty
    if qty <= number:
        return None
    message = f"the quantity is {decimal_text(qty)}; {at_most(limit)}"
    return refused_by(limit, measure, message, qty)


def _check_min_notional(limit: Limit, number: Decimal, measure: Measure) -> Refused | None:
    worth = measure.worth
    if worth is None:
        raise Unknown(measure.missing)
    measure.measured[limit.key] = worth
    if worth >= number:
        return None
    message = (
        f"the order is worth {decimal_text(worth)}; {scope_text(limit)} demands at least"
        f" {decimal_text(number)}"
    )
    return refused_by(limit, measure, message, worth)


def _check_max_notional(limit: Limit, number: Decimal, measure: Measure) -> Refused | None:
    worth = measure.worth
    if worth is None or worth > number:
        return _too_much(limit, measure, worth, "the order is worth")
    measure.measured[limit.key] = worth
    return None


def _check_position_notional(limit: Limit, number: Decimal, measure: Measure) -> Refused | None:
    worth = measure.position_worth
    if worth is None or worth > number:
        return _too_much(limit, measure, worth, "with this order the position is worth")
    measure.measured[limit.key] = worth
    return None


def _check_total_exposure(limit: Limit, number: Decimal, measure: Measure) -> Refused | None:
    """Refuse a sum of all positions and reservations above the limit.

    The entry's symbol is valued at the entry's price, the others at the middle of their prices.
    """
    total = measure.total_after()
    if total > number:
        return _too_much(limit, measure, total, "with this order all positions are worth")
    measure.measured[limit.key] = total
    return None


def _too_much(limit: Limit, measure: Measure, worth: Decimal | None, text: str) -> Refused:
    """Return the refusal of a worth above a limit. Raises ``Unknown``."""
    if worth is None:
        raise Unknown(measure.missing)
    return refused_by(limit, measure, f"{text} {decimal_text(worth)}; {at_most(limit)}", worth)


def _check_leverage(limit: Limit, number: Decimal, measure: Measure) -> Refused | None:
    """Refuse a sum of all positions and reservations above a multiple of the equity."""
    total, equity = measure.total_after(), measure.equity()
    leverage = divide(total, equity) if equity > 0 else None
    if leverage is not None:
        measure.measured[limit.key] = leverage
    if total <= multiply(number, equity):
        return None
    message = (
        f"with this order all positions are worth {decimal_text(total)}, the account"
        f" {decimal_text(equity)}; {at_most(limit)} times as much"
    )
    return refused_by(limit, measure, message, leverage)


def _check_slippage(limit: Limit, number: Decimal, measure: Measure) -> Refused | None:
    """Refuse a market order that would be filled too far beyond the middle of bid and ask."""
    entry, market, mid = measure.entry, measure.market, measure.mid
    if entry.order_type != "market":
        return None
    if market is None or not mid:
        raise Unknown(f"there is no current price of {entry.symbol}")
    price = market.fill_price(entry.side, entry.qty)
    beyond = subtract(price, mid) if entry.side is Side.BUY else subtract(mid, price)
    beyond = multiply(beyond, _BASIS_POINTS)
    slippage = measure.measured[limit.key] = divide(beyond, mid)
    if beyond <= multiply(number, mid):
        return None
    message = (
        f"the order would be filled at {decimal_text(price)}, {decimal_text(slippage)} basis points"
        f" beyond the middle {decimal_text(mid)}; {at_most(limit)}"
    )
    return refused_by(limit, measure, message, slippage)


_CHECKS: Mapping[str, Callable[[Limit, Decimal, Measure], Refused | None]] = {
    "allowed_symbols": _check_symbol,
    "duplicate_order_window_seconds": check_duplicate,
    "max_orders_per_minute": check_order_rate,
    "cooldown_seconds_after_losses": check_cooldown,
    "price_collar_pct": _check_collar,
    "max_slippage_bps": _check_slippage,
    "max_open_positions": _check_open_positions,
    "max_open_positions_per_symbol": _check_open_of_symbol,
    "max_open_orders_per_symbol": _check_open_orders,
    "max_order_qty.crypto": _check_qty,
    "max_order_qty.stock": _check_qty,
    "min_order_notional": _check_min_notional,
    "max_order_notional": _check_max_notional,
    "max_position_notional": _check_position_notional,
    "max_capital_per_position_pct": check_capital,
    "max_total_exposure": _check_total_exposure,
    "max_leverage": _check_leverage,
    "daily_loss_limit": check_losses,
    "daily_loss_limit_pct": check_losses,
    "max_total_drawdown_pct": check_losses,
    "max_signals_per_day": check_signals,
    "max_signals_per_symbol_per_day": check_signals,
}
"""The checks in their order; ``allow_new_positions`` is checked before, with the switches."""


def worth_of(context: LimitContext, symbol: str, qty: Decimal) -> Decimal | None:
    """Return the worth of a quantity at the middle of its prices; ``None`` if it is not known."""
    market = context.markets.get(symbol)
    try:
        return None if market is None else notional_at(context, symbol, qty, market.mid)
    except Unknown:
        return None
