"""The history of a symbol as it stands: what is stored, and over it what is on its way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from oms.domain.deal import Deal
from oms.domain.instrument import Instrument
from oms.domain.position import Position
from oms.domain.refold import History
from oms.ports.ledger import LedgerStore
from oms.services.home import Draft, Home


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfold:
    """Reads what must be folded again."""

    ledger: LedgerStore

    async def __call__(self, home: Home, instrument: Instrument, moment: datetime) -> History:
        """All of the symbol that was open at ``moment`` or later, with its deals and orders."""
        symbol = instrument.symbol
        drafts = home.drafts()  # before the read: what is on its way may arrive during it
        moment = _reached(drafts, symbol, moment)
        rows = await self.ledger.folded_since(home.account.id, symbol, moment)
        positions = {position.id: position for position in rows.positions}
        deals = {deal.id: deal for deal in rows.deals}
        orders = {order.id: order for order in rows.orders}
        for draft in drafts:
            _lay_positions(positions, draft.positions_changed, symbol, moment)
            _lay_positions(positions, draft.positions_new, symbol, moment)
            deals |= {deal.id: deal for deal in draft.deals if deal.symbol == symbol}
            deals |= draft.deals_changed
            for deal_id in draft.deals_removed:
                deals.pop(deal_id, None)
            orders |= draft.orders_changed
            orders |= draft.orders_new
        kept = _of(positions, deals)
        named = {deal.order_id for deal in kept.values()}
        return History(
            mode=home.account.position_mode,
            instrument=instrument,
            positions=tuple(positions.values()),
            deals=tuple(kept.values()),
            orders={key: order for key, order in orders.items() if key in named},
        )


def _reached(drafts: Sequence[Draft], symbol: str, moment: datetime) -> datetime:
    """How far back to read: a position that a draft opens again is stored as closed before.

    Without its stored deals it would be folded from those of the draft alone.
    """
    changed = (row for draft in drafts for row in draft.positions_changed.values())
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
