"""``oms candles fetch`` at the loopback exchange, through ccxt."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kit.databases.schema import create_schema
from kit.databases.sql import fetch_number, fetch_rows
from kit.exchanges.loopback_process import LoopbackExchange, run_loopback
from kit.polling import wait_until
from oms.cli.main import main

SYMBOL = "BTC/USDT"
MINUTE_MS = 60_000
#: Open times in minutes before now.
FIRST, HOLE = 600, range(300, 307)


@pytest.fixture(scope="module")
def exchange() -> Iterator[LoopbackExchange]:
    """Return a running exchange."""
    with run_loopback() as running:
        yield running


@pytest.fixture
def dsn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of an empty database."""
    monkeypatch.chdir(tmp_path)
    url = f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"
    monkeypatch.setenv("OMS_DATABASE_URL", url)
    monkeypatch.setenv("OMS_HOME", str(tmp_path / "var"))
    asyncio.run(create_schema(url))
    return url


def _this_minute() -> int:
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    return now_ms - now_ms % MINUTE_MS


def _serve(exchange: LoopbackExchange, now_ms: int, ages: list[int]) -> None:
    """Let the exchange have one-minute candles that opened so many minutes ago."""
    bars = [
        [now_ms - age * MINUTE_MS, f"{100 + age}", f"{102 + age}", f"{99 + age}", f"{101 + age}", 7]
        for age in sorted(ages, reverse=True)
    ]
    exchange.control("bars", symbol=SYMBOL, bars=bars)


def _arguments(exchange: LoopbackExchange, venue: str, *more: str) -> list[str]:
    config = json.dumps(exchange.startup["extra_config"][venue])
    public = ["--environment", "loopback", "--config", config, "--json"]
    return ["--exchange", venue, *public, *more]


def _run(
    capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0
) -> tuple[dict[str, Any], str]:
    capsys.readouterr()
    if status:
        with pytest.raises(SystemExit) as raised:
            main([*arguments])
        assert raised.value.code == status, capsys.readouterr().err
    else:
        main([*arguments])
    output = capsys.readouterr()
    answer: dict[str, Any] = json.loads(output.out)
    return answer, output.err


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("venue", ["bybit", "binance"])
def test_a_range_is_fetched_once_with_its_gap(
    dsn: str, exchange: LoopbackExchange, capsys: pytest.CaptureFixture[str], venue: str
) -> None:
    now_ms = _this_minute()
    _serve(exchange, now_ms, [age for age in range(FIRST + 20) if age not in HOLE])
    start, end = (_time(now_ms - age * MINUTE_MS) for age in (FIRST, 10))
    bounds = ("--start", start, "--end", end, "--limit", "100")
    fetch = ("candles", "fetch", SYMBOL, "1m", *_arguments(exchange, venue, *bounds))

    first, error = _run(capsys, *fetch, status=7)
    second, _ = _run(capsys, *fetch, status=7)
    series = ("--exchange", venue, "--symbol", SYMBOL, "--timeframe", "1m")
    listed, _ = _run(capsys, "candles", "gaps", *series, "--json", status=7)

    count = FIRST - 10 - len(HOLE)
    (made,), (again,) = first["items"], second["items"]
    assert (made["fetched"], made["inserted"], made["invalid"]) == (count, count, 0)
    assert (again["inserted"], again["updated"]) == (0, 0)
    assert made["gaps"] == again["gaps"] == listed["gaps"]
    hole = [_time(now_ms - age * MINUTE_MS) for age in (HOLE[-1], HOLE[0] - 1)]
    assert made["gaps"] == [{"start": hole[0], "end": hole[1], "count": len(HOLE)}]
    assert f"{len(HOLE)} candles are missing in 1 gaps" in error
    assert fetch_number(dsn, "SELECT COUNT(*) FROM candles") == count
    last = "SELECT open, high, low, close, volume FROM candles ORDER BY open_time DESC LIMIT 1"
    assert [float(each) for each in fetch_rows(dsn, last)[0]] == [111, 113, 110, 112, 7]
    instrument = "SELECT exchange, symbol, base, quote, market_type FROM instruments"
    assert [*fetch_rows(dsn, instrument)] == [(venue, SYMBOL, "BTC", "USDT", "spot")]

    _serve(exchange, now_ms, [*range(FIRST + 20)])
    more = ("--symbol", SYMBOL, "--timeframe", "1m", "--end", end)
    filled, _ = _run(capsys, "candles", "gaps", "--fill", *_arguments(exchange, venue, *more))
    assert filled["ok"]
    assert [each["inserted"] for each in filled["items"]] == [len(HOLE)]


def test_a_fetch_that_is_killed_is_continued(
    dsn: str, exchange: LoopbackExchange, capsys: pytest.CaptureFixture[str]
) -> None:
    now_ms = _this_minute()
    _serve(exchange, now_ms, [*range(FIRST)])
    start, end = (_time(now_ms - age * MINUTE_MS) for age in (FIRST - 1, 2))
    more = ("--start", start, "--end", end, "--limit", "5")
    fetch = ["candles", "fetch", SYMBOL, "1m", *_arguments(exchange, "bybit", *more)]
    process = subprocess.Popen(
        [sys.executable, "-m", "oms", *fetch],
        env=os.environ.copy(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: fetch_number(dsn, "SELECT COUNT(*) FROM candles") > 0, 30, "a page")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    before = fetch_number(dsn, "SELECT COUNT(*) FROM candles")
    expected = FIRST - 3
    assert 0 < before < expected, "the fetch was killed half-way"

    answer, _ = _run(capsys, *fetch[:-1], "1000")

    (item,) = answer["items"]
    assert (item["inserted"], item["gaps"]) == (expected - before, [])
    assert fetch_number(dsn, "SELECT COUNT(DISTINCT open_time) FROM candles") == expected
    assert fetch_number(dsn, "SELECT COUNT(*) FROM candles") == expected


def test_instruments_are_loaded_once(
    dsn: str, exchange: LoopbackExchange, capsys: pytest.CaptureFixture[str]
) -> None:
    load = ("instruments", "load", *_arguments(exchange, "bybit"))
    first, _ = _run(capsys, *load)
    second, _ = _run(capsys, *load)

    symbols = {each["symbol"]: each for each in first["items"]}
    assert first["inserted"] == len(symbols) > 1
    assert (second["inserted"], second["unchanged"]) == (0, first["inserted"])
    assert symbols["BTC/USDT:USDT"]["market_type"] == "swap"
    audited = "SELECT COUNT(*) FROM audit_log WHERE action = 'add_instrument'"
    assert fetch_number(dsn, audited) == first["inserted"]


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (("candles", "fetch", "NO/SUCH", "1m", "--start", "2026-01-01"), 4, "no market NO/SUCH"),
        (("candles", "fetch", SYMBOL, "1m"), 2, "--start is required"),
        (("candles", "fetch", SYMBOL, "7m", "--start", "2026-01-01"), 2, "no timeframe '7m'"),
        (
            ("candles", "fetch", SYMBOL, "1m", "--start", "2026-01-02", "--end", "2026-01-01"),
            2,
            "must be before",
        ),
        (("candles", "fetch", SYMBOL, "1m", "--start", "2026-01-01", "--limit", "0"), 2, "--limit"),
    ],
)
def test_bad_input_is_one_clear_line(
    dsn: str,
    exchange: LoopbackExchange,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    status: int,
    text: str,
) -> None:
    with pytest.raises(SystemExit) as raised:
        main([*arguments, *_arguments(exchange, "bybit")])
    error = capsys.readouterr().err
    assert (raised.value.code, error.count("\n")) == (status, 1)
    assert text in error
    assert fetch_number(dsn, "SELECT COUNT(*) FROM candles") == 0


def test_an_unknown_exchange_is_refused(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["instruments", "load", "--exchange", "nowhere"])
    assert raised.value.code == 2
    assert "nowhere" in capsys.readouterr().err


def test_an_unreachable_exchange_stores_nothing(
    dsn: str, exchange: LoopbackExchange, capsys: pytest.CaptureFixture[str]
) -> None:
    config = json.dumps(exchange.startup["extra_config"]["bybit"])
    config = config.replace(f":{exchange.port}", ":1")
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    source = ["--exchange", "bybit", "--environment", "loopback", "--config", config]
    with pytest.raises(SystemExit) as raised:
        main(["candles", "fetch", SYMBOL, "1m", "--start", since, *source])
    assert raised.value.code == 6
    assert fetch_number(dsn, "SELECT COUNT(*) FROM candles") == 0
