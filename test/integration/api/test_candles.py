"""``GET /market/candles`` and ``GET /market/symbols`` over HTTP."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kit.gateway.in_process import ADMIN_KEY, InProcessGateway
from oms.domain.market.candle import Candle
from oms.domain.market.candle_rows import CandleRow, CandleSource
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe
from oms.ports.audit_log import AuditContext
from oms.ports.market.candle_store import CandleSeries

HOUR = timedelta(hours=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
SERIES = "exchange=binance&symbol=BTC/USDT&timeframe=1h"


def _row(at: datetime, price: int, *, is_closed: bool = True, volume: str | None = "2.50") -> Any:
    number = Decimal(price)
    candle = Candle(
        open_time=at,
        open=number,
        high=number + 2,
        low=number - 1,
        close=number + 1,
        volume=None if volume is None else Decimal(volume),
    )
    return CandleRow(
        candle=candle, is_closed=is_closed, source=CandleSource.EXCHANGE, updated_at=START
    )


async def _add(gateway: InProcessGateway, exchange: str, rows: Sequence[CandleRow]) -> None:
    instrument = MarketInstrument(
        id=0, exchange=exchange, symbol="BTC/USDT", base="BTC", quote="USDT"
    )
    context = AuditContext(actor="test", at=START)
    stored = await gateway.store.instruments.add(instrument, context)
    series = CandleSeries(instrument_id=stored.id, timeframe=Timeframe.HOUR)
    await gateway.store.candles.upsert(series, rows)


@pytest.fixture
async def candles(gateway: InProcessGateway) -> InProcessGateway:
    """Return a gateway with ten candles of one exchange and one of another."""
    await _add(gateway, "binance", [_row(START + n * HOUR, 100 + n) for n in range(10)])
    await _add(gateway, "bybit", [_row(START, 7, volume=None)])
    return gateway


async def _read(gateway: InProcessGateway, query: str) -> Any:
    response = await gateway.client("GET", f"/market/candles?{query}")
    assert response.status == 200, response.body
    return response.json()


def _closes(body: Any) -> list[str]:
    return [item["close"] for item in body["items"]]


async def test_the_newest_are_returned_ascending(candles: InProcessGateway) -> None:
    body = await _read(candles, f"{SERIES}&limit=3")
    assert _closes(body) == ["108", "109", "110"]
    assert body["items"][0] == {
        "time": "2026-01-01T07:00:00.000000Z",
        "open": "107",
        "high": "109",
        "low": "106",
        "close": "108",
        "volume": "2.5",
        "is_closed": True,
    }
    assert (body["exchange"], body["symbol"], body["timeframe"]) == ("binance", "BTC/USDT", "1h")


async def test_the_cursor_leads_to_the_first_candle(candles: InProcessGateway) -> None:
    pages, cursor = [], ""
    while cursor is not None:
        body = await _read(candles, f"{SERIES}&limit=4&cursor={cursor}")
        pages.append(_closes(body))
        cursor = body["next_cursor"]
    assert [len(page) for page in pages] == [4, 4, 2]
    assert [each for page in reversed(pages) for each in page] == [str(101 + n) for n in range(10)]


async def test_a_range_is_half_open(candles: InProcessGateway) -> None:
    bounds = "start=2026-01-01T02:00:00Z&end=2026-01-01T05:00:00Z"
    body = await _read(candles, f"{SERIES}&{bounds}")
    assert (_closes(body), body["next_cursor"]) == (["103", "104", "105"], None)
    older = (await _read(candles, f"{SERIES}&{bounds}&limit=2"))["next_cursor"]
    assert _closes(await _read(candles, f"{SERIES}&{bounds}&limit=2&cursor={older}")) == ["103"]


async def test_exchanges_have_histories_of_their_own(candles: InProcessGateway) -> None:
    body = await _read(candles, SERIES.replace("binance", "bybit"))
    assert [(item["close"], item["volume"]) for item in body["items"]] == [("8", None)]


async def test_the_forming_candle_is_added_where_it_is_wanted(gateway: InProcessGateway) -> None:
    day = datetime.now(UTC).replace(year=datetime.now(UTC).year + 1)
    forming = _row(day.replace(minute=0, second=0, microsecond=0), 6, is_closed=False)
    outdated = _row(START - 5 * HOUR, 4, is_closed=False)
    await _add(gateway, "binance", [_row(START, 5), forming, outdated])
    assert _closes(await _read(gateway, SERIES)) == ["6"]
    both = await _read(gateway, f"{SERIES}&include_open=true&limit=1")
    shown = [(item["close"], item["is_closed"]) for item in both["items"]]
    assert shown == [("6", True), ("7", False)], "what was left open earlier does not form"


async def test_what_a_client_has_is_not_sent_again(candles: InProcessGateway) -> None:
    path = f"/market/candles?{SERIES}"
    first = await candles.client("GET", path)
    tag = first.headers["etag"]
    again = await candles.client("GET", path, headers={"if-none-match": tag})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    series = CandleSeries(instrument_id=1, timeframe=Timeframe.HOUR)
    await candles.store.candles.upsert(series, [_row(START + 10 * HOUR, 200)])
    changed = await candles.client("GET", path, headers={"if-none-match": tag})
    assert (changed.status, changed.json()["items"][-1]["close"]) == (200, "201")


@pytest.mark.parametrize(
    ("query", "status", "named"),
    [
        (f"{SERIES}&limit=0", 422, "limit"),
        (f"{SERIES}&limit=-5", 422, "limit"),
        (f"{SERIES}&limit=5001", 422, "limit"),
        (f"{SERIES}&limit=1e3", 422, "limit"),
        (f"{SERIES}&start=yesterday", 422, "start"),
        (f"{SERIES}&start=2&end=1", 422, "start"),
        (f"{SERIES}&cursor=x", 422, "cursor"),
        (SERIES.replace("1h", "7m"), 422, "timeframe"),
        (SERIES.replace("1h", "1H"), 422, "timeframe"),
        ("symbol=BTC/USDT&timeframe=1h", 422, "exchange"),
        ("exchange=binance&timeframe=1h", 422, "symbol"),
        ("exchange=binance&symbol=BTC/USDT", 422, "timeframe"),
        (SERIES.replace("binance", "nowhere"), 404, "unknown_instrument"),
        (SERIES.replace("BTC", "DOGE"), 404, "unknown_instrument"),
    ],
)
async def test_a_bad_query_is_refused(
    candles: InProcessGateway, query: str, status: int, named: str
) -> None:
    response = await candles.client("GET", f"/market/candles?{query}")
    assert response.status == status, response.body
    assert f'"{named}"' in response.body.decode()


async def test_instruments_are_listed(candles: InProcessGateway) -> None:
    async def exchanges(query: str) -> list[str]:
        body = (await candles.client("GET", f"/market/symbols?{query}")).json()
        return [item["exchange"] for item in body["items"]]

    assert await exchanges("") == ["binance", "bybit"]
    assert await exchanges("exchange=bybit&active=true") == ["bybit"]
    assert await exchanges("active=false") == []
    assert (await candles.client("GET", "/market/symbols?active=maybe")).status == 422


INGESTION = {"exchange": "binance", "symbol": "BTC/USDT", "timeframe": "1h"}


async def test_a_series_is_switched_on_and_off(candles: InProcessGateway) -> None:
    admin = {"key": ADMIN_KEY}
    made = await candles.client("POST", "/market/ingestion", INGESTION, **admin)
    assert made.status == 200, made.body
    row = made.json()
    assert (row["enabled"], row["newest"], row["lag_seconds"]) == (True, None, None)
    off = INGESTION | {"enabled": False, "start": "2026-01-01T00:30:00Z"}
    changed = (await candles.client("POST", "/market/ingestion", off, **admin)).json()
    assert (changed["id"], changed["enabled"]) == (row["id"], False)
    assert changed["start"] == "2026-01-01T00:00:00.000000Z", "a candle begins at its boundary"
    listed = (await candles.client("GET", "/market/ingestion")).json()["items"]
    assert listed == [changed]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"exchange": "nowhere"}, 404),
        ({"timeframe": "7m"}, 422),
        ({"start": "2199-01-01T00:00:00Z"}, 422),
        ({"start": "0001-01-01T00:00:00Z"}, 422),
        ({"enabled": "yes"}, 422),
        ({"other": 1}, 422),
    ],
)
async def test_a_bad_series_is_refused(
    candles: InProcessGateway, change: dict[str, Any], status: int
) -> None:
    body = INGESTION | change
    response = await candles.client("POST", "/market/ingestion", body, key=ADMIN_KEY)
    assert response.status == status, response.body
    assert (await candles.client("GET", "/market/ingestion")).json() == {"items": []}


async def test_only_administrators_switch_series(candles: InProcessGateway) -> None:
    response = await candles.client("POST", "/market/ingestion", INGESTION)
    assert response.status == 403


async def test_coverage_counts_what_is_stored_and_missing(gateway: InProcessGateway) -> None:
    hours = [n for n in range(10) if n not in (3, 4, 7)]
    await _add(gateway, "binance", [_row(START + n * HOUR, 100 + n) for n in hours])
    await _add(gateway, "bybit", [])
    response = await gateway.client("GET", "/market/coverage")
    body = response.json()
    assert body["next_cursor"] is None
    (row,) = body["items"]
    lag = row.pop("lag_seconds")
    assert lag > 0
    assert row == {
        "exchange": "binance",
        "symbol": "BTC/USDT",
        "timeframe": "1h",
        "candles": 7,
        "first": "2026-01-01T00:00:00.000000Z",
        "last": "2026-01-01T09:00:00.000000Z",
        "last_close": "2026-01-01T10:00:00.000000Z",
        "missing": 3,
    }
    first = (await gateway.client("GET", "/market/coverage?limit=1")).json()
    assert len(first["items"]) == 1
    rest = await gateway.client("GET", f"/market/coverage?limit=1&cursor={first['next_cursor']}")
    assert rest.json() == {"items": [], "next_cursor": None}
    other = await gateway.client("GET", "/market/coverage?exchange=bybit")
    assert other.json()["items"] == []


async def test_gaps_are_listed_and_a_search_is_bounded(gateway: InProcessGateway) -> None:
    hours = [n for n in range(10) if n not in (3, 4, 7)]
    await _add(gateway, "binance", [_row(START + n * HOUR, 100 + n) for n in hours])
    body = (await gateway.client("GET", f"/market/gaps?{SERIES}")).json()
    gaps = [(each["start"][11:13], each["end"][11:13], each["candles"]) for each in body["items"]]
    assert gaps == [("03", "05", 2), ("07", "08", 1)]
    assert (body["missing"], body["gaps"]) == (3, 2)
    assert (body["start"], body["end"]) == (
        "2026-01-01T00:00:00.000000Z",
        "2026-01-01T10:00:00.000000Z",
    )
    part = f"{SERIES}&start=2026-01-01T05:00:00Z&end=2026-01-01T12:00:00Z"
    body = (await gateway.client("GET", f"/market/gaps?{part}")).json()
    assert [each["candles"] for each in body["items"]] == [1, 2]

    years = "start=2000-01-01T00:00:00Z&end=2026-01-01T00:00:00Z"
    too_long = await gateway.client("GET", f"/market/gaps?{SERIES}&{years}")
    assert too_long.status == 422
    assert "100000 candles at most" in str(too_long.body)
    unknown = await gateway.client("GET", f"/market/gaps?{SERIES.replace('binance', 'none')}")
    assert unknown.status == 404
    empty = await gateway.client("GET", f"/market/gaps?{SERIES.replace('1h', '1d')}")
    assert (empty.json()["start"], empty.json()["items"]) == (None, [])
