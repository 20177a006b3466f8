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
from oms.domain.risk.limit_context import LimitContext
from oms.domain.risk.loss_limits import check_capital, check_losses
from oms.domain.risk.measure import (
    HUNDRED,
    Measure,
    Unknown,
    at_most,
    equity_of,
    measure_of,
    notional_at,
    number_of,
    percent_of,
    refused_by,
    refused_unknown,
)
from oms.domain.risk.policy import AccountPolicy, Limit, RulingLimit, scope_text
from oms.domain.risk.valuation import named_price, needs_market

_BASIS_POINTS = Decimal(10000)


LimitVerdict = tuple[RulingLimit, Decimal | None, Refused | None]
"""One limit as it was checked: what was measured, and why it refuses.

``None`` was measured by limits that measure nothing, and where it is not known.
"""


def check_limits(
    policy: AccountPolicy,
    entry: Entry,
    context: LimitContext,
    verdicts: list[LimitVerdict] | None = None,
    *,
    is_complete: bool = False,
) -> Refused | None:
    """Return why the policy refuses the entry, or ``None``.

    What was checked is added to ``verdicts``: until the first limit that refuses, or all.
    """
    ruling = policy.ruling(entry.strategy_id)
    account = measure_of(policy.account, entry, context.exposure, context)
    own = account
    if ruling.has_own:
        part = context.exposure.of_strategy(entry.strategy_id)
        own = measure_of(policy.limits_of(entry.strategy_id), entry, part, context)
    first = None
    for each in ruling.limits:
        limit, measure = each.limit, own if each.is_own else account
        key = limit.key
        if key not in _CHECKS:
            continue
        try:
            refused = _CHECKS[key](limit, measure)
        except Unknown as error:
            refused = refused_unknown(limit, error)
        if verdicts is not None:
            measured = None if refused is None else refused.value
            if key in measure.measured:
                measured = measure.measured[key]
            verdicts.append((each, measured, refused))
        if refused is not None:
            first = first or refused
            if not is_complete:
                break
    return first


def needs_price(policy: AccountPolicy, entry: Entry) -> bool:
    """Return whether a check needs market prices of the entry's symbol."""
    ruling = policy.ruling(entry.strategy_id)
    if not ruling.needs_price:
        return False
    if "price_collar_pct" in ruling.keys and entry.order_type not in TRIGGERED_TYPES:
        return True
    if "max_slippage_bps" in ruling.keys and entry.order_type == "market":
        return True
    return needs_market(entry)


def symbols_to_mark(policy: AccountPolicy, entry: Entry, exposure: Exposure) -> Sequence[str]:
    """Return the other symbols whose prices a check needs."""
    if not policy.ruling(entry.strategy_id).needs_marks:
        return ()
    held = {p.symbol for p in exposure.positions} | {e.symbol for e in exposure.reserved}
    return sorted(held - {entry.symbol})


def _check_symbol(limit: Limit, measure: Measure) -> Refused | None:
    assert isinstance(limit.setting, frozenset)
    if measure.entry.symbol in limit.setting:
        return None
    message = f"{measure.entry.symbol} is not one of the symbols that {scope_text(limit)} may trade"
    return refused_by(limit, measure, message)


def _check_collar(limit: Limit, measure: Measure) -> Refused | None:
    """Refuse a price further than the limit beyond the reference, on the side that costs more.

    The reference of an order that waits for a trigger is its trigger price.
    """
    entry = measure.entry
    if entry.order_type in TRIGGERED_TYPES:
        if entry.order_type not in LIMIT_TYPES:
            return None
        reference = entry.trigger_price
    else:
        reference = measure.mid
    price = named_price(entry) or measure.price
    if reference is None or price is None or not reference:
        raise Unknown(f"there is no current price of {entry.symbol}")
    beyond = subtract(price, reference)
    if entry.side is Side.SELL:
        beyond = -beyond
    percent = measure.measured[limit.key] = percent_of(beyond, reference)
    # beyond / reference × 100 > limit, without a division
    if multiply(beyond, HUNDRED) <= multiply(number_of(limit), reference):
        return None
    message = (
        f"the price {decimal_text(price)} is {decimal_text(percent)} % beyond the reference"
        f" {decimal_text(reference)}; {at_most(limit)} %"
    )
    return refused_by(limit, measure, message, percent)


def _check_open_positions(limit: Limit, measure: Measure) -> Refused | None:
    if measure.key in measure.open_keys:
        return None
    return _check_count(limit, measure, len(measure.open_keys) + 1, "positions")


def _check_open_of_symbol(limit: Limit, measure: Measure) -> Refused | None:
    symbol = measure.entry.symbol
    if measure.key in measure.open_keys:
        return None
    count = sum(key.symbol == symbol for key in measure.open_keys) + 1
    return _check_count(limit, measure, count, f"positions in {symbol}")


def _check_open_orders(limit: Limit, measure: Measure) -> Refused | None:
    entry = measure.entry
    if not entry.rests:
        return None
    resting = [e for e in measure.exposure.reserved if e.symbol == entry.symbol and e.rests]
    return _check_count(limit, measure, len(resting) + 1, f"entry orders in {entry.symbol}")


def _check_count(limit: Limit, measure: Measure, count: int, noun: str) -> Refused | None:
    measure.measured[limit.key] = Decimal(count)
    if count <= number_of(limit):
        return None
    message = f"{count} open {noun} with this order; {at_most(limit)}"
    return refused_by(limit, measure, message, Decimal(count))


def _check_qty(limit: Limit, measure: Measure) -> Refused | None:
    """Refuse a larger quantity of the asset class that the key names."""
    is_stock = session_of(measure.entry.symbol) is Session.US_EQUITY
    if is_stock is not (limit.key == "max_order_qty.stock"):
        return None
    qty = measure.measured[limit.key] = measure.entry.qty
    if qty <= number_of(limit):
        return None
    message = f"the quantity is {decimal_text(qty)}; {at_most(limit)}"
    return refused_by(limit, measure, message, qty)


def _check_min_notional(limit: Limit, measure: Measure) -> Refused | None:
    worth = measure.measured[limit.key] = measure.worth_of(measure.entry.qty)
    if worth >= number_of(limit):
        return None
    message = (
        f"the order is worth {decimal_text(worth)}; {scope_text(limit)} demands at least"
        f" {decimal_text(number_of(limit))}"
    )
    return refused_by(limit, measure, message, worth)


def _check_max_notional(limit: Limit, measure: Measure) -> Refused | None:
    worth = measure.worth_of(measure.entry.qty)
    return _check_worth(limit, measure, worth, "the order is worth")


def _check_position_notional(limit: Limit, measure: Measure) -> Refused | None:
    worth = measure.worth_of(measure.quantity_after)
    return _check_worth(limit, measure, worth, "with this order the position is worth")


def _check_total_exposure(limit: Limit, measure: Measure) -> Refused | None:
    """Refuse a sum of all positions and reservations above the limit.

    The entry's symbol is valued at the entry's price, the others at the middle of their prices.
    """
    total = measure.total_after()
    return _check_worth(limit, measure, total, "with this order all positions are worth")


def _check_leverage(limit: Limit, measure: Measure) -> Refused | None:
    """Refuse a sum of all positions and reservations above a multiple of the equity."""
    total = measure.total_after()
    equity = equity_of(measure.context, measure.context.equity.equity)
    if total <= multiply(number_of(limit), equity):
        return None
    leverage = divide(total, equity) if equity > 0 else None
    message = (
        f"with this order all positions are worth {decimal_text(total)}, the account"
        f" {decimal_text(equity)}; {at_most(limit)} times as much"
    )
    return refused_by(limit, measure, message, leverage)


def _check_slippage(limit: Limit, measure: Measure) -> Refused | None:
    """Refuse a market order that would be filled too far beyond the middle of bid and ask."""
    entry, market, mid = measure.entry, measure.market, measure.mid
    if entry.order_type != "market":
        return None
    if market is None or not mid:
        raise Unknown(f"there is no current price of {entry.symbol}")
    price = market.fill_price(entry.side, entry.qty)
    beyond = subtract(price, mid)
    if entry.side is Side.SELL:
        beyond = -beyond
    if multiply(beyond, _BASIS_POINTS) <= multiply(number_of(limit), mid):
        return None
    slippage = divide(multiply(beyond, _BASIS_POINTS), mid)
    message = (
        f"the order would be filled at {decimal_text(price)}, {decimal_text(slippage)} basis points"
        f" beyond the middle {decimal_text(mid)}; {at_most(limit)}"
    )
    return refused_by(limit, measure, message, slippage)


def _check_worth(limit: Limit, measure: Measure, worth: Decimal, text: str) -> Refused | None:
    measure.measured[limit.key] = worth
    if worth <= number_of(limit):
        return None
    return refused_by(limit, measure, f"{text} {decimal_text(worth)}; {at_most(limit)}", worth)


_CHECKS: Mapping[str, Callable[[Limit, Measure], Refused | None]] = {
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
