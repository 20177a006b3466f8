"""Which way an order, a deal or a position goes."""

from enum import StrEnum


class Side(StrEnum):
    """Which way an order, a deal or a position goes."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        """+1 for buy, −1 for sell."""
        return 1 if self is Side.BUY else -1
