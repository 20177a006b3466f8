"""Limits that are counted against the equity of the account: losses, drawdown, shares of it.

What a day has lost and how far the equity is below its high-water mark are the same for every
order: they are also observed without one (``oms.services.risk``).
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from oms.domain.errors import Refused
from oms.domain.money import ZERO, decimal_text, divide, multiply
from oms.domain.risk.limit_context import (
    AccountEquity,
    Breach,
    LimitContext,
    LossVerdict,
    RiskState,
)
from oms.domain.risk.measure import (
    HUNDRED,
    Measure,
    Unknown,
    UnknownEquity,
    at_most,
    equity_of,
    number_of,
    percent_of,
    refused_by,
)
from oms.domain.risk.policy import AccountPolicy, Limit
from oms.domain.risk.policy_keys import LOSS_KEYS
from oms.domain.risk.trips import drawdown_pct

DAY_LOSS_KEYS = frozenset({"daily_loss_limit", "daily_loss_limit_pct"})
"""Limits that, once reached, refuse until the next day."""


class ObservedLosses(NamedTuple):
    """Limits on losses as they were judged, and what was compared with them."""

    policy: AccountPolicy
    equity: AccountEquity
    rate: Decimal | None
    risk: RiskState
    #: By key; a limit is absent while the equity is not known.
    verdicts: Mapping[str, LossVerdict]

    def hold_for(
        self,
        policy: AccountPolicy,
        equity: AccountEquity,
        rates: Mapping[str, Decimal],
        risk: RiskState,
    ) -> bool:
        """Return whether nothing that the verdicts depend on has changed."""
        is_same = self.policy is policy and self.equity is equity and self.risk is risk
        return is_same and self.rate == rates.get(equity.currency)


def judge_losses(policy: AccountPolicy, context: LimitContext) -> ObservedLosses:
    """Return how the limits on losses of the account stand."""
    verdicts = {}
    for key in sorted(LOSS_KEYS & policy.account.keys()):
        try:
            verdicts[key] = _judge_loss(policy.account[key], context)
        except UnknownEquity:
            continue  # Entries are refused until it is known.
    equity = context.equity
    rate = context.rates.get(equity.currency)
    return ObservedLosses(policy, equity, rate, context.risk, verdicts)


def _judge_loss(limit: Limit, context: LimitContext) -> LossVerdict:
    """Return how a limit on losses stands. Raises ``UnknownEquity``."""
    breach = breach_of(limit, context)
    measured = measured_loss(limit.key, context) if breach is None else breach.actual
    return LossVerdict(breach, measured)


def breach_of(limit: Limit, context: LimitContext) -> Breach | None:
    """Return how the account exceeds a limit on losses, or ``None``. Raises ``UnknownEquity``.

    A limit on the loss of a day that was reached stays so until the next one.
    """
    return _tripped_today(limit, context) or _LOSSES[limit.key](limit, context)


def check_losses(limit: Limit, _number: Decimal, measure: Measure) -> Refused | None:
    """Refuse while the account exceeds a limit on losses. Raises ``UnknownEquity``."""
    key, context = limit.key, measure.context
    is_judged = key in context.losses
    breach, measured = context.losses[key] if is_judged else _judge_loss(limit, context)
    if measured is not None:
        measure.measured[key] = measured
    return None if breach is None else refused_by(limit, measure, breach.message, breach.actual)


def measured_loss(key: str, context: LimitContext) -> Decimal | None:
    """Return how much of a limit on losses is in use; ``None`` if it is not known."""
    if key == "max_total_drawdown_pct":
        return drawdown_pct(context.risk.high_water, context.equity)
    result = context.in_limit_currency(context.equity.day_result)
    loss = None if result is None else max(-result, ZERO)
    if key == "daily_loss_limit" or loss is None:
        return loss
    start = context.in_limit_currency(context.equity.at_day_start)
    return None if start is None or start <= 0 else percent_of(loss, start)


def check_capital(limit: Limit, number: Decimal, measure: Measure) -> Refused | None:
    """Refuse a position above a share of the equity. Raises ``Unknown``."""
    worth = measure.position_worth
    if worth is None:
        raise Unknown(measure.missing)
    equity, hundredfold = measure.equity(), multiply(worth, HUNDRED)
    percent = divide(hundredfold, equity) if equity > 0 else None
    if percent is not None:
        measure.measured[limit.key] = percent
    if hundredfold <= multiply(number, equity):
        return None
    message = (
        f"with this order the position is worth {decimal_text(worth)}, the account"
        f" {decimal_text(equity)}; {at_most(limit)} %"
    )
    return refused_by(limit, measure, message, percent)


def _tripped_today(limit: Limit, context: LimitContext) -> Breach | None:
    """Return the loss that reached the limit on this day, unless it was raised since."""
    trip, began_at = context.risk.trip_of(limit.key), context.equity.day_start
    if limit.key not in DAY_LOSS_KEYS or trip is None or began_at is None:
        return None
    if trip.tripped_at < began_at or trip.scope != limit.scope.value:
        return None
    if number_of(limit) > trip.limit:
        return None
    unit = " %" if limit.key == "daily_loss_limit_pct" else ""
    loss = "too much" if trip.actual is None else f"{decimal_text(trip.actual)}{unit}"
    message = (
        f"the day had lost {loss} at {trip.tripped_at:%Y-%m-%dT%H:%M:%SZ}; {at_most(limit)}{unit},"
        " and nothing is opened until the next day"
    )
    return Breach(actual=trip.actual, message=message)


def _daily_loss(limit: Limit, context: LimitContext) -> Breach | None:
    loss = -equity_of(context, context.equity.day_result)
    if loss < number_of(limit):
        return None
    return Breach(actual=loss, message=f"the day has lost {decimal_text(loss)}; {at_most(limit)}")


def _daily_loss_pct(limit: Limit, context: LimitContext) -> Breach | None:
    loss = -equity_of(context, context.equity.day_result)
    start = equity_of(context, context.equity.at_day_start)
    if loss <= 0 or multiply(loss, HUNDRED) < multiply(number_of(limit), start):
        return None
    percent = percent_of(loss, start) if start > 0 else None
    message = (
        f"the day has lost {decimal_text(loss)} of {decimal_text(start)} at its beginning;"
        f" {at_most(limit)} %"
    )
    return Breach(actual=percent, message=message)


def _drawdown(limit: Limit, context: LimitContext) -> Breach | None:
    """Return a drawdown that is too deep, or was since the last reset."""
    trip = context.risk.trip_of(limit.key)
    if trip is not None and trip.actual is not None:
        message = (
            f"the equity was {decimal_text(trip.actual)} % below its high-water mark at"
            f" {trip.tripped_at:%Y-%m-%dT%H:%M:%SZ}, and {decimal_text(trip.limit)} % was allowed;"
            " nothing is opened until it is reset"
        )
        return Breach(actual=trip.actual, message=message)
    percent = drawdown_pct(context.risk.high_water, context.equity)
    if percent is None:
        raise UnknownEquity("the equity of the account, or its high-water mark, is not known")
    if percent < number_of(limit):
        return None
    message = (
        f"the equity is {decimal_text(percent)} % below its high-water mark; {at_most(limit)} %"
    )
    return Breach(actual=percent, message=message)


_LOSSES: Mapping[str, Callable[[Limit, LimitContext], Breach | None]] = {
    "daily_loss_limit": _daily_loss,
    "daily_loss_limit_pct": _daily_loss_pct,
    "max_total_drawdown_pct": _drawdown,
}
