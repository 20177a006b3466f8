"""Which positions a funding payment belongs to: those open when it was due, by quantity.

A payment concerns the quantity held before the executions of the millisecond in which it was due.
If nothing was open then, it is the quantity held after them. Which positions these are is computed
from deals, so it does not depend on when the payment or the executions were reported.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from oms.domain.ids import IdGenerator
from oms.domain.instrument import Instrument
from oms.domain.ledger.allocation import ExecutionKey, execution_key
from oms.domain.ledger.deal import Deal, DealEntry, DealType, signed_quantity
from oms.domain.ledger.history_replay import busted_trade_ids
from oms.domain.money import EXACT, ZERO, add, round_to_scale, subtract
from oms.domain.side import Side
from oms.domain.value import evolve, value

FUNDING_PREFIX = "funding:"
"""Prefix of the trade id of a funding payment; its id and, if it has one, its leg follow."""

_LEGS = {Side.BUY: "long", Side.SELL: "short"}


def funding_trade_id(charge_id: str, side: Side | None) -> str:
    """Return the trade id of a payment for the whole symbol, or for one leg of it."""
    return (
        f"{FUNDING_PREFIX}{charge_id}"
        if side is None
        else (f"{FUNDING_PREFIX}{charge_id}:{_LEGS[side]}")
    )


def leg_of(trade_id: str) -> Side | None:
    """Return the leg that a booked payment concerns; ``None``: the whole symbol."""
    return next((s for s, name in _LEGS.items() if trade_id.endswith(f":{name}")), None)


@value
class Timeline:
    """All deals of a symbol since some time, and the merges of its positions by source."""

    instrument: Instrument
    deals: Sequence[Deal]
    merged: Mapping[int, tuple[datetime, int]]


class Holding(NamedTuple):
    """What a position held at some time, and the strategy that opened it."""

    position_id: int
    qty: Decimal
    strategy_id: int


def holdings_at(timeline: Timeline, due: datetime, side: Side | None) -> list[Holding]:
    """Return the positions that a payment due at ``due`` concerns, the oldest first."""
    before = _holdings(timeline, due, side, inclusive=False)
    return before or _holdings(timeline, due, side, inclusive=True)


def _holdings(
    timeline: Timeline, due: datetime, side: Side | None, *, inclusive: bool
) -> list[Holding]:
    quantities: dict[int, Decimal] = {}
    opened: dict[int, tuple[ExecutionKey, int]] = {}
    busted = busted_trade_ids(timeline.deals)
    for deal in timeline.deals:
        at = deal.executed_at
        if deal.type is not DealType.TRADE or deal.exchange_trade_id in busted:
            continue
        if at > due or (at == due and not inclusive):
            continue
        delta = signed_quantity(
            timeline.instrument, deal.side, deal.qty, deal.fee, deal.fee_currency
        )
        held = quantities.get(deal.position_id, ZERO)
        quantities[deal.position_id] = add(held, delta)
        if deal.entry is DealEntry.IN:
            key = execution_key(at, deal.exchange_sequence, deal.exchange_trade_id)
            first = opened.setdefault(deal.position_id, (key, deal.strategy_id))
            opened[deal.position_id] = min(first, (key, deal.strategy_id))
    for source, (at, target) in sorted(timeline.merged.items(), key=lambda pair: pair[1]):
        if source in quantities and (at < due or (at == due and inclusive)):
            quantities[target] = add(quantities.get(target, ZERO), quantities.pop(source))
    open_ids = [
        position_id
        for position_id, qty in quantities.items()
        if qty and position_id in opened and (side is None or (qty > 0) is (side is Side.BUY))
    ]
    ordered = sorted(open_ids, key=lambda position_id: opened[position_id])
    return [Holding(each, quantities[each], opened[each][1]) for each in ordered]


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
    legs: list[Deal] = []
    for name, each in by_name.items():
        stored = sorted(each, key=lambda leg: leg.leg)
        first = stored[0]
        amount = ZERO
        for leg in stored:
            amount = add(amount, leg.profit)
        held = holdings_at(timeline, first.executed_at, leg_of(name))
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
