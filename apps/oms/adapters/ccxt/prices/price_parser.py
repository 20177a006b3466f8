"""ccxt's tickers, order books and trades as prices; quantities in base, times by our clock.

An empty or crossed book is no price. Levels are sorted here: ccxt sorts texts as texts.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from oms.adapters.ccxt.parsing.decimals import to_decimal
from oms.adapters.ccxt.parsing.fields import get_decimal, get_price
from oms.domain.money import multiply
from oms.domain.quotes import PriceLevel, PublicTrade, Quote
from oms.domain.side import Side
from oms.ports.price_feed import MarkPrice
from oms.simulation.state.exchange_state import EPOCH

LEVELS_MAX = 50
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}


def parse_quote(row: Mapping[str, Any], unit: Decimal, symbol: str, at: datetime) -> Quote | None:
    """Returns the best prices of a ticker; ``unit`` is the venue's amount unit in base.

    Raises ``ReadFailed`` for a malformed number.
    """
    bid, ask = get_decimal(row, "bid"), get_decimal(row, "ask")
    if not bid or not ask or not 0 < bid <= ask:
        return None
    sizes = [get_decimal(row, name) for name in ("bidVolume", "askVolume")]
    qtys = [None if not size else multiply(size, unit) for size in sizes]
    return Quote(
        symbol=symbol,
        bid=bid,
        ask=ask,
        bid_qty=qtys[0],
        ask_qty=qtys[1],
        last=get_price(row, "last"),
        mark=get_price(row, "markPrice"),
        at=at,
    )


def parse_book(row: Mapping[str, Any], unit: Decimal, symbol: str, at: datetime) -> Quote | None:
    """Returns a whole order book. Raises ``ValueError`` for a malformed number."""
    bids, asks = _levels(row.get("bids"), unit), _levels(row.get("asks"), unit)
    if not bids or not asks:
        return None
    best_bid, best_ask = max(bids), min(asks)
    if best_bid > best_ask:
        return None
    bid_levels = tuple(sorted(bids.items(), reverse=True))[:LEVELS_MAX]
    ask_levels = tuple(sorted(asks.items()))[:LEVELS_MAX]
    return Quote(
        symbol=symbol,
        bid=best_bid,
        ask=best_ask,
        bid_qty=bids[best_bid],
        ask_qty=asks[best_ask],
        bids=_to_levels(bid_levels),
        asks=_to_levels(ask_levels),
        at=at,
    )


def parse_mark(row: Mapping[str, Any], symbol: str, at: datetime) -> MarkPrice | None:
    """Returns the mark price of a ticker. Raises ``ReadFailed``."""
    price = get_price(row, "markPrice")
    return None if price is None else MarkPrice(symbol=symbol, price=price, at=at)


def parse_public_trade(
    row: Mapping[str, Any], unit: Decimal, symbol: str, ahead_ms: int, now: datetime
) -> PublicTrade | None:
    """Returns a public trade; ``ahead_ms``: how far our clock is ahead of the venue's.

    Raises ``ReadFailed``.
    """
    price, amount, timestamp = (
        get_decimal(row, "price"),
        get_decimal(row, "amount"),
        row.get("timestamp"),
    )
    if not price or not amount or price <= 0 or amount <= 0 or timestamp is None:
        return None
    at = EPOCH + timedelta(milliseconds=int(timestamp) + ahead_ms)
    side = _SIDES.get(str(row.get("side")))
    qty = multiply(amount, unit)
    return PublicTrade(symbol=symbol, price=price, qty=qty, side=side, at=min(at, now))


def trade_key(row: Mapping[str, Any]) -> str:
    """Returns what identifies a trade."""
    name = row.get("id")
    if name:
        return str(name)
    return "|".join(str(row.get(key)) for key in ("timestamp", "price", "amount", "side"))


def _levels(rows: Any, unit: Decimal) -> dict[Decimal, Decimal]:
    levels: dict[Decimal, Decimal] = {}
    for row in rows or ():
        price, amount = to_decimal(row[0]), to_decimal(row[1])
        if price is not None and amount and price > 0 and amount > 0:
            levels[price] = multiply(amount, unit)
    return levels


def _to_levels(levels: tuple[tuple[Decimal, Decimal], ...]) -> tuple[PriceLevel, ...]:
    return tuple(levels)
