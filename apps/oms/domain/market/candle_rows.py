"""Candles as they are stored: which of two rows of one period is kept."""

from datetime import datetime
from enum import StrEnum

from oms.domain.market.candle import Candle
from oms.domain.value import value


class CandleSource(StrEnum):
    """Where a stored candle was read."""

    EXCHANGE = "exchange"
    FILE = "file"
    #: Made of the stored candles of a smaller timeframe.
    RESAMPLE = "resample"


@value
class CandleRow:
    """A candle with its state; only closed ones reach strategies and backtests."""

    candle: Candle
    is_closed: bool
    source: CandleSource
    updated_at: datetime


class RowOutcome(StrEnum):
    """What storing a row did."""

    INSERTED = "inserted"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


def merge_rows(stored: CandleRow | None, new: CandleRow) -> RowOutcome:
    """Return what ``new`` does to the stored row of its period.

    An open candle is replaced by any newer row, a closed one only by a closed one that differs. A
    resampled row never replaces one that was read from an exchange or a file.
    """
    if stored is None:
        return RowOutcome.INSERTED
    if stored.candle == new.candle and stored.is_closed == new.is_closed:
        return RowOutcome.UNCHANGED
    if stored.is_closed and not new.is_closed:
        return RowOutcome.UNCHANGED
    is_made = new.source is CandleSource.RESAMPLE
    if is_made and stored.source is not CandleSource.RESAMPLE:
        return RowOutcome.UNCHANGED
    return RowOutcome.UPDATED
