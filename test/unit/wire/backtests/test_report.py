"""The report of a backtest: what it says, and that it loads nothing."""

import json
import re
from decimal import Decimal
from html.parser import HTMLParser

from kit.backtests.candles import candles_of
from oms.backtest.result import CurvePoint
from oms.backtest.settings import BacktestSettings, contract_of
from oms.cli.research.backtest import describe
from oms.domain.market.timeframe import Timeframe
from oms.services.backtests.run_backtest import BacktestRequest, finished, run_backtest
from oms.strategies.catalog import find_strategy
from oms.wire.backtests.report_html import report_html

ROWS = [("100", "101", "99", "100")] * 8 + [("100", "130", "100", "120")] * 8


class Tags(HTMLParser):
    """Collects open tags and fails on one that is not closed."""

    VOID = frozenset({"meta", "polyline", "line"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note references to other files."""
        self.references += [str(text) for name, text in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that the last open tag is closed."""
        if tag not in self.VOID:
            assert self.open.pop() == tag


def _report(rows: list[tuple[str, str, str, str]], symbol: str = "BTC/USDT") -> str:
    settings = BacktestSettings(instrument=contract_of(symbol), timeframe=Timeframe.HOUR)
    points: list[CurvePoint] = []
    request = BacktestRequest(
        definition=find_strategy("sma_cross"),
        parameters={"fast": "2", "slow": "4"},
        settings=settings,
    )
    run = describe(finished(run_backtest(request, candles_of(rows), points.append)))
    json.dumps(run, allow_nan=False)
    return report_html(run, points)


def test_it_is_well_formed_and_loads_nothing() -> None:
    page = _report(ROWS)
    tags = Tags()
    tags.feed(page)

    assert tags.open == []
    assert tags.references == []
    assert "url(" not in page and "@import" not in page and "<script" not in page


def test_it_shows_assumptions_figures_and_trades() -> None:
    page = _report(ROWS)

    for text in ("0.0005", "fast 2, slow 4", "Buy and hold", "20.0000 %", "Round trips", "Jan"):
        assert text in page
    assert len(re.findall("<polyline", page)) == 3
    assert "end_of_data" in page


def test_texts_of_a_caller_are_escaped() -> None:
    assert "<b>" not in _report(ROWS, "<b>/USDT")


def test_one_candle_and_no_trade() -> None:
    page = _report(ROWS[:1])

    assert "None." in page
    assert "nan" not in page.lower()


def test_equal_candles_have_equal_hashes() -> None:
    settings = BacktestSettings(instrument=contract_of("A/B"), timeframe=Timeframe.HOUR)
    request = BacktestRequest(definition=find_strategy("rsi"), parameters={}, settings=settings)
    plain = candles_of(ROWS)
    padded = candles_of([[f"{text}.000" for text in row] for row in ROWS])
    longer = candles_of([*ROWS, ROWS[0]])

    hashes = [run_backtest(request, candles).data_hash for candles in (plain, padded, longer)]
    assert hashes[0] == hashes[1] != hashes[2]
    given = BacktestRequest(
        definition=find_strategy("rsi"), parameters={"period": Decimal(14)}, settings=settings
    )
    assert run_backtest(given, plain).params_hash == run_backtest(request, plain).params_hash, (
        "a default that is given is the same parameter"
    )
