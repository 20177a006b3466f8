"""The history of a symbol as it stands: what is stored, and over it what is on its way."""

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
    """Reads what must be folded again."""

    ledger: LedgerStore

    async def __call__(
        self, state: AccountState, instrument: Instrument, moment: datetime
    ) -> SymbolHistory:
        """All of the symbol that was open at ``moment`` or later, with its deals and orders."""
        symbol = instrument.symbol
        units_of_work = (
            state.units_of_work()
        )  # before the read: what is on its way may arrive during it
        moment = _reached(units_of_work, symbol, moment)
        rows = await self.ledger.history_since(state.account.id, symbol, moment)
        positions = {position.id: position for position in rows.positions}
        deals = {deal.id: deal for deal in rows.deals}
        orders = {order.id: order for order in rows.orders}
        for work in units_of_work:
            _lay_positions(positions, work.positions_changed, symbol, moment)
            _lay_positions(positions, work.positions_new, symbol, moment)
            deals |= {deal.id: deal for deal in work.deals if deal.symbol == symbol}
            deals |= work.deals_changed
            for deal_id in work.deals_removed:
                deals.pop(deal_id, None)
            orders |= work.orders_changed
            orders |= work.orders_new
        kept = _of(positions, deals)
        named = {deal.order_id for deal in kept.values()}
        return SymbolHistory(
            mode=state.account.position_mode,
            instrument=instrument,
            positions=tuple(positions.values()),
            deals=tuple(kept.values()),
            orders={key: order for key, order in orders.items() if key in named},
        )


def _reached(units_of_work: Sequence[UnitOfWork], symbol: str, moment: datetime) -> datetime:
    """How far back to read: a position that a draft opens again is stored as closed before.

    Without its stored deals it would be folded from those of the draft alone.
    """
    changed = (row for work in units_of_work for row in work.positions_changed.values())
    again = (p.opened_at for p in changed if p.symbol == symbol and _is_alive(p, moment))
    return min((moment, *again))


def _is_alive(position: Position, moment: datetime) -> bool:
    return position.closed_at is None or position.closed_at >= moment


def _lay_positions(
    held: dict[int, Position], drafted: Mapping[int, Position], symbol: str, moment: datetime
) -> None:
    for position in drafted.values():
        alive = _is_alive(position, moment)
        if position.symbol == symbol and (alive or position.id in held):
            held[position.id] = position


def _of(positions: Mapping[int, Position], deals: Mapping[int, Deal]) -> dict[int, Deal]:
    """The deals of these positions."""
    return {key: deal for key, deal in deals.items() if deal.position_id in positions}
