"""Which random orders of a hedge account may name a ticket while other orders are open.

What a name means depends on the order of the reports where an open order may end the ticket first:
the known fault in docs/reliability.md.
"""

from decimal import Decimal

from kit.ledger.ledger_book import LedgerBook
from oms.domain.instrument import InstrumentKind
from oms.domain.ledger.position import Position


def is_name_safe(book: LedgerBook, ticket: Position, side: str, qty: Decimal) -> bool:
    """Return whether no open order can end the ticket before an order that names it.

    Never at spot, where each sale without a ticket closes the oldest ones.
    """
    others = [one for one in book.orders.values() if one.is_open]
    named = [one for one in others if one.ticket_id == ticket.id]
    closing = [one for one in named if one.side is not ticket.side]
    aged = [one for one in others if not one.ticket_id and one.side is not ticket.side]
    if book.instrument.kind is InstrumentKind.SPOT or any(one.reduce_only for one in aged):
        return False
    if side == ticket.side.value:
        return not closing
    left = ticket.qty.copy_abs() - sum((one.qty for one in closing), Decimal(0))
    return len(closing) == len(named) and qty <= left


def is_named(book: LedgerBook, side: str) -> bool:
    """Return whether an open order names a ticket that an order of this side would close."""
    tickets = (
        book.positions[o.ticket_id] for o in book.orders.values() if o.is_open and o.ticket_id
    )
    return any(ticket.side.value != side for ticket in tickets)
