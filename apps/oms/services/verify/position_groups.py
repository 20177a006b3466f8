"""Reads groups of positions that must be replayed together because of merges and close-bys."""

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
    """Groups of positions of one account; memory holds a page or one group."""

    account_id: int
    history: HistoryReads
    ledger: LedgerStore
    audit: VerificationReads

    async def iterate_page(self, page: Sequence[Position]) -> AsyncIterator[PositionGroup]:
        """Yield each group whose first position is in ``page``."""
        ids = [position.id for position in page]
        deals: dict[int, list[Deal]] = defaultdict(list)
        for deal in await self.audit.deals_of_positions(ids):
            deals[deal.position_id].append(deal)
        targets = {row.merged_into for row in await self.audit.merged_into(self.account_id, ids)}
        for position in page:
            own = deals.pop(position.id, [])
            connected = position.merged_into is not None or position.id in targets
            if not connected and not any(deal.entry is DealEntry.OUT_BY for deal in own):
                yield PositionGroup(positions=(position,), deals=tuple(own))
                continue
            group = await self.load_group(position.id)
            if group.positions and group.positions[0].id == position.id:
                yield group

    async def load_group(self, position_id: int) -> PositionGroup:
        """Return the position and all positions connected to it, directly or indirectly."""
        positions: dict[int, Position] = {}
        deals: dict[int, Deal] = {}
        first: Position | None = None
        new = {position_id}
        while new:
            ids = sorted(new)[:PAGE_ROWS]
            new -= set(ids)
            rows = await self.history.positions_by_id(ids)
            first = first or next(iter(rows), None)
            same_symbol = [row for row in rows if first is not None and _is_alike(row, first)]
            positions |= {row.id: row for row in same_symbol}
            their_deals = await self.audit.deals_of_positions([row.id for row in same_symbol])
            deals |= {deal.id: deal for deal in their_deals}
            new |= await self._connected_ids(same_symbol, their_deals) - positions.keys() - set(ids)
        return PositionGroup(
            positions=tuple(positions[name] for name in sorted(positions)),
            deals=tuple(deals[name] for name in sorted(deals)),
        )

    async def _connected_ids(self, rows: Sequence[Position], deals: Sequence[Deal]) -> set[int]:
        """Return ids of positions merged with these or closed by them."""
        connected = {row.merged_into for row in rows if row.merged_into is not None}
        ids = [row.id for row in rows]
        connected |= {row.id for row in await self.audit.merged_into(self.account_id, ids)}
        names = sorted({d.exchange_trade_id for d in deals if d.entry is DealEntry.OUT_BY})
        for start in range(0, len(names), PAGE_ROWS):
            part = names[start : start + PAGE_ROWS]
            pairs = await self.ledger.deals_of(self.account_id, rows[0].symbol, part)
            connected |= {leg.position_id for legs in pairs.values() for leg in legs}
        return connected


def _is_alike(row: Position, first: Position) -> bool:
    return (row.account_id, row.symbol) == (first.account_id, first.symbol)
