"""Market data of the Bybit dialect over REST."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from loopback.bybit.errors import invalid_request
from loopback.bybit.params import (
    find_instrument,
    instruments_of_category,
    parse_category,
    parse_limit,
    side_text,
)
from loopback.exchange.market_rows import bars_of, displayed_size, funding_times, levels_json
from loopback.exchange.venue import Bar, MarketState, PublicTradeRow, Venue
from loopback.formatting import Json, format_number, market_id, to_ms
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import ZERO, multiply

INTERVALS = {
    **{str(minutes): timedelta(minutes=minutes) for minutes in (1, 3, 5, 15, 30)},
    **{str(minutes): timedelta(minutes=minutes) for minutes in (60, 120, 240, 360, 720)},
    "D": timedelta(days=1),
    "W": timedelta(days=7),
    "M": timedelta(days=30),
}
"""Kline intervals by Bybit's names."""


def server_time(venue: Venue, params: Mapping[str, Any]) -> Json:
    """Returns the venue's time."""
    return time_json(to_ms(venue.now()))


def time_json(now_ms: int) -> Json:
    """Returns a time in Bybit's format."""
    return {"timeSecond": str(now_ms // 1000), "timeNano": str(now_ms * 1_000_000)}


def system_status(venue: Venue, params: Mapping[str, Any]) -> Json:
    """Returns no announcements of maintenance."""
    return {"list": []}


def instruments_info(venue: Venue, params: Mapping[str, Any]) -> Json:
    """Returns the instruments; none are pre-launch, and there are no options."""
    category = parse_category(params)
    rows = instruments_of_category(venue.instruments, category)
    if params.get("status", "Trading") != "Trading":
        rows = []
    if params.get("symbol"):
        rows = [find_instrument(venue.instruments, category, params)]
    to_json = _spot_json if category == "spot" else _linear_json
    return {
        "category": category,
        "list": [to_json(row) for row in rows],
        "nextPageCursor": "",
    }


def tickers(venue: Venue, params: Mapping[str, Any]) -> Json:
    """Returns the tickers of one or all symbols of a category."""
    category = parse_category(params)
    rows = instruments_of_category(venue.instruments, category)
    if params.get("symbol"):
        rows = [find_instrument(venue.instruments, category, params)]
    return {"category": category, "list": [ticker_json(venue.markets[row.symbol]) for row in rows]}


def order_book(venue: Venue, params: Mapping[str, Any]) -> Json:
    """Returns the order book, the best levels first."""
    category = parse_category(params)
    market = venue.markets[find_instrument(venue.instruments, category, params).symbol]
    depth = parse_limit(params, 1 if category == "spot" else 25, 500)
    return book_json(market, depth) | {"ts": to_ms(venue.now()), "cts": to_ms(market.at)}


def kline(venue: Venue, params: Mapping[str, Any]) -> Json:
    """Returns bars of the prices since the start, the newest first."""
    category = parse_category(params)
    market = venue.markets[find_instrument(venue.instruments, category, params).symbol]
    span = INTERVALS.get(str(params.get("interval", "")))
    if span is None:
        raise invalid_request("Invalid interval")
    start, end = (int(params.get(name) or 0) for name in ("start", "end"))
    rows = [bar for bar in bars_of(market.bars, span) if to_ms(bar.opened_at) >= start]
    rows = [bar for bar in rows if not end or to_ms(bar.opened_at) <= end]
    limit = parse_limit(params, 200, 1000)
    rows = rows[:limit] if start else rows[-limit:]
    return {
        "symbol": market_id(market.instrument.symbol),
        "category": category,
        "list": [_bar_json(bar) for bar in reversed(rows)],
    }


def recent_trade(venue: Venue, params: Mapping[str, Any]) -> Json:
    """Returns public trades, the newest first."""
    category = parse_category(params)
    market = venue.markets[find_instrument(venue.instruments, category, params).symbol]
    newest = list(reversed(market.trades))[
        : parse_limit(params, 60 if category == "spot" else 500, 1000)
    ]
    return {"category": category, "list": [_trade_json(market, row) for row in newest]}


def funding_history(venue: Venue, params: Mapping[str, Any]) -> Json:
    """Returns the funding times of a period, the newest first, each with the present rate.

    Raises ``ApiError`` for a start without an end, as Bybit does.
    """
    category = parse_category(params)
    market = venue.markets[find_instrument(venue.instruments, category, params).symbol]
    start, end, now_ms = params.get("startTime"), params.get("endTime"), to_ms(venue.now())
    if start and not end:
        raise invalid_request("endTime is required")
    times = funding_times(int(start or 0), min(int(end or now_ms), now_ms))
    rows = [
        {
            "symbol": market_id(market.instrument.symbol),
            "fundingRate": format_number(market.funding),
            "fundingRateTimestamp": str(due),
        }
        for due in reversed(times)
    ]
    return {"category": category, "list": rows[: parse_limit(params, 200, 200)]}


def book_json(market: MarketState, depth: int) -> Json:
    """Returns the current order book."""
    return {
        "s": market_id(market.instrument.symbol),
        "b": levels_json(market.instrument, market.bids[:depth]),
        "a": levels_json(market.instrument, market.asks[:depth]),
        "u": market.sequence,
        "seq": market.sequence,
    }


def ticker_json(market: MarketState) -> Json:
    """Returns a ticker; its 24 hours are the time since the start."""
    opened = market.bars[0].open
    ticker = {
        "symbol": market_id(market.instrument.symbol),
        "lastPrice": format_number(market.last),
        "prevPrice24h": format_number(opened),
        "price24hPcnt": format_number(round((market.last - opened) / opened, 6)),
        "highPrice24h": format_number(max(bar.high for bar in market.bars)),
        "lowPrice24h": format_number(min(bar.low for bar in market.bars)),
        "volume24h": format_number(sum((bar.volume for bar in market.bars), ZERO)),
        "turnover24h": format_number(
            sum((multiply(bar.volume, bar.close) for bar in market.bars), ZERO)
        ),
    }
    for side, levels in (("bid1", market.bids), ("ask1", market.asks)):
        price, qty = levels[0] if levels else (None, ZERO)
        ticker[f"{side}Price"] = format_number(price)
        size = ZERO if price is None else displayed_size(market.instrument, price, qty)
        ticker[f"{side}Size"] = format_number(size)
    if market.instrument.kind is InstrumentKind.SPOT:
        return ticker | {"usdIndexPrice": format_number(market.last)}
    return ticker | {
        "indexPrice": format_number(market.mark_price),
        "markPrice": format_number(market.mark_price),
        "prevPrice1h": format_number(opened),
        "openInterest": "1000",
        "openInterestValue": format_number(multiply(Decimal(1000), market.mark_price)),
        "fundingRate": format_number(market.funding),
        "nextFundingTime": str((to_ms(market.at) // 28_800_000 + 1) * 28_800_000),
        "predictedDeliveryPrice": "",
        "basisRate": "",
        "deliveryFeeRate": "",
        "deliveryTime": "0",
        "basis": "",
    }


def trade_stream_json(market: MarketState, row: PublicTradeRow) -> Json:
    """Returns a public trade in the format of the stream."""
    trade: Json = {
        "T": to_ms(row.at),
        "s": market_id(market.instrument.symbol),
        "S": side_text(row.side),
        "v": format_number(row.qty),
        "p": format_number(row.price),
        "i": _trade_id(row),
        "BT": False,
        "RPI": False,
    }
    return trade if market.instrument.kind is InstrumentKind.SPOT else trade | {"L": "ZeroPlusTick"}


def _trade_id(row: PublicTradeRow) -> str:
    return f"22900000{row.number:011d}"


def _trade_json(market: MarketState, row: PublicTradeRow) -> Json:
    return {
        "execId": _trade_id(row),
        "symbol": market_id(market.instrument.symbol),
        "price": format_number(row.price),
        "size": format_number(row.qty),
        "side": side_text(row.side),
        "time": str(to_ms(row.at)),
        "isBlockTrade": False,
    }


def _bar_json(bar: Bar) -> list[str]:
    prices = [format_number(each) for each in (bar.open, bar.high, bar.low, bar.close)]
    turnover = format_number(multiply(bar.volume, bar.close))
    return [str(to_ms(bar.opened_at)), *prices, format_number(bar.volume), turnover]


def _spot_json(row: Instrument) -> Json:
    return {
        "symbol": market_id(row.symbol),
        "baseCoin": row.base,
        "quoteCoin": row.quote,
        "innovation": "0",
        "status": "Trading",
        "marginTrading": "none",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": format_number(row.step),
            "quotePrecision": "0.00000001",
            "minOrderQty": format_number(row.step),
            "maxOrderQty": format_number(row.step * 100_000_000),
            "minOrderAmt": format_number(row.min_notional),
            "maxOrderAmt": "20000000",
        },
        "priceFilter": {"tickSize": format_number(row.tick)},
        "riskParameters": {"priceLimitRatioX": "0.5", "priceLimitRatioY": "0.5"},
    }


def _linear_json(row: Instrument) -> Json:
    return {
        "symbol": market_id(row.symbol),
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
            "minPrice": format_number(row.tick),
            "maxPrice": format_number(row.tick * 10_000_000),
            "tickSize": format_number(row.tick),
        },
        "lotSizeFilter": {
            "maxOrderQty": format_number(row.step * 10_000_000),
            "minOrderQty": format_number(row.step),
            "qtyStep": format_number(row.step),
            "postOnlyMaxOrderQty": format_number(row.step * 10_000_000),
            "maxMktOrderQty": format_number(row.step * 10_000_000),
            "minNotionalValue": format_number(row.min_notional),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "copyTrading": "none",
        "upperFundingRate": "0.005",
        "lowerFundingRate": "-0.005",
        "isPreListing": False,
        "preListingInfo": None,
    }
