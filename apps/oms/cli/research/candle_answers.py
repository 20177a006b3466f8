"""What the commands of candles read and answer in common."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from oms.cli.output import CommandFailed
from oms.domain.market.data_gaps import CandleGap
from oms.domain.market.timeframe import Timeframe
from oms.ports.market.candle_store import UpsertCounts
from oms.wire.backtests.result_json import time_text

#: Exit status of a command that found gaps.
GAPS_STATUS = 7


def counts_json(counts: UpsertCounts, *, fetched: int, invalid: int = 0) -> dict[str, Any]:
    """Return what a write did to the database."""
    return {"fetched": fetched, **asdict(counts), "invalid": invalid}


def gaps_json(found: Sequence[CandleGap]) -> list[dict[str, Any]]:
    """Return gaps; the end of each is exclusive."""
    return [
        {"start": time_text(gap.start), "end": time_text(gap.end), "count": gap.count}
        for gap in found
    ]


def read_timeframe(text: str) -> Timeframe:
    """Return a timeframe. Raises ``CommandFailed``."""
    try:
        return Timeframe(text)
    except ValueError:
        known = ", ".join(each.value for each in Timeframe)
        raise CommandFailed(f"no timeframe {text!r}; there are {known}", status=2) from None
