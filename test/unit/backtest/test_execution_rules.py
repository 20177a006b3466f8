"""When and at which price a backtest executes: opens, levels, gaps, costs."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest

from kit.backtests.candles import START, ScriptedStrategy, candles_of, run_backtest
from oms.backtest.result import BacktestResult
from oms.backtest.settings import contract_of
from oms.domain.errors import Invalid
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import evolve
from oms.strategies.strategy import Action, Decision, PositionSide

LONG, SHORT = Decision(action=Action.LONG), Decision(action=Action.SHORT)
LONG_EXIT, SHORT_EXIT = Decision(action=Action.LONG_EXIT), Decision(action=Action.SHORT_EXIT)
FREE = {"commission": Decimal(0), "slippage": Decimal(0)}
FLAT = ("100", "100", "100", "100")


def _run(
    rows: Sequence[Sequence[str]], script: Mapping[int, Sequence[Decision]], **settings: object
) -> BacktestResult:
    result, _ = run_backtest(candles_of(rows), ScriptedStrategy(script), **settings)
    return result


def _prices(result: BacktestResult) -> list[tuple[str, Decimal, str]]:
    return [(each.side.value, each.price, each.reason.value) for each in result.executions]


def test_a_decision_is_executed_at_the_next_open_with_slippage_and_fee() -> None:
    rows = [FLAT, ("200", "210", "190", "205"), ("300", "300", "300", "300"), FLAT]
    result = _run(rows, {0: [LONG], 1: [LONG_EXIT]})

    buy, sell = result.executions
    assert (buy.price, sell.price) == (Decimal("200.1"), Decimal("299.85"))
    assert buy.fee == buy.qty * buy.price / 1000
    assert sell.fee == sell.qty * sell.price / 1000
    assert (buy.at, sell.at) == (candles_of(rows)[1].open_time, candles_of(rows)[2].open_time)


@pytest.mark.parametrize(
    ("decision", "row", "price", "reason"),
    [
        # A candle that reaches both levels is taken as a loss.
        (Decision(action=Action.LONG, stop_loss=Decimal(95), stop_gain=Decimal(110)),
         ("100", "120", "90", "100"), "95", "sl"),
        (Decision(action=Action.LONG, stop_loss=Decimal(95), stop_gain=Decimal(110)),
         ("100", "120", "96", "100"), "110", "tp"),
        # A gap through a level is executed at the open.
        (Decision(action=Action.LONG, stop_loss=Decimal(95), stop_gain=Decimal(110)),
         ("80", "90", "70", "80"), "80", "sl"),
        (Decision(action=Action.LONG, stop_loss=Decimal(95), stop_gain=Decimal(110)),
         ("130", "140", "120", "130"), "130", "tp"),
        (Decision(action=Action.SHORT, stop_loss=Decimal(105), stop_gain=Decimal(90)),
         ("100", "120", "80", "100"), "105", "sl"),
        (Decision(action=Action.SHORT, stop_loss=Decimal(105), stop_gain=Decimal(90)),
         ("100", "104", "80", "100"), "90", "tp"),
        (Decision(action=Action.SHORT, stop_loss=Decimal(105), stop_gain=Decimal(90)),
         ("110", "120", "80", "100"), "110", "sl"),
    ],
)  # fmt: skip
def test_levels_close_the_position(
    decision: Decision, row: tuple[str, str, str, str], price: str, reason: str
) -> None:
    rows = [FLAT, FLAT, row, FLAT]
    result = _run(rows, {0: [decision]}, allow_short=True, **FREE)

    _, close = result.executions
    assert (close.price, close.reason.value) == (Decimal(price), reason)
    is_gap = row[0] == price
    assert close.at == candles_of(rows)[2 if is_gap else 3].open_time


def test_an_entry_decided_while_a_position_is_held_is_left_out_after_its_end() -> None:
    leveled = Decision(action=Action.LONG, stop_gain=Decimal(110))
    rows = [FLAT, FLAT, ("120", "120", "120", "120"), FLAT]
    result = _run(rows, {0: [leveled], 1: [LONG]}, **FREE)

    assert _prices(result) == [("buy", Decimal(100), "signal"), ("sell", Decimal(120), "tp")]


def test_levels_act_in_the_candle_of_the_entry() -> None:
    decision = Decision(action=Action.LONG, stop_loss=Decimal(95))
    result = _run([FLAT, ("100", "100", "94", "99"), FLAT], {0: [decision]}, **FREE)

    assert _prices(result) == [("buy", Decimal(100), "signal"), ("sell", Decimal(95), "sl")]
    assert result.round_trips[0].bars_held == 0


def test_slippage_moves_the_price_of_a_level() -> None:
    decision = Decision(action=Action.LONG, stop_loss=Decimal(95), stop_gain=Decimal(110))
    rows = [FLAT, FLAT, ("100", "112", "99", "100"), FLAT]
    result = _run(rows, {0: [decision]})

    assert result.executions[-1].price == Decimal("110") * Decimal("0.9995")


def test_levels_in_percent_count_from_the_entry_price() -> None:
    rows = [FLAT, ("200", "200", "200", "200"), ("200", "200", "150", "150"), FLAT]
    result = _run(rows, {0: [LONG]}, stop_loss_pct=Decimal(10), **FREE)

    assert _prices(result)[-1] == ("sell", Decimal(180), "sl")


def test_a_trailing_stop_follows_the_best_price_of_earlier_candles() -> None:
    rows = [
        FLAT,
        ("100", "100", "95", "99"),
        ("99", "200", "91", "190"),  # Its own high does not raise the level it is judged by.
        ("190", "195", "181", "190"),
        ("190", "191", "150", "160"),
        FLAT,
    ]
    result = _run(rows, {0: [LONG]}, stop_trailing_pct=Decimal(10), **FREE)

    assert _prices(result) == [("buy", Decimal(100), "signal"), ("sell", Decimal(180), "trailing")]
    assert result.round_trips[0].bars_held == 3


def test_levels_of_a_closed_position_do_not_act_on_the_next_one() -> None:
    leveled = Decision(action=Action.LONG, stop_loss=Decimal(50), stop_gain=Decimal(150))
    rows = [FLAT, FLAT, FLAT, ("100", "160", "40", "100"), FLAT]
    result = _run(rows, {0: [leveled], 1: [LONG_EXIT, SHORT]}, allow_short=True, **FREE)

    assert [each.reason.value for each in result.executions] == [
        "signal",
        "signal",
        "signal",
        "end_of_data",
    ]


def test_a_reversal_is_two_executions_at_one_open() -> None:
    rows = [FLAT, FLAT, ("200", "200", "200", "200"), ("100", "100", "100", "100")]
    result = _run(rows, {0: [LONG], 1: [LONG_EXIT, SHORT]}, allow_short=True, **FREE)

    assert [(each.side.value, each.price, each.qty) for each in result.executions] == [
        ("buy", Decimal(100), Decimal(95)),
        ("sell", Decimal(200), Decimal(95)),
        # 95 % of 19,500 at 200.
        ("sell", Decimal(200), Decimal("92.625")),
        ("buy", Decimal(100), Decimal("92.625")),
    ]
    assert result.equity.final_balance == Decimal("19500") + Decimal("92.625") * 100


def test_shorts_are_left_out_unless_allowed() -> None:
    rows = [FLAT, FLAT, ("90", "90", "90", "90"), FLAT]

    assert not _run(rows, {0: [SHORT], 1: [SHORT_EXIT]}).executions
    assert len(_run(rows, {0: [SHORT], 1: [SHORT_EXIT]}, allow_short=True).executions) == 2


def test_a_short_whose_price_doubles_is_liquidated() -> None:
    rows = [FLAT, FLAT, ("100", "300", "100", "300"), FLAT]
    result = _run(rows, {0: [SHORT]}, allow_short=True, position_pct=Decimal(100), **FREE)

    assert result.executions[-1].reason.value == "liquidation"
    assert result.equity.final_balance >= 0


def test_the_last_candle_closes_the_position_and_executes_no_decision() -> None:
    result = _run([FLAT, FLAT, FLAT], {0: [LONG], 2: [LONG_EXIT]})

    assert [each.reason.value for each in result.executions] == ["signal", "end_of_data"]
    sell = result.executions[-1]
    assert sell.price == Decimal("99.95")
    assert result.equity.final_balance == 10_000 + result.round_trips[0].pnl


def test_no_entry_while_a_position_is_held() -> None:
    result = _run([FLAT] * 4, {0: [LONG], 1: [LONG], 2: [SHORT]}, allow_short=True)

    assert len(result.round_trips) == 1


def test_all_of_the_cash_pays_for_slippage_and_fee() -> None:
    result = _run([FLAT, FLAT, FLAT], {0: [LONG]}, position_pct=Decimal(100))

    buy = result.executions[0]
    step = Decimal("0.00000001")
    assert buy.value + buy.fee <= 10_000 < (buy.qty + step) * buy.price * Decimal("1.001")


def test_a_risk_sizes_by_the_distance_of_the_stop_up_to_the_share() -> None:
    risky = Decision(
        action=Action.LONG, stop_loss=Decimal(90), risk_pct=Decimal(1), stop_gain=Decimal(120)
    )
    close = evolve(risky, stop_loss=Decimal("99.9"))

    assert _run([FLAT, FLAT, FLAT], {0: [risky]}, **FREE).executions[0].qty == 10
    assert _run([FLAT, FLAT, FLAT], {0: [close]}, **FREE).executions[0].qty == 95


def test_an_entry_beyond_its_own_stop_is_refused() -> None:
    decision = Decision(action=Action.LONG, stop_loss=Decimal(95))
    result = _run([FLAT, ("90", "99", "90", "99"), FLAT], {0: [decision]})

    assert not result.executions
    assert [each.reason for each in result.refused] == ["invalid_stops"]


def test_an_entry_below_the_minimum_is_counted() -> None:
    result = _run([FLAT, FLAT, FLAT], {0: [LONG]}, initial_balance=Decimal("0.0000001"))

    assert (result.skipped_min, len(result.executions)) == (1, 0)


def test_without_a_trade_ratios_are_undefined() -> None:
    result = _run([FLAT] * 3, {})

    assert (result.trades.total, result.trades.win_rate, result.trades.expectancy) == (
        0,
        None,
        None,
    )
    assert (result.equity.sharpe_ratio, result.equity.sortino_ratio) == (None, None)
    assert result.equity.max_drawdown_pct == 0
    assert (result.exposure_pct, result.buy_and_hold_return_pct) == (0, 0)


def test_a_gain_below_the_fees_is_a_loss() -> None:
    rows = [FLAT, FLAT, ("100.1", "100.1", "100.1", "100.1"), FLAT]
    result = _run(rows, {0: [LONG], 1: [LONG_EXIT]}, slippage=Decimal(0))

    assert (result.trades.wins, result.trades.losses) == (0, 1)


def test_growth_of_a_year_is_undefined_where_it_has_no_meaning() -> None:
    rows = [FLAT] * 24 + [("100", "250", "100", "250")] * 2
    day = _run(rows, {0: [LONG]})
    hours = _run(rows[20:], {0: [LONG]})
    year = _run([("100", "100", "100", "100")] * 40, {})

    assert day.equity.total_return_pct > 100
    assert (day.equity.cagr_pct, hours.equity.cagr_pct, year.equity.cagr_pct) == (None, None, 0)


def test_a_window_starts_flat_after_its_warm_up() -> None:
    candles = candles_of([FLAT] * 6)
    strategy = ScriptedStrategy({1: [LONG], 2: [LONG], 3: [LONG]})
    start, end = candles[3].open_time, candles[5].open_time
    result, points = run_backtest(candles, strategy, start=start, end=end)

    assert strategy.sides == [PositionSide.FLAT] * 4 + [PositionSide.LONG]
    assert (result.warmup_bars, result.bars, len(points)) == (3, 2, 2)
    assert [each.at for each in result.executions] == [candles[4].open_time, end]


def test_a_missing_candle_is_listed_and_the_next_one_executes() -> None:
    candles = candles_of([FLAT] * 5)
    del candles[1:3]
    result, _ = run_backtest(candles, ScriptedStrategy({0: [LONG]}))

    assert result.executions[0].at == candles[1].open_time
    (gap,) = result.data_gaps
    assert (gap.start, gap.end) == (Timeframe.HOUR.next_open(START), candles[1].open_time)


def test_warm_up_is_counted_by_timeframe() -> None:
    candles = candles_of([FLAT] * 12)
    parameters = {"fast": "2", "slow": "4"}
    enough, _ = run_backtest(candles, "sma_cross", parameters, start=candles[5].open_time)
    short, _ = run_backtest(candles, "sma_cross", parameters, start=candles[4].open_time)

    assert (enough.warmup_ok, short.warmup_ok) == (True, False)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"instrument": contract_of("A/B", step=Decimal(0))}, "qty_step 0 must be above 0"),
        ({"instrument": contract_of("A/B", tick=Decimal(0))}, "price_tick 0 must be above 0"),
        ({"initial_balance": Decimal(0)}, "initial_balance 0 must be above 0"),
        ({"commission": Decimal(1)}, "commission 1 must be below 1"),
        ({"slippage": Decimal("-0.1")}, "slippage -0.1 must be at least 0"),
        ({"position_pct": Decimal(101)}, "position_pct 101 must be at most 100"),
        ({"stop_loss_pct": Decimal(100)}, "stop_loss_pct 100 must be below 100"),
        ({"start": START, "end": START}, "start must be before end"),
    ],
)
def test_bad_settings_are_errors(settings: dict[str, object], text: str) -> None:
    with pytest.raises(Invalid, match=text):
        _run([FLAT], {}, **settings)


def test_data_out_of_order_or_outside_of_the_window_is_an_error() -> None:
    candles = candles_of([FLAT] * 3)
    with pytest.raises(Invalid, match="is not after the one before"):
        run_backtest([candles[1], candles[0]], ScriptedStrategy({}))
    with pytest.raises(Invalid, match="no candle lies between start and end"):
        run_backtest(candles, ScriptedStrategy({}), end=START)
