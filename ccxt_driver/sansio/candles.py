"""The cache of watched candles, as in ccxt.pro: by time, each in its newest version."""

from collections.abc import Sequence
from typing import Any

CANDLES_MAX = 1000
"""Candles cached per symbol and timeframe, as ccxt's ``OHLCVLimit``."""


def merge_candles(cached: Sequence[Any], received: Sequence[Any]) -> list[Any]:
    """Returns both in ascending time; a received candle replaces the cached one of its time."""
    by_time = {candle[0]: candle for candle in (*cached, *received)}
    return [by_time[timestamp] for timestamp in sorted(by_time)][-CANDLES_MAX:]


def changed_candles(cached: Sequence[Any], received: Sequence[Any]) -> list[Any]:
    """Returns the received candles that are not cached in the same version."""
    known = {candle[0]: candle for candle in cached}
    return [candle for candle in received if known.get(candle[0]) != candle]
