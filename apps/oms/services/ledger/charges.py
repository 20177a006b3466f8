"""Payments that are not executions (fees, funding, balance changes) become deals, each once."""

from oms.domain.ledger.charges import ChargeTargets, apply_charge, charge_trade_id
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.ledger.position import Position
from oms.domain.orders.execution_report import Charge, ChargeKind
from oms.domain.value import evolve
from oms.ports.ids import IdBlocks
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.ledger.booked_deals import find_deals


async def book_charge(
    ledger: LedgerStore, ids: IdBlocks, state: AccountState, charge: Charge
) -> LedgerUpdate:
    """Return the ledger update that books ``charge``; an empty one if it is booked already."""
    name, symbol = charge_trade_id(charge), charge.symbol or charge.currency
    booked = await find_deals(ledger, state, symbol, [name])
    if charge.kind is ChargeKind.COMMISSION:
        if any(deal.fee_currency == charge.currency for deal in booked):
            return LedgerUpdate()
        payees = await _trade_of_commission(ledger, state, charge, symbol)
        payees = evolve(payees, first_leg=len(booked))
    elif booked:
        return LedgerUpdate()
    else:
        payees = _holding_positions(state, charge)
    await ids.ensure("deal", max(len(payees.positions), 1))
    return apply_charge(payees, charge, ids)


def _holding_positions(state: AccountState, charge: Charge) -> ChargeTargets:
    """Return the open positions that share a holding payment."""
    held: list[Position] = []
    if charge.kind is ChargeKind.FUNDING and charge.symbol is not None:
        held = state.positions_in(charge.symbol)
        if charge.side is not None:
            held = [position for position in held if position.side is charge.side]
    return ChargeTargets(account_id=state.account.id, positions=held)


async def _trade_of_commission(
    ledger: LedgerStore, state: AccountState, charge: Charge, symbol: str
) -> ChargeTargets:
    """Return the trade that a late fee belongs to, and its position."""
    trades = await find_deals(ledger, state, symbol, [charge.charge_id])
    if not trades:
        return ChargeTargets(account_id=state.account.id)
    trade = trades[-1]
    position = state.find_position(trade.position_id)
    position = position or await ledger.position(state.account.id, trade.position_id)
    return ChargeTargets(
        account_id=state.account.id,
        instrument=state.exchange.instruments().get(symbol),
        positions=() if position is None else (position,),
        trade=trade,
    )
