"""Sums over all positions and deals of an account, carried forward by its commits.

A sum is that of one event number of the account. A read of the money of an account uses it only if
its own snapshot of the database ends with that number, so a commit of another process, or one whose
outcome is not known, is never missed: the rows are then added up again.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from oms.domain.ledger.position import Position
from oms.domain.money import ZERO, add, subtract
from oms.ports.ledger_store import AccountBatch

Figures = tuple[Decimal, Decimal, Decimal]
"""Profit, funding and realized result of positions."""

ACCOUNTS_MAX = 10_000
#: A read may end after later commits: sums are kept for as many event numbers.
VERSIONS_MAX = 16
_NONE: Figures = (ZERO, ZERO, ZERO)


@dataclass(frozen=True, slots=True)
class BookedSums:
    """The sums of an account."""

    #: By symbol.
    results: Mapping[str, Figures]
    #: Fees of deals in positions, by symbol, currency and type of the deal.
    fees: Mapping[tuple[str, str, str], Decimal]


@dataclass(slots=True)
class _Carried:
    """The sums of an account at its last event numbers, the newest last."""

    seq: int
    versions: dict[int, BookedSums]
    #: Figures of the positions that are open at the newest, by id.
    held: dict[int, Figures]


@dataclass(slots=True)
class SumsRead:
    """A read that is in progress, with the commits since it began."""

    account_ids: Collection[int]
    batches: list[AccountBatch] = field(default_factory=list)


class CarriedSums:
    """The sums of the accounts that were read, of one store."""

    def __init__(self) -> None:
        self._carried: dict[int, _Carried] = {}
        self._reads: list[SumsRead] = []

    def at(self, account_id: int, seq: int) -> BookedSums | None:
        """Return the sums of an account at an event number; ``None`` if they are not known."""
        carried = self._carried.get(account_id)
        return None if carried is None else carried.versions.get(seq)

    @contextmanager
    def reading(self, account_ids: Collection[int]) -> Iterator[SumsRead]:
        """Note the commits of the accounts while their rows are read."""
        read = SumsRead(account_ids=frozenset(account_ids))
        self._reads.append(read)
        try:
            yield read
        finally:
            self._reads.remove(read)

    def keep(
        self,
        read: SumsRead,
        account_id: int,
        seq: int,
        sums: BookedSums,
        held: Iterable[Position],
    ) -> None:
        """Carry what was read at an event number forward from now on."""
        if len(self._carried) >= ACCOUNTS_MAX:
            self._carried.clear()
        figures = {position.id: _figures(position) for position in held}
        self._carried[account_id] = _Carried(seq=seq, versions={seq: sums}, held=figures)
        for batch in read.batches:
            if batch.lease.account_id == account_id and batch.head_after > seq:
                self._advance(batch)

    def committed(self, batches: Sequence[AccountBatch]) -> None:
        """Carry the sums of accounts forward by their commits."""
        for read in self._reads:
            read.batches += [b for b in batches if b.lease.account_id in read.account_ids]
        for batch in batches:
            if batch.lease.account_id in self._carried:
                self._advance(batch)

    def _advance(self, batch: AccountBatch) -> None:
        """Apply a commit; one that does not follow, or changes what has ended, drops the sums."""
        carried = self._carried.get(batch.lease.account_id)
        if carried is None:
            return
        sums = None
        if batch.head_before == carried.seq:
            sums = _after(carried.versions[carried.seq], carried.held, batch)
        if sums is None:
            del self._carried[batch.lease.account_id]
            return
        carried.seq = batch.head_after
        carried.versions[carried.seq] = sums
        if len(carried.versions) > VERSIONS_MAX:
            del carried.versions[next(iter(carried.versions))]


def _after(before: BookedSums, held: dict[int, Figures], batch: AccountBatch) -> BookedSums | None:
    """Return the sums after a commit, and change the ``held`` figures; ``None`` if unknown."""
    written = (*batch.positions_new, *batch.positions_changed)
    if not (written or batch.deals or batch.deals_changed or batch.deals_removed):
        return before
    is_renumbered = batch.head_after > batch.head_before
    is_known = all(position.id in held for position in batch.positions_changed)
    if batch.deals_changed or batch.deals_removed or not is_known or not is_renumbered:
        return None
    results, fees = dict(before.results), dict(before.fees)
    for position in written:
        old, new = held.pop(position.id, _NONE), _figures(position)
        if position.is_open:
            held[position.id] = new
        sums = results.get(position.symbol, _NONE)
        results[position.symbol] = (
            add(sums[0], subtract(new[0], old[0])),
            add(sums[1], subtract(new[1], old[1])),
            add(sums[2], subtract(new[2], old[2])),
        )
    for deal in batch.deals:
        if deal.fee is not None and deal.position_id and deal.fee_currency is not None:
            key = (deal.symbol, deal.fee_currency, str(deal.type))
            fees[key] = add(fees.get(key, ZERO), deal.fee)
    return BookedSums(results, fees)


def _figures(position: Position) -> Figures:
    return position.profit, position.funding, position.realized_pnl
