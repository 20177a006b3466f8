"""Stored money of accounts: balances, open positions, and sums of what was booked."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from oms.domain.ledger.deal import Deal
from oms.domain.ledger.position import Position
from oms.domain.performance.balances import Balances
from oms.domain.value import value


@value
class SymbolResults:
    """Sums over all positions of a symbol, in its settle currency."""

    symbol: str
    #: Gross.
    profit: Decimal
    funding: Decimal
    #: Profit less fees in the settle currency, plus funding.
    realized_pnl: Decimal


@value
class StoredMoney:
    """The rows of one account, from one snapshot of the database."""

    account_id: int
    #: Number of the account's last event.
    seq: int
    #: The wallet; ``None``: none is stored.
    balances: Balances | None
    positions: Sequence[Position] = ()
    results: Sequence[SymbolResults] = ()
    #: Fees of deals by symbol and currency.
    fees: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    #: Of them, those that were reported after their execution.
    late_fees: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    #: Deals without a position: deposits, payments and sales that belong to none.
    outside: Sequence[Deal] = ()
    #: When the last execution or payment was booked, of accounts whose wallet has a time.
    last_deal_at: datetime | None = None


class AccountMoneyReads(Protocol):
    """Reads of stored money."""

    async def __call__(self, account_ids: Sequence[int]) -> Mapping[int, StoredMoney]:
        """Return the money of accounts by id; unknown ids are left out. Raises ``Unavailable``."""
        ...
