"""Limits on the rate of orders and signals, and how long none after losses."""

from datetime import timedelta
from decimal import Decimal

from oms.domain.errors import Refused
from oms.domain.money import decimal_text
from oms.domain.risk.measure import Measure, UnknownRecent, at_most, number_of, refused_by
from oms.domain.risk.policy import Limit, PolicyScope, scope_text
from oms.domain.risk.recent import Recent


def check_order_rate(limit: Limit, measure: Measure) -> Refused | None:
    """Refuse more entry orders in 60 seconds. Raises ``UnknownRecent``.

    A change is no new order.
    """
    if measure.entry.order_id:
        return None
    own = _strategy_of(limit)
    waiting = [e for e in measure.context.pending if own in (None, e.strategy_id)]
    count = _recent_of(measure).orders_of(own) + len(waiting) + 1
    if count <= number_of(limit):
        return None
    message = f"{count} entry orders within 60 s with this order; {at_most(limit)}"
    return refused_by(limit, measure, message, Decimal(count))


def check_cooldown(limit: Limit, measure: Measure) -> Refused | None:
    """Refuse while the last losses are too recent. Raises ``UnknownRecent``."""
    recent = _recent_of(measure)
    losses = measure.limits.get("losses_in_a_row")
    count = 1 if losses is None else int(number_of(losses))
    lost_at = recent.last_of_losses(count, _strategy_of(limit))
    pause = timedelta(seconds=int(number_of(limit)))
    if lost_at is None or recent.now - lost_at >= pause:
        return None
    seconds = max((recent.now - lost_at) // timedelta(seconds=1), 0)
    text = "the last position" if count == 1 else f"the last {count} positions"
    message = (
        f"{text} ended with a loss, {seconds} s ago; {scope_text(limit)} opens nothing for"
        f" {decimal_text(number_of(limit))} s"
    )
    return refused_by(limit, measure, message, Decimal(seconds))


def check_signals(limit: Limit, measure: Measure) -> Refused | None:
    """Refuse the entry of one signal more of the day. Raises ``UnknownRecent``.

    Entries that are of no signal pass.
    """
    if measure.entry.signal_id is None:
        return None
    by_symbol = _recent_of(measure).signals_by_symbol(_strategy_of(limit))
    if by_symbol is None:
        raise UnknownRecent("the number of signals of the day is not known")
    done, text = sum(by_symbol.values()), "signals"
    if limit.key == "max_signals_per_symbol_per_day":
        symbol = measure.entry.symbol
        done, text = by_symbol.get(symbol, 0), f"signals in {symbol}"
    count = measure.measured[limit.key] = Decimal(done + 1)
    if count <= number_of(limit):
        return None
    message = f"{count} {text} today with this one; {at_most(limit)}"
    return refused_by(limit, measure, message, count)


def _recent_of(measure: Measure) -> Recent:
    if measure.context.recent is None:
        raise UnknownRecent("what the account did lately is not known")
    return measure.context.recent


def _strategy_of(limit: Limit) -> int | None:
    """Return the strategy that a limit is measured over; ``None`` is the whole account."""
    return limit.scope_id if limit.scope is PolicyScope.STRATEGY else None
