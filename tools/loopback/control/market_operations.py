"""Control operations on markets and the clock."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from loopback.control import params
from loopback.control.context import LoopbackContext
from loopback.control.params import InvalidParameter
from loopback.exchange.venue import Bar
from oms.domain.money import decimal_text
from oms.simulation.inputs import (
    BookUpdate,
    FundingRateUpdate,
    MarkPriceUpdate,
    QuoteUpdate,
    TradeTick,
)
from oms.simulation.state.paper_market import Level

Json = dict[str, Any]


async def set_price(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Sets ``bid`` and ``ask``, or both to ``price``, of ``bid_qty`` and ``ask_qty``."""
    symbol = params.parse_symbol(context.venue, body)
    mid = params.parse_optional_number(body, "price")
    bid, ask = (mid or params.parse_number(body, name) for name in ("bid", "ask"))
    if not Decimal(0) < bid <= ask:
        raise InvalidParameter("0 < bid <= ask is needed")
    update = QuoteUpdate(
        symbol=symbol,
        bid=bid,
        ask=ask,
        bid_qty=params.parse_optional_number(body, "bid_qty"),
        ask_qty=params.parse_optional_number(body, "ask_qty"),
        at=context.venue.now(),
    )
    context.venue.update_market(update)
    return {"bid": decimal_text(bid), "ask": decimal_text(ask)}


async def set_book(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Sets ``bids`` and ``asks``: pairs of price and quantity, the best first."""
    symbol = params.parse_symbol(context.venue, body)
    bids, asks = (_levels(body, name) for name in ("bids", "asks"))
    context.venue.update_market(
        BookUpdate(symbol=symbol, bids=bids, asks=asks, at=context.venue.now())
    )
    return {}


async def add_trade(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Adds a public trade: ``price``, ``qty``, ``side`` of the taker."""
    update = TradeTick(
        symbol=params.parse_symbol(context.venue, body),
        price=params.parse_number(body, "price"),
        qty=params.parse_number(body, "qty"),
        side=params.parse_side(body) if body.get("side") else None,
        at=context.venue.now(),
    )
    context.venue.update_market(update)
    return {}


async def set_bars(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Replaces the one-minute candles by ``bars``: rows of milliseconds and five numbers."""
    market = context.venue.markets[params.parse_symbol(context.venue, body)]
    market.bars.clear()
    for opened_ms, *numbers in body.get("bars") or ():
        opened, high, low, close, volume = (Decimal(str(each)) for each in numbers)
        opened_at = datetime.fromtimestamp(int(opened_ms) / 1000, UTC)
        market.bars.append(
            Bar(opened_at=opened_at, open=opened, high=high, low=low, close=close, volume=volume)
        )
    return {"bars": len(market.bars)}


async def set_mark_price(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Sets the mark ``price`` of a contract."""
    at, symbol = context.venue.now(), params.parse_symbol(context.venue, body)
    context.venue.update_market(
        MarkPriceUpdate(symbol=symbol, price=params.parse_number(body, "price"), at=at)
    )
    return {}


async def set_funding_rate(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Sets the funding ``rate``, paid at 00:00, 08:00 and 16:00 UTC."""
    at, symbol = context.venue.now(), params.parse_symbol(context.venue, body)
    context.venue.update_market(
        FundingRateUpdate(symbol=symbol, rate=params.parse_number(body, "rate"), at=at)
    )
    return {}


async def set_clock(context: LoopbackContext, body: Mapping[str, Any]) -> Json:
    """Sets the clock ``at`` (ISO 8601), by ``advance_s`` or to ``offset_s``; returns ``now``."""
    venue = context.venue
    if "at" in body:
        at = datetime.fromisoformat(str(body["at"]))
        venue.move_clock((at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC))
    elif "advance_s" in body:
        venue.move_clock(venue.offset + timedelta(seconds=float(body["advance_s"])))
    elif "offset_s" in body:
        venue.move_clock(timedelta(seconds=float(body["offset_s"])))
    return {"now": venue.now().isoformat()}


def _levels(body: Mapping[str, Any], name: str) -> tuple[Level, ...]:
    rows = body.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, list) and row for row in rows):
        raise InvalidParameter(f"{name} must be a list of [price, quantity]")
    pairs = [dict(zip(("price", "qty"), row, strict=False)) for row in rows]
    return tuple(
        (params.parse_number(pair, "price"), params.parse_number(pair, "qty")) for pair in pairs
    )
