"""Payments that are not executions (fees, funding, balance changes) become deals, each once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from oms.domain.ledger.charges import ChargeTargets, apply_charge, charge_trade_id, charged_leg
from oms.domain.ledger.funding_split import Timeline, funding_trade_id, merges_of
from oms.domain.ledger.history_replay import SymbolHistory
from oms.domain.ledger.ledger_update import LedgerUpdate
from oms.domain.ledger.position import Position
from oms.domain.orders.execution_report import Charge, ChargeKind
from oms.domain.side import Side
from oms.domain.value import evolve
from oms.ports.ids import IdBlocks
from oms.ports.ledger_store import ARCHIVED_AGE_MIN, LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.ledger.booked_deals import find_deals
from oms.services.ledger.prefetch import IDS_PER_READ_MAX

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PastHoldings:
    """The positions of a symbol, and what they held when funding was due."""

    positions: Mapping[int, Position]
    timeline: Timeline

    @classmethod
    def of_history(cls, history: SymbolHistory) -> "PastHoldings":
        """Return those of the history of the symbol."""
        merges = merges_of(history.positions)
        return cls(
            {position.id: position for position in history.positions},
            Timeline(history.instrument, history.deals, merges),
        )


async def drop_archived_charges(
    ledger: LedgerStore, state: AccountState, charges: Sequence[Charge]
) -> list[Charge]:
    """Return the payments without those whose deals are archived.

    Only payments that are old enough to be archived are looked up.
    """
    names: dict[str, list[str]] = {}
    for charge in charges:
        if charge.executed_at < charge.received_at - ARCHIVED_AGE_MIN:
            names.setdefault(charge.booking_symbol, []).extend(_own_trade_ids(charge))
    archived = {
        (symbol, name)
        for symbol, ids in names.items()
        for name in await ledger.archived_trades(state.account.id, symbol, ids)
    }
    return [
        charge
        for charge in charges
        if not any((charge.booking_symbol, name) in archived for name in _own_trade_ids(charge))
    ]


async def drop_known_charges(
    ledger: LedgerStore, state: AccountState, charges: Sequence[Charge]
) -> list[Charge]:
    """Return the payments without archived ones and without funding that is booked already."""
    charges = await drop_archived_charges(ledger, state, charges)
    names: dict[str, list[str]] = {}
    for charge in charges:
        if charge.kind is ChargeKind.FUNDING:
            names.setdefault(charge.booking_symbol, []).extend(_trade_ids(charge))
    booked: set[tuple[str, str]] = set()
    for symbol, trade_ids in names.items():
        for start in range(0, len(trade_ids), IDS_PER_READ_MAX):
            page = trade_ids[start : start + IDS_PER_READ_MAX]
            deals = await find_deals(ledger, state, symbol, page)
            booked.update((symbol, deal.exchange_trade_id) for deal in deals)
    return [
        charge
        for charge in charges
        if charge.kind is not ChargeKind.FUNDING
        or not any((charge.booking_symbol, name) in booked for name in _trade_ids(charge))
    ]


async def book_charge(
    ledger: LedgerStore,
    ids: IdBlocks,
    state: AccountState,
    charge: Charge,
    past: PastHoldings | None,
) -> LedgerUpdate:
    """Return the ledger update that books ``charge``; an empty one if it is booked already.

    ``past`` is what was held when funding was due; ``None``: what is open now.
    """
    symbol = charge.booking_symbol
    booked = await find_deals(ledger, state, symbol, _trade_ids(charge))
    if charge.kind is ChargeKind.COMMISSION:
        if any(deal.fee_currency == charge.currency for deal in booked):
            return LedgerUpdate()
        payees = await _trade_of_commission(ledger, state, charge, symbol)
        payees = evolve(payees, first_leg=len(booked))
    elif booked:
        return LedgerUpdate()
    else:
        payees = _holding_positions(state, charge, past)
    await ids.ensure("deal", max(len(payees.positions), 1))
    return apply_charge(payees, charge, ids)


def _trade_ids(charge: Charge) -> list[str]:
    """Return the trade ids under which the payment may be booked.

    One of a leg may have been booked when its leg was not known, and one of the whole symbol when
    it was. One of a real exchange may have been booked under its due time, before payments were
    booked by their own ids.
    """
    names = [charge_trade_id(charge)]
    if charge.kind is ChargeKind.FUNDING:
        due_ms = (charge.executed_at - _EPOCH) // timedelta(milliseconds=1)
        names.append(funding_trade_id(str(due_ms), None))
        sides = (Side.BUY, Side.SELL) if charge.side is None else (None,)
        names += (funding_trade_id(charge.charge_id, side) for side in sides)
    return names


def _own_trade_ids(charge: Charge) -> list[str]:
    """Return the trade ids of its own deals; a late fee of an archived execution may be new."""
    is_fee = charge.kind is ChargeKind.COMMISSION
    return [charge_trade_id(charge)] if is_fee else _trade_ids(charge)


def earliest_funding(charges: Sequence[Charge], symbol: str) -> datetime:
    """Return when the first funding of ``symbol`` among ``charges`` was due."""
    return min(
        charge.executed_at
        for charge in charges
        if charge.kind is ChargeKind.FUNDING and charge.symbol == symbol
    )


def _holding_positions(
    state: AccountState, charge: Charge, past: PastHoldings | None
) -> ChargeTargets:
    """Return the positions that share funding, and what they held when it was due."""
    account_id = state.account.id
    if charge.kind is not ChargeKind.FUNDING or charge.symbol is None:
        return ChargeTargets(account_id=account_id)
    if past is None:
        held = [
            position
            for position in state.positions_in(charge.symbol)
            if charge.side is None or position.side is charge.side
        ]
        quantities = [position.qty for position in held]
        return ChargeTargets(account_id=account_id, positions=held, quantities=quantities)
    holdings = past.timeline.holdings_at(charge.executed_at, charge.side)
    return ChargeTargets(
        account_id=account_id,
        positions=[
            # The payment before this one may have changed the row since the history was read.
            state.find_position(one.position_id) or past.positions[one.position_id]
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
    trade = charged_leg(trades)
    position = state.find_position(trade.position_id)
    position = position or await ledger.position(state.account.id, trade.position_id)
    return ChargeTargets(
        account_id=state.account.id,
        instrument=state.exchange.instruments().get(symbol),
        positions=() if position is None else (position,),
        trade=trade,
    )
