"""Dust: a remainder of a position that is too small to be closed by an order.

The position ends anyway: the remainder is booked out at its average price, so no profit or loss
arises, and stays in the balance. An event reports the quantity.
"""

from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from oms.domain.event import Event
from oms.domain.ids import IdGenerator
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.deal import Deal, DealEntry, signed_quantity
from oms.domain.ledger.ledger_events import closed_event, deal_event
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.ledger.position import Fill, Position, apply_fill, average_entry_price
from oms.domain.money import ZERO
from oms.domain.side import Side
from oms.domain.value import evolve

DUST_PREFIX = "dust:"
"""Prefix of the trade id of written-off dust; the id of its cause follows."""


def is_dust(position: Position, instrument: Instrument, price: Decimal) -> bool:
    """Return whether no order could close the remainder at ``price``.

    A minimum value of closing orders exists on spot only.
    """
    left = position.qty.copy_abs()
    if left < instrument.step:
        return True
    return instrument.kind is InstrumentKind.SPOT and instrument.notional(left, price) < (
        instrument.min_notional
    )


def write_off_dust(
    position: Position,
    instrument: Instrument,
    next_id: IdGenerator,
    *,
    name: str,
    reason: str,
    executed_at: datetime,
    received_at: datetime,
) -> LedgerUpdate:
    """Close ``position``; ``name`` is the causing trade id or command."""
    qty, average = position.qty.copy_abs(), position.cost / Fraction(position.qty)
    deal = Deal(
        id=next_id("deal"),
        account_id=position.account_id,
        order_id=None,
        position_id=position.id,
        symbol=position.symbol,
        side=Side.SELL if position.qty > 0 else Side.BUY,
        qty=qty,
        price=average_entry_price(position, instrument),
        fee=None,
        fee_currency=None,
        profit=ZERO,
        strategy_id=position.strategy_id,
        reason=reason,
        exchange_trade_id=f"{DUST_PREFIX}{name}",
        leg=0,
        entry=DealEntry.OUT_BY,
        origin="operator",
        liquidity=None,
        executed_at=executed_at,
        created_at=received_at,
    )
    fill = Fill(
        delta=signed_quantity(instrument, deal.side, qty, None, None),
        price=deal.price,
        fee=None,
        fee_currency=None,
        reason=deal.reason,
        executed_at=deal.executed_at,
        received_at=deal.created_at,
        value=average,
    )
    closed, profit = apply_fill(position, instrument, fill)
    facts = {"position_id": position.id, "symbol": position.symbol, "qty": qty}
    return LedgerUpdate(
        deals=(evolve(deal, profit=profit),),
        positions=(closed,),
        events=(
            deal_event(deal),
            Event(name="position_dust", strategy_id=position.strategy_id, facts=facts),
            closed_event(closed),
        ),
    )
