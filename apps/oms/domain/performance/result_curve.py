"""What a strategy has earned over time, as the sum of its closed positions.

Equity belongs to the account; of a strategy only its results are known.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from oms.domain.money import ZERO, add, subtract
from oms.domain.performance.equity_curve import PERIOD_CHARACTERS, keep_extremes
from oms.domain.value import value


@value
class ResultPoint:
    """The sum of net results up to ``ts``, and how far it is below its highest value since zero."""

    ts: datetime
    result: Decimal
    drawdown: Decimal


def build_result_curve(
    results: Iterable[tuple[datetime, Decimal]], points_max: int, resolution: str | None = None
) -> list[ResultPoint]:
    """Return at most ``points_max`` (at least 4) points of net results, ascending in time."""
    total = highest = ZERO
    curve = []
    for ts, result in sorted(results):
        total = add(total, result)
        highest = max(highest, total)
        curve.append(ResultPoint(ts=ts, result=total, drawdown=subtract(highest, total)))
    if resolution is not None:
        characters = PERIOD_CHARACTERS[resolution]
        curve = [*{each.ts.isoformat()[:characters]: each for each in curve}.values()]
    return keep_extremes(curve, points_max, lambda point: point.result)
