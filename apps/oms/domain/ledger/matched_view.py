"""The matched view of positions: fees of entries are charged as their quantity is closed.

``realized_pnl`` charges each fee when it is paid. Here a fee of an entry is released pro rata to
what is closed, as the cost is, and moves with the quantity of a merge; a fee of an exit is charged
with it. Fees in third currencies count at the rates of their deals. Funding counts when paid. The
view is computed from the deals and never stored; once all is closed it charges what was paid::

    matched profit = profit + funding − fees of exits − released fees of entries
    break-even     = v⁻¹((C + E/m)/Q), E: fees of entries that are not released

The break-even price is the average entry plus what the entry cost: a close at it, itself free of
fees, adds nothing to the matched profit.

Example: buy 10 at 100 with fee 2, sell 4 at 110 with fee 1: profit 40, matched 40 − 1 − 0.8 = 38.2,
break-even 100 + 1.2/6 = 100.2.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from oms.domain.instrument import Instrument
from oms.domain.ledger.charges import FEE_PREFIX
from oms.domain.ledger.deal import Deal, DealEntry, DealType, signed_quantity
from oms.domain.ledger.fee_valuation import fee_value
from oms.domain.ledger.position import Position, PositionState
from oms.domain.ledger.replay_steps import replay_steps
from oms.domain.money import ZERO, add, round_to_scale, subtract
from oms.domain.value import value


@value
class MatchedView:
    """Figures of one position in the settle currency at 18 places."""

    #: All fees of its deals; ``None`` if some have no rate.
    fees: Decimal | None
    #: Fees without a rate, by currency.
    unvalued_fees: Mapping[str, Decimal]
    #: ``None`` if it depends on a fee without a rate.
    profit: Decimal | None
    #: Of an open position; ``None`` as above, or if no price above zero breaks even.
    break_even: Decimal | None


def simple_view(position: Position, instrument: Instrument) -> MatchedView | None:
    """Return the view of a position that needs no deals; ``None`` if it does.

    Without fees in other currencies and without merges all is known, before the first exit and once
    all is closed.
    """
    paid = subtract(add(position.profit, position.funding), position.realized_pnl)
    if has_merges(position):
        return None
    if any(currency != instrument.settle for currency in position.fees):
        return None
    if position.qty and position.qty_closed and position.fees:
        return None
    pool = Fraction(paid) if position.qty else Fraction(0)
    return _view(position, instrument, _Fees(paid=paid, pool=pool, charged=Fraction(paid) - pool))


def has_merges(position: Position) -> bool:
    """Return whether quantity was merged into or out of the position."""
    held = subtract(position.qty_opened, position.qty_closed)
    return position.state is PositionState.MERGED or held != position.qty.copy_abs()


def matched_views(
    positions: Sequence[Position], deals: Iterable[Deal], instrument: Instrument
) -> dict[int, MatchedView]:
    """Return the views of ``positions`` by id.

    ``positions`` are of one symbol and include those merged into them, directly or not; ``deals``
    are all of these positions.
    """
    fold = _Fold(instrument, {position.id: _Fees() for position in positions})
    known = [deal for deal in deals if deal.position_id in fold.fees]
    steps = replay_steps(known, positions)
    fold.assign_late_fees(known, {leg.id for step in steps for leg in _legs(step)})
    for step in steps:
        if isinstance(step, Position):
            fold.merge(step)
        for leg in _legs(step):
            fold.apply(leg)
    fold.charge_rest()
    return {each.id: _view(each, instrument, fold.fees[each.id]) for each in positions}


@dataclass(slots=True, kw_only=True)
class _Fees:
    """The fees of one position during a fold; ``None``: a rate is missing."""

    qty: Decimal = ZERO
    paid: Decimal | None = ZERO
    #: Fees of entries that are not released.
    pool: Fraction | None = Fraction(0)
    #: Fees of exits, and released ones of entries.
    charged: Fraction | None = Fraction(0)
    unvalued: dict[str, Decimal] = field(default_factory=dict)


@dataclass(slots=True)
class _Fold:
    """Fees by position id, and late fees by the deal that they are charged with."""

    instrument: Instrument
    fees: dict[int, _Fees]
    late: dict[int, list[Deal]] = field(default_factory=dict)

    def assign_late_fees(self, deals: Sequence[Deal], replayed: set[int]) -> None:
        """Assign late fees to the last leg of their trade.

        Without one, after a bust, they are released as those of entries.
        """
        legs = {
            (deal.exchange_trade_id, deal.position_id): deal.id
            for deal in sorted(deals, key=lambda deal: deal.leg)
            if deal.id in replayed
        }
        for deal in deals:
            if deal.type is not DealType.COMMISSION:
                continue
            trade = deal.exchange_trade_id.removeprefix(FEE_PREFIX), deal.position_id
            if trade in legs:
                self.late.setdefault(legs[trade], []).append(deal)
            else:
                each = self.fees[deal.position_id]
                each.pool = _sum(each.pool, self._pay(deal))

    def charge_rest(self) -> None:
        """Charge what is left of a position without quantity: all of its executions were busted."""
        for each in self.fees.values():
            if not each.qty:
                each.charged, each.pool = _sum(each.charged, each.pool), Fraction(0)

    def apply(self, leg: Deal) -> None:
        """Apply an execution or a leg of a close-by."""
        each = self.fees[leg.position_id]
        fee: Fraction | None = Fraction(0)
        for deal in (leg, *self.late.get(leg.id, ())):
            fee = _sum(fee, self._pay(deal))
        delta = signed_quantity(self.instrument, leg.side, leg.qty, leg.fee, leg.fee_currency)
        if leg.entry is DealEntry.IN:
            each.qty = add(each.qty, delta)
            each.pool = _sum(each.pool, fee)
            return
        released = each.pool
        if released is not None and each.qty:
            released *= Fraction(delta.copy_abs()) / Fraction(each.qty.copy_abs())
        each.charged = _sum(_sum(each.charged, fee), released)
        each.qty = add(each.qty, delta)
        each.pool = _sum(each.pool, released, -1) if each.qty else Fraction(0)

    def merge(self, source: Position) -> None:
        """Move the fees of entries with their quantity."""
        target, before = self.fees.get(source.merged_into or 0), self.fees[source.id]
        if target is not None:
            target.qty = add(target.qty, before.qty)
            target.pool = _sum(target.pool, before.pool)
        before.qty, before.pool = ZERO, Fraction(0)

    def _pay(self, deal: Deal) -> Fraction | None:
        """Note the fee of a deal; returns its value."""
        each, fee = self.fees[deal.position_id], fee_value(self.instrument, deal)
        if fee is not None:
            each.paid = None if each.paid is None else add(each.paid, fee)
            return Fraction(fee)
        if not deal.fee or deal.fee_currency is None:
            return Fraction(0)
        each.paid = None
        before = each.unvalued.get(deal.fee_currency, ZERO)
        each.unvalued[deal.fee_currency] = add(before, deal.fee)
        return None


def _legs(step: object) -> tuple[Deal, ...]:
    """Return the deals of a step of a replay; none of a merge."""
    if isinstance(step, Deal):
        return (step,)
    return step if isinstance(step, tuple) else ()


def _sum(one: Fraction | None, other: Fraction | None, sign: int = 1) -> Fraction | None:
    return None if one is None or other is None else one + sign * other


def _view(position: Position, instrument: Instrument, fees: _Fees) -> MatchedView:
    profit = None
    if fees.charged is not None:
        gross = Fraction(add(position.profit, position.funding))
        profit = round_to_scale(gross - fees.charged)
    return MatchedView(
        fees=fees.paid,
        unvalued_fees=fees.unvalued,
        profit=profit,
        break_even=_break_even(position, instrument, fees.pool),
    )


def _break_even(
    position: Position, instrument: Instrument, pool: Fraction | None
) -> Decimal | None:
    if pool is None or not position.qty:
        return None
    worth = position.cost + pool / Fraction(instrument.contract_size)
    in_value_space = worth / Fraction(position.qty)
    if not in_value_space:
        return None
    price = instrument.price_of(in_value_space)
    return round_to_scale(price) if price > 0 else None
