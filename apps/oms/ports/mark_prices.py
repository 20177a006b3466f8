"""Marks: what open positions are worth now. A reading for people, never a fact of the book."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from oms.domain.ledger.position import Position
from oms.domain.value import value


@value
class PositionMark:
    """The price of a position's symbol, as of ``at``, and its profit there, before fees."""

    price: Decimal
    at: datetime
    profit: Decimal


class MarkPrices(Protocol):
    """Values open positions without asking an exchange."""

    async def __call__(self, positions: Sequence[Position]) -> Mapping[int, PositionMark]:
        """Marks by position id; positions that are closed or have no price are left out.

        Raises ``Unavailable``.
        """
        ...


class StoredPaperPrices(Protocol):
    """The prices of paper accounts that are kept: those set by hand or read from a tape."""

    async def __call__(
        self, symbols: Mapping[int, frozenset[str]]
    ) -> Mapping[tuple[int, str], str]:
        """Market texts by (account id, symbol), of the symbols asked for by account id."""
        ...
