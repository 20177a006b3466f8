"""Rebuilds the books of an account symbol by symbol from facts; read-only.

Memory holds one symbol at a time. The gateway may run at the same time: a symbol with differences
is read again until two reads are equal.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from oms.domain.account import Account
from oms.domain.errors import NotFound
from oms.domain.instrument import Instrument
from oms.domain.value import value
from oms.ports.clock import Clock
from oms.ports.history_reads import HistoryQuery, HistoryReads, Page, Row
from oms.ports.registry import Registry
from oms.ports.verification_reads import VerificationReads
from oms.services.replay.rebuild import Books, Difference, compare_books, rebuild_books
from oms.services.verify.history_pages import PAGE_ROWS
from oms.services.verify.stable_read import READ_ATTEMPTS_MAX


@value
class ReplayedSymbol:
    """A rebuilt symbol; ``differences`` is empty if a past time was requested."""

    symbol: str
    books: Books
    differences: Sequence[Difference]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Rebuilds an account; raises ``Unavailable``, ``NotFound``."""

    registry: Registry
    history: HistoryReads
    audit: VerificationReads
    clock: Clock
    instruments: Callable[[Account], Awaitable[Mapping[str, Instrument]]]

    async def __call__(
        self, account_id: int, until: datetime | None = None, symbol: str | None = None
    ) -> AsyncIterator[ReplayedSymbol]:
        """Yield each symbol, or the one given, as of ``until`` or now."""
        rows = await self.registry.accounts([account_id])
        if not rows:
            raise NotFound(f"account {account_id} does not exist", code="account_not_found")
        account = rows[0].account
        instruments = await self.instruments(account)
        for name in await self.audit.symbols(account_id):
            if symbol is None or name == symbol:
                yield await self._replay_symbol(account, instruments.get(name), name, until)

    async def _replay_symbol(
        self, account: Account, instrument: Instrument | None, symbol: str, until: datetime | None
    ) -> ReplayedSymbol:
        mode, stored = account.position_mode, await self._books(account.id, symbol)
        for _ in range(READ_ATTEMPTS_MAX):
            books = rebuild_books(mode, instrument, stored, self.clock.now(), until)
            differences = () if until is not None else tuple(compare_books(stored, books))
            again = await self._books(account.id, symbol) if differences else stored
            if again == stored:
                break
            stored = again
        return ReplayedSymbol(symbol=symbol, books=books, differences=differences)

    async def _books(self, account_id: int, symbol: str) -> Books:
        return Books(
            positions=await _read_all(self.history.positions, account_id, symbol),
            deals=await _read_all(self.history.deals, account_id, symbol),
            orders=await _read_all(self.history.orders, account_id, symbol),
        )


async def _read_all(
    read: Callable[[HistoryQuery], Awaitable[Page[Row]]], account_id: int, symbol: str
) -> Sequence[Row]:
    """Return all rows of the symbol, ascending by id."""
    rows: list[Row] = []
    after: int | None = 0
    while after is not None:
        page = await read(
            HistoryQuery(
                account_ids=(account_id,),
                symbol=symbol,
                page_size=PAGE_ROWS,
                after_id=after,
                with_total=False,
            )
        )
        rows += page.items
        after = page.next_after_id
    return rows
