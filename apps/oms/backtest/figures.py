"""Figures of a backtest: of its equity curve, point by point, and of its round trips."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Context, Decimal

from oms.backtest.result import CurvePoint, EquityFigures, RoundTrip, TradeFigures
from oms.domain.market.market_instrument import TradingSession
from oms.domain.market.timeframe import Timeframe
from oms.domain.money import DIGITS_MAX, ZERO, divide, multiply, subtract, total
from oms.domain.performance.equity_statistics import ReturnSums

_ONE, _HUNDRED = Decimal(1), Decimal(100)
_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)
_YEAR = timedelta(days=365)
#: Of stocks in a year: sessions, their length, and weeks.
_SESSIONS, _SESSION, _WEEKS = Decimal(252), timedelta(minutes=390), Decimal(52)
#: Quotients and roots have no finite decimal form; nine places are published.
_CONTEXT = Context(prec=40)
_PLACES = Decimal(1).scaleb(-12)


class EquityCurve:
    """Return, drawdown and ratios of an equity curve, in constant memory."""

    def __init__(
        self, timeframe: Timeframe, session: TradingSession, initial: Decimal, at: datetime
    ) -> None:
        """Start at the close of the first candle, where the equity still is ``initial``."""
        self._periods = periods_per_year(timeframe, session)
        self._returns = ReturnSums()
        self._initial = self._last = self._peak = initial
        self._first_at = self._last_at = self._peak_at = at
        self._is_below = False
        self._worst = ZERO
        self._longest = timedelta(0)

    def push(self, point: CurvePoint) -> None:
        """Add the equity at the close of one more candle; the first point is the start."""
        if point.at == self._first_at:
            return
        equity, last = point.equity, self._last
        self._last, self._last_at = equity, point.at
        if equity == last:
            self._returns.push(ZERO)
        elif last > 0:
            self._returns.push(_CONTEXT.divide(_CONTEXT.subtract(equity, last), last))
        if equity < self._peak:
            self._is_below = True
            below = _CONTEXT.divide(_CONTEXT.subtract(self._peak, equity), self._peak)
            self._worst = max(self._worst, below)
            return
        if self._is_below:
            self._longest = max(self._longest, point.at - self._peak_at)
            self._is_below = False
        self._peak, self._peak_at = equity, point.at

    def figures(self) -> EquityFigures:
        """Return the figures up to the last point."""
        longest = self._longest
        if self._is_below:
            longest = max(longest, self._last_at - self._peak_at)
        return EquityFigures(
            final_balance=self._last,
            total_return=subtract(self._last, self._initial),
            total_return_pct=change_pct(self._initial, self._last),
            max_drawdown_pct=_rounded(_CONTEXT.multiply(self._worst, _HUNDRED)),
            max_drawdown_seconds=int(longest.total_seconds()),
            sharpe_ratio=self._returns.sharpe(self._periods),
            sortino_ratio=self._returns.sortino(self._periods),
            cagr_pct=self._yearly_growth(),
            periods_per_year=self._periods,
        )

    def _yearly_growth(self) -> Decimal | None:
        lasted = self._last_at - self._first_at
        if lasted < _DAY or self._last <= 0:
            return None
        years = _CONTEXT.divide(Decimal(lasted // _SECOND), Decimal(_YEAR // _SECOND))
        growth = _CONTEXT.divide(self._last, self._initial)
        yearly = _CONTEXT.power(growth, _CONTEXT.divide(_ONE, years))
        if yearly.adjusted() >= DIGITS_MAX:  # A few good days, repeated for a year.
            return None
        return _rounded(_CONTEXT.multiply(_CONTEXT.subtract(yearly, _ONE), _HUNDRED))


def periods_per_year(timeframe: Timeframe, session: TradingSession) -> Decimal:
    """Return how many candles a market has in a year; 12 of a month.

    One that is always open has those of 365 days, stocks those of 252 sessions of 390 minutes.
    """
    length = timeframe.length
    if length is None:
        return Decimal(12)
    if session is TradingSession.CONTINUOUS:
        return divide(Decimal(_YEAR // _SECOND), Decimal(length // _SECOND))
    if length > _DAY:
        return _WEEKS
    return multiply(_SESSIONS, Decimal(-(-_SESSION // min(length, _SESSION))))


def change_pct(before: Decimal, after: Decimal) -> Decimal:
    """Return the change in percent, at twelve places."""
    share = _CONTEXT.divide(_CONTEXT.subtract(after, before), before)
    return _rounded(_CONTEXT.multiply(share, _HUNDRED))


def share_pct(part: int, whole: int) -> Decimal | None:
    """Return a count as a percentage of another; ``None`` of nothing."""
    if not whole:
        return None
    return _rounded(_CONTEXT.divide(Decimal(part * 100), Decimal(whole)))


def trade_figures(round_trips: Sequence[RoundTrip]) -> TradeFigures:
    """Return the figures of round trips; their results are net of fees."""
    results = [each.pnl for each in round_trips]
    wins = [pnl for pnl in results if pnl > 0]
    losses = [pnl for pnl in results if pnl < 0]
    lost = total(losses)
    return TradeFigures(
        total=len(results),
        wins=len(wins),
        losses=len(losses),
        breakeven=len(results) - len(wins) - len(losses),
        win_rate=share_pct(len(wins), len(results)),
        profit_factor=divide(total(wins), lost.copy_abs()) if lost else None,
        expectancy=_mean(results),
        avg_win=_mean(wins),
        avg_loss=_mean(losses),
        fees_paid=total(each.fees for each in round_trips),
    )


def _mean(numbers: Sequence[Decimal]) -> Decimal | None:
    return divide(total(numbers), Decimal(len(numbers))) if numbers else None


def _rounded(number: Decimal) -> Decimal:
    return number.quantize(_PLACES, context=_CONTEXT)
