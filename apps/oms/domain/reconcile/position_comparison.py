"""Reconciliation, the pure part: how far a sweep looks back, and what differs from the exchange.

The book follows from facts; a *discrepancy* is what the exchange shows and no fact explains. It is
shown, never edited away.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from oms.domain.ledger.position import Position
from oms.domain.money import ZERO, add, decimal_text, subtract
from oms.domain.side import Side
from oms.domain.value import value

REREAD_OVERLAP = timedelta(seconds=300)
"""A sweep reads again what is this much older than its watermark: exchanges tell late."""

SETTLE_DELAY = timedelta(seconds=10)
"""A difference counts when it is seen again so long after it was seen first."""


class Scope(StrEnum):
    """How much a sweep reads."""

    SHORT = "short"
    HOURLY = "hourly"
    LONG = "long"
    PERIOD = "period"


DEFAULT_LOOKBACKS: Mapping[Scope, timedelta] = {
    Scope.SHORT: timedelta(seconds=600),
    Scope.HOURLY: timedelta(seconds=3_600),
    Scope.LONG: timedelta(days=10),
}

HoldingKey = tuple[str, Side | None]
"""A symbol, and the leg where the exchange holds two."""


@value
class PositionDifference:
    """What the exchange and the book say of one holding; quantities signed, positive long."""

    symbol: str
    side: Side | None
    exchange_qty: Decimal
    book_qty: Decimal

    def evidence(self) -> dict[str, str | None]:
        """Both sides of it, as text."""
        return {
            "symbol": self.symbol,
            "side": None if self.side is None else self.side.value,
            "exchange_qty": decimal_text(self.exchange_qty),
            "book_qty": decimal_text(self.book_qty),
        }


def lookback_start(
    scope: Scope,
    watermark: datetime | None,
    start: datetime | None,
    now: datetime,
    look_back: timedelta | None = None,
) -> datetime:
    """From when on a sweep reads executions; ``look_back`` replaces the scope's own."""
    if scope is Scope.PERIOD:
        assert start is not None, "a period has bounds"
        return start
    floor = now - (DEFAULT_LOOKBACKS[scope] if look_back is None else look_back)
    return floor if watermark is None else min(watermark - REREAD_OVERLAP, floor)


def position_differences(
    positions: Iterable[Position],
    shown: Mapping[HoldingKey, Decimal],
    unsettled: Collection[str] = frozenset(),
) -> list[PositionDifference]:
    """Holdings in which the sum of ``positions`` is not what the exchange shows.

    Legs are told apart where the exchange does. Symbols with something under way are left out.
    """
    legged = {symbol for symbol, side in shown if side is not None}
    booked: dict[HoldingKey, Decimal] = {}
    for position in positions:
        key = (position.symbol, position.side if position.symbol in legged else None)
        booked[key] = add(booked.get(key, ZERO), position.qty)
    found: list[PositionDifference] = []
    for key in sorted(booked.keys() | shown.keys(), key=lambda each: (each[0], str(each[1]))):
        symbol, side = key
        there, here = shown.get(key, ZERO), booked.get(key, ZERO)
        if symbol not in unsettled and subtract(there, here):
            found.append(
                PositionDifference(symbol=symbol, side=side, exchange_qty=there, book_qty=here)
            )
    return found
