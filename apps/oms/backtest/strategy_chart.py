"""What a strategy would have done on candles, drawn over bars of any larger timeframe.

The strategy always runs on its base timeframe and from the first candle on, so what it does in a
range depends neither on the range nor on the bars that are shown. Its decisions are executed by the
backtester without costs, and with a position so small that money never limits one.
"""

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from oms.backtest.result import DataGap, Execution, ExecutionReason
from oms.backtest.run import Backtest
from oms.backtest.settings import BacktestSettings, contract_of
from oms.domain.errors import Invalid
from oms.domain.market.candle import Candle
from oms.domain.market.resampler import join_candles
from oms.domain.market.timeframe import Timeframe
from oms.domain.money import ZERO
from oms.domain.side import Side
from oms.domain.value import value
from oms.strategies.strategy import (
    Action,
    Bars,
    Decision,
    PositionSide,
    ShownStrategy,
    Strategy,
    StrategyState,
)

_SMALLEST_STEP = Decimal("1e-18")
_BALANCE, _POSITION_PCT = Decimal(10) ** 12, Decimal("0.01")
BASE_ITEMS_MAX = 20_000
"""Items of a timeline with one for each base candle."""


class Timeline(StrEnum):
    """For which candles the timeline of the conditions has an item."""

    #: The last base candle that closed within each bar.
    VIEW = "view"
    BASE = "base"
    NONE = "none"


@value
class ChartRange:
    """What is shown: the newest ``limit`` bars of ``view`` that open in [start, end)."""

    view: Timeframe
    start: datetime | None
    end: datetime | None
    limit: int
    timeline: Timeline = Timeline.VIEW


@value
class ChartEntry:
    """A decision or a level that was reached, at the bar that shows it."""

    #: Open time of the bar that contains ``source_time``.
    time: datetime
    #: Open and close time of the base candle.
    source_time: datetime
    decision_time: datetime
    direction: Action
    price: Decimal
    #: ``None`` for a decision of the last candle.
    fill_time: datetime | None
    fill_price: Decimal | None
    reason: ExecutionReason
    stop_loss: Decimal | None = None
    stop_gain: Decimal | None = None


@value
class ChartItem:
    """The conditions at one base candle; ``time`` is the open time of what it belongs to."""

    time: datetime
    price: Decimal
    state: StrategyState


@value
class ChartBar:
    """A bar with the lines of the strategy at its close."""

    candle: Candle
    is_closed: bool
    state: StrategyState
    #: Whether each indicator had its candles at its first base candle.
    is_warm: bool


@value
class Chart:
    """Bars ascending, and what happened at them."""

    bars: Sequence[ChartBar]
    entries: Sequence[ChartEntry]
    timeline: Sequence[ChartItem]
    #: Missing base candles within the bars.
    data_gaps: Sequence[DataGap]

    @property
    def warmup_ok(self) -> bool:
        """Return whether the first bar has each indicator."""
        return bool(self.bars) and self.bars[0].is_warm


class StrategyChart:
    """A chart of closed base candles that are pushed in ascending order, from the first on."""

    def __init__(
        self,
        strategy: Strategy,
        base: Timeframe,
        higher: Sequence[Timeframe],
        shown: ChartRange,
    ) -> None:
        """Raise ``Invalid`` for bars that do not consist of base candles."""
        if not shown.view.contains(base):
            raise Invalid(
                f"timeframe {shown.view.value}: bars consist of candles of {base.value},"
                " on which the strategy runs"
            )
        self._base, self._shown = base, shown
        self._observed = _ObservedStrategy(strategy, base)
        settings = BacktestSettings(
            instrument=contract_of("BASE/QUOTE", step=_SMALLEST_STEP, tick=_SMALLEST_STEP),
            timeframe=base,
            initial_balance=_BALANCE,
            commission=ZERO,
            slippage=ZERO,
            position_pct=_POSITION_PCT,
            allow_short=True,
        )
        self._backtest = Backtest(settings, self._observed, higher, lambda _: None)
        self._bars: deque[ChartBar] = deque(maxlen=shown.limit)
        self._parts: list[Candle] = []
        self._is_warm = False
        self._entries: list[ChartEntry] = []
        self._items: deque[ChartItem] = deque()
        self._executions = 0
        self._open_trip = 0
        self._last: Candle | None = None

    def push(self, candle: Candle) -> None:
        """Add a closed base candle; one that opens at the end or later is left out."""
        if self._shown.end is not None and candle.open_time >= self._shown.end:
            return
        opened = self._shown.view.open_of(candle.open_time)
        if self._parts and self._shown.view.open_of(self._parts[-1].open_time) != opened:
            self._close_bar(is_closed=True)  # before the strategy sees the next candle
        self._backtest.push(candle)
        executions = self._backtest.executions
        for execution in executions[self._executions :]:
            self._entries.append(self._entry_of(execution, candle))
        self._executions = len(executions)
        self._observed.decided = self._backtest.pending
        self._show(candle)
        self._last = candle

    def result(self) -> Chart:
        """Return the chart. Raises ``Invalid`` for a timeline with too many items."""
        last = self._last
        if self._parts:
            self._close_bar(is_closed=self._is_complete(self._parts))
        self._parts = []
        bars = list(self._bars)
        if not bars or last is None:
            return Chart(bars=(), entries=(), timeline=(), data_gaps=())
        first = bars[0].candle.open_time
        after = self._base.next_open(last.open_time)
        pending = [self._pending_entry(each, last) for each in self._backtest.pending]
        return Chart(
            bars=bars,
            entries=[
                each for each in (*self._entries, *pending) if first <= each.source_time < after
            ],
            timeline=self._timeline(first),
            data_gaps=[each for each in self._backtest.data_gaps if each.end > first],
        )

    def _show(self, candle: Candle) -> None:
        """Add the candle to its bar."""
        opened = self._shown.view.open_of(candle.open_time)
        if self._shown.start is not None and opened < self._shown.start:
            return
        if not self._parts:
            self._is_warm = self._backtest.is_warm()
        self._parts.append(candle)
        if self._shown.timeline is Timeline.BASE:
            state = self._observed.state()
            self._items.append(ChartItem(time=candle.open_time, price=candle.close, state=state))

    def _close_bar(self, *, is_closed: bool) -> None:
        opened = self._shown.view.open_of(self._parts[0].open_time)
        candle = join_candles(opened, self._parts)
        self._bars.append(
            ChartBar(
                candle=candle,
                is_closed=is_closed,
                state=self._observed.state(),
                is_warm=self._is_warm,
            )
        )
        self._parts = []
        if self._shown.timeline is Timeline.BASE:
            first = self._bars[0].candle.open_time
            while self._items and self._items[0].time < first:
                self._items.popleft()

    def _is_complete(self, parts: Sequence[Candle]) -> bool:
        """Return whether the last part ends its bar; the newest bar may still form."""
        opened = self._shown.view.open_of(parts[0].open_time)
        return self._base.next_open(parts[-1].open_time) == self._shown.view.next_open(opened)

    def _timeline(self, first: datetime) -> Sequence[ChartItem]:
        if self._shown.timeline is Timeline.NONE:
            return ()
        if self._shown.timeline is Timeline.VIEW:
            return [
                ChartItem(time=bar.candle.open_time, price=bar.candle.close, state=bar.state)
                for bar in self._bars
            ]
        items = [each for each in self._items if each.time >= first]
        if len(items) > BASE_ITEMS_MAX:
            raise Invalid(
                f"timeline=base has {len(items)} items; at most {BASE_ITEMS_MAX} are returned:"
                " a smaller limit is needed"
            )
        return items

    def _entry_of(self, execution: Execution, candle: Candle) -> ChartEntry:
        """Return the entry of an execution at or in ``candle``."""
        is_entry = execution.round_trip != self._open_trip
        self._open_trip = execution.round_trip
        is_buy = execution.side is Side.BUY
        if is_entry:
            direction = Action.LONG if is_buy else Action.SHORT
        else:
            direction = Action.SHORT_EXIT if is_buy else Action.LONG_EXIT
        if execution.reason is not ExecutionReason.SIGNAL:
            return self._new_entry(
                direction,
                candle,
                price=execution.price,
                fill_time=self._base.next_open(candle.open_time),
                fill_price=execution.price,
                reason=execution.reason,
            )
        source = self._last
        assert source is not None, "an execution follows the candle that decided it"
        decision = next((each for each in self._observed.decided if each.action is direction), None)
        return self._new_entry(
            direction,
            source,
            price=source.close,
            fill_time=execution.at,
            fill_price=execution.price,
            reason=execution.reason,
            decision=decision,
        )

    def _pending_entry(self, decision: Decision, last: Candle) -> ChartEntry:
        return self._new_entry(
            decision.action,
            last,
            price=last.close,
            fill_time=None,
            fill_price=None,
            reason=ExecutionReason.SIGNAL,
            decision=decision,
        )

    def _new_entry(
        self,
        direction: Action,
        source: Candle,
        *,
        price: Decimal,
        fill_time: datetime | None,
        fill_price: Decimal | None,
        reason: ExecutionReason,
        decision: Decision | None = None,
    ) -> ChartEntry:
        opened = source.open_time
        return ChartEntry(
            time=self._shown.view.open_of(opened),
            source_time=opened,
            decision_time=self._base.next_open(opened),
            direction=direction,
            price=price,
            fill_time=fill_time,
            fill_price=fill_price,
            reason=reason,
            stop_loss=None if decision is None else decision.stop_loss,
            stop_gain=None if decision is None else decision.stop_gain,
        )


class _ObservedStrategy:
    """Passes candles on and keeps what a strategy without a state decided."""

    def __init__(self, strategy: Strategy, base: Timeframe) -> None:
        self._strategy = strategy
        self._latest: Sequence[Decision] = ()
        #: What is executed at the next open.
        self.decided: Sequence[Decision] = ()
        self.warmup = strategy.warmup

    def on_bar(self, bars: Bars, side: PositionSide) -> Sequence[Decision]:
        """Return the decisions of the strategy."""
        self._latest = self._strategy.on_bar(bars, side)
        return self._latest

    def state(self) -> StrategyState:
        """Return the state of the strategy, or what it decided if it shows none."""
        if isinstance(self._strategy, ShownStrategy):
            return self._strategy.state()
        actions = {each.action for each in self._latest}
        return StrategyState(
            lines={},
            enters_long=Action.LONG in actions,
            enters_short=Action.SHORT in actions,
            leaves_long=Action.LONG_EXIT in actions,
            leaves_short=Action.SHORT_EXIT in actions,
        )
