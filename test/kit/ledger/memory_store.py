"""The in-memory rows of the tests as a store of one account, for the histories of stored books."""

from collections.abc import Iterable, Sequence
from typing import Any

from kit.exchanges.paper_harness import a_paper_account
from kit.ledger.memory_account import STRATEGIES, MemoryIds, MemoryLedger
from oms.domain.account import Account, PositionMode
from oms.domain.value import evolve
from oms.ports.history_reads import HistoryQuery, Page
from oms.ports.leases import Lease
from oms.ports.ledger_store import AccountBatch, LoadedAccount

ACCOUNT_ID = 1


class LoadableLedger(MemoryLedger):
    """Rows in memory that are loaded and committed as those of a database."""

    def __init__(self) -> None:
        super().__init__()
        self.account: Account | None = None

    async def load(self, lease: Lease) -> LoadedAccount:
        """The open rows of the account."""
        assert self.account is not None
        return LoadedAccount(
            account=self.account,
            head_seq=self.head,
            orders=[order for order in self.orders.values() if order.is_open],
            positions=[p for _, p in sorted(self.positions.items()) if p.is_open],
            strategy_ids=STRATEGIES,
            exchange_state=self.memory,
        )

    async def commit(self, batches: Sequence[AccountBatch]) -> frozenset[int]:
        """Write the batches."""
        for batch in batches:
            self.write(batch)
        return frozenset()


class MemoryStore:
    """The parts of ``SqlStore`` that a ``StoredAccount`` uses, in memory."""

    def __init__(self) -> None:
        self.ledger = LoadableLedger()
        self.ids = MemoryIds()
        self.registry = self.leases = self.history = self

    async def create_account(self, *, position_mode: str, **_: Any) -> int:
        """Create the only account."""
        account = a_paper_account(PositionMode(position_mode))
        self.ledger.account = evolve(account, id=ACCOUNT_ID)
        return ACCOUNT_ID

    async def acquire(self, owner: str, account_ids: Sequence[int], seconds: float) -> list[Lease]:
        """Lease it."""
        return [Lease(account_id=account_id, token=1) for account_id in account_ids]

    async def orders(self, query: HistoryQuery) -> Page[Any]:
        """All orders."""
        return _page(self.ledger.orders.values())

    async def deals(self, query: HistoryQuery) -> Page[Any]:
        """All deals."""
        return _page(self.ledger.deals.values())

    async def positions(self, query: HistoryQuery) -> Page[Any]:
        """All positions."""
        return _page(self.ledger.positions.values())


def _page(rows: Iterable[Any]) -> Page[Any]:
    return Page(items=list(rows), total=None, next_after_id=None)
