"""Candles that were watched, kept as ccxt.pro keeps them: by time, each as it was told last."""

from collections.abc import Sequence
from typing import Any

CANDLES_MAX = 1000
"""Candles kept of a symbol and timeframe, as ccxt's ``OHLCVLimit``."""


def merge_candles(known: Sequence[Any], told: Sequence[Any]) -> list[Any]:
    """Both in the order of time; of one that both have, what was told."""
    by_time = {candle[0]: candle for candle in (*known, *told)}
    return [by_time[moment] for moment in sorted(by_time)][-CANDLES_MAX:]
