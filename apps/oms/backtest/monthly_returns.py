"""The return of each calendar month (UTC) of an equity curve, in constant memory per month."""

from collections.abc import Sequence
from decimal import Decimal

from oms.backtest.figures import change_pct
from oms.backtest.result import CurvePoint, MonthReturn


class MonthlyReturns:
    """Returns by month; the first one counts from the first point."""

    def __init__(self) -> None:
        self._first: Decimal | None = None
        self._ends: dict[tuple[int, int], Decimal] = {}

    def push(self, point: CurvePoint) -> None:
        """Add the next point of the curve."""
        if self._first is None:
            self._first = point.equity
        self._ends[point.at.year, point.at.month] = point.equity

    def returns(self) -> Sequence[MonthReturn]:
        """Return the months that have a point, ascending."""
        found, before = [], self._first
        for (year, month), equity in self._ends.items():
            change = change_pct(before, equity) if before else None
            found.append(MonthReturn(year=year, month=month, return_pct=change))
            before = equity
        return found
