"""Closed candles over a TCP socket, for a key without any role but that of a trader."""

from datetime import UTC, datetime
from decimal import Decimal

from integration.websocket.conftest import KEY, ServedGateway
from kit.backtests.stored_candles import store_candle
from kit.http.websocket_client import connect_client
from oms.domain.market.candle import Candle
from oms.domain.market.candle_rows import CandleRow, CandleSource
from oms.domain.market.timeframe import Timeframe
from oms.ports.market.candle_store import CandleSeries

AT = datetime(2026, 1, 1, 1, tzinfo=UTC)


async def test_a_closed_candle_is_sent_to_subscribers_of_market(served: ServedGateway) -> None:
    store, price = served.gateway.store, Decimal("60000.5")
    await store_candle(store)
    (instrument,) = await store.instruments.all()
    candle = Candle(open_time=AT, open=price, high=price, low=price, close=price, volume=None)
    row = CandleRow(candle=candle, is_closed=True, source=CandleSource.EXCHANGE, updated_at=AT)
    series = CandleSeries(instrument_id=instrument.id, timeframe=Timeframe.HOUR)
    payload = {"account_ids": [served.account_id], "with_snapshot": False}
    async with (
        connect_client(served.url, KEY) as client,
        connect_client(served.url, KEY) as other,
    ):
        await client.send("subscribe", payload | {"namespaces": ["market"]})
        await other.send("subscribe", payload | {"namespaces": ["position", "signal"]})
        for each in (client, other):
            await each.receive_event("subscribed")
        await store.candles.upsert(series, [row], instrument)
        event = await client.receive_event("candle_closed")
        await served.trade()
        await other.receive_event("position_updated")

    assert (event["account_id"], event["namespace"]) == (0, "market")
    assert event["payload"] == {
        "account_id": 0,
        "exchange_id": "binance",
        "symbol": "BTC/USDT",
        "timeframe": "1h",
        "open_time": "2026-01-01T01:00:00.000000Z",
        "open": "60000.5",
        "high": "60000.5",
        "low": "60000.5",
        "close": "60000.5",
        "volume": None,
    }
    assert "candle_closed" not in [frame["event"] for frame in other.frames]
