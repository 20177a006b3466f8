"""Market data of the Binance dialect by REST; spot and contracts differ in some words."""

import json
from datetime import timedelta
from typing import Any

from loopback.binance.errors import ApiError
from loopback.binance.params import Params, find_instrument, instruments, parse_limit
from loopback.exchange.market_rows import bars_of, levels_json
from loopback.exchange.venue import MarketState, PublicTradeRow, Venue
from loopback.formatting import Json, format_number, market_id, to_ms
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.money import ZERO, multiply

SPOT_TYPES = (
    *("LIMIT", "LIMIT_MAKER", "MARKET"),
    *("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"),
)
LINEAR_TYPES = (
    *("LIMIT", "MARKET", "STOP", "STOP_MARKET"),
    *("TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"),
)
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(days=7),
}


def ping(venue: Venue, params: Params, *, spot: bool) -> Any:
    """Nothing."""
    return {}


def server_time(venue: Venue, params: Params, *, spot: bool) -> Any:
    """The venue's time."""
    return {"serverTime": to_ms(venue.now())}


def exchange_info(venue: Venue, params: Params, *, spot: bool) -> Any:
    """What can be traded."""
    return {
        "timezone": "UTC",
        "serverTime": to_ms(venue.now()),
        "rateLimits": [],
        "exchangeFilters": [],
        "symbols": [_instrument_json(each) for each in instruments(venue, spot=spot)],
    }


def depth(venue: Venue, params: Params, *, spot: bool) -> Any:
    """The book, best levels first."""
    shown = _shown(venue, params, spot=spot)
    most = parse_limit(params, 100, 1000)
    told: Json = {
        "lastUpdateId": shown.sequence,
        "bids": levels_json(shown.instrument, shown.bids[:most]),
        "asks": levels_json(shown.instrument, shown.asks[:most]),
    }
    return told if spot else told | {"E": to_ms(venue.now()), "T": to_ms(shown.at)}


def trades(venue: Venue, params: Params, *, spot: bool) -> Any:
    """Public trades, the oldest first."""
    shown = _shown(venue, params, spot=spot)
    return [_print_json(row) for row in list(shown.prints)[-parse_limit(params, 500, 1000) :]]


def aggregate_trades(venue: Venue, params: Params, *, spot: bool) -> Any:
    """Public trades, the oldest first, in the words of aggregated ones."""
    shown = _shown(venue, params, spot=spot)
    return [
        {
            "a": row.number,
            "p": format_number(row.price),
            "q": format_number(row.qty),
            "f": row.number,
            "l": row.number,
            "T": to_ms(row.at),
            "m": row.side.value == "sell",
            "M": True,
        }
        for row in list(shown.prints)[-parse_limit(params, 500, 1000) :]
    ]


def ticker(venue: Venue, params: Params, *, spot: bool) -> Any:
    """Prices of one or of all symbols."""
    if params.get("symbol"):
        return _ticker_json(venue, _shown(venue, params, spot=spot))
    rows = instruments(venue, spot=spot)
    return [_ticker_json(venue, venue.shown[row.symbol]) for row in rows]


def best_prices(venue: Venue, params: Params, *, spot: bool) -> Any:
    """The best prices of one or of all symbols, on spot also of a list."""
    if params.get("symbol"):
        return _best_json(venue, _shown(venue, params, spot=spot), spot=spot)
    wished = json.loads(params.get("symbols") or "[]") if spot else []
    rows = [venue.shown[row.symbol] for row in instruments(venue, spot=spot)]
    named = [row for row in rows if not wished or market_id(row.instrument.symbol) in wished]
    return [_best_json(venue, row, spot=spot) for row in named]


def klines(venue: Venue, params: Params, *, spot: bool) -> Any:
    """Bars of what was seen since the start, the oldest first."""
    shown, name = _shown(venue, params, spot=spot), str(params.get("interval", ""))
    if name[-1:] not in _UNITS or not name[:-1].isdigit():
        raise ApiError(-1120, "Invalid interval.")
    span = _UNITS[name[-1]] * int(name[:-1])
    start, end = (int(params.get(each) or 0) for each in ("startTime", "endTime"))
    rows = [bar for bar in bars_of(shown.bars, span) if to_ms(bar.begins) >= start]
    rows = [bar for bar in rows if not end or to_ms(bar.begins) <= end]
    told = []
    for bar in rows[-parse_limit(params, 500, 1000) :]:
        prices = [format_number(each) for each in (bar.open, bar.high, bar.low, bar.close)]
        value = format_number(multiply(bar.volume, bar.close))
        begins, ends = to_ms(bar.begins), to_ms(bar.begins + span) - 1
        told.append([begins, *prices, format_number(bar.volume), ends, value, 0, "0", "0", "0"])
    return told


def premium_index(venue: Venue, params: Params, *, spot: bool) -> Any:
    """Mark price and funding of one or of all contracts."""
    if params.get("symbol"):
        return _premium_json(venue, _shown(venue, params, spot=spot))
    rows = instruments(venue, spot=spot)
    return [_premium_json(venue, venue.shown[row.symbol]) for row in rows]


def _shown(venue: Venue, params: Params, *, spot: bool) -> MarketState:
    return venue.shown[find_instrument(venue, params, spot=spot).symbol]


def _premium_json(venue: Venue, shown: MarketState) -> Json:
    now = to_ms(venue.now())
    return {
        "symbol": market_id(shown.instrument.symbol),
        "markPrice": format_number(shown.mark_price),
        "indexPrice": format_number(shown.mark_price),
        "estimatedSettlePrice": format_number(shown.mark_price),
        "lastFundingRate": format_number(shown.funding),
        "interestRate": "0",
        "nextFundingTime": (now // 28_800_000 + 1) * 28_800_000,
        "time": now,
    }


def _print_json(row: PublicTradeRow) -> Json:
    return {
        "id": row.number,
        "price": format_number(row.price),
        "qty": format_number(row.qty),
        "quoteQty": format_number(multiply(row.price, row.qty)),
        "time": to_ms(row.at),
        "isBuyerMaker": row.side.value == "sell",
        "isBestMatch": True,
    }


def _ticker_json(venue: Venue, shown: MarketState) -> Json:
    opened, now = shown.bars[0].open, to_ms(venue.now())
    bid, ask = (levels_json(shown.instrument, side[:1]) for side in (shown.bids, shown.asks))
    told: Json = {
        "symbol": market_id(shown.instrument.symbol),
        "priceChange": format_number(shown.last - opened),
        "priceChangePercent": format_number(round((shown.last - opened) / opened * 100, 4)),
        "weightedAvgPrice": format_number(shown.last),
        "lastPrice": format_number(shown.last),
        "lastQty": "0",
        "openPrice": format_number(opened),
        "highPrice": format_number(max(bar.high for bar in shown.bars)),
        "lowPrice": format_number(min(bar.low for bar in shown.bars)),
        "volume": format_number(sum((bar.volume for bar in shown.bars), ZERO)),
        "quoteVolume": format_number(
            sum((multiply(bar.volume, bar.close) for bar in shown.bars), ZERO)
        ),
        "openTime": now - 86_400_000,
        "closeTime": now,
        "firstId": 0,
        "lastId": 0,
        "count": 0,
    }
    if shown.instrument.kind is InstrumentKind.SPOT:
        for word, levels in (("bid", bid), ("ask", ask)):
            price, qty = levels[0] if levels else ("0", "0")
            told |= {f"{word}Price": price, f"{word}Qty": qty}
    return told


def _best_json(venue: Venue, shown: MarketState, *, spot: bool) -> Json:
    told: Json = {"symbol": market_id(shown.instrument.symbol)}
    for word, side in (("bid", shown.bids), ("ask", shown.asks)):
        levels = levels_json(shown.instrument, side[:1])
        price, qty = levels[0] if levels else ("0", "0")
        told |= {f"{word}Price": price, f"{word}Qty": qty}
    return told if spot else told | {"time": to_ms(venue.now())}


def _instrument_json(row: Instrument) -> Json:
    tick, step = format_number(row.tick), format_number(row.step)
    most = format_number(row.step * 100_000_000)
    told: Json = {
        "symbol": market_id(row.symbol),
        "status": "TRADING",
        "baseAsset": row.base,
        "quoteAsset": row.quote,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": tick,
                "maxPrice": format_number(row.tick * 100_000_000),
                "tickSize": tick,
            },
            {"filterType": "LOT_SIZE", "minQty": step, "maxQty": most, "stepSize": step},
            {"filterType": "MARKET_LOT_SIZE", "minQty": step, "maxQty": most, "stepSize": step},
        ],
    }
    notional = format_number(row.min_notional)
    if row.kind is InstrumentKind.SPOT:
        told["filters"].append({"filterType": "NOTIONAL", "minNotional": notional})
        return told | {
            "orderTypes": list(SPOT_TYPES),
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "cancelReplaceAllowed": True,
            "permissions": [],
            "permissionSets": [["SPOT"]],
        }
    told["filters"].append({"filterType": "MIN_NOTIONAL", "notional": notional})
    return told | {
        "pair": market_id(row.symbol),
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000,
        "onboardDate": 1569398400000,
        "marginAsset": row.settle,
        "pricePrecision": max(-int(row.tick.as_tuple().exponent), 0),
        "quantityPrecision": max(-int(row.step.as_tuple().exponent), 0),
        "orderTypes": list(LINEAR_TYPES),
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
        "maintMarginPercent": format_number(row.maintenance_rate * 100),
        "requiredMarginPercent": "5",
    }
