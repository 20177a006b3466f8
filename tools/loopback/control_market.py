"""Operations on markets and on the clock."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from loopback import wanted
from loopback.desk import Desk
from loopback.wanted import Wrong
from oms.domain.money import plain
from oms.simulation.inputs import BookSeen, FundingSeen, MarkSeen, PrintSeen, QuoteSeen
from oms.simulation.memory import Level

Json = dict[str, Any]


async def price(desk: Desk, told: Mapping[str, Any]) -> Json:
    """``price``, or ``bid`` and ``ask``; ``bid_qty`` and ``ask_qty`` limit what is offered.

    A price alone is both bid and ask.
    """
    symbol = wanted.symbol(desk.venue, told)
    both = wanted.number_or_none(told, "price")
    bid, ask = (both or wanted.number(told, name) for name in ("bid", "ask"))
    if not Decimal(0) < bid <= ask:
        raise Wrong("0 < bid <= ask is needed")
    seen = QuoteSeen(
        symbol=symbol,
        bid=bid,
        ask=ask,
        bid_qty=wanted.number_or_none(told, "bid_qty"),
        ask_qty=wanted.number_or_none(told, "ask_qty"),
        at=desk.venue.now(),
    )
    desk.venue.see(seen)
    return {"bid": plain(bid), "ask": plain(ask)}


async def book(desk: Desk, told: Mapping[str, Any]) -> Json:
    """``bids`` and ``asks``: pairs of price and quantity, the best first."""
    symbol = wanted.symbol(desk.venue, told)
    bids, asks = (_levels(told, name) for name in ("bids", "asks"))
    desk.venue.see(BookSeen(symbol=symbol, bids=bids, asks=asks, at=desk.venue.now()))
    return {}


async def print_trade(desk: Desk, told: Mapping[str, Any]) -> Json:
    """A trade of others: ``price``, ``qty``, ``side`` of the taker."""
    seen = PrintSeen(
        symbol=wanted.symbol(desk.venue, told),
        price=wanted.number(told, "price"),
        qty=wanted.number(told, "qty"),
        side=wanted.side(told) if told.get("side") else None,
        at=desk.venue.now(),
    )
    desk.venue.see(seen)
    return {}


async def mark(desk: Desk, told: Mapping[str, Any]) -> Json:
    """``price``: the mark price of a contract."""
    at, symbol = desk.venue.now(), wanted.symbol(desk.venue, told)
    desk.venue.see(MarkSeen(symbol=symbol, price=wanted.number(told, "price"), at=at))
    return {}


async def funding(desk: Desk, told: Mapping[str, Any]) -> Json:
    """``rate``: paid from now on at 00:00, 08:00 and 16:00 UTC."""
    at, symbol = desk.venue.now(), wanted.symbol(desk.venue, told)
    desk.venue.see(FundingSeen(symbol=symbol, rate=wanted.number(told, "rate"), at=at))
    return {}


async def clock(desk: Desk, told: Mapping[str, Any]) -> Json:
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
        raise Wrong(f"{name} must be a list of [price, quantity]")
    pairs = [dict(zip(("price", "qty"), row, strict=False)) for row in rows]
    return tuple((wanted.number(pair, "price"), wanted.number(pair, "qty")) for pair in pairs)
