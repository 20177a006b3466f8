"""The current history of a symbol: the stored rows overlaid with uncommitted ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from oms.domain.instrument import Instrument
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.history_replay import SymbolHistory
from oms.domain.ledger.position import Position
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState, UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadHistory:
    """Loads the history that a replay needs."""

    ledger: LedgerStore

    async def __call__(
        self, state: AccountState, instrument: Instrument, since: datetime
    ) -> SymbolHistory:
        """Return the positions open at ``since`` or later, with their deals and orders."""
        symbol = instrument.symbol
        units_of_work = (
            state.units_of_work()
        )  # Before the read: the commit in progress may complete during it.
        since = _earliest_since(units_of_work, symbol, since)
        rows = await self.ledger.history_since(state.account.id, symbol, since)
        positions = {position.id: position for position in rows.positions}
        deals = {deal.id: deal for deal in rows.deals}
        orders = {order.id: order for order in rows.orders}
        for work in units_of_work:
            _overlay_positions(positions, work.positions_changed, symbol, since)
            _overlay_positions(positions, work.positions_new, symbol, since)
            deals |= {deal.id: deal for deal in work.deals if deal.symbol == symbol}
            deals |= work.deals_changed
            for deal_id in work.deals_removed:
                deals.pop(deal_id, None)
            orders |= work.orders_changed
            orders |= work.orders_new
        kept_deals = _deals_of(positions, deals)
        order_ids = {deal.order_id for deal in kept_deals.values()}
        return SymbolHistory(
            mode=state.account.position_mode,
            instrument=instrument,
            positions=tuple(positions.values()),
            deals=tuple(kept_deals.values()),
            orders={key: order for key, order in orders.items() if key in order_ids},
        )


def _earliest_since(units_of_work: Sequence[UnitOfWork], symbol: str, since: datetime) -> datetime:
    """Return how far back to read: an uncommitted reopened position is stored as closed earlier.

    Without its stored deals it would be replayed from the uncommitted ones alone.
    """
    changed = (row for work in units_of_work for row in work.positions_changed.values())
    reopened = (p.opened_at for p in changed if p.symbol == symbol and _is_alive(p, since))
    return min((since, *reopened))


def _is_alive(position: Position, since: datetime) -> bool:
    return position.closed_at is None or position.closed_at >= since


def _overlay_positions(
    positions: dict[int, Position], changed: Mapping[int, Position], symbol: str, since: datetime
) -> None:
    for position in changed.values():
        is_alive = _is_alive(position, since)
        if position.symbol == symbol and (is_alive or position.id in positions):
            positions[position.id] = position


def _deals_of(positions: Mapping[int, Position], deals: Mapping[int, Deal]) -> dict[int, Deal]:
    """Return the deals of these positions."""
    return {key: deal for key, deal in deals.items() if deal.position_id in positions}
