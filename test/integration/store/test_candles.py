"""Instruments and candles on every database."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from oms.adapters.sql.store import SqlStore
from oms.domain.errors import Conflict
from oms.domain.market.candle import Candle
from oms.domain.market.candle_rows import CandleRow, CandleSource
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import evolve
from oms.ports.audit_log import AuditContext
from oms.ports.market.candle_store import CandleSeries, UpsertCounts

AT = datetime(2024, 1, 1, tzinfo=UTC)
BTC = MarketInstrument(
    id=0,
    exchange="binance",
    symbol="BTC/USDT",
    base="BTC",
    quote="USDT",
    price_tick=Decimal("0.01"),
    qty_step=Decimal("0.000000000000000001"),
)


def _row(number: int, close: str = "100", **changes: object) -> CandleRow:
    price = Decimal(close)
    candle = Candle(
        open_time=AT + number * timedelta(minutes=1),
        open=price,
        high=price,
        low=price,
        close=price,
        volume=Decimal("0.000000000000000001"),
    )
    row = CandleRow(candle=candle, is_closed=True, source=CandleSource.EXCHANGE, updated_at=AT)
    return evolve(row, **changes)


async def _series(store: SqlStore, timeframe: str = "1m", **changes: object) -> CandleSeries:
    added = await store.instruments.add(evolve(BTC, **changes), AuditContext(actor="x", at=AT))
    return CandleSeries(instrument_id=added.id, timeframe=Timeframe(timeframe))


async def _closes(store: SqlStore, series: CandleSeries) -> list[tuple[datetime, int]]:
    return [
        (row.candle.open_time, int(row.candle.close)) async for row in store.candles.closed(series)
    ]


def _plain(rows: Sequence[CandleRow]) -> list[int]:
    return [int((row.candle.open_time - AT) / timedelta(minutes=1)) for row in rows]


async def test_an_instrument_is_stored_once(store: SqlStore) -> None:
    series = await _series(store)

    found = await store.instruments.find("binance", "BTC/USDT")
    assert found == evolve(BTC, id=series.instrument_id)
    with pytest.raises(Conflict) as raised:
        await _series(store)
    assert raised.value.reason == "instrument_exists"
    assert await store.instruments.find("binance", "btc/usdt") is None
    assert [row.action for row in await store.audit_log.unchained_rows(9)] == ["add_instrument"]


async def test_one_symbol_at_two_exchanges_has_two_histories(store: SqlStore) -> None:
    one, other = await _series(store), await _series(store, exchange="bybit", is_active=False)
    await store.candles.upsert(one, [_row(0)])

    assert await _closes(store, other) == []
    named = [each.exchange for each in await store.instruments.all()]
    assert named == ["binance", "bybit"]
    assert [each.exchange for each in await store.instruments.all(active=False)] == ["bybit"]
    assert [each.exchange for each in await store.instruments.all("binance")] == ["binance"]


async def test_a_minute_and_a_month_of_one_time_are_two_candles(store: SqlStore) -> None:
    minute = await _series(store)
    month = evolve(minute, timeframe=Timeframe.MONTH)
    await store.candles.upsert(minute, [_row(0, "1")])
    await store.candles.upsert(month, [_row(0, "2")])

    assert [await _closes(store, each) for each in (minute, month)] == [[(AT, 1)], [(AT, 2)]]
    coverage = await store.candles.coverage(minute.instrument_id)
    assert [(each.series.timeframe.value, each.count) for each in coverage] == [
        ("1m", 1),
        ("1M", 1),
    ]


async def test_an_open_candle_is_replaced_by_its_final_form(store: SqlStore) -> None:
    series = await _series(store)
    first = await store.candles.upsert(series, [_row(0, "100", is_closed=False)])
    assert await _closes(store, series) == []
    final = await store.candles.upsert(series, [_row(0, "101")])
    late = await store.candles.upsert(series, [_row(0, "99", is_closed=False)])

    assert (first, final, late) == (
        UpsertCounts(inserted=1),
        UpsertCounts(updated=1),
        UpsertCounts(unchanged=1),
    )
    assert await _closes(store, series) == [(AT, 101)]


async def test_counts_are_those_of_the_database(store: SqlStore) -> None:
    series = await _series(store)
    rows = [_row(number) for number in range(1200)]
    assert await store.candles.upsert(series, rows) == UpsertCounts(inserted=1200)
    assert await store.candles.upsert(series, rows) == UpsertCounts(unchanged=1200)

    revised = [*rows[:3], _row(3, "7"), _row(1200)]
    counts = await store.candles.upsert(series, revised)
    assert counts == UpsertCounts(inserted=1, updated=1, unchanged=3)
    assert await store.candles.upsert(series, []) == UpsertCounts()


async def test_a_resampled_candle_never_replaces_another(store: SqlStore) -> None:
    series = await _series(store)
    made = {"source": CandleSource.RESAMPLE}
    await store.candles.upsert(series, [_row(0, "1"), _row(1, "1", **made)])
    counts = await store.candles.upsert(series, [_row(0, "2", **made), _row(1, "2", **made)])

    assert counts == UpsertCounts(updated=1, unchanged=1)
    assert [close for _, close in await _closes(store, series)] == [1, 2]


async def test_the_newest_are_read_ascending(store: SqlStore) -> None:
    series = await _series(store)
    await store.candles.upsert(series, [_row(number) for number in range(10)])
    await store.candles.upsert(series, [_row(10, is_closed=False)])
    bounds = {"start": AT + timedelta(minutes=2), "end": AT + timedelta(minutes=8)}

    assert _plain(await store.candles.newest(series, start=None, end=None, limit=3)) == [7, 8, 9]
    assert _plain(await store.candles.newest(series, **bounds, limit=2)) == [6, 7]
    assert _plain(await store.candles.newest(series, **bounds, limit=100)) == [2, 3, 4, 5, 6, 7]
    newest = await store.candles.newest(series, start=None, end=None, limit=2, include_open=True)
    assert [(row.is_closed, _plain([row])) for row in newest] == [(True, [9]), (False, [10])]
    assert newest[0] == _row(9)


async def test_all_closed_rows_are_read_page_by_page(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oms.adapters.sql.market.candles.PAGE_ROWS", 4)
    series = await _series(store)
    await store.candles.upsert(series, [_row(number) for number in range(12)])
    end = AT + timedelta(minutes=10)

    assert _plain([row async for row in store.candles.closed(series)]) == list(range(12))
    start = AT + timedelta(minutes=1)
    assert _plain([row async for row in store.candles.closed(series, start, end)]) == [
        *range(1, 10)
    ]


async def _events(store: SqlStore) -> list[tuple[int, str, dict[str, object]]]:
    rows = await store.history.events({0: 0}, 100)
    return [(each.row.seq, each.row.event_type, json.loads(each.row.payload)) for each in rows]


async def test_each_closed_candle_is_reported_once(store: SqlStore) -> None:
    series = await _series(store)
    instrument = evolve(BTC, id=series.instrument_id)
    forming = _row(2, is_closed=False)
    rows = [_row(0), _row(1), forming]
    await store.candles.upsert(series, rows, instrument)
    await store.candles.upsert(series, rows, instrument)
    await store.candles.upsert(series, [_row(2, "7"), _row(3)], instrument)
    await store.candles.upsert(series, [_row(1, "5")], instrument)
    await store.candles.upsert(series, [_row(9)])

    events = await _events(store)
    first = events[0][0]
    assert [(seq - first, name) for seq, name, _ in events] == [
        *((number, "candle_closed") for number in range(4)),
        (4, "candle_revised"),
    ]
    times = [payload["open_time"] for _, _, payload in events]
    assert [str(time)[14:16] for time in times] == ["00", "01", "02", "03", "01"]
    assert events[2][2] == {
        "account_id": 0,
        "exchange_id": "binance",
        "symbol": "BTC/USDT",
        "timeframe": "1m",
        "open_time": "2024-01-01T00:02:00.000000Z",
        "open": "7",
        "high": "7",
        "low": "7",
        "close": "7",
        "volume": "0.000000000000000001",
    }
    revised = events[4][2]
    assert [revised[name]["close"] for name in ("old", "new")] == ["100", "5"]  # type: ignore[index]
