"""Execution reports and charges from events of the simulation; its client id is our order id.

Reports on orders that are not the ledger's have the order id 0 and describe the order. Payments
without an order are collected as charges until they are taken.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from oms.adapters.paper.client_order_ids import ledger_order_id
from oms.adapters.paper.external_orders import ExternalOrders
from oms.domain.orders.execution_report import (
    Charge,
    ChargeKind,
    Execution,
    ExecutionReport,
    ReportKind,
    ReportSource,
)
from oms.domain.orders.order import Order
from oms.domain.orders.order_terms import NewTerms
from oms.domain.side import Side
from oms.domain.value import constructor
from oms.simulation.events import (
    Accepted,
    Canceled,
    Changed,
    Deposited,
    Expired,
    Filled,
    FundingPaid,
    InsurancePaid,
    LeverageSet,
    MarginModeSet,
    PaperAccountEvent,
    PaperOrderEvent,
    Rejected,
    Triggered,
    Withdrawn,
)
from oms.simulation.state.paper_order import Leg, OrderTerms, PaperTrade
from oms.simulation.step_result import StepResult

#: Codes of the simulation that have another name at the port.
_CODES: Mapping[str, str] = {"order_not_open": "too_late"}
_ABOUT_ORDERS = (Accepted, Canceled, Changed, Triggered, Expired)
_KINDS: Mapping[type[PaperOrderEvent], ReportKind] = {
    Accepted: ReportKind.ACCEPTED,
    Changed: ReportKind.CHANGED,
    Canceled: ReportKind.CANCELED,
    Triggered: ReportKind.TRIGGERED,
    Expired: ReportKind.EXPIRED,
}
_SIDES = {Leg.LONG: Side.BUY, Leg.SHORT: Side.SELL}
_new_report, _new_execution = constructor(ExecutionReport), constructor(Execution)


class PaperReportBuilder:
    """Builds execution reports, and collects charges, from delivered events."""

    def __init__(self) -> None:
        self._charges: list[Charge] = []

    def reports(
        self,
        steps: Iterable[StepResult],
        external_orders: ExternalOrders,
        now: datetime,
        replied_order_id: int | None = None,
        reply_source: ReportSource = ReportSource.REPLY,
    ) -> list[ExecutionReport]:
        """Returns reports in event order; those on ``replied_order_id`` are its reply."""
        reports: list[ExecutionReport] = []
        for step in steps:
            for event in step.delivered:
                if isinstance(event, Filled):
                    reports.append(
                        _execution(
                            event.trade, external_orders, now, replied_order_id, reply_source
                        )
                    )
                elif isinstance(event, _ABOUT_ORDERS):
                    reports.append(
                        _report(event, external_orders, now, replied_order_id, reply_source)
                    )
                elif not isinstance(event, Rejected):
                    self._collect_charge(event, now)
                elif ledger_order_id(
                    event.client_id
                ):  # else the request of a direct caller, or of no order
                    reports.append(_rejected(event, now, replied_order_id, reply_source))
        return reports

    def take_charges(self) -> Sequence[Charge]:
        """Returns and clears the payments collected since the last call."""
        reports, self._charges = self._charges, []
        return reports

    def _collect_charge(self, event: PaperAccountEvent, now: datetime) -> None:
        if not isinstance(event, LeverageSet | MarginModeSet):
            self._charges.append(build_charge(event, now))


def build_charge(
    event: FundingPaid | Deposited | Withdrawn | InsurancePaid, now: datetime
) -> Charge:
    """Returns the charge of a payment: positive when received."""
    symbol, side, price, kind = None, None, None, ChargeKind.BALANCE
    match event:
        case FundingPaid():
            transfer_id, amount, kind = event.funding_id, event.amount, ChargeKind.FUNDING
            symbol, side, price = event.symbol, _SIDES.get(event.leg), event.mark
        case Withdrawn():
            transfer_id, amount = event.transfer_id, event.amount.copy_negate()
        case Deposited() | InsurancePaid():
            transfer_id, amount = event.transfer_id, event.amount
    return Charge(
        kind=kind,
        charge_id=transfer_id,
        amount=amount,
        currency=event.currency,
        symbol=symbol,
        side=side,
        price=price,
        executed_at=event.at,
        source=ReportSource.STREAM,
        received_at=now,
    )


def _report(
    event: PaperOrderEvent,
    external_orders: ExternalOrders,
    now: datetime,
    replied_order_id: int | None,
    reply_source: ReportSource,
) -> ExecutionReport:
    order, kind = event.order, _KINDS[type(event)]
    order_id = ledger_order_id(order.client_id)
    is_change = type(event) is Changed
    return _new_report(
        kind=kind,
        order_id=order_id,
        source=reply_source if order_id and order_id == replied_order_id else ReportSource.STREAM,
        received_at=now,
        exchange_order_id=order.exchange_order_id,
        qty=order.qty if is_change else None,
        price=order.price if is_change else None,
        terms=_terms(order.terms) if is_change else None,
        code=event.reason or None if type(event) is Canceled else None,
        external=None if order_id else external_orders.describe_order(order),
    )


def _terms(terms: OrderTerms) -> NewTerms:
    return NewTerms(
        trigger_price=terms.trigger_price,
        trailing_amount=terms.trailing_amount,
        trailing_percent=terms.trailing_percent,
        time_in_force=terms.time_in_force.value,
        expires_at=terms.expires_at,
    )


def _rejected(
    event: Rejected, now: datetime, replied_order_id: int | None, reply_source: ReportSource
) -> ExecutionReport:
    order_id = ledger_order_id(event.client_id)
    return _new_report(
        kind=ReportKind.REJECTED,
        order_id=order_id,
        source=reply_source if order_id == replied_order_id else ReportSource.STREAM,
        received_at=now,
        code=_CODES.get(event.code, event.code),
        message=event.message,
    )


def _execution(
    trade: PaperTrade,
    external_orders: ExternalOrders,
    now: datetime,
    replied_order_id: int | None,
    reply_source: ReportSource,
) -> ExecutionReport:
    order_id = ledger_order_id(trade.client_id)
    source = reply_source if order_id and order_id == replied_order_id else ReportSource.STREAM
    return _executed(trade, order_id, external_orders, now, source)


def build_execution_report(
    trade: PaperTrade, external_orders: ExternalOrders, now: datetime, source: ReportSource
) -> ExecutionReport:
    """Returns the report of an execution in the books of the exchange."""
    return _executed(trade, ledger_order_id(trade.client_id), external_orders, now, source)


def _executed(
    trade: PaperTrade,
    order_id: int,
    external_orders: ExternalOrders,
    now: datetime,
    source: ReportSource,
) -> ExecutionReport:
    return _new_report(
        kind=ReportKind.EXECUTION,
        order_id=order_id,
        source=source,
        received_at=now,
        exchange_order_id=trade.exchange_order_id,
        execution=_new_execution(
            exchange_trade_id=trade.trade_id,
            qty=trade.qty,
            price=trade.price,
            executed_at=trade.executed_at,
            fee=trade.fee,
            fee_currency=trade.fee_currency,
            maker=trade.maker,
        ),
        external=None if order_id else external_orders.describe_trade(trade),
    )


def build_report(
    order: Order,
    kind: ReportKind,
    source: ReportSource,
    now: datetime,
    exchange_order_id: str | None = None,
) -> ExecutionReport:
    """Returns a report of ``kind`` on an order of the ledger."""
    return ExecutionReport(
        kind=kind,
        order_id=order.id,
        source=source,
        received_at=now,
        exchange_order_id=exchange_order_id,
    )


def build_rejection(order: Order, code: str, message: str, now: datetime) -> ExecutionReport:
    """Returns the rejection of a request on an order of the ledger."""
    return ExecutionReport(
        kind=ReportKind.REJECTED,
        order_id=order.id,
        source=ReportSource.REPLY,
        received_at=now,
        code=code,
        message=message,
    )
