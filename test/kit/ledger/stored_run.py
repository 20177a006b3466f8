"""Plays random histories on stored books, with commits, restarts and inferred executions between.

The steps are those of ``HistoryRun``; each may be followed by a commit, or by a restart of the
process. Reports arrive alone or in batches.
"""

import asyncio
import random
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from kit.ledger.histories import CHOICES, History, Step, random_history
from kit.ledger.history_run import HistoryRun
from kit.ledger.memory_store import MemoryStore
from kit.ledger.oracle_comparison import invariant_breaches
from kit.ledger.stored_account import a_trade
from kit.ledger.stored_book import StoredBook
from oms.adapters.sql.store import SqlStore
from oms.domain.ledger.deal import DealType, signed_quantity
from oms.domain.orders.execution_report import Execution, ExecutionReport
from oms.domain.value import evolve

#: Verbs that stored histories have in addition, with their frequencies.
_FURTHER = (
    *("commit",) * 12,
    *("restart", "infer", "funding") * 4,
    *("batch", "early_fee", "commission") * 2,
)

_OF_PRICES = ("value", "hide_price")


def random_stored_history(seed: int) -> History:
    """A history with commits, restarts and inferred executions, derived from ``seed``."""
    history, chance = random_history(seed), random.Random(-seed - 1)
    steps = list(history.steps)
    for verbs, count in ((_FURTHER, len(steps) // 2), (_OF_PRICES, len(steps) // 5)):
        for _ in range(count):
            choices = tuple(chance.randrange(1000) for _ in range(CHOICES))
            steps.insert(chance.randrange(len(steps) + 1), Step(chance.choice(verbs), choices))
    return history._replace(steps=steps)


class StoredRun(HistoryRun):
    """Plays a history on a ``StoredBook`` and an ``Oracle``."""

    book: StoredBook

    def __init__(
        self, runner: asyncio.Runner, store: SqlStore | MemoryStore, history: History
    ) -> None:
        super().__init__(
            history.mode, history.instrument, allows_impossible=history.allows_impossible
        )
        # The oracle writes off no dust.
        undusted = evolve(history.instrument, step=Decimal("1e-18"), min_notional=Decimal(0))
        self.book = StoredBook(runner, store, history.mode, undusted)
        self.breaches: list[str] = []
        #: Fees in BNB that wait for its price, by trade id of the deal.
        self.waiting: set[str] = set()
        self.is_price_hidden = False

    def play(self, steps: Sequence[Step]) -> list[str]:
        """Play all steps, deliver the pending reports, commit, and compare the stored rows."""
        for step in steps:
            self.play_step(step)
            if self.breaches:
                return self.breaches
        while self.pending_reports:
            self._deliver(*(0,) * CHOICES)
        self._restart()
        return self.breaches or self.differences() or self.book.unsound_rows()

    def _commit(self, *_: int) -> None:
        self.log.append("commit")
        self.book.commit()
        self.breaches += [*invariant_breaches(self.book), *self._off_exchange()]

    def _off_exchange(self) -> list[str]:
        """The net quantity that the exchange holds differs from that of the positions."""
        if any(deal.provisional for deal in self.book.deals):
            return []
        instrument, net = self.book.instrument, Decimal(0)
        for report in self.reports:
            fill = _execution(report)
            if fill.exchange_trade_id not in self.busted:
                side = self.book.orders[report.order_id].side
                net += signed_quantity(instrument, side, fill.qty, fill.fee, fill.fee_currency)
        held = sum((one.qty for one in self.book.open_positions()), Decimal(0))
        for deal in self.book.deals:
            is_sale = deal.type is DealType.TRADE and not deal.position_id
            if is_sale and deal.exchange_trade_id not in self.busted:
                fee = (deal.fee, deal.fee_currency)
                held += signed_quantity(instrument, deal.side, deal.qty, *fee)
        return [] if net == held else [f"exchange {net}, positions {held}"]

    def _restart(self, *_: int) -> None:
        """Restart the process; a pass lets the booked fees without a rate wait for one again."""
        self.log.append("restart")
        self.book.restart()
        self.book.await_rates(self._current_time())
        self.waiting &= {deal.exchange_trade_id for deal in self.book.deals}
        self.breaches += [*invariant_breaches(self.book), *self._off_exchange()]

    def _ingest_new(self, report: ExecutionReport) -> None:
        """Every fifth execution is charged in further currencies, too."""
        trade = _execution(report).exchange_trade_id
        if not self._try_new(report):
            self._drop_fees([report])
            return
        self.reports.append(report)
        self._note_execution(report)
        if int(trade[1:]) % 5 == 0:
            for fee in (Decimal("0.03"), "BNB"), (Decimal("-0.002"), "GT"):
                if fee[1] not in {name for _, name in self.charges.commissions.get(trade, [])}:
                    self.charges.commissions.setdefault(trade, []).append(fee)
                    self._note_rate(f"fee:{trade}", fee[1])
                    self.book.charge_with_next(trade, *fee)
        assert self.book.ingest(report).deals, "a new execution is booked"

    def _batch(self, which: int, *_: int) -> None:
        """Several pending reports arrive together, perhaps not in their order."""
        size = 2 + which % 5
        batch, self.pending_reports = self.pending_reports[:size], self.pending_reports[size:]
        if which % 2:
            batch.reverse()
        batch = [self._received(report) for report in batch]
        accepted = [report for report in batch if self._try_new(report)]
        self._drop_fees([report for report in batch if report not in accepted])
        if accepted:
            self.reports += accepted
            self._set_rate()
            for fill in map(_execution, accepted):
                self._note_rate(fill.exchange_trade_id, fill.fee_currency or "")
            self.book.ingest(*accepted)

    def _set_rate(self) -> None:
        self.rate = None if self.is_price_hidden else self._next_rate()
        self.book.set_price(self.rate)

    def _note_rate(self, name: str, currency: str) -> None:
        """A fee that is recorded without a price waits for one."""
        super()._note_rate(name, currency)
        if currency == "BNB" and (name, currency) not in self.charges.rates:
            self.waiting.add(name)

    def _hide_price(self, which: int, *_: int) -> None:
        """The price of BNB is not known for a while."""
        self.is_price_hidden = bool(which % 2)

    def _value(self, *_: int) -> None:
        """A poll values the fees that wait, if a price is known."""
        self._set_rate()
        self.log.append(f"fees of {sorted(self.waiting)} at {self.rate}")
        if self.rate is not None:
            for name in self.waiting:
                self.charges.rates[name, "BNB"] = Fraction(self.rate)
            self.waiting.clear()
        self.book.value_fees(self._current_time())

    def _drop_fees(self, refused: Sequence[ExecutionReport]) -> None:
        """Forget the early fees of executions that an earlier command forbids."""
        for report in refused:
            self.charges.commissions.pop(_execution(report).exchange_trade_id, None)

    def _infer(self, which: int, *_: int) -> None:
        """The exchange says that an order is filled further than its executions were reported."""
        order_ids = sorted({report.order_id for report in self.pending_reports})
        if not order_ids or self.is_impossible:
            return
        order_id = order_ids[which % len(order_ids)]
        pending = [report for report in self.pending_reports if report.order_id == order_id]
        unreported = [self._received(report) for report in pending]
        fills = [fill for report in unreported if (fill := report.execution) is not None]
        order = self.book.orders[order_id]
        missing = sum((fill.qty for fill in fills), Decimal(0)) - order.provisional_qty
        if missing <= 0 or not self._are_possible(unreported):
            return
        last = fills[-1]
        name = f"syn-{order_id}-{which}-{len(self.log)}"
        self.log.append(f"order {order_id}: {name} infers {missing}")
        report = a_trade(order, name, missing, last.price, last.executed_at, provisional=True)
        self.book.ingest(self._received(report))

    def _are_possible(self, reports: Sequence[ExecutionReport]) -> bool:
        """Return whether no earlier command forbids these executions, which the oracle lacks."""
        oracle, was_impossible, size = self.oracle, self.is_impossible, len(self.log)
        trades, names = dict(oracle.trades), dict(oracle.position_names)
        further = dict(oracle.further_names)
        are_possible = all(self._try_new(report) for report in reports)
        are_possible = are_possible and self.is_impossible is was_impossible
        oracle.trades, oracle.position_names, oracle.further_names = trades, names, further
        self.is_impossible = was_impossible
        del self.log[size:]
        if not was_impossible:
            oracle.replay()
        return are_possible

    def _early_fee(self, which: int, amount: int, *_: int) -> None:
        """A fee arrives before its execution."""
        pending = [_execution(report) for report in self.pending_reports]
        names = [fill.exchange_trade_id for fill in pending]
        names = [name for name in names if name not in self.charges.commissions]
        if names and not self.is_impossible and not self.allows_impossible:
            fee = Decimal(amount - 200) / 1000
            self._charge_fee(names[which % len(names)], fee, "BNB")

    def _replace_inferred(self) -> None:
        """Deliver what was inferred: a command of a user waits for no execution."""
        inferred = {i for i, order in self.book.orders.items() if order.provisional_qty}
        for report in [one for one in self.pending_reports if one.order_id in inferred]:
            self.pending_reports.remove(report)
            self._ingest_new(self._received(report))

    def _send(self, *choices: int) -> None:
        self._replace_inferred()
        super()._send(*choices)

    def _bust(self, *choices: int) -> None:
        """An inferred execution keeps the ticket of a busted one, which the oracle forgets.

        So what was inferred is replaced first; a bust before that is tested in
        ``test_provisional_fills.py``.
        """
        deals = self.book.deals
        shared = {deal.position_id for deal in deals if deal.provisional}
        if any(deal.position_id in shared and not deal.provisional for deal in deals):
            self._replace_inferred()
        super()._bust(*choices)

    def _close_by(self, *choices: int) -> None:
        self._replace_inferred()
        super()._close_by(*choices)

    def _merge(self, *choices: int) -> None:
        self._replace_inferred()
        super()._merge(*choices)

    def _reassign(self, *choices: int) -> None:
        self._replace_inferred()
        super()._reassign(*choices)


def _execution(report: ExecutionReport) -> Execution:
    assert report.execution is not None
    return report.execution


def compare_stored(
    runner: asyncio.Runner, store: SqlStore | MemoryStore, history: History
) -> tuple[list[str], list[str]]:
    """Differences between the stored rows and the oracle (an exception is one), and the log."""
    run = StoredRun(runner, store, history)
    try:
        return run.play(history.steps), run.log
    except (ArithmeticError, AssertionError, LookupError, ValueError) as error:
        return [f"{type(error).__name__}: {error}"], run.log
