"""The checks of a risk policy: pure functions of an entry, the exposure and prices.

The first check that fails is the reason of the refusal. What a check needs and is not known refuses
as well: without a price ``risk_no_price``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from oms.domain.errors import Refused
from oms.domain.market_hours import Session, session_of
from oms.domain.money import ZERO, add, decimal_text, divide, multiply, subtract
from oms.domain.orders.order import Side
from oms.domain.orders.order_types import LIMIT_TYPES, TRIGGERED_TYPES
from oms.domain.risk.activity_limits import check_cooldown, check_order_rate
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
    notional_at,
    notional_of,
    number_of,
    percent_of,
    refused_by,
    refused_unknown,
)
from oms.domain.risk.policy import AccountPolicy, Limit, scope_text
from oms.domain.risk.policy_keys import KEYS
from oms.domain.risk.valuation import named_price, needs_market, valuation_of
from oms.domain.value import value

_BASIS_POINTS = Decimal(10000)
_WITHOUT_MONEY = frozenset({"price_collar_pct", "max_slippage_bps"})
"""Keys that compare prices only."""


@value
class LimitVerdict:
    """One limit as it was checked."""

    limit: Limit
    #: ``None`` of limits that measure nothing, and where it is not known.
    measured: Decimal | None
    refused: Refused | None


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
    refused = None
    for verdict in _judge_limits(policy, entry, context):
        if verdicts is not None:
            verdicts.append(verdict)
        refused = refused or verdict.refused
        if refused is not None and not is_complete:
            break
    return refused


def _judge_limits(
    policy: AccountPolicy, entry: Entry, context: LimitContext
) -> Iterator[LimitVerdict]:
    """Yield the verdict of each limit that rules the entry, in the order of the checks."""
    measures = [
        Measure(limits=policy.account, entry=entry, exposure=context.exposure, context=context)
    ]
    own = policy.limits_of(entry.strategy_id)
    if own:
        exposure = context.exposure.of_strategy(entry.strategy_id)
        measures.append(Measure(limits=own, entry=entry, exposure=exposure, context=context))
    for name, check in _CHECKS.items():
        for measure in measures:
            limit = measure.limits.get(name)
            if limit is None:
                continue
            try:
                refused = check(limit, measure)
            except Unknown as error:
                refused = refused_unknown(limit, error)
            measured = measure.measured.get(name)
            if measured is None and refused is not None:
                measured = refused.value
            yield LimitVerdict(limit=limit, measured=measured, refused=refused)


def needs_price(policy: AccountPolicy, entry: Entry) -> bool:
    """Return whether a check needs market prices of the entry's symbol."""
    names = policy.keys_for(entry.strategy_id)
    if "price_collar_pct" in names and entry.order_type not in TRIGGERED_TYPES:
        return True
    if "max_slippage_bps" in names and entry.order_type == "market":
        return True
    return needs_market(entry) and any(KEYS[name].needs_price for name in names)


def needs_rate(policy: AccountPolicy, entry: Entry) -> bool:
    """Return whether a check counts money."""
    names = policy.keys_for(entry.strategy_id)
    return any(KEYS[name].needs_price for name in names - _WITHOUT_MONEY)


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
    entry, market = measure.entry, measure.market
    if entry.order_type in TRIGGERED_TYPES:
        if entry.order_type not in LIMIT_TYPES:
            return None
        reference = entry.trigger_price
    else:
        reference = None if market is None else market.mid
    price = named_price(entry) or valuation_of(entry, market)
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
    exposure = measure.exposure
    if not exposure.opens_position(measure.entry):
        return None
    return _check_count(limit, measure, len(exposure.open_keys()) + 1, "positions")


def _check_open_of_symbol(limit: Limit, measure: Measure) -> Refused | None:
    exposure, symbol = measure.exposure, measure.entry.symbol
    if not exposure.opens_position(measure.entry):
        return None
    count = len(exposure.open_keys(symbol)) + 1
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
    worth = measure.measured[limit.key] = notional_of(measure, measure.entry.qty)
    if worth >= number_of(limit):
        return None
    message = (
        f"the order is worth {decimal_text(worth)}; {scope_text(limit)} demands at least"
        f" {decimal_text(number_of(limit))}"
    )
    return refused_by(limit, measure, message, worth)


def _check_max_notional(limit: Limit, measure: Measure) -> Refused | None:
    worth = notional_of(measure, measure.entry.qty)
    return _check_worth(limit, measure, worth, "the order is worth")


def _check_position_notional(limit: Limit, measure: Measure) -> Refused | None:
    worth = notional_of(measure, measure.exposure.quantity_after(measure.entry))
    return _check_worth(limit, measure, worth, "with this order the position is worth")


def _check_total_exposure(limit: Limit, measure: Measure) -> Refused | None:
    """Refuse a sum of all positions and reservations above the limit.

    The entry's symbol is valued at the entry's price, the others at the middle of their prices.
    """
    return _check_worth(
        limit, measure, _total_after(measure), "with this order all positions are worth"
    )


def _total_after(measure: Measure) -> Decimal:
    """Return the worth of all positions and reservations. Raises ``Unknown``."""
    context, total = measure.context, ZERO
    for symbol, qty in measure.exposure.quantities([measure.entry]).items():
        if symbol == measure.entry.symbol:
            total = add(total, notional_of(measure, qty))
            continue
        market = context.markets.get(symbol)
        if market is None:
            raise Unknown(f"there is no current price of {symbol}, which is held")
        total = add(total, notional_at(context, symbol, qty, market.mid))
    return total


def _check_leverage(limit: Limit, measure: Measure) -> Refused | None:
    """Refuse a sum of all positions and reservations above a multiple of the equity."""
    total = _total_after(measure)
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
    entry, market = measure.entry, measure.market
    if entry.order_type != "market":
        return None
    if market is None or not market.mid:
        raise Unknown(f"there is no current price of {entry.symbol}")
    price, mid = market.fill_price(entry.side, entry.qty), market.mid
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
}
"""The checks in their order; ``allow_new_positions`` is checked before, with the switches."""


def worth_of(context: LimitContext, symbol: str, qty: Decimal) -> Decimal | None:
    """Return the worth of a quantity at the middle of its prices; ``None`` if it is not known."""
    market = context.markets.get(symbol)
    try:
        return None if market is None else notional_at(context, symbol, qty, market.mid)
    except Unknown:
        return None
