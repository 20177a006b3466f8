"""Market data of the Bybit dialect, by REST."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from loopback.bybit.errors import bad
from loopback.bybit.names import category_in, instrument_in, limit_in, listed, side_text
from loopback.showing import bars_of, levels_json, size_of
from loopback.venue import Bar, Print, Shown, Venue
from loopback.words import Json, id_of, ms, text
from oms.domain.instrument import Instrument, Kind
from oms.domain.money import ZERO, product

INTERVALS = {
    **{str(minutes): timedelta(minutes=minutes) for minutes in (1, 3, 5, 15, 30)},
    **{str(minutes): timedelta(minutes=minutes) for minutes in (60, 120, 240, 360, 720)},
    "D": timedelta(days=1),
    "W": timedelta(days=7),
    "M": timedelta(days=30),
}
"""Kline intervals by Bybit's name."""


def server_time(venue: Venue, params: Mapping[str, Any]) -> Json:
    """The venue's time."""
    return time_told(ms(venue.now()))


def time_told(now_ms: int) -> Json:
    """A time as Bybit writes it."""
    return {"timeSecond": str(now_ms // 1000), "timeNano": str(now_ms * 1_000_000)}


def system_status(venue: Venue, params: Mapping[str, Any]) -> Json:
    """No maintenance is announced."""
    return {"list": []}


def instruments_info(venue: Venue, params: Mapping[str, Any]) -> Json:
    """What can be traded; nothing waits for its launch, and there are no options."""
    category = category_in(params)
    rows = listed(venue.instruments, category)
    if params.get("status", "Trading") != "Trading":
        rows = []
    if params.get("symbol"):
        rows = [instrument_in(venue.instruments, category, params)]
    write = _spot_json if category == "spot" else _linear_json
    return {
        "category": category,
        "list": [write(row) for row in rows],
        "nextPageCursor": "",
    }


def tickers(venue: Venue, params: Mapping[str, Any]) -> Json:
    """Prices of one or of all symbols of a category."""
    category = category_in(params)
    rows = listed(venue.instruments, category)
    if params.get("symbol"):
        rows = [instrument_in(venue.instruments, category, params)]
    return {"category": category, "list": [ticker_json(venue.shown[row.symbol]) for row in rows]}


def order_book(venue: Venue, params: Mapping[str, Any]) -> Json:
    """The book, best levels first."""
    category = category_in(params)
    shown = venue.shown[instrument_in(venue.instruments, category, params).symbol]
    depth = limit_in(params, 1 if category == "spot" else 25, 500)
    return book_json(shown, depth) | {"ts": ms(venue.now()), "cts": ms(shown.at)}


def kline(venue: Venue, params: Mapping[str, Any]) -> Json:
    """Bars of what was seen since the start, the newest first."""
    category = category_in(params)
    shown = venue.shown[instrument_in(venue.instruments, category, params).symbol]
    span = INTERVALS.get(str(params.get("interval", "")))
    if span is None:
        raise bad("Invalid interval")
    start, end = (int(params.get(name) or 0) for name in ("start", "end"))
    rows = [bar for bar in bars_of(shown.bars, span) if ms(bar.begins) >= start]
    rows = [bar for bar in rows if not end or ms(bar.begins) <= end]
    limit = limit_in(params, 200, 1000)
    rows = rows[:limit] if start else rows[-limit:]
    return {
        "symbol": id_of(shown.instrument.symbol),
        "category": category,
        "list": [_bar_json(bar) for bar in reversed(rows)],
    }


def recent_trade(venue: Venue, params: Mapping[str, Any]) -> Json:
    """Public trades, the newest first."""
    category = category_in(params)
    shown = venue.shown[instrument_in(venue.instruments, category, params).symbol]
    newest = list(reversed(shown.prints))[
        : limit_in(params, 60 if category == "spot" else 500, 1000)
    ]
    return {"category": category, "list": [_print_json(shown, row) for row in newest]}


def book_json(shown: Shown, depth: int) -> Json:
    """A book as it stands."""
    return {
        "s": id_of(shown.instrument.symbol),
        "b": levels_json(shown.instrument, shown.bids[:depth]),
        "a": levels_json(shown.instrument, shown.asks[:depth]),
        "u": shown.sequence,
        "seq": shown.sequence,
    }


def ticker_json(shown: Shown) -> Json:
    """A ticker; the day is what was seen since the start."""
    opened = shown.bars[0].open
    told = {
        "symbol": id_of(shown.instrument.symbol),
        "lastPrice": text(shown.last),
        "prevPrice24h": text(opened),
        "price24hPcnt": text(round((shown.last - opened) / opened, 6)),
        "highPrice24h": text(max(bar.high for bar in shown.bars)),
        "lowPrice24h": text(min(bar.low for bar in shown.bars)),
        "volume24h": text(sum((bar.volume for bar in shown.bars), ZERO)),
        "turnover24h": text(sum((product(bar.volume, bar.close) for bar in shown.bars), ZERO)),
    }
    for word, levels in (("bid1", shown.bids), ("ask1", shown.asks)):
        price, qty = levels[0] if levels else (None, ZERO)
        told[f"{word}Price"] = text(price)
        size = ZERO if price is None else size_of(shown.instrument, price, qty)
        told[f"{word}Size"] = text(size)
    if shown.instrument.kind is Kind.SPOT:
        return told | {"usdIndexPrice": text(shown.last)}
    return told | {
        "indexPrice": text(shown.mark_price),
        "markPrice": text(shown.mark_price),
        "prevPrice1h": text(opened),
        "openInterest": "1000",
        "openInterestValue": text(product(Decimal(1000), shown.mark_price)),
        "fundingRate": text(shown.funding),
        "nextFundingTime": str((ms(shown.at) // 28_800_000 + 1) * 28_800_000),
        "predictedDeliveryPrice": "",
        "basisRate": "",
        "deliveryFeeRate": "",
        "deliveryTime": "0",
        "basis": "",
    }


def print_stream_json(shown: Shown, row: Print) -> Json:
    """A public trade as the stream tells it."""
    told: Json = {
        "T": ms(row.at),
        "s": id_of(shown.instrument.symbol),
        "S": side_text(row.side),
        "v": text(row.qty),
        "p": text(row.price),
        "i": _print_id(row),
        "BT": False,
        "RPI": False,
    }
    return told if shown.instrument.kind is Kind.SPOT else told | {"L": "ZeroPlusTick"}


def _print_id(row: Print) -> str:
    return f"22900000{row.number:011d}"


def _print_json(shown: Shown, row: Print) -> Json:
    return {
        "execId": _print_id(row),
        "symbol": id_of(shown.instrument.symbol),
        "price": text(row.price),
        "size": text(row.qty),
        "side": side_text(row.side),
        "time": str(ms(row.at)),
        "isBlockTrade": False,
    }


def _bar_json(bar: Bar) -> list[str]:
    prices = [text(each) for each in (bar.open, bar.high, bar.low, bar.close)]
    turnover = text(product(bar.volume, bar.close))
    return [str(ms(bar.begins)), *prices, text(bar.volume), turnover]


def _spot_json(row: Instrument) -> Json:
    return {
        "symbol": id_of(row.symbol),
        "baseCoin": row.base,
        "quoteCoin": row.quote,
        "innovation": "0",
        "status": "Trading",
        "marginTrading": "none",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": text(row.step),
            "quotePrecision": "0.00000001",
            "minOrderQty": text(row.step),
            "maxOrderQty": text(row.step * 100_000_000),
            "minOrderAmt": text(row.min_notional),
            "maxOrderAmt": "20000000",
        },
        "priceFilter": {"tickSize": text(row.tick)},
        "riskParameters": {"priceLimitRatioX": "0.5", "priceLimitRatioY": "0.5"},
    }


def _linear_json(row: Instrument) -> Json:
    return {
        "symbol": id_of(row.symbol),
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": row.base,
        "quoteCoin": row.quote,
        "settleCoin": row.settle,
        "launchTime": "1585526400000",
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(max(-int(row.tick.as_tuple().exponent), 0)),
        "leverageFilter": {
            "minLeverage": "1",
            "maxLeverage": f"{row.max_leverage}.00",
            "leverageStep": "1",
        },
        "priceFilter": {
            "minPrice": text(row.tick),
            "maxPrice": text(row.tick * 10_000_000),
            "tickSize": text(row.tick),
        },
        "lotSizeFilter": {
            "maxOrderQty": text(row.step * 10_000_000),
            "minOrderQty": text(row.step),
            "qtyStep": text(row.step),
            "postOnlyMaxOrderQty": text(row.step * 10_000_000),
            "maxMktOrderQty": text(row.step * 10_000_000),
            "minNotionalValue": text(row.min_notional),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "copyTrading": "none",
        "upperFundingRate": "0.005",
        "lowerFundingRate": "-0.005",
        "isPreListing": False,
        "preListingInfo": None,
    }
