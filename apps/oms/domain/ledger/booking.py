"""Booking of one execution: its deals and the resulting positions.

Used for executions in order and, deal by deal, for replays of a history.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import reduce

from oms.domain.account import PositionMode
from oms.domain.ids import IdGenerator
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.allocation import (
    AllocationSpec,
    ExecutionKey,
    Leg,
    LegShare,
    allocate,
    execution_key,
    split_shares,
)
from oms.domain.ledger.deal import Deal, DealEntry, signed_quantity
from oms.domain.ledger.position import Fill, Position, apply_fill
from oms.domain.money import ZERO, add
from oms.domain.orders.execution_report import Execution, ExecutionReport
from oms.domain.orders.external_order import is_forced_close, is_sale_elsewhere
from oms.domain.orders.order import Order
from oms.domain.protection.entry_levels import with_entry_levels
from oms.domain.side import Side
from oms.domain.value import constructor, evolve, evolver

_new_deal = constructor(Deal)
_with_part = evolver(
    Deal,
    *("position_id", "previous_position_id", "qty", "fee", "profit", "strategy_id", "entry"),
)


def allocation_spec_of(order: Order, instrument: Instrument) -> AllocationSpec:
    """Return how the next execution of ``order`` is allocated."""
    is_spot_sale = instrument.kind is InstrumentKind.SPOT and order.side is Side.SELL
    return AllocationSpec(
        side=order.side,
        strategy_id=order.strategy_id,
        ticket_ids=(order.position_id,) if order.position_id else (),
        reduce_only=order.reduce_only,
        opens_ticket=order.new_position and not order.filled_qty,
        has_explicit_ticket=order.ticket_id != 0,
        is_forced=order.command_id is None and is_forced_close(order),
        never_opens=is_spot_sale and order.reduce_only,
        closes_others=is_spot_sale and is_sale_elsewhere(order),
    )


def execution_key_of(execution: Execution) -> ExecutionKey:
    """Return the sort key of the execution."""
    return execution_key(execution.executed_at, execution.sequence, execution.exchange_trade_id)


def build_deal(order: Order, report: ExecutionReport, execution: Execution, deal_id: int) -> Deal:
    """Return the whole execution as one deal without a position."""
    maker = execution.maker
    return _new_deal(
        id=deal_id,
        account_id=order.account_id,
        order_id=order.id,
        position_id=0,
        symbol=order.symbol,
        side=order.side,
        qty=execution.qty,
        price=execution.price,
        fee=execution.fee,
        fee_currency=execution.fee_currency,
        profit=ZERO,
        strategy_id=order.strategy_id,
        reason=order.reason,
        comment=order.comment,
        reconciled=order.reconciled,
        exchange_trade_id=execution.exchange_trade_id,
        exchange_sequence=execution.sequence,
        exchange_order_id=order.exchange_order_id or report.exchange_order_id,
        signal_id=order.signal_id,
        source_id=order.source_id,
        bot_id=order.bot_id,
        group_id=order.group_id,
        leg=0,
        entry=DealEntry.IN,
        provisional=execution.provisional,
        origin=str(report.source),
        liquidity=None if maker is None else "maker" if maker else "taker",
        executed_at=execution.executed_at,
        created_at=report.received_at,
    )


def merge_legs(legs: Sequence[Deal]) -> Execution:
    """Return the execution that the legs are parts of."""
    first = legs[0]
    fees = [leg.fee for leg in legs if leg.fee is not None]
    return Execution(
        exchange_trade_id=first.exchange_trade_id,
        qty=reduce(add, (leg.qty for leg in legs), ZERO),
        price=first.price,
        executed_at=first.executed_at,
        sequence=first.exchange_sequence,
        fee=reduce(add, fees, ZERO) if fees else None,
        fee_currency=first.fee_currency,
        maker=None if first.liquidity is None else first.liquidity == "maker",
    )


def book_deal(
    *,
    mode: PositionMode,
    instrument: Instrument,
    spec: AllocationSpec,
    order: Order | None,
    deal: Deal,
    positions: Sequence[Position],
    next_id: IdGenerator,
    legs: Sequence[Deal] = (),
    entered_id: int = 0,
) -> tuple[tuple[Deal, ...], tuple[Position, ...]]:
    """Split ``deal`` over ``positions``; returns its legs and the positions after them.

    The first leg keeps the id of the deal, further ones those of ``legs`` as long as there are any.
    A leg that belongs to no position is the last one. The position ``entered_id`` has the stop
    levels of the order already, or others that were set since.
    """
    delta = signed_quantity(instrument, deal.side, deal.qty, deal.fee, deal.fee_currency)
    allocated = allocate(mode, spec, positions, delta)
    parts = split_shares(instrument, allocated, deal.qty, deal.fee, deal.fee_currency)
    deals: list[Deal] = []
    after: list[Position] = []
    for number, (leg, part) in enumerate(zip(allocated, parts, strict=True)):
        position, profit = None, ZERO
        if leg.has_position:
            before = leg.position or _open_position(deal, leg, spec, after, next_id)
            position, profit = apply_fill(before, instrument, _fill_of(deal, leg, part))
            if leg.entry is DealEntry.IN:
                brings_levels = position.id != entered_id
                position = with_entry_levels(position, order if brings_levels else None, instrument)
            after.append(position)
        booked_leg = _booked_leg(deal, leg, part, spec, position, profit)
        if 0 < number < len(legs):
            before_leg = legs[number]
            booked_leg = evolve(
                booked_leg, id=before_leg.id, leg=before_leg.leg, comment=before_leg.comment
            )
        elif number:
            booked_leg = evolve(booked_leg, id=next_id("deal"), leg=deal.leg + number)
        deals.append(booked_leg)
    return tuple(deals), tuple(after)


def _fill_of(deal: Deal, leg: Leg, part: LegShare) -> Fill:
    return Fill(
        delta=leg.delta,
        price=deal.price,
        fee=part.fee,
        fee_currency=deal.fee_currency,
        reason=deal.reason,
        executed_at=deal.executed_at,
        received_at=deal.created_at,
    )


def _booked_leg(
    deal: Deal,
    leg: Leg,
    part: LegShare,
    spec: AllocationSpec,
    position: Position | None,
    profit: Decimal,
) -> Deal:
    """Return the leg as a deal; one that closes for others has their strategy."""
    is_theirs = position is not None and (spec.is_forced or spec.closes_others)
    return _with_part(
        deal,
        position_id=0 if position is None else position.id,
        previous_position_id=(
            position.previous_position_id if position is not None and leg.flips else None
        ),
        qty=part.qty,
        fee=part.fee,
        profit=profit,
        strategy_id=(
            position.strategy_id if position is not None and is_theirs else spec.strategy_id
        ),
        entry=leg.entry,
    )


def _open_position(
    deal: Deal, leg: Leg, spec: AllocationSpec, before: Sequence[Position], next_id: IdGenerator
) -> Position:
    """Return a new position for an opening leg; after a flip it continues the identifier."""
    position_id = next_id("position")
    previous = before[-1] if leg.flips else None
    return Position(
        id=position_id,
        account_id=deal.account_id,
        symbol=deal.symbol,
        strategy_id=spec.strategy_id,
        side=Side.BUY if leg.delta > 0 else Side.SELL,
        reason=deal.reason,
        comment=deal.comment,
        identifier=previous.identifier if previous is not None else position_id,
        previous_position_id=previous.id if previous is not None else None,
        external=not deal.reconciled,
        opened_at=deal.executed_at,
        updated_at=deal.created_at,
    )
