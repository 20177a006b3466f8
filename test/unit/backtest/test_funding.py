"""Funding of positions from recorded rates."""

from datetime import timedelta
from decimal import Decimal

import pytest

from kit.backtests.candles import START, ScriptedStrategy, candles_of, run_backtest
from oms.backtest.result import BacktestResult
from oms.domain.errors import Invalid
from oms.domain.market.funding_rate import FundingRate
from oms.strategies.strategy import Action, Decision
from oms.wire.market.funding_file import read_funding

LONG, SHORT = Decision(action=Action.LONG), Decision(action=Action.SHORT)


def _rate(hours: int, rate: str) -> FundingRate:
    return FundingRate(at=START + timedelta(hours=hours), rate=Decimal(rate))


def _run(entry: Decision, funding: list[FundingRate]) -> BacktestResult:
    """Hold 10 of a price that does not move, from the second of 24 candles on, without costs."""
    candles = candles_of([("100",) * 4] * 24)
    result, _ = run_backtest(
        candles,
        ScriptedStrategy({0: [entry]}),
        funding=funding,
        position_pct=Decimal(10),
        commission=Decimal(0),
        slippage=Decimal(0),
        allow_short=True,
    )
    return result


@pytest.mark.parametrize(
    ("entry", "rate", "paid"),
    [(LONG, "0.0001", "0.1"), (SHORT, "0.0001", "-0.1"), (LONG, "-0.003", "-3")],
)
def test_longs_pay_shorts_the_value_times_the_rate(entry: Decision, rate: str, paid: str) -> None:
    result = _run(entry, [_rate(8, rate)])
    assert result.funding_paid == Decimal(paid)
    assert result.equity.final_balance == 10_000 - Decimal(paid)
    assert [trip.pnl for trip in result.round_trips] == [0]


def test_payments_are_those_of_the_time_in_which_the_position_is_held() -> None:
    rates = [_rate(0, "0.5"), _rate(1, "0.5"), _rate(8, "0.001"), _rate(16, "0.002")]
    # Opened at the open of hour 1, whose payment it does not owe; the data ends with hour 24.
    result = _run(LONG, [*rates, _rate(24, "0.004"), _rate(32, "0.5")])
    assert result.funding_paid == Decimal(7)


def test_without_rates_nothing_is_said_of_funding() -> None:
    assert _run(LONG, []).funding_paid is None


def test_a_file_of_an_exchange_is_read() -> None:
    lines = ["ts,funding_rate", "1637193600017,0.0001", "1637222400007,-0.00025"]
    rates = list(read_funding(lines))
    assert [f"{each.at:%Y-%m-%d %H:%M:%S.%f} {each.rate}" for each in rates] == [
        "2021-11-18 00:00:00.000000 0.0001",
        "2021-11-18 08:00:00.000000 -0.00025",
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "line 1: no column of timestamp"),
        (["ts,price"], "line 1: no column of funding_rate"),
        (["ts,rate"], "the file has no rates"),
        (["ts,rate", "1637193600,x"], "line 2: "),
        (["ts,rate", "1637193600,2"], "line 2: rate 2: a share of the value"),
        (["ts,rate", "1637193600"], "line 2: a column is missing"),
        (["ts,rate", "1637222400,0", "1637193600,0"], "line 3: the rate of .* times must ascend"),
    ],
)
def test_a_file_that_is_none_is_refused(lines: list[str], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        list(read_funding(lines))
