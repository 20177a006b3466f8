"""Which positions a funding payment belongs to: those open when it was due, by quantity.

A payment concerns the quantity held before the executions of the millisecond in which it was due.
If nothing was open then, it is the quantity held after them. Which positions these are is computed
from deals, so it does not depend on when the payment or the executions were reported.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from oms.domain.ids import IdGenerator
from oms.domain.instrument import Instrument
from oms.domain.ledger.allocation import ExecutionKey, execution_key
from oms.domain.ledger.deal import Deal, DealEntry, DealType, signed_quantity
from oms.domain.ledger.position import Position
from oms.domain.ledger.replay_steps import busted_trade_ids
from oms.domain.money import EXACT, ZERO, add, round_to_scale, subtract
from oms.domain.side import Side
from oms.domain.value import evolve

FUNDING_PREFIX = "funding:"
"""Prefix of the trade id of a funding payment; its id and, if it has one, its leg follow."""

_LEGS = {Side.BUY: "long", Side.SELL: "short"}


def funding_trade_id(charge_id: str, side: Side | None) -> str:
    """Return the trade id of a payment for the whole symbol, or for one leg of it."""
    name = f"{FUNDING_PREFIX}{charge_id}"
    return name if side is None else f"{name}:{_LEGS[side]}"


def leg_of(trade_id: str) -> Side | None:
    """Return the leg that a booked payment concerns; ``None``: the whole symbol."""
    return next((s for s, name in _LEGS.items() if trade_id.endswith(f":{name}")), None)


class Holding(NamedTuple):
    """What a position held at some time, and the strategy that opened it."""

    position_id: int
    qty: Decimal
    strategy_id: int


Merges = Mapping[int, tuple[datetime, int]]
"""Time and target of each merge, by the id of the source."""


def merges_of(positions: Iterable[Position]) -> Merges:
    """Return the merges of the positions that were merged into others."""
    return {
        position.id: (position.closed_at, position.merged_into)
        for position in positions
        if position.merged_into is not None and position.closed_at is not None
    }


class Timeline:
    """What the positions of a symbol held at any time, of all deals since some time.

    The sums of the last time asked for are kept, so payments in order of time add each deal once.
    """

    def __init__(self, instrument: Instrument, deals: Sequence[Deal], merges: Merges) -> None:
        busted = busted_trade_ids(deals)
        self._merges = merges
        #: Time, position and signed change of each execution.
        self._moves: list[tuple[datetime, int, Decimal]] = []
        #: First entry of each position, and its strategy.
        self._opened: dict[int, tuple[ExecutionKey, int]] = {}
        for deal in deals:
            is_moving = deal.type is DealType.TRADE and deal.position_id
            if not is_moving or deal.exchange_trade_id in busted:
                continue
            at, position_id = deal.executed_at, deal.position_id
            delta = signed_quantity(instrument, deal.side, deal.qty, deal.fee, deal.fee_currency)
            self._moves.append((at, position_id, delta))
            if deal.entry is DealEntry.IN:
                key = execution_key(at, deal.exchange_sequence, deal.exchange_trade_id)
                entry = key, deal.strategy_id
                self._opened[position_id] = min(self._opened.get(position_id, entry), entry)
        self._moves.sort(key=lambda move: move[0])
        self._times = [at for at, _, _ in self._moves]
        #: The sums of the first ``_added`` moves; positions of which nothing is left are left out.
        self._sums: dict[int, Decimal] = {}
        self._added = 0

    def holdings_at(self, due: datetime, side: Side | None) -> list[Holding]:
        """Return the positions that a payment due at ``due`` concerns, the oldest first."""
        start, end = bisect_left(self._times, due), bisect_right(self._times, due)
        for _, position_id, delta in self._moves[self._added : start]:
            _add(self._sums, position_id, delta)
        for _, position_id, delta in self._moves[start : self._added]:
            _add(self._sums, position_id, delta.copy_negate())
        self._added = start
        before = self._holdings(dict(self._sums), side, lambda at: at < due)
        if before:
            return before
        after = dict(self._sums)
        for _, position_id, delta in self._moves[start:end]:
            _add(after, position_id, delta)
        return self._holdings(after, side, lambda at: at <= due)

    def _holdings(
        self, sums: dict[int, Decimal], side: Side | None, is_past: Callable[[datetime], bool]
    ) -> list[Holding]:
        """Return what is held with the merges of the past; changes ``sums``."""
        for source in list(sums):
            target = self._merged_into(source, is_past)
            if target != source:
                _add(sums, target, sums.pop(source))
        entries = {each: self._opened[each] for each in sums if each in self._opened}
        return [
            Holding(position_id, sums[position_id], strategy_id)
            for position_id, (key, strategy_id) in sorted(entries.items(), key=lambda one: one[1])
            if is_past(key[0]) and (side is None or (sums[position_id] > 0) is (side is Side.BUY))
        ]

    def _merged_into(self, position_id: int, is_past: Callable[[datetime], bool]) -> int:
        """Return the position that ``position_id`` is part of after the merges of the past.

        Merges are followed, so those of one moment need no order.
        """
        seen = {position_id}
        while (merge := self._merges.get(position_id)) is not None and is_past(merge[0]):
            position_id = merge[1]
            if position_id in seen:
                break  # no stored history has a circle, but a damaged one may
            seen.add(position_id)
        return position_id


def _add(sums: dict[int, Decimal], position_id: int, delta: Decimal) -> None:
    qty = add(sums.get(position_id, ZERO), delta)
    if qty:
        sums[position_id] = qty
    else:
        sums.pop(position_id, None)


def split_amount(amount: Decimal, quantities: Sequence[Decimal]) -> list[Decimal]:
    """Split ``amount`` by signed quantities; the last part takes the remainder.

    Long positions pay what short ones receive, so a payment on a net quantity is split with signs.
    """
    net = ZERO
    for qty in quantities:
        net = add(net, qty)
    weights = list(quantities)
    if not net:
        net = Decimal(len(quantities))
        weights = [Decimal(1)] * len(quantities)
    left = amount
    parts: list[Decimal] = []
    for weight in weights[:-1]:
        part = round_to_scale(EXACT.divide(EXACT.multiply(amount, weight), net))
        parts.append(part)
        left = subtract(left, part)
    return [*parts, left] if quantities else []


def split_again(payments: Sequence[Deal], timeline: Timeline, next_id: IdGenerator) -> list[Deal]:
    """Return the legs of booked payments, split by what was open when they were due.

    Legs keep their ids as far as they are needed; further ones take new ids.
    """
    by_name: dict[str, list[Deal]] = {}
    for deal in payments:
        by_name.setdefault(deal.exchange_trade_id, []).append(deal)
    due = {name: each[0].executed_at for name, each in by_name.items()}
    held_by_name = {
        name: timeline.holdings_at(due[name], leg_of(name))
        for name in sorted(by_name, key=lambda name: due[name])
    }
    legs: list[Deal] = []
    for name, each in by_name.items():
        stored = sorted(each, key=lambda leg: leg.leg)
        first, held = stored[0], held_by_name[name]
        amount = ZERO
        for leg in stored:
            amount = add(amount, leg.profit)
        if not held:
            legs.append(evolve(first, profit=amount, position_id=0, strategy_id=0))
            continue
        parts = split_amount(amount, [one.qty for one in held])
        for number, (one, part) in enumerate(zip(held, parts, strict=True)):
            leg = stored[number] if number < len(stored) else _further_leg(stored, number, next_id)
            legs.append(
                evolve(leg, profit=part, position_id=one.position_id, strategy_id=one.strategy_id)
            )
    return legs


def _further_leg(stored: Sequence[Deal], number: int, next_id: IdGenerator) -> Deal:
    last = stored[-1]
    return evolve(last, id=next_id("deal"), leg=last.leg + number - len(stored) + 1)
