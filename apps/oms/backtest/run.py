"""One run of a backtest, candle by candle.

Order of events of a candle: the open executes the levels that it passed, then what the previous
close decided, exits before entries; then the levels are judged against its range; then the equity
at its close is recorded and the strategy decides. A decision is never executed in the candle that
made it, and one of the last candle not at all.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from oms.backtest.entry_limits import EntryLimits
from oms.backtest.entry_size import entry_quantity
from oms.backtest.figures import EquityCurve, change_pct, share_pct, trade_figures
from oms.backtest.funding import FundingPayments
from oms.backtest.monthly_returns import MonthlyReturns
from oms.backtest.position_levels import PositionLevels, level_prices
from oms.backtest.result import (
    BacktestResult,
    CurvePoint,
    DataGap,
    Execution,
    ExecutionReason,
    RefusedEntry,
)
from oms.backtest.round_trips import RoundTripBook
from oms.backtest.settings import OPEN_PRESET, BacktestSettings, check_settings
from oms.backtest.simulated_account import Fill, SimulatedAccount
from oms.domain.errors import Invalid, Refused
from oms.domain.market.candle import Candle
from oms.domain.market.market_instrument import TradingSession
from oms.domain.market.resampler import Resampler
from oms.domain.market.timeframe import Timeframe
from oms.domain.money import multiply, subtract
from oms.domain.protection.level_prices import refuse_levels
from oms.domain.side import Side
from oms.domain.signals.sizing import refuse_below_minimum
from oms.domain.value import constructor
from oms.strategies.executable import executable_decisions
from oms.strategies.strategy import Action, Bars, Decision, PositionSide, Strategy

_SIDES = {Action.LONG: Side.BUY, Action.SHORT: Side.SELL}
_new_bars, _new_point = constructor(Bars), constructor(CurvePoint)


class Backtest:
    """A strategy on candles that are pushed in ascending order."""

    def __init__(
        self,
        settings: BacktestSettings,
        strategy: Strategy,
        higher: Sequence[Timeframe],
        on_point: Callable[[CurvePoint], None],
    ) -> None:
        """``on_point`` receives the equity curve. Raises ``Invalid`` for bad settings."""
        check_settings(settings)
        self._settings = settings
        self._strategy = strategy
        self._resamplers = {each: Resampler(settings.timeframe, each) for each in higher}
        self._closed = dict.fromkeys((settings.timeframe, *higher), 0)
        self._needed = strategy.warmup()
        self._on_point = on_point
        self._account = SimulatedAccount(settings)
        self._book = RoundTripBook(settings.instrument)
        self._levels: PositionLevels | None = None
        self._decisions: Sequence[Decision] = ()
        self._curve: EquityCurve | None = None
        self._months = MonthlyReturns()
        self._limits: EntryLimits | None = None
        self._funding: FundingPayments | None = None
        self._first: Candle | None = None
        self._last: Candle | None = None
        self._next_open: datetime | None = None
        self._bars = self._bars_held = self._warmup_bars = self._skipped_min = 0
        self._warmup_ok = False
        self._gaps: list[DataGap] = []
        self._refused: list[RefusedEntry] = []

    def push(self, candle: Candle) -> None:
        """Process one more closed candle. Raises ``Invalid`` for one out of order."""
        settings, opened = self._settings, candle.open_time
        if settings.end is not None and opened >= settings.end:
            return
        closed = self._close_candles(candle)
        if settings.start is not None and opened < settings.start:
            self._warmup_bars += 1
            self._strategy.on_bar(_new_bars(base=candle, closed=closed), PositionSide.FLAT)
            return
        if self._curve is None:
            self._begin(candle)
        self._record_point()
        self._last = candle
        self._bars += 1
        if self._decisions or self._account.needs_candles:
            self._open_candle(candle)
        self._judge_levels(candle)
        if self._funding is not None:
            at = self._close_time(candle)
            self._account.pay(self._funding.payment(self._account.qty, candle.close, at), at)
        side = self._side()
        if side is not PositionSide.FLAT:
            self._bars_held += 1
        bars = _new_bars(base=candle, closed=closed)
        decisions = self._strategy.on_bar(bars, side)
        self._decisions = executable_decisions(
            decisions, side, allow_short=self._settings.allow_short
        )

    def finish(self) -> BacktestResult:
        """Close what is open at the last close and return the result.

        Raises ``Invalid`` if no candle was in the window.
        """
        last, first, curve = self._last, self._first, self._curve
        if last is None or first is None or curve is None:
            raise Invalid("no candle lies between start and end")
        at = self._close_time(last)
        if self._account.qty:
            self._cancel_levels(at)
            self._account.apply_quote(last.close, at)
            self._book_fills(self._account.close_position(at, ExecutionReason.END_OF_DATA))
        self._record_point()
        return BacktestResult(
            executions=self._book.executions,
            round_trips=self._book.round_trips,
            trades=trade_figures(self._book.round_trips),
            equity=curve.figures(),
            bars=self._bars,
            warmup_bars=self._warmup_bars,
            warmup_ok=self._warmup_ok,
            first_at=first.open_time,
            last_at=last.open_time,
            exposure_pct=share_pct(self._bars_held, self._bars),
            buy_and_hold_return_pct=change_pct(first.close, last.close),
            monthly_returns=self._months.returns(),
            data_gaps=self._gaps,
            skipped_min=self._skipped_min,
            refused=self._refused,
            funding_paid=None if self._funding is None else self._funding.paid,
        )

    @property
    def executions(self) -> Sequence[Execution]:
        """The executions so far."""
        return self._book.executions

    @property
    def pending(self) -> Sequence[Decision]:
        """What the last close decided and the next open executes."""
        return self._decisions

    @property
    def data_gaps(self) -> Sequence[DataGap]:
        """The missing candles so far."""
        return self._gaps

    def is_warm(self) -> bool:
        """Return whether the strategy has been given the candles of its warm-up."""
        return all(self._closed[each] >= count for each, count in self._needed.items())

    def _begin(self, candle: Candle) -> None:
        self._first = candle
        if self._settings.risk_preset != OPEN_PRESET:
            self._limits = EntryLimits(self._settings, candle.open_time)
        if self._settings.funding:
            self._funding = FundingPayments(self._settings.funding, candle.open_time)
        initial, timeframe = self._settings.initial_balance, self._settings.timeframe
        self._curve = EquityCurve(
            timeframe, self._settings.session, initial, self._close_time(candle)
        )
        self._warmup_ok = all(
            self._closed[each] - (each is timeframe) >= count
            for each, count in self._needed.items()
        )

    def _close_candles(self, candle: Candle) -> dict[Timeframe, Candle]:
        """Count the candle and return the larger ones that it completes."""
        opened, expected = candle.open_time, self._next_open
        if expected is not None and opened != expected:
            if opened < expected:
                raise Invalid(f"the candle of {opened.isoformat()} is not after the one before")
            if self._settings.session is TradingSession.CONTINUOUS:
                self._gaps.append(DataGap(start=expected, end=opened))
        self._next_open = self._close_time(candle)
        self._closed[self._settings.timeframe] += 1
        closed = {}
        for timeframe, resampler in self._resamplers.items():
            larger = resampler.push(candle)
            if larger is not None:
                closed[timeframe] = larger
                self._closed[timeframe] += 1
        return closed

    def _close_time(self, candle: Candle) -> datetime:
        return self._settings.timeframe.next_open(candle.open_time)

    def _side(self) -> PositionSide:
        qty = self._account.qty
        if not qty:
            return PositionSide.FLAT
        return PositionSide.LONG if qty > 0 else PositionSide.SHORT

    def _record_point(self) -> None:
        """Add the equity at the close of the last candle, if there is one, to the curve."""
        last, curve = self._last, self._curve
        if last is None or curve is None:
            return
        equity = self._account.equity(last.close)
        held = multiply(self._account.qty, last.close)
        point = _new_point(
            at=self._close_time(last),
            close=last.close,
            cash=subtract(equity, held),
            position_value=held,
            equity=equity,
        )
        curve.push(point)
        self._months.push(point)
        if self._limits is not None:
            self._limits.observe(equity, point.at)
        self._on_point(point)

    def _open_candle(self, candle: Candle) -> None:
        """Execute the levels that the open passed, then the decisions of the previous close."""
        at = candle.open_time
        self._book_fills(self._account.apply_quote(candle.open, at))
        if not self._account.qty:
            self._cancel_levels(at)
        for decision in self._decisions:
            if not decision.action.is_exit:
                self._enter(decision, candle)
            elif self._account.qty:
                self._cancel_levels(at)
                self._book_fills(self._account.close_position(at, ExecutionReason.SIGNAL))

    def _enter(self, decision: Decision, candle: Candle) -> None:
        settings, price, at = self._settings, candle.open, candle.open_time
        side, instrument = _SIDES[decision.action], settings.instrument
        levels = level_prices(settings, decision, side, price)
        refused = refuse_levels(side, levels.stop_loss, levels.take_profit, price)
        qty = refused or entry_quantity(
            settings,
            side,
            price,
            self._account.equity(price),
            risk_pct=decision.risk_pct,
            stop_loss=levels.stop_loss,
        )
        if isinstance(qty, Refused):
            self._refuse(at, qty.reason or qty.code, qty.message)
            return
        if refuse_below_minimum(instrument, qty, price) is not None:
            self._skipped_min += 1
            return
        if self._limits is not None:
            equity = self._account.equity(price)
            blocked = self._limits.refuse(side, qty, price, equity, at)
            if blocked is not None:
                self._refuse(at, blocked.reason or blocked.code, blocked.message)
                return
        fills, rejected = self._account.open_position(side, qty, at)
        if rejected is not None:
            self._refuse(at, rejected.code, rejected.message)
            return
        self._book_fills(fills)
        entry_price = fills[-1].trade.price
        levels = level_prices(settings, decision, side, entry_price)
        self._levels = PositionLevels(self._account, settings, levels, entry_price, at)

    def _refuse(self, at: datetime, reason: str, message: str) -> None:
        self._refused.append(RefusedEntry(at=at, reason=reason, message=message))

    def _judge_levels(self, candle: Candle) -> None:
        if not self._account.needs_candles:
            return
        at = self._close_time(candle)
        self._book_fills(self._account.apply_candle(candle, at))
        if not self._account.qty:
            self._cancel_levels(at)
        elif self._levels is not None:
            self._levels.follow(candle, at)

    def _cancel_levels(self, at: datetime) -> None:
        if self._levels is not None:
            self._levels.cancel(at)
            self._levels = None

    def _book_fills(self, fills: Sequence[Fill]) -> None:
        for fill in fills:
            self._book.book(fill, self._bars)
