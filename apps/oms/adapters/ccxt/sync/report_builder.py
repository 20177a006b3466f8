"""Turns snapshots and executions into reports, each fact once, so that no status goes back.

A snapshot that is older than an applied one, or of an order that ended, reports at most that the
order exists. Fills come from executions alone. The same facts in any order, repeated any number of
times, end in the same ledger state.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from oms.adapters.ccxt.orders.order_cache import OrderCache, TrackedOrder, mark_ended
from oms.adapters.ccxt.orders.order_request import PLACE, OrderRequest
from oms.adapters.ccxt.parsing.order_snapshot import OrderSnapshot, to_external_order
from oms.adapters.ccxt.parsing.trade_snapshot import TradeSnapshot, fee_charges
from oms.adapters.ccxt.sync.exit_orders import EXIT_REASONS, find_parent_order
from oms.adapters.ccxt.venues.order_status import VenueOrderStatus
from oms.domain.money import ZERO, add, subtract
from oms.domain.orders.execution_report import (
    Charge,
    EditState,
    Execution,
    ExecutionReport,
    ExternalOrderInfo,
    ReportKind,
    ReportSource,
)
from oms.domain.orders.order_terms import NewTerms
from oms.domain.value import evolve

_END_KINDS = {
    VenueOrderStatus.CANCELED: ReportKind.CANCELED,
    VenueOrderStatus.EXPIRED: ReportKind.EXPIRED,
    VenueOrderStatus.REJECTED: ReportKind.REJECTED,
}
#: Statuses after a trigger was met.
_AFTER_TRIGGER = (VenueOrderStatus.OPEN, VenueOrderStatus.FILLED, VenueOrderStatus.TRIGGERED)


class ReportBuilder:
    """Builds the reports of one account."""

    def __init__(self, orders: OrderCache, *, infers_fills: bool = True) -> None:
        self._orders = orders
        self._infers = infers_fills

    def from_order(
        self,
        snapshot: OrderSnapshot,
        source: ReportSource,
        now: datetime,
        *,
        include_reported: bool = False,
    ) -> list[ExecutionReport]:
        """Returns what is new; with ``include_reported`` an open order in any case."""
        tracked = self.track(snapshot, now)
        if tracked is None:
            return []
        reports: list[ExecutionReport] = []
        if tracked.is_declared_absent:
            self._orders.reinstate(tracked)
        is_newly_accepted = (
            not tracked.is_accepted and snapshot.status is not VenueOrderStatus.REJECTED
        )
        if is_newly_accepted or (
            include_reported and not tracked.is_ended and snapshot.status is VenueOrderStatus.OPEN
        ):
            mark_accepted(tracked, now)
            reports.append(build_report(tracked, ReportKind.ACCEPTED, source, now))
        triggered_order_id = (
            snapshot.triggered_order_id if snapshot.is_conditional else snapshot.exchange_order_id
        )
        if tracked.has_separate_trigger and triggered_order_id is not None:
            self._orders.mark_triggered(tracked, triggered_order_id)
        if (
            tracked.is_ended
            or snapshot.status is VenueOrderStatus.UNRECOGNIZED
            or _is_stale(snapshot, tracked)
        ):
            return reports
        tracked.last_snapshot_at = snapshot.updated_at or tracked.last_snapshot_at
        reports += _triggered_reports(snapshot, tracked, source, now)
        reports += _amended_reports(snapshot, tracked, source, now)
        reports += _end_reports(snapshot, tracked, source, now)
        return reports

    def from_trade(
        self,
        trade: TradeSnapshot,
        source: ReportSource,
        now: datetime,
        *,
        include_reported: bool = False,
    ) -> ExecutionReport | None:
        """Returns the execution's report; ``None`` if reported before or not attributable."""
        tracked = self._orders.find(trade.symbol, trade.exchange_order_id, trade.client_id)
        if tracked is None:
            return None
        name = trade.execution.exchange_trade_id
        is_new = name not in tracked.trade_ids
        if not is_new and not include_reported:
            return None
        if is_new:
            tracked.trade_ids.add(name)
            tracked.filled = add(tracked.filled, trade.execution.qty)
        if tracked.is_declared_absent:
            self._orders.reinstate(tracked)
        tracked.is_in_doubt = False
        if tracked.is_accepted and tracked.filled >= tracked.qty:
            mark_ended(tracked, now)
        return build_report(tracked, ReportKind.EXECUTION, source, now, execution=trade.execution)

    def from_found(
        self, snapshot: OrderSnapshot | None, trades: Sequence[TradeSnapshot], now: datetime
    ) -> list[ExecutionReport]:
        """Returns the reports of one lookup: existence, executions, status."""
        source = ReportSource.RECONCILE
        terms = [] if snapshot is None else self.from_terms(snapshot, source, now)
        fills = [
            fill for each in trades if (fill := self.from_trade(each, source, now)) is not None
        ]
        states = [] if snapshot is None else self.from_order(snapshot, source, now)
        exists = [each for each in states if each.kind is ReportKind.ACCEPTED]
        return [*exists, *terms, *fills, *(each for each in states if each not in exists)]

    def from_lookup(
        self,
        snapshot: OrderSnapshot | None,
        trades: Sequence[TradeSnapshot],
        now: datetime,
        after: timedelta,
    ) -> tuple[list[ExecutionReport], list[Charge]]:
        """As ``from_found``, with executions inferred ``after`` that time, and extra fees."""
        source, reports = ReportSource.RECONCILE, self.from_found(snapshot, trades, now)
        if snapshot is not None:
            reports += self.infer_fills(snapshot, now, after, source)
        return reports, [fee for trade in trades for fee in fee_charges(trade, source, now)]

    def from_terms(
        self, snapshot: OrderSnapshot, source: ReportSource, now: datetime
    ) -> list[ExecutionReport]:
        """Returns amended terms only: before executions that would exceed the old terms."""
        tracked = self.track(snapshot, now)
        if tracked is None or tracked.is_ended or _is_stale(snapshot, tracked):
            return []
        return list(_amended_reports(snapshot, tracked, source, now))

    def find_overfilled(self, trades: Iterable[TradeSnapshot]) -> list[TrackedOrder]:
        """Returns orders whose executions exceed their believed quantity.

        And those filled while an amendment is pending: which terms they ended with is unknown.
        """
        filled: dict[int, Decimal] = {}
        found: list[TrackedOrder] = []
        for trade in trades:
            tracked = self._orders.find(trade.symbol, trade.exchange_order_id, trade.client_id)
            is_own = tracked is not None and tracked.order_id and not tracked.is_ended
            if tracked is None or not is_own:
                continue
            if trade.execution.exchange_trade_id in tracked.trade_ids:
                continue
            before = filled.get(tracked.order_id, tracked.filled)
            filled[tracked.order_id] = add(before, trade.execution.qty)
            is_overfilled = filled[tracked.order_id] > tracked.qty
            is_unclear = tracked.is_changing and filled[tracked.order_id] == tracked.qty
            if (is_overfilled or is_unclear) and tracked not in found:
                found.append(tracked)
        return found

    def track(self, snapshot: OrderSnapshot, now: datetime) -> TrackedOrder | None:
        """Returns the tracked order; an external one with a quantity is tracked from now on."""
        tracked = self._orders.find(snapshot.symbol, snapshot.exchange_order_id, snapshot.client_id)
        if tracked is not None:
            return tracked
        external = to_external_order(snapshot, now)
        if external is None:
            return None
        external = self.with_sender(external, snapshot.client_id)
        parent = find_parent_order(snapshot, self._orders)
        if parent is not None and snapshot.exit is not None:
            reason = EXIT_REASONS[snapshot.exit]
            external = evolve(external, parent_order_id=parent.order_id, reason=reason)
        return self.add_external(external, snapshot.exchange_order_id)

    def with_sender(self, external: ExternalOrderInfo, client_id: str | None) -> ExternalOrderInfo:
        """Returns ``external`` with the order that its client order id names, if it is of ours."""
        order_id = self._orders.client_ids.order_id_of(client_id)
        return external if order_id is None else evolve(external, sent_order_id=order_id)

    def add_external(self, external: ExternalOrderInfo, exchange_order_id: str) -> TrackedOrder:
        """Track an external order."""
        tracked = TrackedOrder(
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
        return self._orders.add(tracked)

    def missing_qty(self, snapshot: OrderSnapshot, tracked: TrackedOrder) -> Decimal:
        """Returns the quantity that was executed and not reported."""
        return max(subtract(subtract(snapshot.filled, tracked.filled), tracked.inferred), ZERO)

    def infer_fills(
        self, snapshot: OrderSnapshot, now: datetime, after: timedelta, source: ReportSource
    ) -> list[ExecutionReport]:
        """Returns an execution in place of proven ones that were missing for ``after``."""
        if not self._infers:
            return []
        tracked = self.track(snapshot, now)
        missing = ZERO if tracked is None else self.missing_qty(snapshot, tracked)
        if tracked is None or not missing or snapshot.average is None:
            if tracked is not None:
                tracked.fills_missing_since = None
            return []
        tracked.fills_missing_since = tracked.fills_missing_since or now
        if now - tracked.fills_missing_since < after:
            return []
        tracked.inferred = add(tracked.inferred, missing)
        execution = Execution(
            exchange_trade_id=f"syn-{snapshot.exchange_order_id}-{snapshot.filled.normalize():f}",
            qty=missing,
            price=snapshot.average,
            executed_at=snapshot.updated_at or now,
            provisional=True,
        )
        return [build_report(tracked, ReportKind.EXECUTION, source, now, execution=execution)]


def mark_accepted(tracked: TrackedOrder, now: datetime) -> None:
    """Mark the order as proven to exist at the exchange."""
    tracked.is_accepted, tracked.is_in_doubt = True, False
    tracked.accepted_at = tracked.accepted_at or now


def build_report(
    tracked: TrackedOrder,
    kind: ReportKind,
    source: ReportSource,
    now: datetime,
    *,
    execution: Execution | None = None,
    qty: Decimal | None = None,
    price: Decimal | None = None,
    trigger_price: Decimal | None = None,
    edit: EditState | None = None,
    code: str | None = None,
    message: str | None = None,
) -> ExecutionReport:
    """Returns a report about the order."""
    return ExecutionReport(
        kind=kind,
        order_id=tracked.order_id,
        source=source,
        received_at=now,
        exchange_order_id=tracked.reported_order_id,
        execution=execution,
        qty=qty,
        price=price,
        terms=None if trigger_price is None else NewTerms(trigger_price=trigger_price),
        edit=edit,
        code=code,
        message=message,
        external=tracked.external if not tracked.order_id else None,
    )


def build_rejection(
    request: OrderRequest, code: str, message: str, source: ReportSource, now: datetime
) -> list[ExecutionReport]:
    """Returns the report that a request was rejected; nothing if the ledger expects no answer.

    A change or cancel that is rejected after its request was answered otherwise would be read as a
    rejection of the order itself.
    """
    tracked = request.tracked
    if request.kind != PLACE:
        if request.answer_count != tracked.answer_count:
            return []
        tracked.answer_count += 1
        tracked.is_changing = False
    return [build_report(tracked, ReportKind.REJECTED, source, now, code=code, message=message)]


def _is_stale(snapshot: OrderSnapshot, tracked: TrackedOrder) -> bool:
    if snapshot.updated_at is None or tracked.last_snapshot_at is None:
        return False
    return snapshot.updated_at < tracked.last_snapshot_at


def _triggered_reports(
    snapshot: OrderSnapshot, tracked: TrackedOrder, source: ReportSource, now: datetime
) -> Sequence[ExecutionReport]:
    was_waiting, tracked.is_waiting = tracked.is_waiting, snapshot.is_waiting
    if not was_waiting or snapshot.is_waiting or snapshot.status not in _AFTER_TRIGGER:
        return ()
    return (build_report(tracked, ReportKind.TRIGGERED, source, now),)


def _amended_reports(
    snapshot: OrderSnapshot, tracked: TrackedOrder, source: ReportSource, now: datetime
) -> Sequence[ExecutionReport]:
    """A report if the terms differ from those believed."""
    if snapshot.status is VenueOrderStatus.REJECTED:
        return ()
    price = snapshot.price if tracked.price is not None else None
    qty = snapshot.qty
    trigger_price = _moved_trigger(snapshot, tracked)
    if (
        qty in (None, tracked.qty)
        and price in (None, tracked.price)
        and trigger_price in (None, tracked.trigger_price)
    ):
        return ()
    tracked.qty, tracked.price = qty or tracked.qty, price or tracked.price
    tracked.answer_count += 1
    tracked.is_changing = False
    tracked.trigger_price = trigger_price or tracked.trigger_price
    return (
        build_report(
            tracked,
            ReportKind.CHANGED,
            source,
            now,
            qty=tracked.total_qty,
            price=tracked.price,
            trigger_price=trigger_price,
        ),
    )


def _moved_trigger(snapshot: OrderSnapshot, tracked: TrackedOrder) -> Decimal | None:
    """The trigger price that the exchange shows; ``None`` if it says nothing about it."""
    if tracked.trigger_price is None or not snapshot.is_waiting:
        return None
    return snapshot.trigger_price


def _end_reports(
    snapshot: OrderSnapshot, tracked: TrackedOrder, source: ReportSource, now: datetime
) -> Sequence[ExecutionReport]:
    if snapshot.status is VenueOrderStatus.FILLED and tracked.filled >= tracked.qty:
        mark_ended(tracked, now)
    kind = _END_KINDS.get(snapshot.status)
    if snapshot.status is VenueOrderStatus.TRIGGERED and tracked.client_id is None:
        kind = ReportKind.CANCELED  # the order that it placed is another external order
    if kind is None or tracked.is_replacing:
        return ()
    mark_ended(tracked, now)
    if kind is ReportKind.REJECTED:
        message = f"the exchange reports it as {snapshot.raw_status}"
        return (
            build_report(tracked, kind, source, now, code="exchange_rejected", message=message),
        )
    return (build_report(tracked, kind, source, now),)
