"""Replay of a symbol's deals: after a late execution, a bust, or a reassignment of orders.

Deals are replayed in the exchange's order (time, then trade id), not in the order of arrival, so
equal executions give equal positions. The input is a ``SymbolHistory``: every position that was
open at the affected time or later, with all its deals. Positions are rebuilt from empty and then
compared with the stored ones (``replay_diff``):

* A rebuilt position takes the id of the stored position of its first entry, so tickets keep their
  ids; only positions without a predecessor get new ids. A stored position without a successor ends
  empty, with close reason ``correction``.
* The id of a ticket follows its entries: an order that names a ticket goes to where those went that
  were known when it was sent, also if the ticket was joined with another one (``ticket_name``).
* A deal keeps its facts; position, entry and profit are recomputed. The legs of an execution are
  joined and split again, so that they do not depend on how they were split before.
* A busted execution and its reversing deal cancel out: positions are as if neither existed.
* The two legs of a close-by are priced at the average of the second position at that time.
* Late commissions stay with their trade; funding is split again (``funding_split``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from oms.domain.account import PositionMode
from oms.domain.ids import IdGenerator, IdKind
from oms.domain.instrument import Instrument
from oms.domain.ledger.allocation import AllocationSpec, opening_order_key
from oms.domain.ledger.booking import allocation_spec_of, book_deal
from oms.domain.ledger.deal import Deal, DealEntry, signed_quantity
from oms.domain.ledger.execution_legs import join_legs, number_legs, ticket_name
from oms.domain.ledger.position import (
    Fill,
    Position,
    apply_fill,
    average_entry_price,
    join_positions,
)
from oms.domain.ledger.replay_steps import ReplayStep, busted_trade_ids, replay_steps
from oms.domain.money import round_to_scale
from oms.domain.orders.order import Order
from oms.domain.value import evolve, value


@value
class SymbolHistory:
    """The rows of one symbol from some time on."""

    mode: PositionMode
    instrument: Instrument
    #: Positions open at that time or later, with the positions merged into them.
    positions: Sequence[Position]
    #: All deals of these positions, and deals without a position (``position_id`` 0).
    deals: Sequence[Deal]
    #: The orders of these deals, and open orders that name these positions.
    orders: Mapping[int, Order]
    #: The rows reach back to this time; ``None``: they are all of the symbol.
    since: datetime | None = None
    #: Orders with executions before these deals: they have a position also without one of these.
    continued_orders: frozenset[int] = frozenset()

    @property
    def position_ids(self) -> frozenset[int]:
        """The ids of the positions."""
        return frozenset(position.id for position in self.positions)

    def covers(self, at: datetime) -> bool:
        """Return whether the rows contain everything that was open at that time."""
        return self.since is None or at >= self.since

    def with_orders(self, orders: Mapping[int, Order]) -> "SymbolHistory":
        """Return the history with ``orders``, in their form before what is added to it.

        The executions of one that is not in it yet are before its deals.
        """
        before = {i for i, one in orders.items() if i not in self.orders and one.filled_qty}
        return evolve(
            self,
            orders={**self.orders, **orders},
            continued_orders=self.continued_orders | before,
        )


@value
class ReplayedHistory:
    """The result of a replay, not yet compared with the stored rows.

    Positions by working number.
    """

    positions: Mapping[int, Position]
    #: Each leg of an execution, with its position's working number.
    deals: Sequence[Deal]
    #: Legs that executions had before and that are not needed any more.
    surplus: Sequence[Deal]
    #: Stored position id by working number, of positions with a predecessor.
    ids: Mapping[int, int]
    #: Previous position of deals that is not given by this history, by deal id.
    previous_ids: Mapping[int, int]
    #: Working number of the position that each order's executions went to last; 0: to none.
    order_positions: Mapping[int, int]
    #: Working number of the position that each trade went to last; 0: to none.
    trade_positions: Mapping[str, int]


def replay_history(history: SymbolHistory, next_id: IdGenerator) -> ReplayedHistory:
    """Replay all of ``history`` from empty positions; new legs take their ids from ``next_id``."""
    executions, legs = join_legs(history.deals, busted_trade_ids(history.deals))
    replay = _Replay(history, _WorkingIds(next_id), legs)
    for step in replay_steps(executions, history.positions):
        replay.run(step)
    replay.keep_ids()
    placed = {deal.id for deal in replay.deals}
    return ReplayedHistory(
        positions=replay.positions,
        deals=replay.deals,
        surplus=[leg for each in legs.values() for leg in each if leg.id not in placed],
        ids=replay.ids,
        previous_ids=replay.previous_ids,
        order_positions=replay.final_positions(),
        trade_positions=replay.trade_positions,
    )


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
    #: The legs that each execution had before, by its id.
    legs: Mapping[int, tuple[Deal, ...]]
    positions: dict[int, Position] = field(default_factory=dict)
    deals: list[Deal] = field(default_factory=list)
    ids: dict[int, int] = field(default_factory=dict)
    previous_ids: dict[int, int] = field(default_factory=dict)
    order_positions: dict[int, int] = field(default_factory=dict)
    trade_positions: dict[str, int] = field(default_factory=dict)
    #: The positions that the entries of each stored position went to, and when the first of these
    #: entries was received.
    _named: dict[int, dict[int, datetime]] = field(default_factory=dict)
    #: Stored positions of which the first entry was replayed.
    _claimed: set[int] = field(default_factory=set)
    #: Further stored positions whose id it may keep, and the new number, of each entry.
    _entered: list[tuple[tuple[int, ...], int]] = field(default_factory=list)
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
        """Replay one execution."""
        order = self.history.orders.get(deal.order_id or 0)
        self._book(deal, self._allocation_of(deal, order), order)

    def close_by(self, pair: Sequence[Deal]) -> None:
        """Replay both legs at the exact average of the second position; dust at its own average."""
        mode = self.history.mode
        held = [self._open_position(ticket_name(mode, leg)) for leg in pair]
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
        if target is None or held is None or target is held or source.closed_at is None:
            return
        grown, ended = join_positions(target, held, source.closed_at)
        grown = evolve(grown, avg_price=average_entry_price(grown, self.history.instrument))
        self.positions[grown.id], self.positions[ended.id] = grown, ended
        self._merged[ended.id] = grown.id

    def _book(self, deal: Deal, spec: AllocationSpec, order: Order | None) -> None:
        open_positions = sorted(
            (p for p in self.positions.values() if p.is_open), key=opening_order_key
        )
        stored = self.legs.get(deal.id, (deal,))
        deals, positions = book_deal(
            mode=self.history.mode,
            instrument=self.history.instrument,
            spec=spec,
            order=order,
            deal=deal,
            positions=open_positions,
            next_id=self.next_id,
            legs=stored,
        )
        if len(deals) > len(stored):
            deals = number_legs(deals, stored, (*self.history.deals, *self.deals))
        self.positions |= {position.id: position for position in positions}
        for leg in deals:
            self.deals.append(leg)
            if deal.order_id is None and self.history.mode is PositionMode.HEDGE:
                self.previous_ids[leg.id] = ticket_name(self.history.mode, deal)
            if leg.entry is DealEntry.IN:
                self._enter(leg, leg.position_id, stored)
        last = positions[-1].id if positions else 0
        self.trade_positions[deal.exchange_trade_id] = last
        order_id = deal.order_id
        if order_id is not None and (last or order_id not in self.history.continued_orders):
            self.order_positions[order_id] = last or self.order_positions.get(order_id, 0)

    def _enter(self, leg: Deal, number: int, stored: Sequence[Deal]) -> None:
        """Note that ``leg`` of an execution with these ``stored`` legs entered a position."""
        mode, known = self.history.mode, self.history.position_ids
        for before in stored:
            if before.entry is not DealEntry.IN:
                continue
            is_named = mode is PositionMode.HEDGE and before.order_id is not None
            kept = before.opened_ticket_ids if is_named else (before.position_id,)
            self._entered.append((kept, number))
            if before.order_id is None:
                continue  # A close-by that became impossible: it names the ticket that it closed.
            name = ticket_name(mode, before)
            # It got a ticket of its own: an entry before it, perhaps not in this history, has it.
            is_given_up = bool(before.opened_ticket_ids) and name != before.position_id
            self._claim_id(name, 0 if is_given_up else number)
            for each in (name, *before.opened_ticket_ids):
                self._set_name(each, number, before.created_at)
            previous = before.previous_position_id
            if mode is PositionMode.HEDGE:
                self.previous_ids[leg.id] = name
            elif (
                leg.previous_position_id is None and previous is not None and previous not in known
            ):
                self.previous_ids[leg.id] = previous

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
        if self.history.mode is PositionMode.HEDGE:
            self.previous_ids[leg.id] = ticket_name(self.history.mode, leg)

    def _allocation_of(self, deal: Deal, order: Order | None) -> AllocationSpec:
        """Return the allocation of the execution: by its order, else by the deal's position."""
        if order is None:
            number = self._number(ticket_name(self.history.mode, deal))
            return AllocationSpec(
                side=deal.side, strategy_id=deal.strategy_id, ticket_ids=(number,)
            )
        current = self.order_positions.get(order.id) or None
        if order.reduce_only:
            tickets = self._tickets(order.ticket_id, order.created_at)
        else:
            tickets = (self._number(order.ticket_id, order.created_at),)
        if current is not None:
            current = self._alias(current)
            others = (number for number in tickets if number != current)
            tickets = (current, *others) if order.reduce_only else (current,)
        is_first = current is None and order.id not in self.history.continued_orders
        return allocation_spec_of(order, self.history.instrument)._replace(
            ticket_ids=tickets, opens_ticket=order.new_position and is_first
        )

    def final_positions(self) -> dict[int, int]:
        """Return the position of each order: of its executions, else its ticket; 0 for none."""
        holders = {kept: number for number, kept in reversed(self.ids.items())}
        requested = {one.id: self._ticket_of(one, holders) for one in self.history.orders.values()}
        named = {order_id: number for order_id, number in requested.items() if number}
        executed = {
            order_id: self._alias(number) for order_id, number in self.order_positions.items()
        }
        return named | executed

    def _ticket_of(self, order: Order, holders: Mapping[int, int]) -> int:
        """Return the position that the order names: where positions net, the one with that id.

        ``holders``: positions by their ids. 0 for none.
        """
        if not order.ticket_id:
            return 0
        if self.history.mode is PositionMode.HEDGE:
            return self._number(order.ticket_id, order.created_at)
        return self._alias(holders.get(order.ticket_id, 0))

    def _set_name(self, name: int, number: int, received_at: datetime) -> None:
        """Note that an entry of the stored position ``name`` is in the position ``number``."""
        if name:
            numbers = self._named.setdefault(name, {})
            numbers[number] = min(received_at, numbers.get(number, received_at))

    def _claim_id(self, name: int, number: int) -> None:
        """Give ``number`` the id of the stored position that its first entry was in.

        0: no position gets it any more.
        """
        if number and name and name not in self._claimed and number not in self.ids:
            self.ids[number] = name
        self._claimed.add(name)

    def keep_ids(self) -> None:
        """Give positions whose first names belong to others the ids that they had before."""
        taken = set(self.ids.values())
        for kept, number in self._entered:
            for position_id in kept:
                if position_id and number not in self.ids and position_id not in taken:
                    self.ids[number] = position_id
                    taken.add(position_id)

    def _tickets(self, name: int, sent_at: datetime | None = None) -> tuple[int, ...]:
        """Return the positions that ``name`` may mean, the one with that id first.

        An order that was sent at ``sent_at`` means those with entries which were known then; if
        none is left of these, all.
        """
        named = self._named.get(name, {})
        numbers = sorted(named, key=lambda one: self.ids.get(one) != name)
        if sent_at is not None:
            numbers = [one for one in numbers if named[one] < sent_at] or numbers
        return tuple(dict.fromkeys(self._alias(number) for number in numbers))

    def _number(self, name: int, sent_at: datetime | None = None) -> int:
        """Return the first of these positions that is open, else the last one; 0 for none."""
        tickets = self._tickets(name, sent_at)
        return next((each for each in tickets if self.positions[each].is_open), (0, *tickets)[-1])

    def _alias(self, number: int) -> int:
        while number in self._merged:
            number = self._merged[number]
        return number

    def _open_position(self, position_id: int) -> Position | None:
        position = self.positions.get(self._number(position_id))
        return position if position is not None and position.is_open else None
