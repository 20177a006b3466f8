"""What the simulation tells, as reports and charges of the port: the client id is our order id.

Orders that the exchange made by itself have the order id 0 and say what they are in each report.
Money that moves beside orders is collected as charges until somebody asks for them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from oms.adapters.paper.names import ledger_id
from oms.adapters.paper.self_made import SelfMade
from oms.domain.report import (
    Charge,
    ChargeKind,
    Execution,
    Heard,
    Report,
    ReportKind,
)
from oms.domain.side import Side
from oms.domain.value import constructor
from oms.simulation.facts import (
    Accepted,
    AccountFact,
    Canceled,
    Changed,
    Deposited,
    Expired,
    Filled,
    FundingPaid,
    InsurancePaid,
    LeverageSet,
    MarginModeSet,
    OrderFact,
    Rejected,
    Step,
    Triggered,
    Withdrawn,
)
from oms.simulation.memory import Leg, PaperTrade

#: Words of the simulation that the port has another word for.
_CODES: Mapping[str, str] = {"order_not_open": "too_late"}
_ABOUT_ORDERS = (Accepted, Canceled, Changed, Triggered, Expired)
_KINDS: Mapping[type[OrderFact], ReportKind] = {
    Accepted: ReportKind.ACCEPTED,
    Changed: ReportKind.CHANGED,
    Canceled: ReportKind.CANCELED,
    Triggered: ReportKind.TRIGGERED,
    Expired: ReportKind.EXPIRED,
}
_SIDES = {Leg.LONG: Side.BUY, Leg.SHORT: Side.SELL}
_new_report, _new_execution = constructor(Report), constructor(Execution)


class Reporter:
    """Facts as they are told, in the words of the ledger."""

    def __init__(self) -> None:
        self._charges: list[Charge] = []

    def reports(
        self,
        steps: Iterable[Step],
        made: SelfMade,
        now: datetime,
        asked: int | None = None,
        answer: Heard = Heard.REPLY,
    ) -> list[Report]:
        """Reports in the order of their facts; those about the order ``asked`` are its answer."""
        told: list[Report] = []
        for step in steps:
            for fact in step.told:
                if isinstance(fact, Filled):
                    told.append(_execution(fact.trade, made, now, asked, answer))
                elif isinstance(fact, _ABOUT_ORDERS):
                    told.append(_report(fact, made, now, asked, answer))
                elif not isinstance(fact, Rejected):
                    self._hear(fact, now)
                elif ledger_id(fact.client_id):  # else nobody's order, or none
                    told.append(_rejected(fact, now, asked, answer))
        return told

    def charges(self) -> Sequence[Charge]:
        """Payments told since the last call."""
        told, self._charges = self._charges, []
        return told

    def _hear(self, fact: AccountFact, now: datetime) -> None:
        if not isinstance(fact, LeverageSet | MarginModeSet):
            self._charges.append(charge_of(fact, now))


def charge_of(fact: FundingPaid | Deposited | Withdrawn | InsurancePaid, now: datetime) -> Charge:
    """A payment as it is booked: positive when received."""
    symbol, side, price, kind = None, None, None, ChargeKind.BALANCE
    match fact:
        case FundingPaid():
            name, amount, kind = fact.funding_id, fact.amount, ChargeKind.FUNDING
            symbol, side, price = fact.symbol, _SIDES.get(fact.leg), fact.mark
        case Withdrawn():
            name, amount = fact.transfer_id, fact.amount.copy_negate()
        case Deposited() | InsurancePaid():
            name, amount = fact.transfer_id, fact.amount
    return Charge(
        kind=kind,
        charge_id=name,
        amount=amount,
        currency=fact.currency,
        symbol=symbol,
        side=side,
        price=price,
        executed_at=fact.at,
        heard=Heard.STREAM,
        heard_at=now,
    )


def _report(
    fact: OrderFact, made: SelfMade, now: datetime, asked: int | None, answer: Heard
) -> Report:
    order, kind = fact.order, _KINDS[type(fact)]
    order_id = ledger_id(order.client_id)
    is_change = type(fact) is Changed
    return _new_report(
        kind=kind,
        order_id=order_id,
        heard=answer if order_id and order_id == asked else Heard.STREAM,
        heard_at=now,
        exchange_order_id=order.exchange_order_id,
        qty=order.qty if is_change else None,
        price=order.price if is_change else None,
        external=None if order_id else made.external(order),
    )


def _rejected(fact: Rejected, now: datetime, asked: int | None, answer: Heard) -> Report:
    order_id = ledger_id(fact.client_id)
    return _new_report(
        kind=ReportKind.REJECTED,
        order_id=order_id,
        heard=answer if order_id == asked else Heard.STREAM,
        heard_at=now,
        code=_CODES.get(fact.code, fact.code),
        message=fact.message,
    )


def _execution(
    trade: PaperTrade, made: SelfMade, now: datetime, asked: int | None, answer: Heard
) -> Report:
    order_id = ledger_id(trade.client_id)
    heard = answer if order_id and order_id == asked else Heard.STREAM
    return _executed(trade, order_id, made, now, heard)


def execution_of(trade: PaperTrade, made: SelfMade, now: datetime, heard: Heard) -> Report:
    """An execution of the exchange's books as a report."""
    return _executed(trade, ledger_id(trade.client_id), made, now, heard)


def _executed(
    trade: PaperTrade, order_id: int, made: SelfMade, now: datetime, heard: Heard
) -> Report:
    return _new_report(
        kind=ReportKind.EXECUTION,
        order_id=order_id,
        heard=heard,
        heard_at=now,
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
        external=None if order_id else made.traded(trade),
    )
