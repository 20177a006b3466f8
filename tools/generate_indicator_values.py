"""Generates ``apps/web/test/indicators.json``: what the strategies' indicators are on one series.

The chart of the web desk computes its own in floating point. Its test holds them against this
file, a test of the gateway holds the file against ``oms.strategies.indicators``. After changing an
indicator run ``.venv/bin/python tools/generate_indicator_values.py``.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from oms.domain.market.candle import Candle
from oms.strategies.indicators import (
    AverageTrueRange,
    ConvergenceDivergence,
    ExponentialAverage,
    HullAverage,
    RelativeStrength,
    SimpleAverage,
    WeightedAverage,
)

DOCUMENT = Path(__file__).parent.parent / "apps" / "web" / "test" / "indicators.json"
_COUNT = 120
_START = datetime(2026, 1, 1, tzinfo=UTC)
_DIGITS = Decimal("1e-12")


def candles() -> list[Candle]:
    """Returns prices that rise, fall and stand still, from whole numbers alone."""
    found, price, state = [], 10_000, 12_345
    for number in range(_COUNT):
        state = (state * 1_103_515_245 + 12_345) % 2**31
        opened = price
        price += 0 if 60 <= number < 80 else state // 65_536 % 401 - 200
        high, low = max(opened, price) + state % 50, min(opened, price) - state % 37
        candle = Candle(
            open_time=_START + timedelta(hours=number),
            open=Decimal(opened).scaleb(-2),
            high=Decimal(high).scaleb(-2),
            low=Decimal(low).scaleb(-2),
            close=Decimal(price).scaleb(-2),
            volume=Decimal(1),
        )
        found.append(candle)
    return found


def values() -> dict[str, Any]:
    """Returns the series and the indicators on it; null where there are not enough values."""
    series = candles()
    closes = [candle.close for candle in series]
    by_close: dict[str, Callable[[Decimal], Decimal | None]] = {
        "sma": SimpleAverage(10).push,
        "wma": WeightedAverage(10).push,
        "hma": HullAverage(16).push,
        "ema": ExponentialAverage(10).push,
        "rsi": RelativeStrength(14).push,
    }
    macd = ConvergenceDivergence()
    lines = [macd.push(close) for close in closes]
    true_range = AverageTrueRange(14)
    return {
        "candles": [
            {"high": str(each.high), "low": str(each.low), "close": str(each.close)}
            for each in series
        ],
        "indicators": {
            **{name: [_text(push(close)) for close in closes] for name, push in by_close.items()},
            "atr": [_text(true_range.push(candle)) for candle in series],
            "macd": [[_text(each) for each in line] for line in lines],
        },
    }


def text() -> str:
    """Returns the content of the file."""
    return f"{json.dumps(values(), indent=1)}\n"


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value.quantize(_DIGITS), "f")


if __name__ == "__main__":
    DOCUMENT.write_text(text(), encoding="utf-8")
