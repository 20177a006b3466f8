"""When a series of candles is fetched: after each close, and again until its candle is there."""

from datetime import datetime, timedelta

from oms.domain.market.timeframe import Timeframe

SETTLE_TIME = timedelta(seconds=2)
"""A candle counts as closed this long after its close time."""

#: Pauses before a fetch is repeated that failed, or lacked the candle that closed last.
RETRY_SECONDS = (1, 2, 5, 10, 30, 60)


def closed_until(timeframe: Timeframe, now: datetime) -> datetime:
    """Return the open time of the candle that still forms, or has not settled, at ``now``."""
    return timeframe.open_of(now - SETTLE_TIME)


def lag(timeframe: Timeframe, newest_open: datetime | None, now: datetime) -> timedelta | None:
    """Return for how long closed candles are missing after the newest one; ``None``: no candle."""
    if newest_open is None:
        return None
    return max(closed_until(timeframe, now) - timeframe.next_open(newest_open), timedelta())


def candles_behind(timeframe: Timeframe, missing: timedelta) -> int:
    """Return the number of candles that a lag is; a month counts 31 days."""
    return missing // (timeframe.length or timedelta(days=31))


def next_fetch(
    timeframe: Timeframe,
    newest_open: datetime | None,
    fetched_at: datetime | None,
    attempts: int,
) -> datetime | None:
    """Return when a series is to be fetched; ``None``: now.

    ``attempts`` counts the fetches since the last one that had the candle that closed last.
    """
    if fetched_at is None:
        return None
    forming = closed_until(timeframe, fetched_at)
    next_close = timeframe.next_open(forming) + SETTLE_TIME
    if newest_open is not None and timeframe.next_open(newest_open) >= forming:
        return next_close
    pause = RETRY_SECONDS[min(max(attempts - 1, 0), len(RETRY_SECONDS) - 1)]
    return min(fetched_at + timedelta(seconds=pause), next_close)
