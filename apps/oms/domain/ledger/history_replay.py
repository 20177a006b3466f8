"""Replay of a symbol's deals: after a late execution, a bust, or a reassignment of orders.

Deals are replayed in the exchange's order (time, then trade id), not in the order of arrival, so
equal executions give equal positions. The input is a ``SymbolHistory``: every position that was
open at the affected time or later, with all its deals. Positions are rebuilt from empty and then
compared with the stored ones (``replay_diff``):

* A rebuilt position takes the id of the stored position of its first entry, so tickets keep their
  ids; only positions without a predecessor get new ids. A stored position without a successor ends
  empty, with close reason ``correction``.
* A deal keeps its facts and its id; position, entry and profit are recomputed. A deal that affects
  more positions than before is split into more legs.
* A busted execution and its reversing deal cancel out: positions are as if neither existed.
* The two legs of a close-by are priced at the average of the second position at that time.
* Funding and late commissions stay with the position or trade they were charged for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from oms.domain.account import PositionMode
from oms.domain.ids import IdGenerator, IdKind
from oms.domain.instrument import Instrument
from oms.domain.ledger.allocation import AllocationSpec, execution_key, opening_order_key
from oms.domain.ledger.booking import allocation_spec_of, book_deal
from oms.domain.ledger.deal import Deal, DealEntry, DealType, signed_quantity
from oms.domain.ledger.position import (
    Fill,
    Position,
    apply_fill,
    average_entry_price,
    join_positions,
)
from oms.domain.money import round_to_scale
from oms.domain.orders.order import Order
from oms.domain.value import evolve, value

BUST_PREFIX = "bust:"
"""Prefix of the trade id of a reversing deal; the reversed trade id follows."""


@value
class SymbolHistory:
    """The rows of one symbol from some time on."""

    mode: PositionMode
    instrument: Instrument
    #: Positions open at that time or later, with the positions merged into them.
    positions: Sequence[Position]
    #: All deals of these positions, and deals without a position (``position_id`` 0).
    deals: Sequence[Deal]
    #: The orders of these deals.
    orders: Mapping[int, Order]

    @property
    def position_ids(self) -> frozenset[int]:
        """The ids of the positions."""
        return frozenset(position.id for position in self.positions)


@value
class ReplayedHistory:
    """The result of a replay, not yet compared with the stored rows.

    Positions by working number.
    """

    positions: Mapping[int, Position]
    #: Each deal, or leg of one, with its position's working number.
    deals: Sequence[Deal]
    #: Working number by stored position id.
    working_numbers: Mapping[int, int]
    #: Working number of the position that each order's executions went to last.
    order_positions: Mapping[int, int]
    #: Working number of the position that each trade went to last.
    trade_positions: Mapping[str, int]


def replay_history(history: SymbolHistory, next_id: IdGenerator) -> ReplayedHistory:
    """Replay all of ``history`` from empty positions; new legs take their ids from ``next_id``."""
    replay = _Replay(history, _WorkingIds(next_id))
    for step in replay_steps(history.deals, history.positions):
        replay.run(step)
    return ReplayedHistory(
        positions=replay.positions,
        deals=replay.deals,
        working_numbers=replay.working_numbers,
        order_positions=replay.final_positions(),
        trade_positions=replay.trade_positions,
    )


def busted_trade_ids(deals: Sequence[Deal]) -> frozenset[str]:
    """Return the trade ids of executions that were reversed."""
    return frozenset(
        (deal.exchange_trade_id or "").removeprefix(BUST_PREFIX)
        for deal in deals
        if deal.type is DealType.CORRECTION
    )


ReplayStep = Deal | tuple[Deal, ...] | Position
"""An execution, the legs of a close-by (of a dust write-off one), or a position that was merged."""


def replay_steps(
    deals: Sequence[Deal],
    positions: Sequence[Position],
    key: Callable[[Deal], tuple[object, ...]] | None = None,
) -> list[ReplayStep]:
    """Return what moved quantity, in the order of ``key``: of the exchange, unless it is given.

    Busted executions are left out. A merge follows the executions of its time, and a merge into a
    position comes before the merge of that position.
    """
    order = key or exchange_order
    busted = busted_trade_ids(deals)
    steps: list[tuple[tuple[object, ...], int, ReplayStep]] = []
    pairs: dict[str, list[Deal]] = {}
    for deal in deals:
        if deal.type is not DealType.TRADE or deal.exchange_trade_id in busted:
            continue
        if deal.entry is DealEntry.OUT_BY:
            pairs.setdefault(deal.exchange_trade_id, []).append(deal)
        else:
            steps.append((order(deal), deal.id, deal))
    for legs in pairs.values():
        pair = tuple(sorted(legs, key=lambda leg: leg.leg))
        steps.append((order(pair[0]), pair[0].id, pair))
    targets = {each.id: each.merged_into for each in positions if each.merged_into is not None}
    for position in positions:
        if position.id in targets:
            at = position.closed_at or position.updated_at
            steps.append(((at, 2, -_merges_after(position, targets)), position.id, position))
    return [step for _, _, step in sorted(steps, key=lambda each: each[:2])]


def _merges_after(position: Position, targets: Mapping[int, int]) -> int:
    """Return into how many positions the quantity of ``position`` was merged in turn."""
    count, target = 0, targets.get(position.id)
    while target is not None and count < len(targets):  # damaged rows may form a circle
        count, target = count + 1, targets.get(target)
    return count


def exchange_order(deal: Deal) -> tuple[object, ...]:
    """Return the sort key of a deal in the exchange's order; close-bys follow executions."""
    key = execution_key(deal.executed_at, deal.exchange_sequence, deal.exchange_trade_id)
    at, sequence, length, text = key
    rank = 1 if deal.entry is DealEntry.OUT_BY else 0
    return at, rank, sequence, length, text, deal.leg


class _WorkingIds:
    """Id generator that numbers positions in the order of opening and passes other ids through."""

    def __init__(self, next_id: IdGenerator) -> None:
        self._mint = next_id
        self._last = 0

    def __call__(self, kind: IdKind) -> int:
        if kind != "position":
            return self._mint(kind)
        self._last += 1
        return self._last


@dataclass(slots=True)
class _Replay:
    """Mutable state of a replay: positions by working number."""

    history: SymbolHistory
    next_id: _WorkingIds
    positions: dict[int, Position] = field(default_factory=dict)
    deals: list[Deal] = field(default_factory=list)
    working_numbers: dict[int, int] = field(default_factory=dict)
    order_positions: dict[int, int] = field(default_factory=dict)
    trade_positions: dict[str, int] = field(default_factory=dict)
    #: Working numbers that already have a predecessor.
    _with_predecessor: set[int] = field(default_factory=set)
    #: Target of each merged position.
    _merged: dict[int, int] = field(default_factory=dict)

    def run(self, step: ReplayStep) -> None:
        """Replay one step."""
        match step:
            case Deal():
                self.execute(step)
            case Position():
                self.merge(step)
            case legs:
                self.close_by(legs)

    def execute(self, deal: Deal) -> None:
        """Replay one execution, or one leg of it."""
        order = self.history.orders.get(deal.order_id or 0)
        self._book(deal, self._allocation_of(deal, order), order)

    def close_by(self, pair: Sequence[Deal]) -> None:
        """Replay both legs at the exact average of the second position; dust at its own average."""
        held = [self._open_position(leg.position_id) for leg in pair]
        if len(pair) > 2 or any(
            one is None or one.qty.copy_abs() < leg.qty or one.side is leg.side
            for one, leg in zip(held, pair, strict=True)
        ):
            for leg in pair:
                self._book(leg, self._allocation_of(leg, None), None)
            return
        second = held[-1]
        assert second is not None
        average = second.cost / Fraction(second.qty)
        for leg, position in zip(pair, held, strict=True):
            assert position is not None
            self._apply_close_leg(leg, position, average)

    def merge(self, source: Position) -> None:
        """Move the quantity of a merged position into its target."""
        target = self._open_position(source.merged_into or 0)
        held = self._open_position(source.id)
        if target is None or held is None or source.closed_at is None:
            return
        grown, ended = join_positions(target, held, source.closed_at)
        grown = evolve(grown, avg_price=average_entry_price(grown, self.history.instrument))
        self.positions[grown.id], self.positions[ended.id] = grown, ended
        self._merged[ended.id] = grown.id

    def _book(self, deal: Deal, spec: AllocationSpec, order: Order | None) -> None:
        open_positions = sorted(
            (p for p in self.positions.values() if p.is_open), key=opening_order_key
        )
        deals, positions = book_deal(
            mode=self.history.mode,
            instrument=self.history.instrument,
            spec=spec,
            order=order,
            deal=deal,
            positions=open_positions,
            next_id=self.next_id,
        )
        deals, positions = self._continue_flip(deals, positions)
        deals = tuple(self._with_leg_number(leg, deal) for leg in deals)
        for leg, position in zip(deals, positions, strict=True):
            self.positions[position.id] = position
            self.deals.append(leg)
            if leg.entry is DealEntry.IN and deal.entry is DealEntry.IN:
                self._set_predecessor(deal.position_id, position.id)
        last = positions[-1].id
        self.trade_positions[deal.exchange_trade_id] = last
        if deal.order_id is not None:
            self.order_positions[deal.order_id] = last

    def _with_leg_number(self, leg: Deal, deal: Deal) -> Deal:
        """Assign a new leg the next unused leg number of its trade."""
        if leg.id == deal.id:
            return leg
        trade = deal.exchange_trade_id
        current = [
            one.leg for one in (*self.history.deals, *self.deals) if one.exchange_trade_id == trade
        ]
        return evolve(leg, leg=max(current) + leg.leg - deal.leg)

    def _continue_flip(
        self, deals: tuple[Deal, ...], positions: tuple[Position, ...]
    ) -> tuple[tuple[Deal, ...], tuple[Position, ...]]:
        """A leg that opens where the previous leg closed continues the identifier.

        All legs of a trade that enter the opened position record the previous one.
        """
        last = self.deals[-1] if self.deals else None
        first = positions[0]
        if (
            last is None
            or last.exchange_trade_id != deals[0].exchange_trade_id
            or self.history.mode is PositionMode.HEDGE
        ):
            return deals, positions
        if first.id in self.positions:
            if deals[0].entry is not DealEntry.IN or last.position_id != first.id:
                return deals, positions
            leg = evolve(deals[0], previous_position_id=last.previous_position_id)
            return (leg, *deals[1:]), positions
        if last.entry is not DealEntry.OUT:
            return deals, positions
        before = self.positions[last.position_id]
        opened = evolve(first, identifier=before.identifier, previous_position_id=before.id)
        leg = evolve(deals[0], previous_position_id=before.id)
        return (leg, *deals[1:]), (opened, *positions[1:])

    def _apply_close_leg(self, leg: Deal, position: Position, average: Fraction) -> None:
        instrument = self.history.instrument
        price = round_to_scale(instrument.price_of(average))
        fill = Fill(
            delta=signed_quantity(instrument, leg.side, leg.qty, None, None),
            price=price,
            fee=None,
            fee_currency=None,
            reason=leg.reason,
            executed_at=leg.executed_at,
            received_at=leg.created_at,
            value=average,
        )
        after, profit = apply_fill(position, instrument, fill)
        self.positions[after.id] = after
        self.deals.append(evolve(leg, position_id=after.id, price=price, profit=profit))

    def _allocation_of(self, deal: Deal, order: Order | None) -> AllocationSpec:
        """Return the allocation of the execution: by its order, else by the deal's position."""
        if order is None:
            number = self._number(deal.position_id)
            return AllocationSpec(side=deal.side, strategy_id=deal.strategy_id, ticket_id=number)
        current = self.order_positions.get(order.id)
        ticket = self._number(order.ticket_id) if current is None else self._alias(current)
        return allocation_spec_of(order)._replace(
            ticket_id=ticket, opens_ticket=order.new_position and current is None
        )

    def final_positions(self) -> dict[int, int]:
        """Return the position of each order: of its last execution, else its ticket."""
        requested = {one.id: self._number(one.ticket_id) for one in self.history.orders.values()}
        executed = {
            order_id: self._alias(number) for order_id, number in self.order_positions.items()
        }
        return {order_id: number for order_id, number in (requested | executed).items() if number}

    def _set_predecessor(self, before: int, number: int) -> None:
        if before and before not in self.working_numbers and number not in self._with_predecessor:
            self.working_numbers[before] = number
            self._with_predecessor.add(number)

    def _number(self, position_id: int) -> int:
        return self._alias(self.working_numbers.get(position_id, 0))

    def _alias(self, number: int) -> int:
        while number in self._merged:
            number = self._merged[number]
        return number

    def _open_position(self, position_id: int) -> Position | None:
        position = self.positions.get(self._number(position_id))
        return position if position is not None and position.is_open else None
