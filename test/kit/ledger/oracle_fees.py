"""Values of fees, matched profit and break-even prices by the reference ledger.

Written from the rules: a fee of an entry is released pro rata with the quantity that is closed, one
of an exit is charged with it. Each entry's fee is followed on its own, in exact fractions, until
nothing of it is left; merges move it. A fee in a third currency has the rate that was recorded with
it, or no value.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from kit.ledger.oracle import Oracle, OracleEntry, OracleMove, OraclePosition
from oms.domain.instrument import Instrument
from oms.domain.ledger.deal import Deal
from oms.domain.ledger.matched_view import matched_views, simple_view
from oms.domain.ledger.position import Position

ZERO = Fraction(0)
#: Each leg's share of a fee is rounded at 18 places, before it is multiplied by a rate.
TOLERANCE = Fraction(1, 10**11)

Rates = Mapping[tuple[str, str], Fraction]
"""Rates by the trade id of a deal and the currency of its fee."""


class OracleStep(NamedTuple):
    """An effect in the order of the replay: what a fact moved of what was held, or a merge."""

    fact: str
    entry: str
    position: OraclePosition
    moved: Fraction
    held: Fraction
    fee: Fraction | None = None
    #: Of a merge.
    target: OraclePosition | None = None


class SteppedOracle(Oracle):
    """An oracle that keeps the steps of its last replay."""

    def replay(self) -> None:
        """See ``Oracle``."""
        self.steps = list[OracleStep]()
        super().replay()

    def _part(self, part: OracleEntry, at: int) -> None:
        p = part.position
        if p is not None:
            self.steps.append(OracleStep(part.fact, part.entry, p, abs(part.d), abs(p.q), part.fee))
        super()._part(part, at)

    def _move(self, i: str, move: OracleMove) -> None:
        source = [*self._tickets(move.one), None][0]
        held = ZERO if source is None else abs(source.q)
        super()._move(i, move)
        if move.q is None and source is not None:
            self.steps.append(OracleStep("", "merge", source, held, held, target=source.merged))


class EntryFee(NamedTuple):
    """What is left of the fee of one entry, and the position that holds it."""

    holder: OraclePosition
    amount: Fraction | None


@dataclass
class ExpectedFees:
    """The fees of one position; an amount ``None`` depends on a rate that is not known."""

    paid: Fraction | None = ZERO
    charged: Fraction | None = ZERO
    left: Fraction | None = ZERO
    unvalued: dict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))


class OracleFees:
    """Follows the fees of all entries through the steps of an oracle."""

    def __init__(
        self,
        oracle: SteppedOracle,
        settle: str,
        late: Mapping[str, list[tuple[Decimal, str]]],
        rates: Rates,
    ) -> None:
        self.oracle, self.settle, self.late, self.rates = oracle, settle, late, rates
        self.expected: dict[int, ExpectedFees] = defaultdict(ExpectedFees)
        self.entries: list[EntryFee] = []
        last = {step.fact: number for number, step in enumerate(oracle.steps) if step.fact}
        for number, step in enumerate(oracle.steps):
            if step.target is not None:
                self._merge(step)
            else:
                self._apply(step, has_late=last[step.fact] == number)
        for one in self.entries:
            expected = self.expected[id(one.holder)]
            expected.left = _plus(expected.left, one.amount)

    def _merge(self, step: OracleStep) -> None:
        assert step.target is not None
        self.entries = [
            one._replace(holder=step.target) if one.holder is step.position else one
            for one in self.entries
        ]

    def _apply(self, step: OracleStep, *, has_late: bool) -> None:
        expected, fee = self.expected[id(step.position)], ZERO
        amounts = [self._value(expected, *one) for one in self._fees(step, has_late=has_late)]
        total = None if None in amounts else sum((one or ZERO for one in amounts), fee)
        expected.paid = _plus(expected.paid, total)
        if step.entry == "in":
            self.entries.append(EntryFee(step.position, total))
            return
        expected.charged = _plus(expected.charged, total)
        closed = step.moved / step.held
        left: list[EntryFee] = []
        for one in self.entries:
            if one.holder is not step.position:
                left.append(one)
                continue
            released = None if one.amount is None else one.amount * closed
            expected.charged = _plus(expected.charged, released)
            if closed < 1:
                rest = None if one.amount is None or released is None else one.amount - released
                left.append(one._replace(amount=rest))
        self.entries = left

    def _fees(self, step: OracleStep, *, has_late: bool) -> Iterator[tuple[str, Fraction, str]]:
        """The fees of a step: the name they are recorded by, amount and currency."""
        trade = self.oracle.trades.get(step.fact)
        if trade is not None and step.fee is not None:
            yield step.fact, step.fee, trade.currency
        if has_late:
            for amount, currency in self.late.get(step.fact, ()):
                yield f"fee:{step.fact}", Fraction(amount), currency

    def _value(
        self, expected: ExpectedFees, name: str, amount: Fraction, currency: str
    ) -> Fraction | None:
        oracle = self.oracle
        if currency == self.settle:
            return amount
        if oracle.kind == "spot" and currency == oracle.base and name in oracle.trades:
            return amount * oracle.trades[name].p
        rate = self.rates.get((name, currency))
        if rate is None and amount:
            expected.unvalued[currency] += amount
            return None
        return amount * (rate or 0)


def fee_differences(
    fees: OracleFees,
    instrument: Instrument,
    deals: list[Deal],
    positions: Mapping[int, Position],
    by_id: Mapping[int, OraclePosition],
) -> Iterator[str]:
    """Messages about matched views that differ from the oracle."""
    views = matched_views(list(positions.values()), deals, instrument)
    for position_id, expected_position in by_id.items():
        position, view = positions[position_id], views[position_id]
        expected = fees.expected[id(expected_position)]
        if simple_view(position, instrument) not in (None, view):
            yield f"position {position_id}: its view without deals differs"
        gross = Fraction(position.profit) + Fraction(position.funding)
        pairs = [
            ("fees in settle currency", view.fees, expected.paid),
            ("matched profit", view.profit, _plus(gross, expected.charged, -1)),
            (
                "break-even price",
                view.break_even,
                _break_even(fees.oracle, expected, expected_position),
            ),
        ]
        for currency in {*view.unvalued_fees, *expected.unvalued}:
            actual = view.unvalued_fees.get(currency, Decimal(0))
            pairs.append((f"unvalued {currency}", actual, expected.unvalued.get(currency, ZERO)))
        yield from (
            f"position {position_id}: {name} {actual}, the oracle has {wanted}"
            for name, actual, wanted in pairs
            if not _is_near(actual, wanted)
        )


def _break_even(
    oracle: Oracle, expected: ExpectedFees, position: OraclePosition
) -> Fraction | None:
    """The price at which closing all gains what the entries cost."""
    if not position.q or expected.left is None:
        return None
    value = (position.c + expected.left / oracle.size) / position.q
    price = oracle.v(value) if value else ZERO
    return price if price > 0 else None


def _is_near(actual: Decimal | None, wanted: Fraction | None) -> bool:
    if actual is None or wanted is None:
        return actual is None and wanted is None
    return abs(Fraction(actual) - wanted) <= TOLERANCE * max(1, abs(wanted))


def _plus(one: Fraction | None, other: Fraction | None, sign: int = 1) -> Fraction | None:
    return None if one is None or other is None else one + sign * other
