"""Operations on markets and on the clock."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from loopback.control import params
from loopback.control.context import LoopbackContext
from loopback.control.params import InvalidParameter
from oms.domain.money import decimal_text
from oms.simulation.inputs import (
    BookUpdate,
    FundingRateUpdate,
    MarkPriceUpdate,
    QuoteUpdate,
    TradeTick,
)
from oms.simulation.state.exchange_state import Level

Json = dict[str, Any]


async def price(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """``price``, or ``bid`` and ``ask``; ``bid_qty`` and ``ask_qty`` limit what is offered.

    A price alone is both bid and ask.
    """
    symbol = params.parse_symbol(desk.venue, told)
    both = params.parse_optional_number(told, "price")
    bid, ask = (both or params.parse_number(told, name) for name in ("bid", "ask"))
    if not Decimal(0) < bid <= ask:
        raise InvalidParameter("0 < bid <= ask is needed")
    seen = QuoteUpdate(
        symbol=symbol,
        bid=bid,
        ask=ask,
        bid_qty=params.parse_optional_number(told, "bid_qty"),
        ask_qty=params.parse_optional_number(told, "ask_qty"),
        at=desk.venue.now(),
    )
    desk.venue.see(seen)
    return {"bid": decimal_text(bid), "ask": decimal_text(ask)}


async def book(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """``bids`` and ``asks``: pairs of price and quantity, the best first."""
    symbol = params.parse_symbol(desk.venue, told)
    bids, asks = (_levels(told, name) for name in ("bids", "asks"))
    desk.venue.see(BookUpdate(symbol=symbol, bids=bids, asks=asks, at=desk.venue.now()))
    return {}


async def print_trade(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """A trade of others: ``price``, ``qty``, ``side`` of the taker."""
    seen = TradeTick(
        symbol=params.parse_symbol(desk.venue, told),
        price=params.parse_number(told, "price"),
        qty=params.parse_number(told, "qty"),
        side=params.parse_side(told) if told.get("side") else None,
        at=desk.venue.now(),
    )
    desk.venue.see(seen)
    return {}


async def mark(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """``price``: the mark price of a contract."""
    at, symbol = desk.venue.now(), params.parse_symbol(desk.venue, told)
    desk.venue.see(MarkPriceUpdate(symbol=symbol, price=params.parse_number(told, "price"), at=at))
    return {}


async def funding(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """``rate``: paid from now on at 00:00, 08:00 and 16:00 UTC."""
    at, symbol = desk.venue.now(), params.parse_symbol(desk.venue, told)
    desk.venue.see(FundingRateUpdate(symbol=symbol, rate=params.parse_number(told, "rate"), at=at))
    return {}


async def clock(desk: LoopbackContext, told: Mapping[str, Any]) -> Json:
    """``at`` (ISO 8601), ``advance_s``, or ``offset_s`` from the machine's; alone it tells it."""
    venue = desk.venue
    if "at" in told:
        at = datetime.fromisoformat(str(told["at"]))
        venue.move_clock((at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC))
    elif "advance_s" in told:
        venue.move_clock(venue.offset + timedelta(seconds=float(told["advance_s"])))
    elif "offset_s" in told:
        venue.move_clock(timedelta(seconds=float(told["offset_s"])))
    return {"now": venue.now().isoformat()}


def _levels(told: Mapping[str, Any], name: str) -> tuple[Level, ...]:
    rows = told.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, list) and row for row in rows):
        raise InvalidParameter(f"{name} must be a list of [price, quantity]")
    pairs = [dict(zip(("price", "qty"), row, strict=False)) for row in rows]
    return tuple(
        (params.parse_number(pair, "price"), params.parse_number(pair, "qty")) for pair in pairs
    )
