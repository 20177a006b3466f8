"""How far the series of candles are behind that the runner keeps up to date."""

from collections.abc import Sequence
from datetime import datetime

from oms.domain.market.ingestion_schedule import candles_behind, lag
from oms.ports.market.ingestion import Ingestion
from oms.wire.json import time_text
from oms.wire.responses.health_rows import HealthPart

CANDLES_BEHIND_MAX = 2


def candle_lags(
    ingestions: Sequence[Ingestion], at: datetime
) -> Sequence[tuple[tuple[str, str, str], float]]:
    """Return exchange, symbol and timeframe of each series with candles, and its lag in seconds."""
    return [
        ((each.instrument.exchange, each.instrument.symbol, each.timeframe.value), late)
        for each in ingestions
        if (late := _lag_seconds(each, at)) is not None
    ]


def candles_part(ingestions: Sequence[Ingestion], at: datetime) -> HealthPart:
    """Return the lag of the series furthest behind; a new series has none yet."""
    lags = [lag(each.timeframe, each.newest_open, at) for each in ingestions]
    is_ok = all(
        each.last_error is None
        if late is None
        else candles_behind(each.timeframe, late) <= CANDLES_BEHIND_MAX
        for each, late in zip(ingestions, lags, strict=True)
    )
    longest = max((late.total_seconds() for late in lags if late is not None), default=None)
    return {"ok": is_ok, "value": longest, "limit": None, "at": time_text(at)}


def _lag_seconds(ingestion: Ingestion, at: datetime) -> float | None:
    late = lag(ingestion.timeframe, ingestion.newest_open, at)
    return None if late is None else late.total_seconds()
