"""A replay through the gateway makes exactly the deals of the backtest (checks E2 and B1)."""

import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from oms.backtest.result import ExecutionReason
from oms.backtest.settings import BacktestSettings, contract_of
from oms.bootstrap.backtest_replay import ReplayedRun, replay_backtest
from oms.cli.main import main
from oms.cli.research import backtest_replay
from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import evolve
from oms.services.backtests.compare_deals import ComparedDeal, first_difference
from oms.services.backtests.run_backtest import BacktestRequest, run_backtest
from oms.strategies.catalog import find_strategy

START = datetime(2024, 1, 1, tzinfo=UTC)
FIVE = timedelta(minutes=5)
CONTRACT = contract_of("BTC/USDT", step=Decimal("0.001"), tick=Decimal("0.1"))
#: Golden 10.2 of hourly candles: open, high, low, close.
HOURS = (
    *((100, 101, 99, 100), (100, 102, 99, 101), (101, 101, 98, 99), (99, 99, 97, 98)),
    *((98, 100, 97, 99), (99, 103, 98, 102), (103, 105, 101, 104), (104, 107, 103, 106)),
    *((106, 107, 104, 105), (105, 105, 100, 101), (100, 102, 97, 98), (98, 99, 96, 97)),
)


def hourly_candles() -> list[Candle]:
    """Return the candles of golden 10.2."""
    return [
        _candle(START + n * timedelta(hours=1), *(Decimal(price) for price in row))
        for n, row in enumerate(HOURS)
    ]


def golden_five_minutes() -> list[Candle]:
    """Return the candles of golden 10.1: the open is the close before."""
    candles, at, before = list[Candle](), START, Decimal(100)
    while at <= datetime(2024, 2, 15, 12, 50, tzinfo=UTC) + FIVE:
        close = _golden_close(at)
        high, low = max(before, close), min(before, close)
        candles.append(_candle(at, before, high, low, close))
        at, before = at + FIVE, close
    return candles


def _golden_close(at: datetime) -> Decimal:
    day = datetime(2024, 2, 15, tzinfo=UTC)
    for hours, minutes, close in ((12, 0, "90"), (10, 55, "200"), (10, 5, "100.01")):
        if at >= day + timedelta(hours=hours, minutes=minutes):
            return Decimal(close)
    return Decimal(100)


def drifting_candles(count: int) -> Iterator[Candle]:
    """Yield candles of five minutes of a price that drifts and jumps, some of them missing."""
    rng, at, price = random.Random(3), START, 30000.0
    for number in range(count):
        opened = price
        price *= 1 + 0.00024 * math.sin(number / 700) + rng.gauss(0, 0.0015)
        if rng.random() < 0.01:
            price *= 1 + rng.gauss(0, 0.004)
        high = max(opened, price) * (1 + abs(rng.gauss(0, 0.0006)))
        low = min(opened, price) * (1 - abs(rng.gauss(0, 0.0006)))
        texts = [Decimal(f"{each:.2f}") for each in (opened, high, low, price)]
        yield _candle(at, *texts, volume=Decimal(f"{rng.uniform(1, 9):.3f}"))
        at += FIVE if rng.random() > 0.002 else 3 * FIVE


def _candle(
    at: datetime,
    opened: Decimal,
    high: Decimal,
    low: Decimal,
    close: Decimal,
    volume: Decimal = Decimal(1),
) -> Candle:
    return Candle(open_time=at, open=opened, high=high, low=low, close=close, volume=volume)


def request_of(
    strategy: str, parameters: Mapping[str, int], timeframe: Timeframe, **settings: object
) -> BacktestRequest:
    """Return a request on the contract of golden 10.2, or another one of ``settings``."""
    chosen = BacktestSettings(instrument=contract_of("BTC/USDT"), timeframe=timeframe)
    return BacktestRequest(
        definition=find_strategy(strategy),
        parameters=parameters,
        settings=evolve(chosen, **settings),
    )


async def replayed(
    request: BacktestRequest, candles: Sequence[Candle]
) -> tuple[Sequence[ComparedDeal], set[ExecutionReason]]:
    """Return the deals of a replay, which are those of the run, and why the run had them."""
    done = run_backtest(request, candles)
    executions = done.result.executions
    run = [
        ComparedDeal(at=each.at, side=each.side, qty=each.qty, price=each.price, fee=each.fee)
        for each in executions
    ]
    replayed_run = ReplayedRun(
        strategy=request.definition.name,
        version=done.version,
        parameters=done.parameters,
        settings=request.settings,
    )
    deals = await replay_backtest(replayed_run, candles)
    assert first_difference(run, deals) is None
    return deals, {each.reason for each in executions}


async def test_the_golden_run_is_replayed_to_the_last_digit() -> None:
    request = request_of("sma_cross", {"fast": 2, "slow": 4}, Timeframe.HOUR)
    deals, _ = await replayed(request, hourly_candles())
    shown = [(each.at.hour, each.side.value, each.qty, each.price) for each in deals]
    assert shown == [
        (6, "buy", Decimal("92.23300971"), Decimal("103.0515")),
        (10, "sell", Decimal("92.23300971"), Decimal("99.95")),
    ]


async def test_a_bot_enters_and_leaves_where_the_golden_strategy_does() -> None:
    """Golden 10.1, from ten days before its entries on: three signals, and the end of the data."""
    start = datetime(2024, 2, 15, 9, tzinfo=UTC)
    request = request_of(
        "hma_sma", {}, Timeframe.MINUTES_5, allow_short=True, start=start, slippage=Decimal(0)
    )
    deals, _ = await replayed(request, golden_five_minutes())
    shown = [(f"{each.at:%H:%M}", each.side.value, each.price) for each in deals]
    assert shown == [
        ("10:10", "buy", Decimal("100.01")),
        ("12:10", "sell", Decimal(90)),
        ("12:15", "sell", Decimal(90)),
        ("13:00", "buy", Decimal(90)),
    ]


async def test_three_months_with_levels_shorts_and_gaps_are_replayed() -> None:
    """The averages are shorter than by default, so that there are many positions."""
    request = request_of(
        "hma_sma",
        {"variant": 3, "length": 10},
        Timeframe.MINUTES_5,
        allow_short=True,
        instrument=CONTRACT,
        start=START + timedelta(days=3),
    )
    deals, reasons = await replayed(request, [*drifting_candles(26_000)])
    assert len(deals) > 60
    assert {ExecutionReason.STOP_LOSS, ExecutionReason.TAKE_PROFIT} <= reasons


async def test_levels_of_the_settings_and_reversals_are_replayed() -> None:
    request = request_of(
        "hma_sma",
        {"variant": 2, "length": 10},
        Timeframe.MINUTES_5,
        allow_short=True,
        instrument=CONTRACT,
        position_pct=Decimal(100),
        stop_loss_pct=Decimal("0.5"),
        take_profit_pct=Decimal("0.8"),
    )
    deals, reasons = await replayed(request, [*drifting_candles(3000)])
    assert len(deals) > 20
    assert {ExecutionReason.STOP_LOSS, ExecutionReason.TAKE_PROFIT} <= reasons


async def test_a_trailing_stop_is_replayed() -> None:
    request = request_of(
        "hma_sma",
        {"variant": 2, "length": 10},
        Timeframe.MINUTES_5,
        allow_short=True,
        instrument=CONTRACT,
        stop_loss_pct=Decimal("0.9"),
        stop_trailing_pct=Decimal("0.6"),
    )
    deals, reasons = await replayed(request, [*drifting_candles(3000)])
    assert len(deals) > 20
    assert ExecutionReason.TRAILING in reasons


def test_the_command_compares_a_run_of_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMS_STRATEGIES", raising=False)
    path = tmp_path / "hours.csv"
    rows = [
        f"{each.open_time.isoformat()},{each.open},{each.high},{each.low},{each.close},1"
        for each in hourly_candles()
    ]
    path.write_text("\n".join(["timestamp,open,high,low,close,volume", *rows]))
    flags = ["--csv", str(path), "--timeframe", "1h", "--strategy", "sma_cross"]
    command = ["backtest", "replay", *flags, "--param", "fast=2", "--param", "slow=4"]
    main(command)
    answer = json.loads(capsys.readouterr().out)
    assert (answer["ok"], answer["deals"], answer["difference"]) == (True, 2, None)

    async def lose_a_deal(
        run: ReplayedRun, candles: Sequence[Candle], _: object
    ) -> Sequence[ComparedDeal]:
        return (await replay_backtest(run, candles))[:1]

    monkeypatch.setattr(backtest_replay, "replay_backtest", lose_a_deal)
    with pytest.raises(SystemExit) as exit_status:
        main(command)
    assert exit_status.value.code == 7
    assert "deal 2 differs: the run has sell 92.23300971 at 99.95" in capsys.readouterr().err
