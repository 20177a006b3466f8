"""A sample of an equity curve that keeps its extremes, in constant memory."""

from collections.abc import Sequence

from oms.backtest.result import CurvePoint

POINTS_MAX = 2000
"""Points of a sample; a curve with fewer is kept whole."""


class CurveSample:
    """The lowest and the highest point of equal parts of a curve, and its first and last one.

    The parts double in length whenever there are too many points.
    """

    def __init__(self, points_max: int = POINTS_MAX) -> None:
        self._points_max = points_max
        self._first: CurvePoint | None = None
        self._last: CurvePoint | None = None
        self._size = 1
        self._in_part = 0
        self._parts: list[tuple[CurvePoint, ...]] = []
        self._count = 0

    def push(self, point: CurvePoint) -> None:
        """Add the next point of the curve."""
        if self._first is None:
            self._first = point
        self._last = point
        if not self._in_part:
            self._parts.append((point,))
            self._count += 1
        else:
            self._count -= len(self._parts[-1])
            self._parts[-1] = _extremes((*self._parts[-1], point))
            self._count += len(self._parts[-1])
        self._in_part = (self._in_part + 1) % self._size
        if self._count > self._points_max - 2:
            self._merge()

    def points(self) -> Sequence[CurvePoint]:
        """Return the sample, ascending in time."""
        kept = {point.at: point for part in self._parts for point in part}
        for point in (self._first, self._last):
            if point is not None:
                kept[point.at] = point
        return [kept[at] for at in sorted(kept)]

    def _merge(self) -> None:
        """Join pairs of parts; the last one may have no partner yet."""
        is_open = self._in_part != 0
        filled = self._in_part if is_open else self._size
        pairs = [self._parts[index : index + 2] for index in range(0, len(self._parts), 2)]
        has_half = len(pairs[-1]) == 1
        self._parts = [_extremes(sum(pair, ())) for pair in pairs]
        self._in_part = filled if has_half else filled + self._size
        self._size *= 2
        self._in_part %= self._size
        self._count = sum(map(len, self._parts))


def _extremes(points: tuple[CurvePoint, ...]) -> tuple[CurvePoint, ...]:
    """Return the lowest and the highest point, in their order in time."""
    lowest = min(points, key=lambda point: point.equity)
    highest = max(points, key=lambda point: point.equity)
    if lowest is highest:
        return (lowest,)
    return (lowest, highest) if lowest.at < highest.at else (highest, lowest)
