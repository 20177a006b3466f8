"""Limits of risk presets on the entries of a backtest."""

from decimal import Decimal

import pytest

from kit.backtests.candles import ScriptedStrategy, candles_of, run_backtest
from oms.backtest.result import BacktestResult
from oms.domain.errors import Invalid
from oms.domain.risk.policy_keys import PRESETS
from oms.strategies.strategy import Action, Decision

LONG, EXIT = Decision(action=Action.LONG), Decision(action=Action.LONG_EXIT)
SHORT = Decision(action=Action.SHORT)
HOURS = 24


def _run(
    closes: list[int], script: dict[int, list[Decision]], **settings: object
) -> BacktestResult:
    """Run on candles that open at the close before."""
    rows = [
        (str(a), str(max(a, b)), str(min(a, b)), str(b))
        for a, b in zip([closes[0], *closes], closes, strict=False)
    ]
    chosen: dict[str, object] = {"risk_preset": "standard", "position_pct": Decimal(9)}
    result, _ = run_backtest(candles_of(rows), ScriptedStrategy(script), **(chosen | settings))
    return result


def _reasons(result: BacktestResult) -> list[str]:
    return [each.reason for each in result.refused]


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, []),
        ({"position_pct": Decimal(10)}, []),
        ({"position_pct": Decimal(11)}, ["max_capital_pct"]),
        ({"position_pct": Decimal(95), "risk_preset": "open"}, []),
        ({"initial_balance": Decimal(100)}, ["min_order_notional"]),
        ({"initial_balance": Decimal(200_000)}, ["max_order_notional"]),
        (
            {"risk_preset": "small"},
            ["max_size_per_position_exceeded"],
        ),
        ({"risk_preset": "strict"}, ["max_order_qty"]),
    ],
)
def test_an_entry_beyond_a_limit_is_refused(changes: dict[str, object], reasons: list[str]) -> None:
    result = _run([100] * 4, {0: [LONG]}, **changes)
    assert _reasons(result) == reasons
    assert len(result.round_trips) == (0 if reasons else 1)


def test_a_loss_of_the_day_refuses_until_the_next_one() -> None:
    # The fall takes 3.6 % of the equity, a limit allows 3 % a day.
    closes = [100] * 4 + [60] * 44
    script = {0: [LONG], 5: [EXIT], 8: [LONG], 30: [LONG]}
    result = _run(closes, script)
    assert _reasons(result) == ["daily_loss_limit"]
    assert result.refused[0].at.hour == 9
    assert [trip.entry_time.day for trip in result.round_trips] == [1, 2]
    assert "the day had lost" in result.refused[0].message


def test_a_recovery_on_the_day_does_not_end_the_refusal() -> None:
    closes = [100] * 4 + [60, 60, 99] + [99] * 10
    result = _run(closes, {0: [LONG], 6: [EXIT], 8: [LONG]})
    assert _reasons(result) == ["daily_loss_limit"]


def test_a_drawdown_refuses_until_the_end() -> None:
    # A short of 9 % loses 27 % of the equity when the price is four times as high.
    closes = [100] * 4 + [400] * 68
    script = {0: [SHORT], 5: [Decision(action=Action.SHORT_EXIT)], 30: [LONG], 60: [LONG]}
    result = _run(closes, script, allow_short=True)
    assert _reasons(result) == ["max_drawdown", "max_drawdown"]
    assert "% below its high-water mark at 2024-01-01T05:00:00Z" in result.refused[1].message


def test_an_unknown_preset_is_an_error() -> None:
    assert "none" not in PRESETS
    with pytest.raises(Invalid, match="risk_preset 'none': one of open, standard, strict, small"):
        _run([100], {}, risk_preset="none")
