"""Crosses of two lines, each with the values that were usable at the same candle."""

from decimal import Decimal


class Crossing:
    """Detects whether one line crossed another between the last two candles.

    It crossed above if it was at or below the other and is above now; below is mirrored. A missing
    value at either candle is no cross.
    """

    def __init__(self) -> None:
        self._before: tuple[Decimal | None, Decimal | None] = (None, None)

    def push(self, line: Decimal | None, other: Decimal | None) -> int:
        """Return 1 for a cross above, -1 for one below, else 0."""
        (before, other_before), self._before = self._before, (line, other)
        if line is None or other is None or before is None or other_before is None:
            return 0
        if before <= other_before and line > other:
            return 1
        return -1 if before >= other_before and line < other else 0
