"""``oms instruments`` and ``oms candles`` on a database."""

import asyncio
import csv
import gzip
import json
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kit.databases.schema import create_schema
from oms.adapters.ccxt.account_validation import check_account
from oms.adapters.sql.store import SqlStore
from oms.cli.main import main
from oms.domain.market.timeframe import Timeframe
from oms.ports.market.candle_store import CandleSeries

SERIES = ("--exchange", "bittrex", "--symbol", "ADA/BTC")
FIVE_MINUTES = 300_000


@pytest.fixture
def dsn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of an empty database with the instrument."""
    monkeypatch.chdir(tmp_path)
    url = f"sqlite+aiosqlite:///{tmp_path / 'oms.sqlite3'}"
    monkeypatch.setenv("OMS_DATABASE_URL", url)
    asyncio.run(create_schema(url))
    main(["instruments", "add", *SERIES, "--price-tick", "0.00000001"])
    return url


def _run(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    if status:
        with pytest.raises(SystemExit) as raised:
            main([*arguments, "--json"])
        assert raised.value.code == status
    else:
        main([*arguments, "--json"])
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def _instant(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _gaps_of(times: list[int]) -> list[dict[str, Any]]:
    """Return the gaps of ascending open times, from the set of all that were expected."""
    missing = sorted(set(range(times[0], times[-1], FIVE_MINUTES)) - set(times))
    gaps: list[dict[str, Any]] = []
    for time in missing:
        if gaps and gaps[-1]["end"] == _instant(time):
            gaps[-1]["count"] += 1
        else:
            gaps.append({"start": _instant(time), "count": 1})
        gaps[-1]["end"] = _instant(time + FIVE_MINUTES)
    return gaps


@pytest.mark.recorded
def test_recorded_candles_are_stored_with_exactly_their_gaps(
    dsn: str, recorded_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recorded_data / "market/ohlcv_bittrex_ADA-BTC_5m_2018-01.csv.gz"
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file))
    times = [int(row["ts"]) for row in rows]
    gaps = _gaps_of(times)
    arguments = ["candles", "import", str(path), *SERIES, "--timeframe", "5m"]
    status = 7 if gaps else 0

    first = _run(capsys, *arguments, status=status)
    second = _run(capsys, *arguments, status=status)
    listed = _run(capsys, "candles", "gaps", *SERIES, "--timeframe", "5m", status=status)

    assert gaps, "the recorded candles have gaps"
    assert first["gaps"] == second["gaps"] == listed["gaps"] == gaps
    assert listed["missing"] == sum(gap["count"] for gap in gaps)
    assert (first["inserted"], first["unchanged"]) == (len(rows), 0)
    assert (second["inserted"], second["unchanged"], second["updated"]) == (0, len(rows), 0)

    made = _run(capsys, "candles", "resample", "5m", "1h", *SERIES)["items"][0]
    hours = defaultdict(list)
    for row in rows:
        hours[int(row["ts"]) // 3_600_000].append(row)
    whole = {hour: parts for hour, parts in hours.items() if len(parts) == 12}
    assert made["inserted"] == len(whole)
    last_close = times[-1] + FIVE_MINUTES
    incomplete = [
        _instant(hour * 3_600_000)
        for hour in sorted(hours)
        if hour not in whole and (hour + 1) * 3_600_000 <= last_close
    ]
    assert made["incomplete"] == incomplete
    assert asyncio.run(_stored(dsn)) == {
        hour * 3_600_000: (
            _number(parts[0]["open"]),
            max(_number(part["high"]) for part in parts),
            min(_number(part["low"]) for part in parts),
            _number(parts[-1]["close"]),
            sum(_number(part["volume"]) for part in parts),
        )
        for hour, parts in whole.items()
    }


def _number(text: str) -> Decimal:
    """Return a recorded number at the 18 places that are stored."""
    return Decimal(text).quantize(Decimal(1).scaleb(-18))


async def _stored(dsn: str) -> dict[int, tuple[Decimal | None, ...]]:
    """Return the stored hours by open time in milliseconds."""
    store = await SqlStore.open(dsn, check_account)
    try:
        series = CandleSeries(instrument_id=1, timeframe=Timeframe.HOUR)
        return {
            round(row.candle.open_time.timestamp() * 1000): (
                *(row.candle.open, row.candle.high, row.candle.low),
                *(row.candle.close, row.candle.volume),
            )
            async for row in store.candles.closed(series)
        }
    finally:
        await store.close()


def _write(folder: Path, *lines: str) -> str:
    path = folder / "prices.csv"
    path.write_text("\n".join(["time,open,high,low,close,volume", *lines]), encoding="utf-8")
    return str(path)


def test_a_revised_candle_is_counted(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--timeframe", "1d", *SERIES)
    _run(capsys, "candles", "import", _write(tmp_path, "2024-01-01,1,1,1,1,1"), *arguments)
    revised = _write(tmp_path, "2024-01-01,2,2,2,2,1", "2024-01-02,2,2,2,2,1")
    counts = _run(capsys, "candles", "import", revised, *arguments)

    assert (counts["inserted"], counts["updated"], counts["unchanged"]) == (1, 1, 0)
    coverage = _run(capsys, "candles", "coverage")["items"]
    assert coverage == [
        {
            "exchange": "bittrex",
            "symbol": "ADA/BTC",
            "timeframe": "1d",
            "candles": 2,
            "first": "2024-01-01T00:00:00Z",
            "last": "2024-01-02T00:00:00Z",
        }
    ]
    bounds = ("--start", "2023-12-31", "--end", "2024-01-04")
    gaps = _run(capsys, "candles", "gaps", *arguments, *bounds, status=7)["gaps"]
    assert [(gap["start"], gap["count"]) for gap in gaps] == [
        ("2023-12-31T00:00:00Z", 1),
        ("2024-01-03T00:00:00Z", 1),
    ]


@pytest.mark.parametrize("verb", ["run", "sweep"])
def test_a_backtest_of_stored_candles_is_that_of_their_file(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    days = [f"2024-01-{day:02},{day % 5 + 1},9,1,{day % 4 + 2},1" for day in range(1, 31)]
    file = _write(tmp_path, *days)
    _run(capsys, "candles", "import", file, *SERIES, "--timeframe", "1d")
    strategy = ["--timeframe", "1d", "--strategy", "sma_cross"]
    if verb == "run":
        strategy += ["--param", "fast=1", "--param", "slow=2"]
    else:
        strategy += ["--grid", "fast=1,2", "--grid", "slow=3,4", "--workers", "2"]
    stored = _run(capsys, "backtest", verb, *SERIES, *strategy)
    read = _run(capsys, "backtest", verb, "--csv", file, "--symbol", "ADA/BTC", *strategy)

    assert stored == read
    trips = stored["total_trades"] if verb == "run" else stored["items"][0]["total_trades"]
    assert trips > 1


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (("candles", "gaps", "--exchange", "x", "--symbol", "A/B"), 4, "no instrument A/B of x"),
        (("instruments", "add", *SERIES), 1, "bittrex has an instrument ADA/BTC"),
        (("instruments", "add", "--exchange", "x", "--symbol", " "), 2, "symbol ' '"),
        (("instruments", "add", "--exchange", "x", "--symbol", "A/B", "--qty-step", "0"), 2, "0"),
        (("candles", "resample", "1w", "1M", *SERIES), 2, "candles of 1M do not consist of"),
        (("candles", "resample", "5m", *SERIES), 2, "at least one larger timeframe"),
        (("candles", "resample", "5m", "7m", *SERIES), 2, "no timeframe '7m'"),
    ],
)
def test_bad_input_is_one_clear_line(
    dsn: str,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    status: int,
    text: str,
) -> None:
    more = ("--timeframe", "1h") if arguments[1] == "gaps" else ()
    with pytest.raises(SystemExit) as raised:
        main([*arguments, *more])

    error = capsys.readouterr().err
    assert (raised.value.code, error.count("\n")) == (status, 1)
    assert text in error


def test_a_candle_of_the_future_stores_nothing(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _write(tmp_path, "2024-01-01,1,1,1,1,1", "2224-01-01,1,1,1,1,1")
    with pytest.raises(SystemExit) as raised:
        main(["candles", "import", file, *SERIES, "--timeframe", "1d"])

    assert raised.value.code == 2
    assert "2224-01-01T00:00:00+00:00 is in the future" in capsys.readouterr().err
    assert _run(capsys, "candles", "coverage") == {"items": []}


@pytest.mark.recorded
def test_recorded_funding_is_stored_once(
    dsn: str, recorded_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recorded_data / "market/funding_perp_XRP-USDT_8h_2021-11.csv.gz"
    with gzip.open(path, "rt") as file:
        count = len(list(csv.DictReader(file)))
    contract = ("--exchange", "binance", "--symbol", "XRP/USDT:USDT")
    main(["instruments", "add", *contract, "--market-type", "swap"])
    first = _run(capsys, "candles", "funding", str(path), *contract)
    second = _run(capsys, "candles", "funding", str(path), *contract)
    assert (first["read"], first["inserted"], first["unchanged"]) == (count, count, 0)
    assert (second["inserted"], second["updated"], second["unchanged"]) == (0, 0, count)
    with pytest.raises(SystemExit) as raised:
        main(["candles", "funding", str(path), *SERIES])
    assert raised.value.code == 2
    assert "is a spot market: it has no funding" in capsys.readouterr().err
