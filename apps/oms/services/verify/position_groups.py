"""Reads positions with all that must be folded with them: merges and close-bys, step by step."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from oms.domain.ledger.deal import Deal, DealEntry
from oms.domain.ledger.position import Position
from oms.ports.history_reads import HistoryReads
from oms.ports.ledger_store import LedgerStore
from oms.ports.verification_reads import VerificationReads
from oms.services.verify.history_pages import PAGE_ROWS
from oms.services.verify.position_replay import PositionGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionGroupReader:
    """The groups of positions of one account; in memory are a page or one group."""

    account_id: int
    history: HistoryReads
    ledger: LedgerStore
    audit: VerificationReads

    async def iterate_page(self, page: Sequence[Position]) -> AsyncIterator[PositionGroup]:
        """Each group whose first position is in ``page``."""
        ids = [position.id for position in page]
        deals: dict[int, list[Deal]] = defaultdict(list)
        for deal in await self.audit.deals_of_positions(ids):
            deals[deal.position_id].append(deal)
        targets = {row.merged_into for row in await self.audit.merged_into(self.account_id, ids)}
        for position in page:
            own = deals.pop(position.id, [])
            met = position.merged_into is not None or position.id in targets
            if not met and not any(deal.entry is DealEntry.OUT_BY for deal in own):
                yield PositionGroup(positions=(position,), deals=tuple(own))
                continue
            group = await self.around(position.id)
            if group.positions and group.positions[0].id == position.id:
                yield group

    async def around(self, position_id: int) -> PositionGroup:
        """The position and all that it met, directly or through others."""
        positions: dict[int, Position] = {}
        deals: dict[int, Deal] = {}
        first: Position | None = None
        new = {position_id}
        while new:
            some = sorted(new)[:PAGE_ROWS]
            new -= set(some)
            rows = await self.history.positions_by_id(some)
            first = first or next(iter(rows), None)
            mine = [row for row in rows if first is not None and _is_alike(row, first)]
            positions |= {row.id: row for row in mine}
            found = await self.audit.deals_of_positions([row.id for row in mine])
            deals |= {deal.id: deal for deal in found}
            new |= await self._met(mine, found) - positions.keys() - set(some)
        return PositionGroup(
            positions=tuple(positions[name] for name in sorted(positions)),
            deals=tuple(deals[name] for name in sorted(deals)),
        )

    async def _met(self, rows: Sequence[Position], deals: Sequence[Deal]) -> set[int]:
        """Ids of positions that merged with these, or closed by them."""
        met = {row.merged_into for row in rows if row.merged_into is not None}
        ids = [row.id for row in rows]
        met |= {row.id for row in await self.audit.merged_into(self.account_id, ids)}
        names = sorted({d.exchange_trade_id for d in deals if d.entry is DealEntry.OUT_BY})
        for start in range(0, len(names), PAGE_ROWS):
            part = names[start : start + PAGE_ROWS]
            pairs = await self.ledger.deals_of(self.account_id, rows[0].symbol, part)
            met |= {leg.position_id for legs in pairs.values() for leg in legs}
        return met


def _is_alike(row: Position, first: Position) -> bool:
    return (row.account_id, row.symbol) == (first.account_id, first.symbol)
