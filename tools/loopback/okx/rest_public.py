"""Market data of the OKX dialect over REST; the shapes are those that ccxt's ``okx.py`` parses."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from loopback.exchange.market_rows import FUNDING_MS, bars_of, displayed_size, funding_times
from loopback.exchange.venue import Bar, MarketState, PublicTradeRow, Venue
from loopback.formatting import Json, format_number, to_ms
from loopback.okx.errors import ApiError
from loopback.okx.params import (
    Params,
    contract_size,
    find_instrument,
    instrument_id,
    instrument_type,
    instruments_of_type,
    parse_limit,
    parse_ms,
    to_units,
)
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import ZERO, multiply
from oms.simulation.state.paper_market import Level

INTERVALS: Mapping[str, timedelta] = {
    **{f"{minutes}m": timedelta(minutes=minutes) for minutes in (1, 3, 5, 15, 30)},
    **{f"{hours}H": timedelta(hours=hours) for hours in (1, 2, 4)},
    **{f"{hours}Hutc": timedelta(hours=hours) for hours in (6, 12)},
    "1Dutc": timedelta(days=1),
    "1Wutc": timedelta(days=7),
    "1Mutc": timedelta(days=30),
}
"""Candle intervals by OKX's names."""


def system_status(venue: Venue, params: Params) -> list[Any]:
    """Returns no announcements of maintenance."""
    return []


def instruments(venue: Venue, params: Params) -> list[Any]:
    """Returns the instruments of a type; there are no futures and no options."""
    rows = instruments_of_type(venue, str(params.get("instType") or ""))
    name = params.get("instId")
    return [_instrument_json(row) for row in rows if name in (None, instrument_id(row.symbol))]


def mark_prices(venue: Venue, params: Params) -> list[Any]:
    """Returns the mark prices of contracts."""
    rows = instruments_of_type(venue, "SWAP")
    name = params.get("instId")
    return [
        {
            "instType": "SWAP",
            "instId": instrument_id(row.symbol),
            "markPx": format_number(venue.markets[row.symbol].mark_price),
            "ts": str(to_ms(venue.now())),
        }
        for row in rows
        if name in (None, instrument_id(row.symbol))
    ]


def funding_rate(venue: Venue, params: Params) -> list[Any]:
    """Returns the funding rate of a contract."""
    market, now_ms = _find_market(venue, params), to_ms(venue.now())
    due = (now_ms // FUNDING_MS + 1) * FUNDING_MS
    return [
        {
            "instType": "SWAP",
            "instId": instrument_id(market.instrument.symbol),
            "fundingRate": format_number(market.funding),
            "fundingTime": str(due),
            "nextFundingRate": "",
            "nextFundingTime": str(due + FUNDING_MS),
            "method": "current_period",
            "ts": str(now_ms),
        }
    ]


def funding_rate_history(venue: Venue, params: Params) -> list[Any]:
    """Returns the funding times after ``before``, the newest first, each with the present rate."""
    market, first = _find_market(venue, params), int(params.get("before") or 0)
    rate = format_number(market.funding)
    return [
        {
            "instType": "SWAP",
            "instId": instrument_id(market.instrument.symbol),
            "fundingRate": rate,
            "realizedRate": rate,
            "fundingTime": str(due),
            "method": "current_period",
        }
        for due in funding_times(first + 1, to_ms(venue.now()))[::-1][: parse_limit(params)]
    ]


def ticker(venue: Venue, params: Params) -> list[Any]:
    """Returns the ticker of an instrument."""
    return [ticker_json(_find_market(venue, params))]


def tickers(venue: Venue, params: Params) -> list[Any]:
    """Returns the tickers of a type."""
    rows = instruments_of_type(venue, str(params.get("instType") or ""))
    return [ticker_json(venue.markets[row.symbol]) for row in rows]


def books(venue: Venue, params: Params) -> list[Any]:
    """Returns the order book, the best levels first."""
    depth = parse_limit({"limit": params.get("sz") or "1"}, 400)
    return [book_json(_find_market(venue, params), depth)]


def trades(venue: Venue, params: Params) -> list[Any]:
    """Returns public trades, the newest first."""
    market = _find_market(venue, params)
    newest = list(reversed(market.trades))[: parse_limit(params, 500)]
    return [trade_json(market, row) for row in newest]


def candles(venue: Venue, params: Params) -> list[Any]:
    """Returns bars of the prices since the start, the newest first."""
    market, span = _find_market(venue, params), INTERVALS.get(str(params.get("bar") or "1m"))
    if span is None:
        raise ApiError(51000, "Parameter bar error")
    before, after = parse_ms(params, "before"), parse_ms(params, "after")
    rows = [
        bar
        for bar in bars_of(market.bars, span)
        if (before is None or to_ms(bar.opened_at) > before)
        and (after is None or to_ms(bar.opened_at) < after)
    ]
    newest = list(reversed(rows))[: parse_limit(params, 300)]
    return [candle_json(market, bar) for bar in newest]


def candle_json(market: MarketState, bar: Bar) -> list[str]:
    """Returns a candle, which is not closed: its volume in contracts, in base and in quote."""
    prices = [format_number(each) for each in (bar.open, bar.high, bar.low, bar.close)]
    units = format_number(to_units(market.instrument, bar.volume))
    value = format_number(multiply(bar.volume, bar.close))
    volumes = [units, format_number(bar.volume), value]
    return [str(to_ms(bar.opened_at)), *prices, *volumes, "0"]


def book_json(market: MarketState, depth: int) -> Json:
    """Returns the current order book."""
    return {
        "asks": [_level_json(market.instrument, each) for each in market.asks[:depth]],
        "bids": [_level_json(market.instrument, each) for each in market.bids[:depth]],
        "ts": str(to_ms(market.at)),
    }


def trade_json(market: MarketState, row: PublicTradeRow) -> Json:
    """Returns a public trade."""
    return {
        "instId": instrument_id(market.instrument.symbol),
        "side": row.side.value,
        "sz": format_number(to_units(market.instrument, row.qty)),
        "px": format_number(row.price),
        "tradeId": str(row.number),
        "ts": str(to_ms(row.at)),
    }


def ticker_json(market: MarketState) -> Json:
    """Returns a ticker; its 24 hours are the time since the start."""
    opened = format_number(market.bars[0].open)
    volume = sum((bar.volume for bar in market.bars), ZERO)
    turnover = sum((multiply(bar.volume, bar.close) for bar in market.bars), ZERO)
    is_spot = market.instrument.kind is InstrumentKind.SPOT
    body: Json = {
        "instType": instrument_type(market.instrument.symbol),
        "instId": instrument_id(market.instrument.symbol),
        "last": format_number(market.last),
        "lastSz": "0",
        "open24h": opened,
        "high24h": format_number(max(bar.high for bar in market.bars)),
        "low24h": format_number(min(bar.low for bar in market.bars)),
        "volCcy24h": format_number(turnover if is_spot else volume),
        "vol24h": format_number(to_units(market.instrument, volume)),
        "ts": str(to_ms(market.at)),
        "sodUtc0": opened,
        "sodUtc8": opened,
    }
    for name, levels in (("bid", market.bids), ("ask", market.asks)):
        price, size, *_ = _level_json(market.instrument, levels[0]) if levels else ("", "0")
        body |= {f"{name}Px": price, f"{name}Sz": size}
    return body


def _find_market(venue: Venue, params: Params) -> MarketState:
    return venue.markets[find_instrument(venue, params).symbol]


def _level_json(instrument: Instrument, level: Level) -> list[str]:
    """Returns price, size, and the numbers of liquidation orders and of orders."""
    price, qty = level
    size = to_units(instrument, displayed_size(instrument, price, qty))
    return [format_number(price), format_number(size), "0", "1"]


def _instrument_json(row: Instrument) -> Json:
    is_spot, lot = row.kind is InstrumentKind.SPOT, format_number(to_units(row, row.step))
    body: Json = {
        "instType": instrument_type(row.symbol),
        "instId": instrument_id(row.symbol),
        "uly": "" if is_spot else f"{row.base}-{row.quote}",
        "instFamily": "" if is_spot else f"{row.base}-{row.quote}",
        "baseCcy": row.base if is_spot else "",
        "quoteCcy": row.quote if is_spot else "",
        "settleCcy": "" if is_spot else row.settle,
        "ctVal": "" if is_spot else format_number(contract_size(row)),
        "ctMult": "" if is_spot else "1",
        "ctValCcy": "" if is_spot else row.base,
        "ctType": "" if is_spot else "linear",
        "optType": "",
        "stk": "",
        "category": "1",
        "alias": "",
        "listTime": "1548133413000",
        "expTime": "",
        "lever": "" if is_spot else str(row.max_leverage),
        "tickSz": format_number(row.tick),
        "lotSz": lot,
        "minSz": lot,
        "state": "live",
    }
    largest = format_number(to_units(row, row.step) * Decimal(100_000_000))
    return body | dict.fromkeys(("maxLmtSz", "maxMktSz", "maxTriggerSz", "maxStopSz"), largest)
