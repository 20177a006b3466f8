"""Allocation of an execution to positions: which ones it affects and how it is split.

netting            the one open position of the symbol
strategy_netting   the one open position of the symbol and the order's strategy
hedge              the order's ticket; else, reduce-only, the strategy's opposite tickets, oldest
                   first; else the newest ticket of the same symbol, side and strategy;
                   ``new_position`` always opens one, unless it may only reduce. An opposite deal
                   never nets by itself.

Executions forced by the exchange close opposite positions of every strategy, oldest first.

Spot has no short: what a reduce-only sale of coins sells beyond its positions belongs to none. A
sale made elsewhere closes, in hedge mode, the tickets of strategy 0 and then those of the others.

An execution larger than all positions it closes is split: ``out`` legs close, an ``in`` leg takes
the rest. In the netting modes the rest continues the identifier of the flipped position; in hedge
mode it is an *over-close* and opens a ticket of its own.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from oms.domain.account import PositionMode
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.deal import DealEntry, DealType
from oms.domain.ledger.position import Position
from oms.domain.money import EXACT, ZERO, add, round_to_scale, subtract
from oms.domain.orders.order import Side

ExecutionKey = tuple[datetime, int, int, str]
"""Sort key in the exchange's order of executions: time, sequence, trade id (shorter first)."""


def execution_key(executed_at: datetime, sequence: int, trade_id: str) -> ExecutionKey:
    """Return the sort key of an execution; numeric trade ids sort as numbers.

    ``sequence`` orders executions within the same millisecond; 0 if the exchange reports none.
    """
    return executed_at, sequence, len(trade_id), trade_id


def boundary_key(at: datetime) -> ExecutionKey:
    """Return the sort key of what follows all executions of its time.

    These are close-bys, dust and merges, and the first possible place of a funding payment.
    """
    return at, 2**63, 0, ""


def step_key(
    executed_at: datetime, sequence: int, trade_id: str, kind: str, entry: str
) -> ExecutionKey:
    """Return the place of a deal in a replay, from its columns."""
    if entry == DealEntry.OUT_BY or kind == DealType.FUNDING:
        return boundary_key(executed_at)
    return execution_key(executed_at, sequence, trade_id)


class AllocationSpec(NamedTuple):
    """The attributes of an order that decide which positions its executions affect."""

    side: Side
    strategy_id: int
    #: The tickets that the order refers to or that its fills went to.
    ticket_ids: tuple[int, ...] = ()
    reduce_only: bool = False
    #: The first execution opens a new ticket.
    opens_ticket: bool = False
    #: The order refers to a ticket explicitly: it closes no other.
    has_explicit_ticket: bool = False
    #: Forced by the exchange: closes positions of all strategies.
    is_forced: bool = False
    #: A sale of coins that may only close: the rest belongs to no position.
    never_opens: bool = False
    #: Closes the tickets of other strategies after those of its own.
    closes_others: bool = False


class Leg(NamedTuple):
    """The part of an execution for one position.

    ``position`` is ``None`` if it opens one, or if it is an exit from no position.
    """

    position: Position | None
    #: Signed, positive long.
    delta: Decimal
    entry: DealEntry
    #: Opens a position with the rest after closing a netting position.
    flips: bool = False

    @property
    def has_position(self) -> bool:
        """Return whether the part belongs to a position."""
        return self.position is not None or self.entry is DealEntry.IN


def allocate(
    mode: PositionMode, spec: AllocationSpec, positions: Sequence[Position], delta: Decimal
) -> list[Leg]:
    """Split ``delta`` over the open ``positions``; returns the legs in order."""
    parts: list[Leg] = []
    rest = delta
    growing: Position | None = None
    for position in _candidates(mode, spec, positions):
        held = position.qty
        if (held > 0) == (delta > 0):
            growing = growing or position
            continue
        closing = rest if rest.copy_abs() <= held.copy_abs() else held.copy_negate()
        parts.append(Leg(position=position, delta=closing, entry=DealEntry.OUT))
        rest = EXACT.subtract(rest, closing)
        if not rest:
            return parts
    if spec.never_opens:
        parts.append(Leg(position=None, delta=rest, entry=DealEntry.OUT))
        return parts
    flips = bool(parts) and mode is not PositionMode.HEDGE
    parts.append(Leg(position=growing, delta=rest, entry=DealEntry.IN, flips=flips))
    return parts


def opening_order_key(position: Position) -> tuple[datetime, int]:
    """Return the sort key of positions by opening time."""
    return position.opened_at, position.id


def has_ties(positions: Sequence[Position]) -> bool:
    """Return whether two of the positions were opened at the same time."""
    return len({position.opened_at for position in positions}) < len(positions)


def _candidates(
    mode: PositionMode, spec: AllocationSpec, positions: Sequence[Position]
) -> Sequence[Position]:
    """Return the positions that an execution may affect, in allocation order."""
    if spec.is_forced:
        opposite = sorted((p for p in positions if p.side is not spec.side), key=opening_order_key)
        return [*opposite, *_growing(mode, spec, positions)]
    match mode:
        case PositionMode.NETTING:
            return positions
        case PositionMode.STRATEGY_NETTING:
            return [p for p in positions if p.strategy_id == spec.strategy_id]
        case PositionMode.HEDGE:
            return _tickets(spec, positions)


def _growing(
    mode: PositionMode, spec: AllocationSpec, positions: Sequence[Position]
) -> Sequence[Position]:
    """Return the position that the rest of a forced execution adds to, in the netting modes."""
    same_side = [p for p in positions if p.side is spec.side]
    match mode:
        case PositionMode.NETTING:
            return same_side
        case PositionMode.STRATEGY_NETTING:
            return [p for p in same_side if p.strategy_id == spec.strategy_id]
        case PositionMode.HEDGE:
            return ()


def _tickets(spec: AllocationSpec, positions: Sequence[Position]) -> Sequence[Position]:
    ticket = [p for p in positions if p.id in spec.ticket_ids]
    if spec.never_opens:
        ticket = [p for p in ticket if p.side is not spec.side]
    if len(ticket) > 1:
        ticket.sort(key=lambda position: spec.ticket_ids.index(position.id))
    if spec.has_explicit_ticket if spec.reduce_only else spec.opens_ticket:
        return ticket
    if ticket and (ticket[0].side is spec.side or not spec.reduce_only):
        return ticket
    strategy_positions = [p for p in positions if p.strategy_id == spec.strategy_id]
    if spec.reduce_only:
        opposite = [p for p in positions if p.side is not spec.side and p not in ticket]
        opposite.sort(key=lambda p: (p.strategy_id != spec.strategy_id, *opening_order_key(p)))
        if not spec.closes_others:
            opposite = [p for p in opposite if p.strategy_id == spec.strategy_id]
        return [*ticket, *opposite]
    same_side = [p for p in strategy_positions if p.side is spec.side]
    return [max(same_side, key=opening_order_key)] if same_side else []


class LegShare(NamedTuple):
    """Quantity and fee of one leg, as reported by the exchange."""

    qty: Decimal
    fee: Decimal | None


def split_shares(
    instrument: Instrument,
    parts: Sequence[Leg],
    qty: Decimal,
    fee: Decimal | None,
    currency: str | None,
) -> list[LegShare]:
    """Split quantity and fee of an execution over the legs; the last leg takes the remainder.

    Each share reproduces the delta of its leg: if the fee is paid in base, the quantity is the
    delta adjusted by the leg's fee, so a position always equals the sum of its deals.
    """
    if len(parts) == 1:
        return [LegShare(qty, fee)]
    in_base = instrument.kind is InstrumentKind.SPOT and currency == instrument.base
    whole = ZERO
    for leg in parts:
        whole = EXACT.add(whole, leg.delta)
    result: list[LegShare] = []
    qty_left, fee_left = qty, fee
    for leg in parts[:-1]:
        part = None
        if fee is not None and fee_left is not None:
            part = round_to_scale(EXACT.divide(EXACT.multiply(fee, leg.delta), whole))
            fee_left = subtract(fee_left, part)
        size = leg.delta.copy_abs()
        if in_base and part is not None:
            size = add(size, part) if leg.delta > 0 else subtract(size, part)
        result.append(LegShare(size, part))
        qty_left = subtract(qty_left, size)
    return [*result, LegShare(qty_left, fee_left)]
