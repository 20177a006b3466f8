"""Direction of an order, a deal or a position."""

from enum import StrEnum


class Side(StrEnum):
    """Direction of an order, a deal or a position."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        """Return the opposite side."""
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        """Return +1 for buy, −1 for sell."""
        return 1 if self is Side.BUY else -1
