"""Limits on losses that an account has reached, and the high-water mark of its equity.

Both are stored with the account. A limit on the loss of a day is reached until the next day, one on
the drawdown until it is reset.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from oms.domain.money import ZERO, add, divide, multiply, subtract
from oms.domain.risk.limit_context import AccountEquity, HighWater, RiskState, Trip
from oms.domain.value import evolve

_HUNDRED = Decimal(100)


def mark_at(equity: AccountEquity, now: datetime) -> HighWater | None:
    """Return a mark at the current equity; ``None`` if that is not known."""
    if equity.equity is None or equity.profit is None:
        return None
    return HighWater(currency=equity.currency, peak=equity.profit, as_of=now)


def drawdown_pct(high_water: HighWater | None, equity: AccountEquity) -> Decimal | None:
    """Return how far the equity is below its high-water mark, in percent of the mark.

    ``None`` if either is not known.
    """
    if high_water is None or equity.equity is None or equity.profit is None:
        return None
    if high_water.currency != equity.currency:
        return None
    below = subtract(high_water.peak, equity.profit)
    if below <= 0:
        return ZERO
    mark = add(equity.equity, below)
    return divide(multiply(below, _HUNDRED), mark) if mark > 0 else _HUNDRED


def with_trips(risk: RiskState, trips: Iterable[Trip]) -> RiskState:
    """Return the state with new trips in place of earlier ones of the same keys."""
    added = {trip.key: trip for trip in trips}
    kept = [trip for trip in risk.trips if trip.key not in added]
    return evolve(risk, trips=(*kept, *added.values())) if added else risk


def after_reset(risk: RiskState, key: str, mark: HighWater, now: datetime) -> RiskState:
    """Return the state after a reset of the drawdown to the mark."""
    trips = tuple(trip for trip in risk.trips if trip.key != key)
    return RiskState(trips=trips, high_water=evolve(mark, reset_at=now))
