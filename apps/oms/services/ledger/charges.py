"""Payments that are not executions (fees, funding, balance changes) become deals, each once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from oms.domain.ledger.charges import ChargeTargets, apply_charge, charge_trade_id
from oms.domain.ledger.funding_split import Timeline, funding_trade_id, holdings_at
from oms.domain.ledger.history_replay import SymbolHistory
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.orders.execution_report import Charge, ChargeKind
from oms.domain.value import evolve
from oms.ports.ids import IdBlocks
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.ledger.booked_deals import find_deals

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def book_charge(
    ledger: LedgerStore,
    ids: IdBlocks,
    state: AccountState,
    charge: Charge,
    history: SymbolHistory | None,
) -> LedgerUpdate:
    """Return the ledger update that books ``charge``; an empty one if it is booked already.

    ``history`` is what was open when funding was due; ``None``: what is open now.
    """
    symbol = charge.symbol or charge.currency
    booked = await find_deals(ledger, state, symbol, _trade_ids(charge))
    if charge.kind is ChargeKind.COMMISSION:
        if any(deal.fee_currency == charge.currency for deal in booked):
            return LedgerUpdate()
        payees = await _trade_of_commission(ledger, state, charge, symbol)
        payees = evolve(payees, first_leg=len(booked))
    elif booked:
        return LedgerUpdate()
    else:
        payees = _holding_positions(state, charge, history)
    await ids.ensure("deal", max(len(payees.positions), 1))
    return apply_charge(payees, charge, ids)


def _trade_ids(charge: Charge) -> list[str]:
    """Return the trade ids under which the payment may be booked.

    One of a leg may have been booked before payments of two legs were distinguished, and one of a
    real exchange under its due time, before payments were booked by their own ids.
    """
    names = [charge_trade_id(charge)]
    if charge.kind is ChargeKind.FUNDING:
        due_ms = (charge.executed_at - _EPOCH) // timedelta(milliseconds=1)
        names.append(funding_trade_id(str(due_ms), None))
        if charge.side is not None:
            names.append(funding_trade_id(charge.charge_id, None))
    return names


def earliest_funding(charges: Sequence[Charge], symbol: str) -> datetime:
    """Return when the first funding of ``symbol`` among ``charges`` was due."""
    return min(
        charge.executed_at
        for charge in charges
        if charge.kind is ChargeKind.FUNDING and charge.symbol == symbol
    )


def _holding_positions(
    state: AccountState, charge: Charge, history: SymbolHistory | None
) -> ChargeTargets:
    """Return the positions that share funding, and what they held when it was due."""
    account_id = state.account.id
    if charge.kind is not ChargeKind.FUNDING or charge.symbol is None:
        return ChargeTargets(account_id=account_id)
    if history is None:
        held = [
            position
            for position in state.positions_in(charge.symbol)
            if charge.side is None or position.side is charge.side
        ]
        quantities = [position.qty for position in held]
        return ChargeTargets(account_id=account_id, positions=held, quantities=quantities)
    positions = {position.id: position for position in history.positions}
    merged = {
        row.id: (row.closed_at, row.merged_into)
        for row in history.positions
        if row.merged_into is not None and row.closed_at is not None
    }
    timeline = Timeline(instrument=history.instrument, deals=history.deals, merged=merged)
    holdings = holdings_at(timeline, charge.executed_at, charge.side)
    return ChargeTargets(
        account_id=account_id,
        positions=[
            # The payment before this one may have changed the row since the history was read.
            state.find_position(one.position_id) or positions[one.position_id]
            for one in holdings
        ],
        quantities=[one.qty for one in holdings],
    )


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
