"""Mark prices and unrealized profit of open positions, for display only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from oms.domain.instrument import Instrument
from oms.domain.ledger.position import Position, cost_basis, market_value, unrealized_profit
from oms.domain.value import value


@value
class PositionMark:
    """Price of a position's symbol at ``at``, and what the position is worth at it.

    The amounts are in the settle currency, before fees; ``profit`` is the difference of ``value``
    and ``cost`` (of ``cost`` and ``value`` on inverse contracts).
    """

    price: Decimal
    at: datetime
    profit: Decimal
    value: Decimal
    cost: Decimal
    #: Whether the price is that of a market which moves on, so that it becomes stale.
    ages: bool = True


def mark_position(
    position: Position, instrument: Instrument, price: Decimal, at: datetime, *, ages: bool = True
) -> PositionMark:
    """Return the mark of a position at ``price``."""
    return PositionMark(
        price=price,
        at=at,
        profit=unrealized_profit(position, instrument, price),
        value=market_value(position, instrument, price),
        cost=cost_basis(position, instrument),
        ages=ages,
    )


class MarkPrices(Protocol):
    """Values open positions without querying an exchange."""

    async def __call__(self, positions: Sequence[Position]) -> Mapping[int, PositionMark]:
        """Return marks by position id; positions that are closed or have no price are left out.

        Raises ``Unavailable``.
        """
        ...


class StoredPaperPrices(Protocol):
    """Stored prices: of paper accounts set manually or read from a recording, of accounts at real
    exchanges as read last.
    """

    async def __call__(
        self, symbols: Mapping[int, frozenset[str]]
    ) -> Mapping[tuple[int, str], str]:
        """Return market texts by (account id, symbol) for the given symbols by account id."""
        ...
