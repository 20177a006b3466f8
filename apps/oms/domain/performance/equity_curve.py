"""Equity curves of limited length: periods, and the extremes of what is left out."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from oms.domain.performance.equity_statistics import EquityPoint, chained_index, drawdowns
from oms.domain.value import value

Point = TypeVar("Point")

PERIOD_CHARACTERS = {"hour": 13, "day": 10}
"""Resolutions, by the characters of the period in an ISO time; the last point of each is kept."""


@value
class CurvePoint:
    """Equity, and how far the return since the first point is below its highest value."""

    ts: datetime
    equity: Decimal
    flows: Decimal
    #: ``None`` after equity was zero.
    drawdown_pct: Decimal | None


def build_curve(
    points: Sequence[EquityPoint], points_max: int, resolution: str | None = None
) -> list[CurvePoint]:
    """Return at most ``points_max`` (at least 4) points of a curve, ascending in time."""
    below: list[Decimal | None] = [*drawdowns(chained_index(points))]
    below += [None] * (len(points) - len(below))
    curve = [
        CurvePoint(ts=each.ts, equity=each.equity, flows=each.flows, drawdown_pct=drawdown)
        for each, drawdown in zip(points, below, strict=True)
    ]
    if resolution is not None:
        characters = PERIOD_CHARACTERS[resolution]
        curve = [*{each.ts.isoformat()[:characters]: each for each in curve}.values()]
    return keep_extremes(curve, points_max, lambda point: point.equity)


def keep_extremes(
    curve: Sequence[Point], points_max: int, height: Callable[[Point], Decimal]
) -> list[Point]:
    """Return first, last, lowest and highest point of equal parts of a curve that is too long."""
    if len(curve) <= points_max:
        return [*curve]
    parts = points_max // 4
    kept: set[int] = set()
    for part in range(parts):
        numbers = range(part * len(curve) // parts, (part + 1) * len(curve) // parts)
        lowest = min(numbers, key=lambda number: height(curve[number]))
        highest = max(numbers, key=lambda number: height(curve[number]))
        kept |= {numbers[0], lowest, highest, numbers[-1]}
    return [curve[number] for number in sorted(kept)]
