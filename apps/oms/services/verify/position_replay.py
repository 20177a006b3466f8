"""Invariant of positions, as pure functions: a replay of their deals gives the stored rows.

Each deal is applied to its stored position by the functions that booked it. Positions connected by
a close-by or a merge are one ``PositionGroup`` and are replayed together: a close-by uses the
average price of its second position at that point, a merge moves quantity and cost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from oms.domain.instrument import Instrument
from oms.domain.ledger.deal import Deal, DealEntry, DealType, signed_quantity
from oms.domain.ledger.dust import DUST_PREFIX
from oms.domain.ledger.position import (
    Fill,
    Position,
    apply_fill,
    average_entry_price,
    join_positions,
)
from oms.domain.ledger.replay_steps import (
    ReplayStep,
    busted_trade_ids,
    exchange_order,
    replay_steps,
)
from oms.domain.money import ZERO, round_to_scale
from oms.domain.side import Side
from oms.domain.value import evolve, value
from oms.services.verify.findings import Finding, make_finding
from oms.services.verify.position_rules import apply_charge, check_position, empty_position


@value
class PositionGroup:
    """Connected positions, ascending by id, and all their deals."""

    positions: Sequence[Position]
    deals: Sequence[Deal]


def check_group(group: PositionGroup, instrument: Instrument | None) -> list[Finding]:
    """Check that a replay of the deals gives the stored positions.

    Deals are replayed in the exchange's order. If clocks disagreed, an execution may have been
    booked in the order of receipt, which is not stored: the creation time gives it, unless a clock
    was set back or ids of two workers interleave. One of these orders must give the stored rows.
    """
    if instrument is None:
        return [
            make_finding("position_symbol", "position", row.id, "an instrument", row.symbol)
            for row in group.positions
        ]
    orders: list[Callable[[Deal], tuple[object, ...]]] = [exchange_order, _received_order]
    if all(row.merged_into is None for row in group.positions):
        orders.append(_id_order)
    group = evolve(group, deals=[deal for deal in group.deals if deal.position_id])
    first_findings: list[Finding] = []
    first_steps: list[ReplayStep] | None = None
    for order in orders:
        steps = replay_steps(group.deals, group.positions, order)
        if steps == first_steps:
            continue
        first_steps = first_steps or steps
        replay = _PositionReplay(
            instrument=instrument, after={p.id: empty_position(p) for p in group.positions}
        )
        findings = replay.compare(group, steps)
        if not findings:
            return []
        first_findings = first_findings or findings
    return first_findings


def _received_order(deal: Deal) -> tuple[object, ...]:
    return deal.created_at, 0, deal.id


def _id_order(deal: Deal) -> tuple[object, ...]:
    return (deal.id,)


class _CannotContinue(Exception):
    """The remaining deals cannot be replayed."""


@dataclass(slots=True, kw_only=True)
class _PositionReplay:
    """Positions during a replay, and the differences found so far."""

    instrument: Instrument
    after: dict[int, Position]
    #: The first deal of each position.
    first: dict[int, Deal] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def compare(self, group: PositionGroup, steps: Sequence[ReplayStep]) -> list[Finding]:
        """Run the steps and compare the positions with the stored ones."""
        busted = busted_trade_ids(group.deals)
        for deal in group.deals:
            if deal.type is DealType.TRADE and deal.exchange_trade_id in busted:
                self.check_profit(deal, ZERO)
        try:
            for step in steps:
                match step:
                    case Deal():
                        self.trade(step)
                    case Position():
                        self.merge(step)
                    case legs:
                        self.pair(legs)
        except _CannotContinue:
            return self.findings
        for deal in group.deals:
            if deal.position_id in self.after:
                position = self.after[deal.position_id]
                self.after[position.id] = apply_charge(position, self.instrument, deal)
        for stored in group.positions:
            self.findings += check_position(
                stored, self.after[stored.id], self.first.get(stored.id)
            )
        return self.findings

    def trade(self, deal: Deal) -> None:
        """Apply one execution or one leg of it."""
        delta = self._delta(deal)
        position = self.after[deal.position_id]
        grows = position.qty == 0 or (delta > 0) == (position.qty > 0)
        if not grows and delta.copy_abs() > position.qty.copy_abs():
            self._stop(deal, f"at most {position.qty.copy_abs():f}", delta)
        self.first.setdefault(position.id, deal)
        is_entry = deal.entry is DealEntry.IN
        if is_entry is not grows:
            expected = "in" if grows else "out"
            self.findings.append(
                make_finding("deal_entry", "deal", deal.id, expected, deal.entry.value)
            )
        self._apply(deal, position, delta)

    def pair(self, pair: Sequence[Deal]) -> None:
        """Apply both legs of a close-by at the exact average price of the second leg's position.

        A dust write-off has one leg, at the average price of its own position.
        """
        leg_count = 1 if pair[0].exchange_trade_id.startswith(DUST_PREFIX) else 2
        sides, sizes = {leg.side for leg in pair}, {leg.qty for leg in pair}
        if len(pair) != leg_count or len(sides) != leg_count or len(sizes) != 1:
            actual = ", ".join(f"{leg.side.value} {leg.qty:f}" for leg in pair)
            expected = "two opposite equal legs, one leg for dust"
            self.findings.append(
                make_finding("deal_close_by", "deal", pair[0].id, expected, actual)
            )
            raise _CannotContinue
        positions = [self.after[leg.position_id] for leg in pair]
        for leg, position in zip(pair, positions, strict=True):
            grows = (position.qty > 0) == (leg.side is Side.BUY)
            if not position.qty or grows or position.qty.copy_abs() < leg.qty:
                self._stop(leg, f"at most {position.qty.copy_abs():f}", self._delta(leg))
        average = positions[-1].cost / Fraction(positions[-1].qty)
        price = round_to_scale(self.instrument.price_of(average))
        for leg, position in zip(pair, positions, strict=True):
            if leg.price != price:
                self.findings.append(make_finding("deal_price", "deal", leg.id, price, leg.price))
            self._apply(leg, position, self._delta(leg), average)

    def merge(self, source: Position) -> None:
        """Move quantity and cost of a merged position into its target."""
        target = self.after.get(source.merged_into or 0)
        merged_position = self.after[source.id]
        if (
            target is None
            or target.id == source.id
            or not merged_position.qty
            or not target.qty
            or (merged_position.qty > 0) != (target.qty > 0)
        ):
            actual = "nothing" if target is None else f"{merged_position.qty:f} into {target.qty:f}"
            expected = "quantity merged into an open position of its side"
            self.findings.append(
                make_finding("position_merge", "position", source.id, expected, actual)
            )
            raise _CannotContinue
        at = source.closed_at or source.updated_at
        grown, ended = join_positions(target, merged_position, at)
        price = average_entry_price(grown, self.instrument)
        self.after[grown.id] = evolve(grown, avg_price=price)
        self.after[ended.id] = ended

    def check_profit(self, deal: Deal, expected: Decimal) -> None:
        """Compare the profit of a deal."""
        if deal.profit != expected:
            self.findings.append(
                make_finding("deal_profit", "deal", deal.id, expected, deal.profit)
            )

    def _apply(
        self, deal: Deal, position: Position, delta: Decimal, average: Fraction | None = None
    ) -> None:
        fill = Fill(
            delta=delta,
            price=deal.price,
            fee=deal.fee,
            fee_currency=deal.fee_currency,
            reason=deal.reason,
            executed_at=deal.executed_at,
            received_at=deal.created_at,
            value=average,
        )
        self.after[position.id], profit = apply_fill(position, self.instrument, fill)
        self.check_profit(deal, profit)

    def _delta(self, deal: Deal) -> Decimal:
        instrument = self.instrument
        delta = signed_quantity(instrument, deal.side, deal.qty, deal.fee, deal.fee_currency)
        if deal.qty <= 0 or deal.price <= 0 or (delta > 0) != (deal.side is Side.BUY):
            self._stop(deal, "a quantity and a price above 0", f"{deal.qty:f} at {deal.price:f}")
        return delta

    def _stop(self, deal: Deal, expected: str, found: object) -> None:
        self.findings.append(make_finding("deal_quantity", "deal", deal.id, expected, found))
        raise _CannotContinue
