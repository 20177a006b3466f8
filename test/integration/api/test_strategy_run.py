"""``GET /strategies/{name}/run`` and the reload of the catalogue, answered by the runner's task."""

import json
import math
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from kit.backtests.execution import store_series
from kit.gateway.in_process import ADMIN_KEY, InProcessGateway
from kit.research.research_task import running_research
from oms.config import Settings
from oms.domain.market.candle import Candle
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe

AT = datetime(2024, 1, 1, tzinfo=UTC)
EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "signals" / "rsi_signals.py"
AHEAD = '''
class Ahead:
    """Buys before the price rises."""

    def generate_signals(self, data):
        rises = data["close"].shift(-1) > data["close"]
        return rises.astype(int) - (~rises).astype(int)
'''
FAILS = """
class Fails:
    def __init__(self, factor: float = 2.0):
        self.factor = factor

    def generate_signals(self, data):
        return data["price"] * self.factor
"""
BTC = MarketInstrument(id=0, exchange="binance", symbol="BTC/USDT", base="BTC", quote="USDT")
FLAT = MarketInstrument(id=0, exchange="binance", symbol="FLAT/USDT", base="FLAT", quote="USDT")
ONE = MarketInstrument(id=0, exchange="binance", symbol="ONE/USDT", base="ONE", quote="USDT")
HOURS = 240


def _candles(closes: Sequence[Decimal], step: timedelta = timedelta(hours=1)) -> list[Candle]:
    previous, candles = closes[0], []
    for number, close in enumerate(closes):
        candles.append(
            Candle(
                open_time=AT + number * step,
                open=previous,
                high=max(previous, close),
                low=min(previous, close),
                close=close,
                volume=Decimal(1),
            )
        )
        previous = close
    return candles


def _wave(count: int) -> list[Candle]:
    closes = [Decimal(str(round(100 + 20 * math.sin(n / 9), 4))) for n in range(count)]
    return _candles(closes)


@pytest.fixture
async def research(gateway: InProcessGateway, tmp_path: Path) -> AsyncIterator[InProcessGateway]:
    """A gateway with candles, a runner, and strategies of a folder."""
    folder = tmp_path / "strategies"
    folder.mkdir()
    (folder / "rsi_signals.py").write_text(EXAMPLE.read_text(encoding="utf-8"))
    (folder / "ahead.py").write_text(AHEAD)
    (folder / "fails.py").write_text(FAILS)
    (folder / "broken.py").write_text("import no_such_module")
    await store_series(gateway.store, _wave(HOURS), BTC)
    settings = Settings.model_validate({"strategies": folder})
    async with running_research(gateway.store, settings):
        yield gateway


@pytest.fixture
async def built_in(gateway: InProcessGateway) -> AsyncIterator[InProcessGateway]:
    """A gateway with candles and a runner without own strategies."""
    await store_series(gateway.store, _wave(60), BTC)
    await store_series(gateway.store, _candles([Decimal(7)] * 60), FLAT)
    await store_series(gateway.store, _candles([Decimal(7)]), ONE)
    async with running_research(gateway.store, Settings()):
        yield gateway


async def _run(gateway: InProcessGateway, name: str, **query: object) -> Any:
    fields = {"exchange": "binance", "symbol": "BTC/USDT", "timeframe": "1h"} | query
    return await gateway.client("GET", f"/strategies/{name}/run?{urlencode(fields)}")


def _strict(text: str | bytes) -> Any:
    def refuse(word: str) -> Any:
        raise AssertionError(word)

    return json.loads(text, parse_constant=refuse)


async def test_strategies_run_in_the_runner(research: InProcessGateway) -> None:
    response = await _run(research, "rsi_signals", limit=100)
    assert response.status == 200, response.body
    body = _strict(response.body)
    assert (body["strategy"], body["version"], body["timeframe"]) == ("rsi_signals", "1", "1h")
    assert body["params"] == {"period": 14, "lower": "30", "upper": "70"}
    assert len(body["candles"]) == 100
    assert {each["direction"] for each in body["entries"]} >= {"long", "short"}
    assert all(e["fill_time"] is None or e["fill_time"] > e["source_time"] for e in body["entries"])

    # T2: the same entries for other limits and views, for equal base candles.
    wide = (await _run(research, "rsi_signals", limit=200)).json()["entries"]
    four = (await _run(research, "rsi_signals", timeframe="4h", base="1h", limit=50)).json()
    first = body["candles"][0]["time"]
    times = [(each["source_time"], each["direction"]) for each in body["entries"]]
    for other in (wide, four["entries"]):
        found = [(e["source_time"], e["direction"]) for e in other if e["source_time"] >= first]
        assert found == times

    # The check has passed, and the catalogue says so.
    row = (await research.client("GET", "/strategies/catalog/rsi_signals")).json()
    assert row["source"] == "rsi_signals.py"
    assert row["checked_at"] is not None
    assert [each["version"] for each in row["versions"]] == ["1"]

    # A strategy that reads one candle ahead fails, and so does one that raises; nothing else ends.
    ahead = await _run(research, "ahead")
    detail = ahead.json()["detail"]
    assert (ahead.status, detail["code"]) == (422, "validation_error")
    assert detail["reason"] == "lookahead_detected"
    failed = (await _run(research, "fails")).json()["detail"]
    assert (failed["reason"], failed["message"]) == ("strategy_error", "KeyError: 'price'")
    assert 'return data["price"] * self.factor' in failed["traceback"]
    assert (await _run(research, "sma_cross", params='{"fast":3,"slow":8}')).status == 200


async def test_the_catalogue_is_loaded_again(research: InProcessGateway, tmp_path: Path) -> None:
    listed = (await research.client("GET", "/strategies/catalog")).json()
    names = [each["name"] for each in listed["items"]]
    assert names == ["hma_sma", "sma_cross", "rsi", "ahead", "fails", "rsi_signals"]
    (error,) = listed["errors"]
    assert error["source"] == "broken.py"
    assert "no_such_module" in error["message"]
    refused = await _run(research, "new")
    assert (refused.status, refused.json()["detail"]["reason"]) == (404, "unknown_strategy")

    folder = tmp_path / "strategies"
    (folder / "broken.py").unlink()
    (folder / "new.py").write_text(FAILS.replace("Fails", "New").replace('"price"', '"close"'))
    loaded = await research.client("POST", "/strategies/catalog/reload", key=ADMIN_KEY)
    assert (loaded.status, loaded.json()["ok"], loaded.json()["errors"]) == (200, True, [])
    assert "new" in loaded.json()["loaded"]
    bad = (await _run(research, "new")).json()["detail"]
    assert "1, -1, 0 or NaN is expected" in bad["message"]
    # Its code has run as version 1; another rule needs another version.
    (folder / "new.py").write_text((folder / "new.py").read_text().replace("* self", "+ self"))
    changed = await _run(research, "new")
    assert (changed.status, changed.json()["detail"]["reason"]) == (409, "code_changed")


@pytest.mark.parametrize(
    ("name", "query", "status"),
    [
        ("sma_cross", {"limit": -5}, 422),
        ("sma_cross", {"limit": 0}, 422),
        ("sma_cross", {"limit": 5001}, 422),
        ("sma_cross", {"limit": "x"}, 422),
        ("hma_sma", {"variant": 9}, 422),
        ("hma-sma", {"variant": 9}, 422),
        ("hma_sma", {"timeframe": "1m"}, 422),
        ("hma_sma", {"base": "1h"}, 422),
        ("sma_cross", {"variant": 1}, 422),
        ("sma_cross", {"params": '{"fast": 5, "slow": 4, "x": 1}'}, 422),
        ("sma_cross", {"params": '{"fast": true}'}, 422),
        ("sma_cross", {"params": "[1]"}, 422),
        ("sma_cross", {"params": "{"}, 422),
        ("sma_cross", {"timeframe": "7h"}, 422),
        ("sma_cross", {"timeline": "all"}, 422),
        ("sma_cross", {"start": "2024-02-01", "end": "2024-01-01"}, 422),
        ("sma_cross", {"exchange": ""}, 422),
        ("sma_cross", {"symbol": "NONE/USDT"}, 404),
        ("nothing", {}, 404),
        ("SMA_CROSS", {}, 404),
    ],
)
async def test_bad_requests_reach_no_runner(
    gateway: InProcessGateway, name: str, query: dict[str, object], status: int
) -> None:
    await store_series(gateway.store, _wave(3), BTC)
    response = await _run(gateway, name, **query)
    assert response.status == status, response.body
    if status == 404:
        reasons = ("unknown_strategy", "unknown_instrument")
        assert response.json()["detail"]["reason"] in reasons


async def test_without_a_runner_it_says_so(gateway: InProcessGateway) -> None:
    await store_series(gateway.store, _wave(3), BTC)
    response = await _run(gateway, "sma_cross")
    detail = response.json()["detail"]
    assert (response.status, detail["code"]) == (503, "engine_unavailable")
    assert detail["reason"] == "no_runner"
    assert await gateway.store.research_requests.waiting() == 0


async def test_empty_flat_and_single_candles_are_finite(built_in: InProcessGateway) -> None:
    for symbol, count in (("FLAT/USDT", 60), ("ONE/USDT", 1)):
        for name in ("sma_cross", "rsi"):
            body = _strict((await _run(built_in, name, symbol=symbol)).body)
            assert (len(body["candles"]), body["entries"]) == (count, [])
    empty = _strict((await _run(built_in, "rsi", end="2020-01-01T00:00:00Z")).body)
    assert (empty["candles"], empty["warmup_ok"], empty["latest_signal"]) == ([], False, None)


async def test_requests_are_removed_with_their_answers(
    built_in: InProcessGateway,
) -> None:
    await _run(built_in, "sma_cross")
    rows = await built_in.store.research_requests._database.fetch(
        "SELECT id FROM research_requests"
    )
    assert list(rows) == []


async def test_hma_sma_runs_on_its_base_in_any_view(built_in: InProcessGateway) -> None:
    five = _candles([Decimal(100 + n % 7) for n in range(300)], timedelta(minutes=5))
    other = MarketInstrument(id=0, exchange="okx", symbol="BTC/USDT", base="BTC", quote="USDT")
    await store_series(built_in.store, five, other, Timeframe.MINUTES_5)
    body = _strict((await _run(built_in, "hma-sma", exchange="okx", params='{"length": 3}')).body)
    assert (body["strategy"], body["base"], len(body["candles"])) == ("hma_sma", "5m", 25)
    assert body["sma200"][-1]["value"] is not None
    assert body["hma200"]["1h"][-1]["value"] is not None
    assert sorted(body["latest_signal"]["breakdown"]) == ["1h", "4h", "5m"]
