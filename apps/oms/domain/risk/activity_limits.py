"""Limits on the rate of orders and signals, and how long none after losses."""

from datetime import timedelta
from decimal import Decimal

from oms.domain.errors import Refused
from oms.domain.money import decimal_text
from oms.domain.risk.measure import Measure, UnknownRecent, at_most, number_of, refused_by
from oms.domain.risk.policy import Limit, scope_text
from oms.domain.risk.recent import Recent


def check_order_rate(limit: Limit, number: Decimal, measure: Measure) -> Refused | None:
    """Refuse more entry orders in 60 seconds. Raises ``UnknownRecent``.

    A change is no new order.
    """
    if measure.entry.order_id:
        return None
    own, pending = measure.strategy_id, measure.context.pending
    count = _recent_of(measure).orders_of(own) + 1
    if pending:
        count += len([each for each in pending if own in (None, each.strategy_id)])
    measure.measured[limit.key] = Decimal(count)
    if count <= number:
        return None
    message = f"{count} entry orders within 60 s with this order; {at_most(limit)}"
    return refused_by(limit, measure, message, Decimal(count))


def check_cooldown(limit: Limit, number: Decimal, measure: Measure) -> Refused | None:
    """Refuse while the last losses are too recent. Raises ``UnknownRecent``."""
    recent = _recent_of(measure)
    losses = measure.limits.get("losses_in_a_row")
    count = 1 if losses is None else int(number_of(losses))
    lost_at = recent.last_of_losses(count, measure.strategy_id)
    if lost_at is None:
        return None
    seconds = max((recent.now - lost_at) // timedelta(seconds=1), 0)
    measure.measured[limit.key] = Decimal(seconds)
    if recent.now - lost_at >= timedelta(seconds=int(number)):
        return None
    text = "the last position" if count == 1 else f"the last {count} positions"
    message = (
        f"{text} ended with a loss, {seconds} s ago; {scope_text(limit)} opens nothing for"
        f" {decimal_text(number)} s"
    )
    return refused_by(limit, measure, message, Decimal(seconds))


def check_signals(limit: Limit, number: Decimal, measure: Measure) -> Refused | None:
    """Refuse the entry of one signal more of the day. Raises ``UnknownRecent``.

    Entries that are of no signal are not compared.
    """
    by_symbol = _recent_of(measure).signals_by_symbol(measure.strategy_id)
    if by_symbol is None:
        raise UnknownRecent("the number of signals of the day is not known")
    done, text = sum(by_symbol.values()), "signals"
    if limit.key == "max_signals_per_symbol_per_day":
        symbol = measure.entry.symbol
        done, text = by_symbol.get(symbol, 0), f"signals in {symbol}"
    count = measure.measured[limit.key] = Decimal(done + 1)
    if count <= number:
        return None
    message = f"{count} {text} today with this one; {at_most(limit)}"
    return refused_by(limit, measure, message, count)


def _recent_of(measure: Measure) -> Recent:
    if measure.context.recent is None:
        raise UnknownRecent("what the account did lately is not known")
    return measure.context.recent
