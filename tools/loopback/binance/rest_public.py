"""Market data of the Binance dialect over REST; some fields differ by market type."""

import json
from datetime import timedelta
from typing import Any

from loopback.binance.errors import ApiError
from loopback.binance.order_limits import order_limits_json
from loopback.binance.params import Params, find_instrument, instruments, parse_limit
from loopback.exchange.market_rows import FUNDING_MS, bars_of, funding_times, levels_json
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
    """Returns an empty object."""
    return {}


def server_time(venue: Venue, params: Params, *, spot: bool) -> Any:
    """Returns the venue's time."""
    return {"serverTime": to_ms(venue.now())}


def exchange_info(venue: Venue, params: Params, *, spot: bool) -> Any:
    """Returns the instruments."""
    return {
        "timezone": "UTC",
        "serverTime": to_ms(venue.now()),
        "rateLimits": order_limits_json(spot=spot),
        "exchangeFilters": [],
        "symbols": [_instrument_json(each) for each in instruments(venue, spot=spot)],
    }


def depth(venue: Venue, params: Params, *, spot: bool) -> Any:
    """Returns the order book, the best levels first."""
    market = _find_market(venue, params, spot=spot)
    level_count = parse_limit(params, 100, 1000)
    book: Json = {
        "lastUpdateId": market.sequence,
        "bids": levels_json(market.instrument, market.bids[:level_count]),
        "asks": levels_json(market.instrument, market.asks[:level_count]),
    }
    return book if spot else book | {"E": to_ms(venue.now()), "T": to_ms(market.at)}


def trades(venue: Venue, params: Params, *, spot: bool) -> Any:
    """Returns public trades, the oldest first."""
    market = _find_market(venue, params, spot=spot)
    return [_trade_json(row) for row in list(market.trades)[-parse_limit(params, 500, 1000) :]]


def aggregate_trades(venue: Venue, params: Params, *, spot: bool) -> Any:
    """Returns public trades in the format of aggregate trades, the oldest first."""
    market = _find_market(venue, params, spot=spot)
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
        for row in list(market.trades)[-parse_limit(params, 500, 1000) :]
    ]


def ticker(venue: Venue, params: Params, *, spot: bool) -> Any:
    """Returns the tickers of one or all symbols."""
    if params.get("symbol"):
        return _ticker_json(venue, _find_market(venue, params, spot=spot))
    rows = instruments(venue, spot=spot)
    return [_ticker_json(venue, venue.markets[row.symbol]) for row in rows]


def best_prices(venue: Venue, params: Params, *, spot: bool) -> Any:
    """Returns the best prices of one or all symbols; on spot also of a list of symbols."""
    if params.get("symbol"):
        return _best_json(venue, _find_market(venue, params, spot=spot), spot=spot)
    names = json.loads(params.get("symbols") or "[]") if spot else []
    rows = [venue.markets[row.symbol] for row in instruments(venue, spot=spot)]
    selected = [row for row in rows if not names or market_id(row.instrument.symbol) in names]
    return [_best_json(venue, row, spot=spot) for row in selected]


def klines(venue: Venue, params: Params, *, spot: bool) -> Any:
    """Returns bars of the prices, the oldest first: the first ones since a start, else the last."""
    market, name = _find_market(venue, params, spot=spot), str(params.get("interval", ""))
    if name[-1:] not in _UNITS or not name[:-1].isdigit():
        raise ApiError(-1120, "Invalid interval.")
    span = _UNITS[name[-1]] * int(name[:-1])
    start, end = (int(params.get(each) or 0) for each in ("startTime", "endTime"))
    rows = [bar for bar in bars_of(market.bars, span) if to_ms(bar.opened_at) >= start]
    rows = [bar for bar in rows if not end or to_ms(bar.opened_at) <= end]
    klines_json = []
    limit = parse_limit(params, 500, 1000)
    for bar in rows[:limit] if start else rows[-limit:]:
        prices = [format_number(each) for each in (bar.open, bar.high, bar.low, bar.close)]
        value = format_number(multiply(bar.volume, bar.close))
        start_ms, end_ms = to_ms(bar.opened_at), to_ms(bar.opened_at + span) - 1
        klines_json.append(
            [start_ms, *prices, format_number(bar.volume), end_ms, value, 0, "0", "0", "0"]
        )
    return klines_json


def premium_index(venue: Venue, params: Params, *, spot: bool) -> Any:
    """Returns mark price and funding rate of one or all contracts."""
    if params.get("symbol"):
        return _premium_json(venue, _find_market(venue, params, spot=spot))
    rows = instruments(venue, spot=spot)
    return [_premium_json(venue, venue.markets[row.symbol]) for row in rows]


def funding_rates(venue: Venue, params: Params, *, spot: bool) -> Any:
    """Returns funding times, the oldest first, each with the present rate.

    The first ones from ``startTime`` on; without it the last ones.
    """
    market = _find_market(venue, params, spot=spot)
    start, now_ms = int(params.get("startTime") or 0), to_ms(venue.now())
    times = funding_times(start, min(int(params.get("endTime") or now_ms), now_ms))
    limit = parse_limit(params, 100, 1000)
    return [
        {
            "symbol": market_id(market.instrument.symbol),
            "fundingRate": format_number(market.funding),
            "fundingTime": due,
        }
        for due in (times[:limit] if params.get("startTime") else times[-limit:])
    ]


def _find_market(venue: Venue, params: Params, *, spot: bool) -> MarketState:
    return venue.markets[find_instrument(venue, params, spot=spot).symbol]


def _premium_json(venue: Venue, market: MarketState) -> Json:
    now = to_ms(venue.now())
    return {
        "symbol": market_id(market.instrument.symbol),
        "markPrice": format_number(market.mark_price),
        "indexPrice": format_number(market.mark_price),
        "estimatedSettlePrice": format_number(market.mark_price),
        "lastFundingRate": format_number(market.funding),
        "interestRate": "0",
        "nextFundingTime": (now // FUNDING_MS + 1) * FUNDING_MS,
        "time": now,
    }


def _trade_json(row: PublicTradeRow) -> Json:
    return {
        "id": row.number,
        "price": format_number(row.price),
        "qty": format_number(row.qty),
        "quoteQty": format_number(multiply(row.price, row.qty)),
        "time": to_ms(row.at),
        "isBuyerMaker": row.side.value == "sell",
        "isBestMatch": True,
    }


def _ticker_json(venue: Venue, market: MarketState) -> Json:
    opened, now = market.bars[0].open, to_ms(venue.now())
    bid, ask = (levels_json(market.instrument, side[:1]) for side in (market.bids, market.asks))
    ticker: Json = {
        "symbol": market_id(market.instrument.symbol),
        "priceChange": format_number(market.last - opened),
        "priceChangePercent": format_number(round((market.last - opened) / opened * 100, 4)),
        "weightedAvgPrice": format_number(market.last),
        "lastPrice": format_number(market.last),
        "lastQty": "0",
        "openPrice": format_number(opened),
        "highPrice": format_number(max(bar.high for bar in market.bars)),
        "lowPrice": format_number(min(bar.low for bar in market.bars)),
        "volume": format_number(sum((bar.volume for bar in market.bars), ZERO)),
        "quoteVolume": format_number(
            sum((multiply(bar.volume, bar.close) for bar in market.bars), ZERO)
        ),
        "openTime": now - 86_400_000,
        "closeTime": now,
        "firstId": 0,
        "lastId": 0,
        "count": 0,
    }
    if market.instrument.kind is InstrumentKind.SPOT:
        for side, levels in (("bid", bid), ("ask", ask)):
            price, qty = levels[0] if levels else ("0", "0")
            ticker |= {f"{side}Price": price, f"{side}Qty": qty}
    return ticker


def _best_json(venue: Venue, market: MarketState, *, spot: bool) -> Json:
    best: Json = {"symbol": market_id(market.instrument.symbol)}
    for side, all_levels in (("bid", market.bids), ("ask", market.asks)):
        levels = levels_json(market.instrument, all_levels[:1])
        price, qty = levels[0] if levels else ("0", "0")
        best |= {f"{side}Price": price, f"{side}Qty": qty}
    return best if spot else best | {"time": to_ms(venue.now())}


def _instrument_json(row: Instrument) -> Json:
    tick, step = format_number(row.tick), format_number(row.step)
    maximum = format_number(row.step * 100_000_000)
    body: Json = {
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
            {"filterType": "LOT_SIZE", "minQty": step, "maxQty": maximum, "stepSize": step},
            {"filterType": "MARKET_LOT_SIZE", "minQty": step, "maxQty": maximum, "stepSize": step},
        ],
    }
    notional = format_number(row.min_notional)
    if row.kind is InstrumentKind.SPOT:
        body["filters"].append({"filterType": "NOTIONAL", "minNotional": notional})
        return body | {
            "orderTypes": list(SPOT_TYPES),
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "cancelReplaceAllowed": True,
            "permissions": [],
            "permissionSets": [["SPOT"]],
        }
    body["filters"].append({"filterType": "MIN_NOTIONAL", "notional": notional})
    return body | {
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
