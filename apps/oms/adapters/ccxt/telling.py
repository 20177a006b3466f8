"""What is shown becomes reports, each fact once: the rule that keeps states from going back.

A state that is older than one taken in before, or about an order that ended, tells at most that
the order exists. Fills come from executions alone. Any order of the same facts, told any number of
times, ends in the same book.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from oms.adapters.ccxt.children import EXIT_REASONS, parent_of
from oms.adapters.ccxt.known import Known, KnownOrders, ended
from oms.adapters.ccxt.orders_read import OrderShown, Shown, external_of
from oms.adapters.ccxt.trades_read import TradeShown, fee_charges
from oms.adapters.ccxt.wishes import PLACE, Wish
from oms.domain.money import ZERO, difference, total
from oms.domain.report import Charge, Edit, Execution, External, Heard, Report, ReportKind
from oms.domain.value import evolve

_ENDS = {
    Shown.CANCELED: ReportKind.CANCELED,
    Shown.EXPIRED: ReportKind.EXPIRED,
    Shown.REJECTED: ReportKind.REJECTED,
}
#: What a trigger leads to.
_LIVES_ON = (Shown.OPEN, Shown.FILLED, Shown.TRIGGERED)


class Telling:
    """Turns snapshots and executions of one account into reports."""

    def __init__(self, orders: KnownOrders, *, infers: bool = True) -> None:
        self._orders = orders
        self._infers = infers

    def of_order(
        self, shown: OrderShown, heard: Heard, now: datetime, *, always: bool = False
    ) -> list[Report]:
        """What is new in ``shown``; with ``always`` an open order is told in any case."""
        known = self.known_as(shown, now)
        if known is None:
            return []
        reports: list[Report] = []
        if known.is_not_placed:
            self._orders.revive(known)
        is_news = not known.is_accepted and shown.shown is not Shown.REJECTED
        if is_news or (always and not known.is_over and shown.shown is Shown.OPEN):
            accept(known, now)
            reports.append(about(known, ReportKind.ACCEPTED, heard, now))
        placed_id = shown.placed_id if shown.is_conditional else shown.exchange_order_id
        if known.is_apart and placed_id is not None:
            self._orders.placed(known, placed_id)
        if known.is_over or shown.shown is Shown.STRANGE or _is_old(shown, known):
            return reports
        known.seen_at = shown.updated_at or known.seen_at
        reports += _triggered(shown, known, heard, now)
        reports += _changed(shown, known, heard, now)
        reports += _ended(shown, known, heard, now)
        return reports

    def of_trade(
        self, trade: TradeShown, heard: Heard, now: datetime, *, always: bool = False
    ) -> Report | None:
        """The execution, ``None`` if it was told before or its order is not known."""
        known = self._orders.named(trade.symbol, trade.exchange_order_id, trade.client_id)
        if known is None:
            return None
        name = trade.execution.exchange_trade_id
        is_new = name not in known.trade_ids
        if not is_new and not always:
            return None
        if is_new:
            known.trade_ids.add(name)
            known.filled = total(known.filled, trade.execution.qty)
        if known.is_not_placed:
            self._orders.revive(known)
        known.is_in_doubt = False
        if known.is_accepted and known.filled >= known.qty:
            ended(known, now)
        return about(known, ReportKind.EXECUTION, heard, now, execution=trade.execution)

    def found(
        self, shown: OrderShown | None, trades: Sequence[TradeShown], now: datetime
    ) -> list[Report]:
        """One order looked up: that it exists, what was executed, what became of it."""
        heard = Heard.RECONCILE
        terms = [] if shown is None else self.terms(shown, heard, now)
        fills = [fill for each in trades if (fill := self.of_trade(each, heard, now)) is not None]
        states = [] if shown is None else self.of_order(shown, heard, now)
        exists = [each for each in states if each.kind is ReportKind.ACCEPTED]
        return [*exists, *terms, *fills, *(each for each in states if each not in exists)]

    def looked(
        self,
        shown: OrderShown | None,
        trades: Sequence[TradeShown],
        now: datetime,
        after: timedelta,
    ) -> tuple[list[Report], list[Charge]]:
        """As ``found``, what is inferred ``after`` so long, and fees in further currencies."""
        heard, reports = Heard.RECONCILE, self.found(shown, trades, now)
        if shown is not None:
            reports += self.inferred(shown, now, after, heard)
        return reports, [fee for trade in trades for fee in fee_charges(trade, heard, now)]

    def terms(self, shown: OrderShown, heard: Heard, now: datetime) -> list[Report]:
        """Only the terms it has now: before executions that would be too many under the old."""
        known = self.known_as(shown, now)
        if known is None or known.is_over or _is_old(shown, known):
            return []
        return list(_changed(shown, known, heard, now))

    def outgrown(self, trades: Iterable[TradeShown]) -> list[Known]:
        """Orders of which more was executed than they are believed to be for.

        And those executed in full with a change on its way: which terms they ended with is not
        known.
        """
        filled: dict[int, Decimal] = {}
        found: list[Known] = []
        for trade in trades:
            known = self._orders.named(trade.symbol, trade.exchange_order_id, trade.client_id)
            is_ours = known is not None and known.order_id and not known.is_over
            if known is None or not is_ours:
                continue
            if trade.execution.exchange_trade_id in known.trade_ids:
                continue
            before = filled.get(known.order_id, known.filled)
            filled[known.order_id] = total(before, trade.execution.qty)
            is_outgrown = filled[known.order_id] > known.qty
            is_unclear = known.is_changing and filled[known.order_id] == known.qty
            if (is_outgrown or is_unclear) and known not in found:
                found.append(known)
        return found

    def known_as(self, shown: OrderShown, now: datetime) -> Known | None:
        """The order shown; a stranger is known from now on, once its quantity is told."""
        known = self._orders.named(shown.symbol, shown.exchange_order_id, shown.client_id)
        if known is not None:
            return known
        external = external_of(shown, now)
        if external is None:
            return None
        parent = parent_of(shown, self._orders)
        if parent is not None and shown.exit is not None:
            reason = EXIT_REASONS[shown.exit]
            external = evolve(external, parent_order_id=parent.order_id, reason=reason)
        return self.stranger(external, shown.exchange_order_id)

    def stranger(self, external: External, exchange_order_id: str) -> Known:
        """An order that is not ours, from now on known."""
        known = Known(
            order_id=0,
            symbol=external.symbol,
            side=external.side,
            order_type=external.order_type,
            qty=external.qty,
            price=external.price,
            created_at=external.created_at,
            exchange_order_id=exchange_order_id,
            external=external,
        )
        return self._orders.add(known)

    def missing(self, shown: OrderShown, known: Known) -> Decimal:
        """How much of it was executed and not told."""
        return max(difference(difference(shown.filled, known.filled), known.inferred), ZERO)

    def inferred(
        self, shown: OrderShown, now: datetime, after: timedelta, heard: Heard
    ) -> list[Report]:
        """An execution in place of those that are proven and were not found for so long."""
        if not self._infers:
            return []
        known = self.known_as(shown, now)
        missing = ZERO if known is None else self.missing(shown, known)
        if known is None or not missing or shown.average is None:
            if known is not None:
                known.short_since = None
            return []
        known.short_since = known.short_since or now
        if now - known.short_since < after:
            return []
        known.inferred = total(known.inferred, missing)
        execution = Execution(
            exchange_trade_id=f"syn-{shown.exchange_order_id}-{shown.filled.normalize():f}",
            qty=missing,
            price=shown.average,
            executed_at=shown.updated_at or now,
            provisional=True,
        )
        return [about(known, ReportKind.EXECUTION, heard, now, execution=execution)]


def accept(known: Known, now: datetime) -> None:
    """It is proven to stand at the exchange, or to have stood there."""
    known.is_accepted, known.is_in_doubt = True, False
    known.accepted_at = known.accepted_at or now


def about(
    known: Known,
    kind: ReportKind,
    heard: Heard,
    now: datetime,
    *,
    execution: Execution | None = None,
    qty: Decimal | None = None,
    price: Decimal | None = None,
    edit: Edit | None = None,
    code: str | None = None,
    message: str | None = None,
) -> Report:
    """A report about the order."""
    return Report(
        kind=kind,
        order_id=known.order_id,
        heard=heard,
        heard_at=now,
        exchange_order_id=known.told_id,
        execution=execution,
        qty=qty,
        price=price,
        edit=edit,
        code=code,
        message=message,
        external=known.external if not known.order_id else None,
    )


def refused(wish: Wish, code: str, message: str, heard: Heard, now: datetime) -> list[Report]:
    """That a wish was not carried out; nothing where the ledger wishes nothing any more.

    A change or cancel that is refused after its wish was answered otherwise would be read as a
    rejection of the order itself.
    """
    known = wish.known
    if wish.kind != PLACE:
        if wish.answers != known.answers:
            return []
        known.answers += 1
        known.is_changing = False
    return [about(known, ReportKind.REJECTED, heard, now, code=code, message=message)]


def _is_old(shown: OrderShown, known: Known) -> bool:
    if shown.updated_at is None or known.seen_at is None:
        return False
    return shown.updated_at < known.seen_at


def _triggered(shown: OrderShown, known: Known, heard: Heard, now: datetime) -> Sequence[Report]:
    was_waiting, known.is_waiting = known.is_waiting, shown.is_waiting
    if not was_waiting or shown.is_waiting or shown.shown not in _LIVES_ON:
        return ()
    return (about(known, ReportKind.TRIGGERED, heard, now),)


def _changed(shown: OrderShown, known: Known, heard: Heard, now: datetime) -> Sequence[Report]:
    """Other terms than those it was believed to have."""
    if shown.shown is Shown.REJECTED:
        return ()
    price = shown.price if known.price is not None else None
    qty = shown.qty
    if qty in (None, known.qty) and price in (None, known.price):
        return ()
    known.qty, known.price = qty or known.qty, price or known.price
    known.answers += 1
    known.is_changing = False
    qty, price = known.whole_qty, known.price
    return (about(known, ReportKind.CHANGED, heard, now, qty=qty, price=price),)


def _ended(shown: OrderShown, known: Known, heard: Heard, now: datetime) -> Sequence[Report]:
    if shown.shown is Shown.FILLED and known.filled >= known.qty:
        ended(known, now)
    kind = _ENDS.get(shown.shown)
    if shown.shown is Shown.TRIGGERED and known.client_id is None:
        kind = ReportKind.CANCELED  # what it placed is another stranger
    if kind is None or known.is_replacing:
        return ()
    ended(known, now)
    if kind is ReportKind.REJECTED:
        message = f"the exchange shows it as {shown.raw_status}"
        return (about(known, kind, heard, now, code="exchange_rejected", message=message),)
    return (about(known, kind, heard, now),)
