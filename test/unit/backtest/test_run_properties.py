"""Runs on random candles and decisions, beside a second implementation in cash and coins."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from kit.backtests.candles import ScriptedStrategy, candles_of, run_backtest
from oms.backtest.result import BacktestResult, ExecutionReason
from oms.domain.market.candle import Candle
from oms.strategies.strategy import Action, Decision

FEE, SLIPPAGE, SHARE = Fraction(1, 1000), Fraction(1, 2000), Fraction(95, 100)
STEP = Fraction(1, 10**8)
Execution = tuple[datetime, str, Fraction, Fraction]


@st.composite
def candle_rows(draw: st.DrawFn) -> list[tuple[str, str, str, str]]:
    """Return rows of open, high, low and close, with gaps between them."""
    count = draw(st.integers(3, 30))
    rows = []
    for _ in range(count):
        opened, close = draw(st.integers(50, 150)), draw(st.integers(50, 150))
        high = max(opened, close) + draw(st.integers(0, 20))
        low = min(opened, close) - draw(st.integers(0, 20))
        rows.append((str(opened), str(high), str(low), str(close)))
    return rows


ACTIONS = st.dictionaries(
    st.integers(0, 29), st.sampled_from([Action.LONG, Action.LONG_EXIT]), max_size=20
)
LEVELS = st.tuples(
    st.none() | st.integers(5, 30).map(Decimal), st.none() | st.integers(5, 30).map(Decimal)
)


def _script(actions: Mapping[int, Action]) -> dict[int, Sequence[Decision]]:
    return {bar: (Decision(action=action),) for bar, action in actions.items()}


def _level(price: Fraction, percent: Decimal | None, sign: int) -> Fraction | None:
    if percent is None:
        return None
    return round(price * (1 + sign * Fraction(percent) / 100) / STEP) * STEP


class SpotModel:
    """Buys and sells coins for cash, candle by candle; nothing of the backtester is used."""

    def __init__(self, loss_pct: Decimal | None, gain_pct: Decimal | None) -> None:
        self.cash, self.coins = Fraction(10_000), Fraction(0)
        self.executions: list[Execution] = []
        self._percents = loss_pct, gain_pct
        self._loss: Fraction | None = None
        self._gain: Fraction | None = None

    def run(self, candles: Sequence[Candle], actions: Mapping[int, Action]) -> None:
        """Process all candles; an hour is the length of each."""
        wanted: Action | None = None
        for number, candle in enumerate(candles):
            opened = Fraction(candle.open)
            if self.coins and self._passes(opened):
                self._sell(candle.open_time, opened)
            if wanted is Action.LONG_EXIT and self.coins:
                self._sell(candle.open_time, opened)
            elif wanted is Action.LONG and not self.coins:
                self._buy(candle.open_time, opened)
            closes_at = candle.open_time + (candles[1].open_time - candles[0].open_time)
            if self.coins and self._loss is not None and candle.low <= self._loss:
                self._sell(closes_at, self._loss)
            elif self.coins and self._gain is not None and candle.high >= self._gain:
                self._sell(closes_at, self._gain)
            wanted = actions.get(number)
            if (wanted is Action.LONG) is bool(self.coins):
                wanted = None
        if self.coins:
            self._sell(closes_at, Fraction(candles[-1].close))

    def _passes(self, opened: Fraction) -> bool:
        has_lost = self._loss is not None and opened <= self._loss
        return has_lost or (self._gain is not None and opened >= self._gain)

    def _buy(self, at: datetime, opened: Fraction) -> None:
        price = -(-opened * (1 + SLIPPAGE) // STEP) * STEP
        qty = round(self.cash * SHARE / opened / STEP) * STEP
        self.cash -= qty * price * (1 + FEE)
        self.coins = qty
        self.executions.append((at, "buy", qty, price))
        self._loss = _level(price, self._percents[0], -1)
        self._gain = _level(price, self._percents[1], 1)

    def _sell(self, at: datetime, level: Fraction) -> None:
        price = level * (1 - SLIPPAGE) // STEP * STEP
        self.cash += self.coins * price * (1 - FEE)
        self.executions.append((at, "sell", self.coins, price))
        self.coins = Fraction(0)


def _executions(result: BacktestResult) -> list[Execution]:
    return [
        (each.at, each.side.value, Fraction(each.qty), Fraction(each.price))
        for each in result.executions
    ]


@settings(max_examples=150)
@given(rows=candle_rows(), actions=ACTIONS, levels=LEVELS)
def test_a_run_is_that_of_a_model_in_cash_and_coins(
    rows: list[tuple[str, str, str, str]],
    actions: dict[int, Action],
    levels: tuple[Decimal | None, Decimal | None],
) -> None:
    candles = candles_of(rows)
    loss, gain = levels
    model = SpotModel(loss, gain)
    model.run(candles, actions)
    result, points = run_backtest(
        candles, ScriptedStrategy(_script(actions)), stop_loss_pct=loss, take_profit_pct=gain
    )

    assert _executions(result) == model.executions
    assert abs(Fraction(result.equity.final_balance) - model.cash) < Fraction(1, 10**15)
    net = sum((trip.pnl for trip in result.round_trips), Decimal(0))
    assert abs(result.equity.total_return - net) < Decimal("1e-15")
    assert all(point.equity == point.cash + point.position_value for point in points)
    assert not result.refused


@settings(max_examples=60)
@given(rows=candle_rows(), actions=ACTIONS, cut=st.integers(2, 29))
def test_later_candles_change_no_earlier_execution(
    rows: list[tuple[str, str, str, str]], actions: dict[int, Action], cut: int
) -> None:
    candles = candles_of(rows)
    whole, _ = run_backtest(candles, ScriptedStrategy(_script(actions)))
    begun, _ = run_backtest(candles[:cut], ScriptedStrategy(_script(actions)))

    kept = [each for each in begun.executions if each.reason is not ExecutionReason.END_OF_DATA]
    assert kept == list(whole.executions[: len(kept)])
    bars = {candle.open_time for candle in candles[:cut]}
    made = [each for each in whole.executions if each.at in bars]
    assert [each for each in made if each.reason is ExecutionReason.SIGNAL] == [
        each for each in kept if each.reason is ExecutionReason.SIGNAL
    ]


COSTS = st.integers(0, 100).map(lambda basis_points: Decimal(basis_points).scaleb(-4))


@settings(max_examples=60)
@given(rows=candle_rows(), actions=ACTIONS, costs=st.tuples(COSTS, COSTS, COSTS, COSTS))
def test_higher_costs_lower_the_result(
    rows: list[tuple[str, str, str, str]],
    actions: dict[int, Action],
    costs: tuple[Decimal, Decimal, Decimal, Decimal],
) -> None:
    fee, more_fee, slippage, more_slippage = costs
    candles, script = candles_of(rows), _script(actions)
    cheap, _ = run_backtest(candles, ScriptedStrategy(script), commission=fee, slippage=slippage)
    dear, _ = run_backtest(
        candles,
        ScriptedStrategy(script),
        commission=fee + more_fee,
        slippage=slippage + more_slippage,
    )
    times = [[(each.at, each.side) for each in result.executions] for result in (cheap, dear)]
    assert times[0] == times[1]
    # Quantities are rounded to steps of 1e-8.
    assert dear.equity.final_balance <= cheap.equity.final_balance + Decimal("0.001")
    if cheap.executions and more_fee + more_slippage > Decimal("0.001"):
        assert dear.equity.final_balance < cheap.equity.final_balance
