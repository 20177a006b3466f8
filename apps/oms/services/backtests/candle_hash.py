"""The hash of candles: equal hashes mean that two runs had the same candles."""

import hashlib
from collections.abc import Iterable

from oms.domain.market.candle import Candle
from oms.domain.money import plain_text


class CandleHash:
    """SHA-256 of candles in their order; equal numbers count the same in any notation."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def update(self, candle: Candle) -> None:
        """Add the next candle."""
        numbers = (candle.open, candle.high, candle.low, candle.close, candle.volume)
        texts = ("" if each is None else plain_text(each) for each in numbers)
        line = f"{candle.open_time:%Y-%m-%dT%H:%M:%SZ},{','.join(texts)}\n"
        self._digest.update(line.encode())

    def text(self) -> str:
        """Return the hash of what was added."""
        return self._digest.hexdigest()


def hash_candles(candles: Iterable[Candle]) -> str:
    """Return the hash of candles."""
    found = CandleHash()
    for candle in candles:
        found.update(candle)
    return found.text()
