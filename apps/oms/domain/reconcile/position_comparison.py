"""Comparison of positions with the holdings at the exchange, and the lookback of reconciliation.

The ledger follows from execution reports; a *discrepancy* is a difference that none explains. It is
reported, never corrected silently.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from oms.domain.instrument import Instrument
from oms.domain.ledger.position import Position
from oms.domain.money import ZERO, add, decimal_text, subtract
from oms.domain.side import Side
from oms.domain.value import value

REREAD_OVERLAP = timedelta(seconds=300)
"""Executions this much older than the cursor are read again: exchanges report late."""

SETTLE_DELAY = timedelta(seconds=10)
"""A difference counts if it is found again at least this long after it was found first."""


class Scope(StrEnum):
    """How far back a reconciliation reads."""

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
"""A symbol, and the leg if the exchange holds two."""

NO_AVERAGES: Mapping[HoldingKey, Decimal] = MappingProxyType({})


@value
class PositionDifference:
    """Signed quantities (positive long) of one holding at the exchange and in the ledger."""

    symbol: str
    side: Side | None
    exchange_qty: Decimal
    book_qty: Decimal
    #: Average entry as the exchange reports it; ``None`` if it does not.
    exchange_average: Decimal | None = None

    def evidence(self) -> dict[str, str | None]:
        """Return both quantities as text."""
        return {
            "symbol": self.symbol,
            "side": None if self.side is None else self.side.value,
            "exchange_qty": decimal_text(self.exchange_qty),
            "book_qty": decimal_text(self.book_qty),
            "exchange_average": (
                None if self.exchange_average is None else decimal_text(self.exchange_average)
            ),
        }


def lookback_start(
    scope: Scope,
    watermark: datetime | None,
    start: datetime | None,
    now: datetime,
    look_back: timedelta | None = None,
) -> datetime:
    """Return the start of the executions to read.

    ``look_back`` overrides the default of the scope.
    """
    if scope is Scope.PERIOD:
        assert start is not None, "a period has bounds"
        return start
    earliest = now - (DEFAULT_LOOKBACKS[scope] if look_back is None else look_back)
    return earliest if watermark is None else min(watermark - REREAD_OVERLAP, earliest)


def position_differences(
    positions: Iterable[Position],
    holdings: Mapping[HoldingKey, Decimal],
    unsettled: Collection[str] = frozenset(),
    averages: Mapping[HoldingKey, Decimal] = NO_AVERAGES,
) -> list[PositionDifference]:
    """Return holdings whose quantity differs from the sum of ``positions``.

    Legs are compared separately if the exchange reports them. ``unsettled`` symbols are left out.
    """
    symbols_with_legs = {symbol for symbol, side in holdings if side is not None}
    ledger_quantities: dict[HoldingKey, Decimal] = {}
    for position in positions:
        key = (position.symbol, position.side if position.symbol in symbols_with_legs else None)
        ledger_quantities[key] = add(ledger_quantities.get(key, ZERO), position.qty)
    result: list[PositionDifference] = []
    for key in sorted(
        ledger_quantities.keys() | holdings.keys(), key=lambda each: (each[0], str(each[1]))
    ):
        symbol, side = key
        exchange_qty, ledger_qty = holdings.get(key, ZERO), ledger_quantities.get(key, ZERO)
        if symbol not in unsettled and subtract(exchange_qty, ledger_qty):
            result.append(
                PositionDifference(
                    symbol=symbol,
                    side=side,
                    exchange_qty=exchange_qty,
                    book_qty=ledger_qty,
                    exchange_average=averages.get(key),
                )
            )
    return result


def average_differences(
    positions: Iterable[Position],
    holdings: Mapping[HoldingKey, Decimal],
    averages: Mapping[HoldingKey, Decimal],
    instruments: Mapping[str, Instrument],
) -> dict[str, dict[str, str]]:
    """Return the symbols of equal quantity whose average differs by more than a tick, with both.

    ``positions`` are at most one per symbol: averages of several are not the exchange's.
    """
    differing: dict[str, dict[str, str]] = {}
    for position in positions:
        key = (position.symbol, None)
        average = averages.get(key)
        if average is None or holdings.get(key) != position.qty:
            continue
        gap = subtract(position.avg_price, average).copy_abs()
        if gap > instruments[position.symbol].tick:
            differing[position.symbol] = {
                "book_average": decimal_text(position.avg_price),
                "exchange_average": decimal_text(average),
            }
    return differing
