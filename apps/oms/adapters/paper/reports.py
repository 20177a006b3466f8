"""Facts of the simulation as reports of the port: the client id is our order id.

Orders that the exchange made by itself, and money that moves beside orders, are no reports yet.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

from oms.domain.report import Execution, Heard, Report, ReportKind
from oms.simulation.facts import (
    Accepted,
    AccountFact,
    Canceled,
    Changed,
    Expired,
    Fact,
    Filled,
    Rejected,
    Triggered,
)
from oms.simulation.memory import PaperTrade
from oms.simulation.telling import client_of


def reports_of(facts: Iterable[Fact], asked: int | None, now: datetime) -> list[Report]:
    """Reports in the order of their facts; those about the order ``asked`` are its reply."""
    return [report for fact in facts if (report := _report(fact, asked, now)) is not None]


def _report(fact: Fact, asked: int | None, now: datetime) -> Report | None:
    if isinstance(fact, AccountFact) or not client_of(fact):
        return None
    match fact:
        case Filled(trade=trade):
            return _execution(trade, asked, now)
        case Accepted(order=order):
            kind, qty, price = ReportKind.ACCEPTED, None, None
        case Changed(order=order):
            kind, qty, price = ReportKind.CHANGED, order.qty, order.price
        case Canceled(order=order):
            kind, qty, price = ReportKind.CANCELED, None, None
        case Triggered(order=order):
            kind, qty, price = ReportKind.TRIGGERED, None, None
        case Expired(order=order):
            kind, qty, price = ReportKind.EXPIRED, None, None
        case Rejected():
            return _rejected(fact, asked, now)
        case _:
            assert_never(fact)
    order_id = int(order.client_id)
    return Report(
        kind=kind,
        order_id=order_id,
        heard=_heard(order_id, asked),
        heard_at=now,
        exchange_order_id=order.exchange_order_id,
        qty=qty,
        price=price,
    )


def _rejected(fact: Rejected, asked: int | None, now: datetime) -> Report:
    order_id = int(fact.client_id)
    return Report(
        kind=ReportKind.REJECTED,
        order_id=order_id,
        heard=_heard(order_id, asked),
        heard_at=now,
        code=fact.code,
        message=fact.message,
    )


def _execution(trade: PaperTrade, asked: int | None, now: datetime) -> Report:
    order_id = int(trade.client_id)
    return Report(
        kind=ReportKind.EXECUTION,
        order_id=order_id,
        heard=_heard(order_id, asked),
        heard_at=now,
        exchange_order_id=trade.exchange_order_id,
        execution=Execution(
            exchange_trade_id=trade.trade_id,
            qty=trade.qty,
            price=trade.price,
            executed_at=trade.executed_at,
            fee=trade.fee,
            fee_currency=trade.fee_currency,
            maker=trade.maker,
        ),
    )


def _heard(order_id: int, asked: int | None) -> Heard:
    return Heard.REPLY if order_id == asked else Heard.STREAM
