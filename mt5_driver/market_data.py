"""Prices of instruments: ticks, order books, bars, and the description of a symbol."""

import time
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from mt5_driver.config import INSTANT
from mt5_driver.constants import (
    BOOK_TYPE_BUY,
    BOOK_TYPE_SELL,
    COPY_TICKS_INFO,
    SYMBOL_CALC_MODE_CFD,
    SYMBOL_CALC_MODE_CFDLEVERAGE,
    SYMBOL_CALC_MODE_FUTURES,
    SYMBOL_CHART_MODE_LAST,
    SYMBOL_TRADE_EXECUTION_INSTANT,
    SYMBOL_TRADE_EXECUTION_MARKET,
    SYMBOL_TRADE_MODE_FULL,
    SYMBOL_TRADE_MODE_LONGONLY,
    TICK_FLAG_ASK,
    TICK_FLAG_BID,
    TICK_FLAG_BUY,
    TICK_FLAG_LAST,
    TICK_FLAG_SELL,
    TICK_FLAG_VOLUME,
)
from mt5_driver.numbers import read_decimal, surface
from mt5_driver.session import Session
from mt5_driver.structures import (
    RATES_DTYPE,
    TICKS_DTYPE,
    BookInfo,
    SymbolInfo,
    Tick,
    fill_structure,
)
from mt5_driver.symbols import Instrument, Kind
from mt5_driver.timeframes import Candle

BOOK_DEPTH = 20
_TRADES_PAGE = 1000
TICKS_MAX = 1_000_000
_CALC_MODES = {
    Kind.SPOT: SYMBOL_CALC_MODE_CFD,
    Kind.LINEAR: SYMBOL_CALC_MODE_CFDLEVERAGE,
    Kind.INVERSE: SYMBOL_CALC_MODE_FUTURES,
}
#: SYMBOL_FILLING_FOK and SYMBOL_FILLING_IOC of MQL5.
_FILLING_MODES = 1 | 2
#: All types of orders, levels among them; all kinds of expiration.
_ORDER_MODES, _EXPIRATION_MODES = 127, 15
#: Of symbols whose exchange names no largest volume.
_NO_VOLUME_MAX = 1e9


def read_ticker(session: Session, instrument: Instrument) -> Mapping[str, Any]:
    """Returns ccxt's ticker of an instrument, read now."""
    ticker: Mapping[str, Any] = session.client.call(
        session.account_id, "fetch_ticker", instrument.symbol
    )
    return ticker


def read_tickers(session: Session, instruments: Iterable[Instrument]) -> Mapping[str, Any]:
    """Returns the tickers of instruments by symbol, in one request per kind of market.

    Exchanges refuse a request for several kinds.
    """
    by_kind: dict[Kind, list[str]] = {}
    for instrument in instruments:
        by_kind.setdefault(instrument.kind, []).append(instrument.symbol)
    tickers: dict[str, Any] = {}
    for symbols in by_kind.values():
        tickers |= session.client.call(session.account_id, "fetch_tickers", symbols)
    return tickers


def build_tick(instrument: Instrument, ticker: Mapping[str, Any]) -> Tick:
    """Returns the last prices; bid and ask are those of the last price if there is no book."""
    last = read_decimal(ticker.get("last"))
    bid = read_decimal(ticker.get("bid")) or last
    ask = read_decimal(ticker.get("ask")) or last
    volume = instrument.to_lots(ticker.get("baseVolume"))
    milliseconds = int(ticker.get("timestamp") or time.time() * 1000)
    return Tick(
        time=milliseconds // 1000,
        bid=surface(bid),
        ask=surface(ask),
        last=surface(last),
        volume=int(volume),
        time_msc=milliseconds,
        flags=TICK_FLAG_BID | TICK_FLAG_ASK | TICK_FLAG_LAST,
        volume_real=float(volume),
    )


def build_symbol_info(
    session: Session,
    instrument: Instrument,
    ticker: Mapping[str, Any],
    rates: dict[str, Decimal | None],
) -> SymbolInfo:
    """Returns the description of an instrument; ``rates`` keeps those that were read for it."""
    if instrument.settle not in rates:
        rates[instrument.settle] = session.rate(instrument.settle)
    is_instant = session.settings.execution == INSTANT
    is_shown = instrument.name not in session.hidden
    info: SymbolInfo = fill_structure(
        SymbolInfo,
        {
            "select": is_shown,
            "visible": is_shown,
            "trade_exemode": SYMBOL_TRADE_EXECUTION_INSTANT
            if is_instant
            else SYMBOL_TRADE_EXECUTION_MARKET,
            "exchange": str(session.account["exchange_id"]),
            **_fixed_fields(instrument),
            **_price_fields(instrument, ticker, rates[instrument.settle]),
        },
    )
    return info


def _fixed_fields(instrument: Instrument) -> dict[str, Any]:
    """Returns what does not change with the market."""
    kind = instrument.kind
    is_spot = kind is Kind.SPOT
    return {
        "custom": False,
        "chart_mode": SYMBOL_CHART_MODE_LAST,
        "digits": instrument.digits,
        "spread_float": True,
        "ticks_bookdepth": BOOK_DEPTH,
        "trade_calc_mode": _CALC_MODES[kind],
        "trade_mode": SYMBOL_TRADE_MODE_LONGONLY if is_spot else SYMBOL_TRADE_MODE_FULL,
        "margin_hedged_use_leg": False,
        "expiration_mode": _EXPIRATION_MODES,
        "filling_mode": _FILLING_MODES,
        "order_mode": _ORDER_MODES,
        "point": float(instrument.point),
        "trade_tick_size": float(instrument.tick),
        "trade_contract_size": float(instrument.lot_size * instrument.contract_size),
        "volume_min": float(instrument.volume_min),
        "volume_max": surface(instrument.volume_max) or _NO_VOLUME_MAX,
        "volume_step": float(instrument.volume_step),
        "currency_base": instrument.base,
        "currency_profit": instrument.settle,
        "currency_margin": instrument.settle,
        "description": f"{instrument.base} in {instrument.quote}, {kind.value}",
        "name": instrument.name,
        "path": f"{kind.value.capitalize()}\\{instrument.name}",
    }


def _price_fields(
    instrument: Instrument, ticker: Mapping[str, Any], rate: Decimal | None
) -> dict[str, Any]:
    """Returns what changes with the market."""
    tick = build_tick(instrument, ticker)
    tick_value = float(_tick_value(instrument, ticker, rate))
    spread = (Decimal(repr(tick.ask)) - Decimal(repr(tick.bid))) / instrument.point
    return {
        "volume": tick.volume,
        "time": tick.time,
        "spread": int(spread.to_integral_value()),
        "bid": tick.bid,
        "ask": tick.ask,
        "last": tick.last,
        "lasthigh": surface(read_decimal(ticker.get("high"))),
        "lastlow": surface(read_decimal(ticker.get("low"))),
        "volume_real": tick.volume_real,
        "trade_tick_value": tick_value,
        "trade_tick_value_profit": tick_value,
        "trade_tick_value_loss": tick_value,
        "session_open": surface(read_decimal(ticker.get("open"))),
        "price_change": surface(read_decimal(ticker.get("percentage"))),
    }


def _tick_value(instrument: Instrument, ticker: Mapping[str, Any], rate: Decimal | None) -> Decimal:
    """Returns what a tick earns on one lot in the account's currency; 0 without a rate."""
    last = read_decimal(ticker.get("last"))
    if not last or rate is None:
        return Decimal(0)
    lot = instrument.to_quantity(Decimal(1))
    return rate * instrument.profit(lot, last, last + instrument.tick, is_long=True)


def read_book(session: Session, instrument: Instrument) -> tuple[BookInfo, ...]:
    """Returns the order book: asks from the highest, then bids from the highest."""
    book = session.client.call(
        session.account_id, "fetch_order_book", instrument.symbol, BOOK_DEPTH
    )
    asks = [(BOOK_TYPE_SELL, level) for level in reversed(book["asks"][:BOOK_DEPTH])]
    bids = [(BOOK_TYPE_BUY, level) for level in book["bids"][:BOOK_DEPTH]]
    rows = []
    for side, level in asks + bids:
        volume = instrument.to_lots(level[1])
        rows.append(BookInfo(side, surface(level[0]), int(volume), float(volume)))
    return tuple(rows)


def rates_array(instrument: Instrument, bars: Iterable[Candle]) -> Any:
    """Returns bars as the package's structured array.

    ``tick_volume`` is the volume in the symbol's steps, because candles count no ticks;
    ``real_volume`` is whole lots. The spread of the past is not known and 0.
    """
    rows = []
    for bar in bars:
        lots = instrument.to_lots(bar.volume)
        steps = int(lots / instrument.volume_step)
        prices = (float(bar.open), float(bar.high), float(bar.low), float(bar.close))
        rows.append((bar.time, *prices, steps, 0, int(lots)))
    return np.array(rows, dtype=RATES_DTYPE)


def read_ticks(
    session: Session, instrument: Instrument, span: tuple[float, float], limit: int, flags: int
) -> Any:
    """Returns public trades of a span in seconds as ticks, the oldest first, at most ``limit``.

    Exchanges keep no history of quotes: bid and ask are the price of the trade, and ticks that
    only changed them (COPY_TICKS_INFO) do not exist.
    """
    rows = [] if flags == COPY_TICKS_INFO else _trades(session, instrument, span, limit)
    ticks = []
    for row in rows:
        price, milliseconds = surface(read_decimal(row["price"])), int(row["timestamp"])
        lots = instrument.to_lots(row["amount"])
        side = TICK_FLAG_BUY if row["side"] == "buy" else TICK_FLAG_SELL
        changed = TICK_FLAG_LAST | TICK_FLAG_VOLUME | side
        ticks.append(
            (
                *(milliseconds // 1000, price, price, price, int(lots), milliseconds),
                *(changed, float(lots)),
            )
        )
    return np.array(ticks, dtype=TICKS_DTYPE)


def _trades(
    session: Session, instrument: Instrument, span: tuple[float, float], limit: int
) -> list[Any]:
    since, until = (int(seconds * 1000) for seconds in span)
    rows: list[Any] = []
    seen: set[str] = set()
    while len(rows) < min(limit, TICKS_MAX):
        page = session.client.call(
            session.account_id, "fetch_trades", instrument.symbol, since, _TRADES_PAGE
        )
        new = [row for row in page if str(row["id"]) not in seen and row["timestamp"] >= since]
        if not new:
            break
        seen = {str(row["id"]) for row in page}
        rows += [row for row in new if row["timestamp"] <= until]
        since = max(int(row["timestamp"]) for row in new)
        if since > until:
            break
    return rows[:limit]
