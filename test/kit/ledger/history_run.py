"""Plays a random history on a ledger book and on the reference ledger, and compares them."""

from collections.abc import MutableMapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import count
from typing import Any

from kit.builders import NOON, a_report
from kit.ledger.histories import CHOICES, History, Step, choose_fee
from kit.ledger.ledger_book import LedgerBook
from kit.ledger.oracle import OracleMove, OracleOrder, OracleTrade
from kit.ledger.oracle_comparison import (
    Charges,
    Payment,
    differences,
    invariant_breaches,
    oracle_positions_by_id,
)
from kit.ledger.oracle_fees import SteppedOracle
from oms.domain.account import PositionMode
from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.deal import FeeRate
from oms.domain.ledger.position import Position, PositionState
from oms.domain.orders.execution_report import Execution, ExecutionReport, ReportKind
from oms.domain.side import Side
from oms.domain.value import evolve


class HistoryRun:
    """Plays a history on a ``LedgerBook`` and an ``Oracle``; ``log`` describes the steps."""

    def __init__(
        self, mode: PositionMode, instrument: Instrument, *, allows_impossible: bool = False
    ) -> None:
        #: Whether impossible facts are delivered, and whether one was.
        self.allows_impossible, self.is_impossible = allows_impossible, False
        self.book = LedgerBook(mode, instrument)
        self.oracle = SteppedOracle(
            mode=mode.value,
            kind=instrument.kind.value,
            size=Fraction(instrument.contract_size),
            base=instrument.base,
        )
        self.oracle.replay()
        self.log: list[str] = []
        self.instrument = instrument
        self.now, self.ticks = 0, count(-999)
        self.price = Decimal(100)
        self.trades = 95  # the ids soon get another digit
        self.left: dict[int, Decimal] = {}
        self.reports: list[ExecutionReport] = []
        self.pending_reports: list[ExecutionReport] = []
        self.commands = count(1)
        self.busted: set[str] = set()
        self.charges = Charges({}, {}, {})
        #: The price of BNB in the settle currency; ``None``: not known.
        self.rate: Decimal | None = None

    def play(self, steps: Sequence[Step]) -> list[str]:
        """Play all steps, deliver the pending reports, and compare."""
        for step in steps:
            self.play_step(step)
        while self.pending_reports:
            self._deliver(*(0,) * CHOICES)
        return self.differences()

    def play_step(self, step: Step) -> None:
        """Play one step."""
        getattr(self, f"_{step.verb}")(*step.choices)

    def differences(self) -> list[str]:
        """Messages about all current differences."""
        found_differences = (
            [] if self.is_impossible else differences(self.oracle, self.book, self.charges)
        )
        return [*found_differences, *invariant_breaches(self.book)]

    def _send(self, side: int, qty: int, strategy: int, how: int, which: int, *_: int) -> None:
        """An order; it may reference a position to close or, in hedge mode, to add to."""
        sign, size, open_positions = (
            1 - side % 2 * 2,
            self._quantity(qty),
            self.book.open_positions(),
        )
        is_hedge, how = self.book.mode is PositionMode.HEDGE, how % 10
        external, named = (
            how == 9,
            open_positions[which % len(open_positions)]
            if open_positions and 3 <= how <= 6
            else None,
        )
        if named is not None and how < 6:  # close_position: all of it, a part, or too much
            sign = -named.side.sign
            size = abs(named.qty) if how == 3 else size
        is_spot = self.instrument.kind is InstrumentKind.SPOT
        is_sale = external and is_spot and sign < 0  # coins that were sold elsewhere
        order_facts = OracleOrder(
            sign=sign,
            strategy=0 if external else strategy % 3,
            ticket=self._name(named) if named is not None else 0,
            reduce_only=how < 2 or (named is not None and named.side.sign != sign) or is_sale,
            new_position=is_hedge and (external or how == 2) and not is_sale,
            elsewhere=external,
            sent=self._clock(),
        )
        order = self.book.send(
            "buy" if sign > 0 else "sell",
            size,
            strategy_id=order_facts.strategy,
            reduce_only=order_facts.reduce_only,
            new_position=order_facts.new_position,
            reconciled=not external,
            reason="external" if external else "api",
            created_at=order_facts.sent,
            **self.book.ticket_fields(named.id if named is not None else 0),
        )
        self.oracle.orders[order.id] = order_facts
        self.left[order.id] = size
        self.log.append(f"order {order.id}: {size} {order_facts} position {named and named.id}")

    def _name(self, position: Position) -> int:
        return (
            0
            if self.is_impossible
            else oracle_positions_by_id(self.oracle, self.book)[position.id].name
        )

    def _trade(self, which: int, part: int, pause: int, price: int, fee: int, *_: int) -> None:
        """The exchange executes a working order; its report is pending."""
        working = [order_id for order_id, left in self.left.items() if left]
        if not working:
            return
        order_id = working[which % len(working)]
        left = self.left[order_id]
        qty = left if part % 2 else self._quantity(part, most=left)
        self.left[order_id] = left - qty
        self.now += max(0, pause % 4 - 1)
        self.price += Decimal(price % 101 - 50) / 10
        self.price = max(self.price, Decimal(10))
        self.trades += 1
        amount, currency = choose_fee(self.instrument, self.price, qty, fee)
        execution = Execution(
            exchange_trade_id=f"t{self.trades}",
            qty=qty,
            price=self.price,
            executed_at=self._current_time(),
            fee=amount,
            fee_currency=currency,
        )
        report = a_report(ReportKind.EXECUTION, order_id=order_id, execution=execution)
        self.pending_reports.append(report)

    def _deliver(self, which: int, *_: int) -> None:
        """Delivers the oldest pending report, or sometimes a later one."""
        if not self.pending_reports:
            return
        late = which // 4 % len(self.pending_reports) if which % 4 == 3 else 0
        self._ingest_new(self._received(self.pending_reports.pop(late)))

    def _received(self, report: ExecutionReport) -> ExecutionReport:
        return evolve(report, received_at=self._clock())

    def _ingest_new(self, report: ExecutionReport) -> None:
        if self._try_new(report):
            self.reports.append(report)
            self._note_execution(report)
            assert self.book.ingest(report).deals, "a new execution is booked"

    def _try_new(self, report: ExecutionReport) -> bool:
        """Add an execution to the oracle; returns whether no earlier command forbids it."""
        fill = report.execution
        assert fill is not None
        trade = OracleTrade(
            at=fill.executed_at,
            order_id=report.order_id,
            q=Fraction(fill.qty),
            p=Fraction(fill.price),
            fee=None if fill.fee is None else Fraction(fill.fee),
            currency=fill.fee_currency or "",
            seen=report.received_at,
        )
        is_possible = self._try_fact(self.oracle.trades, fill.exchange_trade_id, trade)
        if is_possible:
            self.log.append(
                f"order {report.order_id}: {fill.exchange_trade_id} at {fill.executed_at:%S.%f}:"
                f" {fill.qty} @ {fill.price} fee {fill.fee} {fill.fee_currency}"
            )
        return is_possible

    def _try_fact(self, facts: MutableMapping[Any, Any], key: Any, fact: Any) -> bool:
        """Adds a fact; returns whether no close-by or merge became impossible, else removes it."""
        if self.is_impossible:
            return True
        before = facts.get(key)
        facts[key] = fact
        try:
            self.oracle.replay()
        except LookupError:
            if before is None:
                del facts[key]
            else:
                facts[key] = before
            self.is_impossible = self.is_impossible or self.allows_impossible
            if not self.is_impossible:  # else the oracle is not asked any more
                self.oracle.replay()
            return self.allows_impossible
        return True

    def _bust(self, which: int, *_: int) -> None:
        """The exchange busts an execution."""
        excluded = {*self.busted, *self.charges.commissions}
        candidates = [one for one in self.reports if _trade_id(one) not in excluded]
        if not candidates:
            return
        busted_report = candidates[which % len(candidates)]
        if self._try_fact(self.oracle.busted, _trade_id(busted_report), True):
            self.log.append(f"bust of {_trade_id(busted_report)}")
            self.busted.add(_trade_id(busted_report))
            self.book.bust(_trade_id(busted_report), self._next_time())

    def _unlocked_positions(self) -> list[Position]:
        """Open positions without an order that closes them."""
        open_positions = self.book.open_positions()
        return [one for one in open_positions if one.state is PositionState.OPEN]

    def _close_by(self, which: int, target: int, part: int, *_: int) -> None:
        open_positions = self._unlocked_positions()
        pairs = [(a, b) for a in open_positions for b in open_positions if a.qty * b.qty < 0]
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
        at = self._next_time()
        move = OracleMove(at, self._name(a), self._name(b), Fraction(qty or most))
        if self._try_fact(self.oracle.moves, "next", move):
            self.log.append(f"close {qty or most} of {a.id} by {b.id} at {at:%S.%f}")
            entry = self.book.close_by(a.id, b.id, qty, next(self.commands), at)
            self.oracle.moves.pop("next", None)
            self._try_fact(self.oracle.moves, entry.deals[0].exchange_trade_id, move)

    def _merge(self, which: int, *_: int) -> None:
        per_strategy = self.book.mode is PositionMode.STRATEGY_NETTING
        open_positions = self._unlocked_positions()
        pairs = [
            (a, b)
            for a in open_positions
            for b in open_positions
            if a is not b
            and a.qty * b.qty > 0
            and (a.strategy_id == b.strategy_id or not per_strategy)
        ]
        if not pairs:
            return
        a, b = pairs[which % len(pairs)]
        self.now += 1
        at = self._next_time()
        move = OracleMove(at, self._name(a), self._name(b))
        if self._try_fact(self.oracle.moves, f"m{len(self.oracle.moves)}", move):
            self.log.append(f"merge {a.id} into {b.id} at {at:%S.%f}")
            self.book.merge(a.id, b.id, next(self.commands), at)

    def _reassign(self, which: int, strategy: int, target: int, *_: int) -> None:
        """Reassigns an order to another strategy and, in hedge mode, maybe to a position."""
        if not self.oracle.orders:
            return
        order_id = list(self.oracle.orders)[which % len(self.oracle.orders)]
        order_facts, is_hedge = self.oracle.orders[order_id], self.book.mode is PositionMode.HEDGE
        open_positions = [
            position
            for position in self.book.open_positions()
            if is_hedge and (order_facts.reduce_only or position.side.sign == order_facts.sign)
        ]
        named = (
            open_positions[target // 3 % len(open_positions)]
            if open_positions and target % 3 == 0
            else None
        )
        ticket = self._name(named) if named is not None else order_facts.ticket
        reassigned = order_facts._replace(strategy=strategy % 3, ticket=ticket)
        if self._try_fact(self.oracle.orders, order_id, reassigned):
            position_id = named.id if named is not None else 0
            self.log.append(f"reassign {order_id} to {strategy % 3}, position {position_id}")
            if not self.book.reassign((order_id,), strategy % 3, position_id, self._next_time()):
                self.log.append("refused")
                self.oracle.orders[order_id] = order_facts
                self.oracle.replay()

    def _commission(self, which: int, amount: int, *_: int) -> None:
        """A commission is reported after its execution."""
        excluded = {*self.busted, *self.charges.commissions}
        trade_ids = [i for i in map(_trade_id, self.reports) if i not in excluded]
        if trade_ids:
            trade, fee = trade_ids[which % len(trade_ids)], Decimal(amount - 200) / 1000
            self._charge_fee(trade, fee, ("BNB", self.instrument.settle)[amount % 2])

    def _charge_fee(self, trade: str, fee: Decimal, currency: str) -> None:
        self.charges.commissions.setdefault(trade, []).append((fee, currency))
        self.log.append(f"commission of {fee} {currency} for {trade}")
        self._set_rate()
        self._note_rate(f"fee:{trade}", currency)
        self.book.commission(trade, fee, currency)

    def _note_execution(self, report: ExecutionReport) -> None:
        """Another price, which is stored with the fee of the execution if that needs it."""
        assert report.execution is not None
        self._set_rate()
        self._note_rate(_trade_id(report), report.execution.fee_currency or "")

    def _set_rate(self) -> None:
        """Change the price of BNB, which fees in it are recorded with."""
        self.rate = rate = self._next_rate()
        self.book.rates["BNB"] = FeeRate(rate=rate, source="BNB", at=self._current_time())

    def _next_rate(self) -> Decimal:
        return round(Decimal(500 + (len(self.log) * 37 + self.trades) % 211) / 7, 6)

    def _note_rate(self, name: str, currency: str) -> None:
        if currency == "BNB" and self.rate is not None:
            self.charges.rates.setdefault((name, currency), Fraction(self.rate))

    def _funding(self, amount: int, back: int, leg: int, *_: int) -> None:
        """Funding that was due now or before, for the whole symbol or, in hedge mode, a leg."""
        due = self._next_time()
        if back % 2:
            due -= timedelta(milliseconds=back % 12)
        sign = (0, 1, -1)[leg % 3] if self.book.mode is PositionMode.HEDGE else 0
        name = str(len(self.charges.fundings) + 1)
        payment = Payment(due, Decimal(amount - 500) / 1000, sign)
        self.charges.fundings[name] = payment
        self.log.append(f"funding {name}: {payment}")
        side = {0: None, 1: Side.BUY, -1: Side.SELL}[sign]
        self.book.funding(payment.amount, due, name, side)

    def _redeliver(self, which: int, *_: int) -> None:
        """Delivers a report a second time."""
        if self.reports:
            entry = self.book.ingest(self.reports[which % len(self.reports)])
            assert not entry.deals and not entry.positions and not entry.events, (
                "a duplicate report has no effect"
            )

    def _cancel(self, which: int, *_: int) -> None:
        """Cancels an order; its pending reports are still delivered."""
        if self.left:
            order_id = list(self.left)[which % len(self.left)]
            self.left[order_id] = Decimal(0)
            self.book.ingest(a_report(ReportKind.CANCELED, order_id=order_id))

    def _quantity(self, number: int, most: Decimal | None = None) -> Decimal:
        step = self.instrument.step
        if most is None:
            return (1 + number % 12) * (1000 if number % 3 else 370) * step
        return min(most, (1 + number % 1000) * step * 5)

    def _next_time(self) -> datetime:
        """The time of the gateway: later than all executions so far."""
        self.now += 1
        return NOON + timedelta(milliseconds=self.now - 1)

    def _clock(self) -> datetime:
        """The time of the gateway, another one with every call; before the next execution."""
        return self._current_time() + timedelta(microseconds=next(self.ticks))

    def _current_time(self) -> datetime:
        return NOON + timedelta(milliseconds=self.now)


def _trade_id(report: ExecutionReport) -> str:
    assert report.execution is not None
    return report.execution.exchange_trade_id


def compare_history(one: History) -> tuple[list[str], list[str]]:
    """Differences between book and oracle (an exception counts as one), and the log."""
    run = HistoryRun(one.mode, one.instrument, allows_impossible=one.allows_impossible)
    try:
        return run.play(one.steps), run.log
    except (ArithmeticError, AssertionError, LookupError, ValueError) as error:
        return [f"{type(error).__name__}: {error}"], run.log


def play_history(one: History) -> HistoryRun:
    """Plays the history to its end."""
    run = HistoryRun(one.mode, one.instrument, allows_impossible=one.allows_impossible)
    run.play(one.steps)
    return run
