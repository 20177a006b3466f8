"""Random account histories: a book and an oracle hear the same facts, then they are compared.

A history is a seed's settings and a list of steps; a step is a few numbers that choose among what
is possible when its turn comes. So any part of a history is a history too, and ``shrunk`` can
leave out what a difference does not need.
"""

import random
from collections import defaultdict
from collections.abc import Callable, MutableMapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import count
from typing import Any, NamedTuple

from kit.builders import NOON, a_report, a_spot_instrument, an_instrument
from kit.ledger.ledger_book import LedgerBook
from kit.ledger.oracle import Oracle, OracleMove, OracleOrder, OracleTrade
from kit.ledger.oracle_comparison import (
    Charges,
    differences,
    invariant_breaches,
    oracle_positions_by_id,
)
from oms.domain.account import PositionMode
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.position import Position
from oms.domain.money import round_to_scale
from oms.domain.orders.execution_report import Execution, ExecutionReport, ReportKind

INVERSE = {"symbol": "BTC/USD:BTC", "kind": InstrumentKind.INVERSE, "quote": "USD", "settle": "BTC"}
INSTRUMENTS: tuple[Instrument, ...] = (
    an_instrument(),
    an_instrument(contract_size=Decimal("0.01")),
    an_instrument(**INVERSE),
    an_instrument(**INVERSE, contract_size=Decimal(100)),
    a_spot_instrument(),
    a_spot_instrument(),
)
STEPS = (
    *("send",) * 8,
    *("trade",) * 14,
    *("tell",) * 16,
    *("close_by",) * 3,
    *("merge", "bust", "again") * 2,
    *("cancel", "reassign", "commission", "funding"),
)
CHOICES = 8


class Step(NamedTuple):
    """What is done, and the numbers that choose how."""

    verb: str
    choices: tuple[int, ...]


class History(NamedTuple):
    """One account in one symbol."""

    mode: PositionMode
    instrument: Instrument
    steps: Sequence[Step]
    #: Facts that undo what our own moves stood on are told all the same. The rules do not say
    #: what follows, so only the invariants are looked at.
    hostile: bool = False


def random_history(seed: int) -> History:
    """The history that ``seed`` grows to: 10 to 60 steps."""
    chance = random.Random(seed)
    mode = chance.choice(list(PositionMode))
    instrument = chance.choice(INSTRUMENTS)
    verbs = chance.choices(STEPS, k=chance.randint(10, 60))
    steps = [Step(v, tuple(chance.randrange(1000) for _ in range(CHOICES))) for v in verbs]
    return History(mode, instrument, steps, hostile=seed % 10 == 9)


class HistoryRun:
    """Plays a history to a ``LedgerBook`` and to an ``Oracle``; ``log`` tells it in words."""

    def __init__(
        self, mode: PositionMode, instrument: Instrument, *, hostile: bool = False
    ) -> None:
        #: Whether impossible facts are told, and whether one was.
        self.hostile, self.beyond = hostile, False
        self.book = LedgerBook(mode, instrument)
        self.oracle = Oracle(
            mode=mode.value,
            kind=instrument.kind.value,
            size=Fraction(instrument.contract_size),
            base=instrument.base,
        )
        self.oracle.fold()
        self.log: list[str] = []
        self.instrument = instrument
        self.now = 0
        self.price = Decimal(100)
        self.last = 0
        self.trades = 95  # soon the ids grow by a digit
        self.left: dict[int, Decimal] = {}
        self.told: list[ExecutionReport] = []
        self.under_way: list[ExecutionReport] = []
        self.commands = count(1)
        self.busted: set[str] = set()
        self.charges = Charges({}, defaultdict(Decimal))

    def play(self, steps: Sequence[Step]) -> list[str]:
        """Do all steps, tell what is left to tell, and compare."""
        for step in steps:
            getattr(self, f"_{step.verb}")(*step.choices)
        while self.under_way:
            self._tell(*(0,) * CHOICES)
        return self.differences()

    def differences(self) -> list[str]:
        """What differs now, in words."""
        differ = [] if self.beyond else differences(self.oracle, self.book, self.charges)
        return [*differ, *invariant_breaches(self.book)]

    def _send(self, side: int, qty: int, strategy: int, how: int, which: int, *_: int) -> None:
        """An order; it may name a position to close or, in hedge, to add to."""
        sign, size, held = 1 - side % 2 * 2, self._quantity(qty), self.book.open_positions()
        hedged, how = self.book.mode is PositionMode.HEDGE, how % 10
        external, named = how == 9, held[which % len(held)] if held and 3 <= how <= 6 else None
        if named is not None and how < 6:  # close_position: all of it, a part, or too much
            sign = -named.side.sign
            size = abs(named.qty) if how == 3 else size
        ask = OracleOrder(
            sign=sign,
            strategy=0 if external else strategy % 3,
            ticket=self._name(named) if named is not None else 0,
            reduce_only=how < 2 or (named is not None and named.side.sign != sign),
            fresh=hedged and (external or how == 2),
        )
        order = self.book.send(
            "buy" if sign > 0 else "sell",
            size,
            strategy_id=ask.strategy,
            reduce_only=ask.reduce_only,
            new_position=ask.fresh,
            reconciled=not external,
            **self.book.named(named.id if named is not None else 0),
        )
        self.oracle.asks[order.id] = ask
        self.left[order.id] = size
        self.log.append(f"order {order.id}: {size} {ask} position {named and named.id}")

    def _name(self, position: Position) -> int:
        return (
            0 if self.beyond else oracle_positions_by_id(self.oracle, self.book)[position.id].name
        )

    def _trade(self, which: int, part: int, pause: int, price: int, fee: int, *_: int) -> None:
        """The exchange executes a working order; the news is under way."""
        working = [order_id for order_id, left in self.left.items() if left]
        if not working:
            return
        order_id = working[which % len(working)]
        left = self.left[order_id]
        qty = left if part % 2 else self._quantity(part, most=left)
        self.left[order_id] = left - qty
        # Two tickets opened in one millisecond have no age to tell them apart by: only fills of
        # one order, which never open two, share a time.
        self.now += max(order_id != self.last, pause % 4 - 1)
        self.last = order_id
        self.price += Decimal(price % 101 - 50) / 10
        self.price = max(self.price, Decimal(10))
        self.trades += 1
        amount, currency = self._fee(fee, qty)
        execution = Execution(
            exchange_trade_id=f"t{self.trades}",
            qty=qty,
            price=self.price,
            executed_at=self._at(),
            fee=amount,
            fee_currency=currency,
        )
        report = a_report(ReportKind.EXECUTION, order_id=order_id, execution=execution)
        self.under_way.append(report)

    def _tell(self, which: int, *_: int) -> None:
        """A report arrives: the oldest one under way, or now and then a later one."""
        if not self.under_way:
            return
        late = which // 4 % len(self.under_way) if which % 4 == 3 else 0
        report = self.under_way.pop(late)
        self._hear_new(report)

    def _hear_new(self, report: ExecutionReport) -> None:
        fill = report.execution
        assert fill is not None
        trade = OracleTrade(
            at=fill.executed_at,
            order=report.order_id,
            q=Fraction(fill.qty),
            p=Fraction(fill.price),
            fee=None if fill.fee is None else Fraction(fill.fee),
            currency=fill.fee_currency or "",
        )
        if self._tried(self.oracle.trades, fill.exchange_trade_id, trade):
            self.log.append(
                f"order {report.order_id}: {fill.exchange_trade_id} at {fill.executed_at:%S.%f}:"
                f" {fill.qty} @ {fill.price} fee {fill.fee} {fill.fee_currency}"
            )
            self.told.append(report)
            assert self.book.ingest(report).deals, "a new execution is booked"

    def _tried(self, facts: MutableMapping[Any, Any], key: Any, fact: Any) -> bool:
        """Whether the oracle can take a fact: no move of ours before it becomes impossible."""
        if self.beyond:
            return True
        before = facts.get(key)
        facts[key] = fact
        try:
            self.oracle.fold()
        except LookupError:
            if before is None:
                del facts[key]
            else:
                facts[key] = before
            self.beyond = self.beyond or self.hostile
            self.oracle.fold()
            return self.hostile
        return True

    def _bust(self, which: int, *_: int) -> None:
        """The exchange takes an execution back."""
        gone = {*self.busted, *self.charges.commissions}
        standing = [one for one in self.told if _trade_id(one) not in gone]
        if not standing:
            return
        victim = standing[which % len(standing)]
        if self._tried(self.oracle.busted, _trade_id(victim), True):
            self.log.append(f"bust of {_trade_id(victim)}")
            self.busted.add(_trade_id(victim))
            self.book.bust(_trade_id(victim), self._later())

    def _close_by(self, which: int, whom: int, part: int, *_: int) -> None:
        held = self.book.open_positions()
        pairs = [(a, b) for a in held for b in held if a.qty * b.qty < 0]
        if not pairs:
            return
        a, b = pairs[which % len(pairs)]
        most = min(abs(a.qty), abs(b.qty))
        qty = None if part % 2 else self._quantity(part)
        for one in (a, b):
            rest = abs(one.qty) - (qty or most)
            if rest < 0 or 0 < rest < self.instrument.step:
                return  # refused
        self.now += 1
        at = self._later()
        move = OracleMove(at, self._name(a), self._name(b), Fraction(qty or most))
        if self._tried(self.oracle.moves, "next", move):
            self.log.append(f"close {qty or most} of {a.id} by {b.id} at {at:%S.%f}")
            entry = self.book.close_by(a.id, b.id, qty, next(self.commands), at)
            self.oracle.moves.pop("next", None)
            self._tried(self.oracle.moves, entry.deals[0].exchange_trade_id, move)

    def _merge(self, which: int, *_: int) -> None:
        held = self.book.open_positions()
        pairs = [(a, b) for a in held for b in held if a is not b and a.qty * b.qty > 0]
        if not pairs:
            return
        a, b = pairs[which % len(pairs)]
        self.now += 1
        at = self._later()
        move = OracleMove(at, self._name(a), self._name(b))
        if self._tried(self.oracle.moves, f"m{len(self.oracle.moves)}", move):
            self.log.append(f"merge {a.id} into {b.id} at {at:%S.%f}")
            self.book.merge(a.id, b.id, next(self.commands), at)

    def _reassign(self, which: int, strategy: int, whom: int, *_: int) -> None:
        """An order moves to another strategy and, in hedge, perhaps to a ticket."""
        if not self.oracle.asks:
            return
        order_id = list(self.oracle.asks)[which % len(self.oracle.asks)]
        ask, hedged = self.oracle.asks[order_id], self.book.mode is PositionMode.HEDGE
        held = [
            position
            for position in self.book.open_positions()
            if hedged and (ask.reduce_only or position.side.sign == ask.sign)
        ]
        named = held[whom // 3 % len(held)] if held and whom % 3 == 0 else None
        ticket = self._name(named) if named is not None else 0
        ask = ask._replace(strategy=strategy % 3, ticket=ticket)
        if self._tried(self.oracle.asks, order_id, ask):
            position_id = named.id if named is not None else 0
            self.log.append(f"reassign {order_id} to {strategy % 3}, position {position_id}")
            self.book.reassign((order_id,), strategy % 3, position_id, self._later())

    def _commission(self, which: int, amount: int, *_: int) -> None:
        """A fee comes later than its execution."""
        known = {*self.busted, *self.charges.commissions}
        free = [i for i in map(_trade_id, self.told) if i not in known]
        if free:
            trade, fee = free[which % len(free)], Decimal(amount - 200) / 1000
            currency = ("BNB", self.instrument.settle)[amount % 2]
            self.charges.commissions[trade] = (fee, currency)
            self.log.append(f"commission of {fee} {currency} for {trade}")
            self.book.commission(trade, fee, currency)

    def _funding(self, amount: int, *_: int) -> None:
        """Funding is paid on the net quantity: each position has its part, with its sign."""
        held = self.book.open_positions()
        if not held or self.beyond:
            return
        places = oracle_positions_by_id(self.oracle, self.book)
        net = sum((places[one.id].q for one in held), Fraction(0))
        left = paid = Decimal(amount - 500) / 1000
        for one in held[:-1]:
            share = places[one.id].q / net if net else Fraction(1, len(held))
            part = round_to_scale(Fraction(paid) * share)
            self.charges.fundings[one.id] += part
            left -= part
        self.charges.fundings[held[-1].id] += left
        self.log.append(f"funding {paid} at {self.now}")
        self.book.funding(paid, self._later())

    def _again(self, which: int, *_: int) -> None:
        """A report that was told before arrives once more."""
        if self.told:
            entry = self.book.ingest(self.told[which % len(self.told)])
            assert not entry.deals and not entry.positions and not entry.events, "told again"

    def _cancel(self, which: int, *_: int) -> None:
        """An order is canceled; what is under way for it still comes."""
        if self.left:
            order_id = list(self.left)[which % len(self.left)]
            self.left[order_id] = Decimal(0)
            self.book.ingest(a_report(ReportKind.CANCELED, order_id=order_id))

    def _quantity(self, number: int, most: Decimal | None = None) -> Decimal:
        step = self.instrument.step
        if most is None:
            return (1 + number % 12) * (1000 if number % 3 else 370) * step
        return min(most, (1 + number % 1000) * step * 5)

    def _fee(self, number: int, qty: Decimal) -> tuple[Decimal | None, str | None]:
        """Absent, in settle currency, in base, in a third currency; one in five a rebate."""
        rate = Decimal("-0.0002") if number % 5 == 0 else Decimal("0.00055")
        match number // 5 % 5:
            case 0:
                return None, None
            case 1 if self.instrument.kind is InstrumentKind.SPOT:
                return qty * rate, self.instrument.base
            case 2:
                return rate * number, "BNB"
            case _ if self.instrument.kind is InstrumentKind.INVERSE:
                return round(qty * rate / self.price, 12), self.instrument.settle
            case _:
                return qty * self.price * rate, self.instrument.settle

    def _later(self) -> datetime:
        """Our clock: nothing executed so far is as late."""
        self.now += 1
        return NOON + timedelta(milliseconds=self.now - 1)

    def _at(self) -> datetime:
        return NOON + timedelta(milliseconds=self.now)


def _trade_id(report: ExecutionReport) -> str:
    assert report.execution is not None
    return report.execution.exchange_trade_id


def compare_history(one: History) -> tuple[list[str], list[str]]:
    """What book and oracle disagree on, and the history in words; a crash is a difference."""
    rehearsal = HistoryRun(one.mode, one.instrument, hostile=one.hostile)
    try:
        return rehearsal.play(one.steps), rehearsal.log
    except (ArithmeticError, AssertionError, LookupError, ValueError) as error:
        return [f"{type(error).__name__}: {error}"], rehearsal.log


def play_history(one: History) -> HistoryRun:
    """The history after its last step."""
    rehearsal = HistoryRun(one.mode, one.instrument, hostile=one.hostile)
    rehearsal.play(one.steps)
    return rehearsal


def shrink_history(one: History, differs: Callable[[History], bool]) -> History:
    """A history that still differs and from which no step can be left out."""
    size = len(one.steps)
    while size:
        at = 0
        while at < len(one.steps):
            less = one._replace(steps=[*one.steps[:at], *one.steps[at + size :]])
            if differs(less):
                one = less
            else:
                at += size
        size //= 2
    return one
