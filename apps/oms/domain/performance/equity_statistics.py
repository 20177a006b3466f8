"""Statistics of an equity curve: returns without deposits, drawdown, Sharpe and Sortino ratio.

The return from one point to the next is ``(E_t - F_t) / E_(t-1) - 1``, ``F_t`` what was deposited
between them. A curve that reaches zero has no return after that.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from itertools import pairwise

from oms.domain.money import EXACT, subtract
from oms.domain.value import value

PERIODS_PER_YEAR = Decimal(365)
"""Daily closes of markets that are always open."""

_HUNDRED = Decimal(100)
#: Ratios and roots have no finite decimal form; twelve published places are far inside of this.
_CONTEXT = Context(prec=50, rounding=ROUND_HALF_EVEN)
_PLACES = Decimal(1).scaleb(-12)
RETURN_DIGITS = 30
"""Significant digits of the return of a period."""
_RETURNS = Context(prec=RETURN_DIGITS)


@value
class EquityPoint:
    """Equity at a time, and the sum of all deposits less withdrawals until then."""

    ts: datetime
    equity: Decimal
    flows: Decimal


@value
class EquityStatistics:
    """Figures of a curve; ``None`` is undefined."""

    return_pct: Decimal | None
    max_drawdown_pct: Decimal | None
    sharpe: Decimal | None
    sortino: Decimal | None


def compute_equity_statistics(
    points: Sequence[EquityPoint], periods_per_year: Decimal = PERIODS_PER_YEAR
) -> EquityStatistics:
    """Return the statistics of ``points``, ascending in time; ratios are those of daily closes."""
    index = chained_index(points)
    daily = period_returns(daily_closes(points))
    return EquityStatistics(
        return_pct=_percent(index[-1]) if len(index) > 1 else None,
        max_drawdown_pct=max(drawdowns(index)) if len(index) > 1 else None,
        sharpe=sharpe_ratio(daily, periods_per_year),
        sortino=sortino_ratio(daily, periods_per_year),
    )


def chained_index(points: Sequence[EquityPoint]) -> list[Decimal]:
    """Return the value of one unit held from the first point on; it ends where equity was 0."""
    index: list[Decimal] = [Decimal(1)] if points else []
    for change in period_returns(points):
        index.append(_CONTEXT.multiply(index[-1], _CONTEXT.add(change, Decimal(1))))
    return index


def period_returns(points: Sequence[EquityPoint]) -> list[Decimal]:
    """Return the returns between neighbours, up to the first point without positive equity."""
    returns = []
    for before, after in pairwise(points):
        if before.equity <= 0:
            break
        own = subtract(after.equity, subtract(after.flows, before.flows))
        returns.append(_CONTEXT.subtract(_CONTEXT.divide(own, before.equity), Decimal(1)))
    return returns


def drawdowns(index: Iterable[Decimal]) -> list[Decimal]:
    """Return how far each value is below the highest so far, in percent."""
    peak: Decimal | None = None
    below = []
    for each in index:
        peak = each if peak is None else max(peak, each)
        share = _CONTEXT.divide(_CONTEXT.subtract(peak, each), peak)
        below.append(_rounded(_CONTEXT.multiply(share, _HUNDRED)))
    return below


def daily_closes(points: Iterable[EquityPoint]) -> list[EquityPoint]:
    """Return the last point of each day (UTC)."""
    closes: dict[date, EquityPoint] = {}
    for point in points:
        closes[point.ts.date()] = point
    return list(closes.values())


class ReturnSums:
    """Sums of returns: the ratios of any number of periods in constant memory.

    Each return is rounded to ``RETURN_DIGITS`` digits, and sums are exact, so equal returns have a
    deviation of exactly zero.
    """

    def __init__(self) -> None:
        self._count = 0
        self._sum = self._squares = self._losses = Decimal(0)

    def push(self, change: Decimal) -> None:
        """Add the return of one more period."""
        self._count += 1
        if not change:
            return
        change = _RETURNS.plus(change)
        square = EXACT.multiply(change, change)
        self._sum = EXACT.add(self._sum, change)
        self._squares = EXACT.add(self._squares, square)
        if change < 0:
            self._losses = EXACT.add(self._losses, square)

    def sharpe(self, periods_per_year: Decimal) -> Decimal | None:
        """Return mean by sample standard deviation per year; undefined for less than two."""
        count = Decimal(self._count)
        if count < 2:
            return None
        spread = EXACT.subtract(
            EXACT.multiply(count, self._squares), EXACT.multiply(self._sum, self._sum)
        )
        variance = _CONTEXT.divide(spread, count * (count - 1))
        return self._annualised(_CONTEXT.sqrt(variance), periods_per_year)

    def sortino(self, periods_per_year: Decimal) -> Decimal | None:
        """Return mean by downside deviation over all periods per year."""
        if self._count < 2:
            return None
        downside = _CONTEXT.sqrt(_CONTEXT.divide(self._losses, Decimal(self._count)))
        return self._annualised(downside, periods_per_year)

    def _annualised(self, deviation: Decimal, periods: Decimal) -> Decimal | None:
        if not deviation:
            return None
        mean = _CONTEXT.divide(self._sum, Decimal(self._count))
        ratio = _CONTEXT.divide(mean, deviation)
        return _rounded(_CONTEXT.multiply(ratio, _CONTEXT.sqrt(periods)))


def sharpe_ratio(returns: Iterable[Decimal], periods_per_year: Decimal) -> Decimal | None:
    """Return mean by sample standard deviation per year; undefined for less than two returns."""
    return _sums_of(returns).sharpe(periods_per_year)


def sortino_ratio(returns: Iterable[Decimal], periods_per_year: Decimal) -> Decimal | None:
    """Return mean by downside deviation over all returns per year."""
    return _sums_of(returns).sortino(periods_per_year)


def _sums_of(returns: Iterable[Decimal]) -> ReturnSums:
    sums = ReturnSums()
    for each in returns:
        sums.push(each)
    return sums


def _percent(index: Decimal) -> Decimal:
    return _rounded(_CONTEXT.multiply(_CONTEXT.subtract(index, Decimal(1)), _HUNDRED))


def _rounded(number: Decimal) -> Decimal:
    return number.quantize(_PLACES, context=Context(prec=100, rounding=ROUND_HALF_EVEN))
