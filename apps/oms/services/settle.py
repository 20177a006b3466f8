"""Payments that are no execution become deals, each of them once."""

from oms.domain.charges import Payees, charge_id, paid
from oms.domain.entry import Entry
from oms.domain.position import Position
from oms.domain.report import Charge, ChargeKind
from oms.ports.ids import IdBlocks
from oms.ports.ledger import LedgerStore
from oms.services.home import Home


async def settled(ledger: LedgerStore, ids: IdBlocks, home: Home, charge: Charge) -> Entry:
    """What ``charge`` brings to the book; nothing if it is booked already."""
    name, symbol = charge_id(charge), charge.symbol or charge.currency
    if any(deal.exchange_trade_id == name for deal in home.deals_not_stored()):
        return Entry()
    if await ledger.deals_of(home.account.id, symbol, [name]):
        return Entry()
    if charge.kind is ChargeKind.COMMISSION:
        payees = await _owner_of_trade(ledger, home, charge, symbol)
    else:
        payees = _holders(home, charge)
    await ids.ensure("deal", max(len(payees.positions), 1))
    return paid(payees, charge, ids)


def _holders(home: Home, charge: Charge) -> Payees:
    """The open positions that a payment for holding them is split among."""
    held: list[Position] = []
    if charge.kind is ChargeKind.FUNDING and charge.symbol is not None:
        held = home.positions_in(charge.symbol)
        if charge.side is not None:
            held = [position for position in held if position.side is charge.side]
    return Payees(account_id=home.account.id, positions=held)


async def _owner_of_trade(ledger: LedgerStore, home: Home, charge: Charge, symbol: str) -> Payees:
    """The trade that a late fee belongs to, and its position."""
    drafted = [d for d in home.deals_not_stored() if d.exchange_trade_id == charge.charge_id]
    stored = await ledger.deals_of(home.account.id, symbol, [charge.charge_id])
    trades = drafted or list(stored.get(charge.charge_id, ()))
    if not trades:
        return Payees(account_id=home.account.id)
    trade = trades[-1]
    position = home.positions.get(trade.position_id)
    position = position or await ledger.position(home.account.id, trade.position_id)
    return Payees(
        account_id=home.account.id,
        instrument=home.exchange.instruments().get(symbol),
        positions=() if position is None else (position,),
        trade=trade,
    )
