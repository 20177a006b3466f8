"""Fixes of discrepancies, applied and reversed by reports that the ledger applies like any other.

A correction is an execution of the operator: it belongs to an order of strategy 0 and is named
after its discrepancy, so that it is booked once however often it is requested. It is reversed by a
reversing deal.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import reduce
from typing import Any

from oms.domain.errors import Refused
from oms.domain.ledger.charges import charge_trade_id
from oms.domain.ledger.correction import (
    Correction,
    build_correction_order,
    opening_price,
    required_correction,
)
from oms.domain.money import ZERO, add, decimal_text
from oms.domain.orders.execution_report import (
    Charge,
    ChargeKind,
    Execution,
    ExecutionReport,
    ReportKind,
    ReportSource,
)
from oms.domain.orders.order import Order, Side
from oms.domain.reconcile.discrepancy import Discrepancy, DiscrepancyClass, DiscrepancyStatus
from oms.domain.value import evolve, value
from oms.ports.ids import IdBlocks
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.ledger.record import Changes, RecordReports
from oms.services.reconcile.mid_price import mid_price
from oms.wire.json import dumps_fast, time_text
from oms.wire.responses.reconcile_rows import parse_facts

SYNTHETIC_PREFIX = "syn-"
"""Prefix of a correction's trade id; the hash of the discrepancy follows."""

#: The evidence of the price at which a correction was booked.
_MARK = "mark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixes:
    """Applies the fix that a discrepancy proposes."""

    ledger: LedgerStore
    record: RecordReports
    ids: IdBlocks

    async def apply(
        self, state: AccountState, row: Discrepancy, changes: Changes, now: datetime
    ) -> Discrepancy | Refused:
        """Return ``row`` after its fix was applied, or why it cannot be applied."""
        fix = parse_facts(row.fix)
        match row.kind:
            case DiscrepancyClass.POSITION_DIFFERS if fix.get("action") == "correct":
                applied: Mapping[str, Any] | Refused = await self._correct(state, row, changes, now)
            case DiscrepancyClass.ORDER_VANISHED:
                applied = await self._cancel(state, row, changes, now)
            case DiscrepancyClass.DEAL_EXTRA:
                applied = await self._bust(state, fix["victim"], changes, now)
            case DiscrepancyClass.DEAL_DIFFERS:
                applied = await self._replace(state, row, changes, now)
            case DiscrepancyClass.BALANCE_DIFFERS:
                applied = await self._book_balance_change(
                    state, fix, _synthetic_trade_id(row), changes, now
                )
            case _:
                applied = _refuse_without_fix(row)
        if isinstance(applied, Refused):
            return applied
        fields = {**fix, **applied}
        evidence = row.evidence
        if _MARK in fields:
            evidence = dumps_fast({**parse_facts(evidence), _MARK: fields.pop(_MARK)})
        return evolve(
            row,
            status=DiscrepancyStatus.APPLIED.value,
            evidence=evidence,
            fix=dumps_fast(fields),
            last_seen=now,
        )

    async def reverse(
        self, state: AccountState, row: Discrepancy, changes: Changes, now: datetime
    ) -> Discrepancy | Refused:
        """Return ``row`` after its correction was reversed, or why it cannot be reversed."""
        fix = parse_facts(row.fix)
        if row.status == DiscrepancyStatus.APPLIED and fix.get("action") == "enter":
            reversal = {**fix, "amount": decimal_text(Decimal(fix["amount"]).copy_negate())}
            applied = await self._book_balance_change(
                state, reversal, f"{_synthetic_trade_id(row)}-back", changes, now
            )
        elif row.status == DiscrepancyStatus.APPLIED and fix.get("action") == "correct":
            applied = await self._bust(state, fix, changes, now)
        else:
            message = f"discrepancy {row.id} is {row.status}: there is nothing to reverse"
            return Refused(code="conflict", reason="nothing_to_undo", message=message)
        if isinstance(applied, Refused):
            return applied
        return evolve(row, status=DiscrepancyStatus.REVERSED.value, last_seen=now)

    async def _correct(
        self, state: AccountState, row: Discrepancy, changes: Changes, now: datetime
    ) -> Mapping[str, Any] | Refused:
        """Book the quantity that makes the positions equal to the exchange's."""
        evidence, trade_id = parse_facts(row.evidence), _synthetic_trade_id(row)
        symbol, side = str(row.symbol), evidence["side"]
        book = _book_qty(state, symbol, None if side is None else Side(side))
        if book != Decimal(evidence["book_qty"]):
            message = f"{symbol} is {decimal_text(book)} now: reconcile again before a decision"
            return Refused(code="conflict", reason="changed_meanwhile", message=message)
        priced = _average_price(state, evidence, side) or await mid_price(state, symbol, now)
        if priced is None:
            message = f"no price of {symbol} is known to correct it at"
            return Refused(code="conflict", reason="no_price", message=message)
        correction = required_correction(
            exchange_qty=Decimal(evidence["exchange_qty"]),
            ledger_qty=book,
            leg=None if side is None else Side(side),
        )
        await self.ids.ensure("order", 1)
        order = build_correction_order(
            correction,
            symbol=symbol,
            name=trade_id,
            comment=f"correction of discrepancy {row.id}",
            order_id=self.ids("order"),
            account_id=state.account.id,
            mode=state.account.position_mode,
            now=now,
        )
        state.put_order(order, is_new=True)
        changes.orders[order.id] = order
        fill = Execution(
            exchange_trade_id=trade_id, qty=correction.qty, price=priced.price, executed_at=now
        )
        await self.record(state, [_report(ReportKind.EXECUTION, order.id, fill, now)], changes)
        fields = {**_correction_fields(correction), **_fill_fields(fill)}
        return {"order_id": order.id, **fields, _MARK: priced.evidence()}

    async def _cancel(
        self, state: AccountState, row: Discrepancy, changes: Changes, now: datetime
    ) -> Mapping[str, Any] | Refused:
        """End an order of this system that does not exist at the exchange."""
        order = await self._order(state, parse_facts(row.evidence)["order_id"])
        if order is None or not order.is_open:
            message = "the order has ended since"
            return Refused(code="conflict", reason="changed_meanwhile", message=message)
        report = ExecutionReport(
            kind=ReportKind.CANCELED,
            order_id=order.id,
            source=ReportSource.OPERATOR,
            received_at=now,
        )
        await self.record(state, [report], changes)
        return {}

    async def _bust(
        self, state: AccountState, execution: Mapping[str, Any], changes: Changes, now: datetime
    ) -> Mapping[str, Any] | Refused:
        """Reverse an execution by a reversing deal."""
        order = await self._order(state, execution["order_id"])
        if order is None:
            message = "the order of this deal is not in the account"
            return Refused(code="conflict", reason="changed_meanwhile", message=message)
        report = _report(ReportKind.BUSTED, order.id, _parse_fill(execution), now)
        await self.record(state, [report], changes)
        return {}

    async def _replace(
        self, state: AccountState, row: Discrepancy, changes: Changes, now: datetime
    ) -> Mapping[str, Any] | Refused:
        """Reverse an execution, and book it as the exchange reports it."""
        fix = parse_facts(row.fix)
        refused = await self._bust(state, fix["victim"], changes, now)
        if isinstance(refused, Refused):
            return refused
        execution = evolve(_parse_fill(fix["right"]), exchange_trade_id=_synthetic_trade_id(row))
        report = _report(ReportKind.EXECUTION, fix["victim"]["order_id"], execution, now)
        await self.record(state, [report], changes)
        return {"trade_id": execution.exchange_trade_id}

    async def _book_balance_change(
        self,
        state: AccountState,
        fix: Mapping[str, Any],
        trade_id: str,
        changes: Changes,
        now: datetime,
    ) -> Mapping[str, Any] | Refused:
        """Book a deposit or withdrawal; once, however often it is requested."""
        charge = Charge(
            kind=ChargeKind.BALANCE,
            charge_id=trade_id,
            amount=Decimal(fix["amount"]),
            currency=fix["currency"],
            symbol=None,
            executed_at=now,
            source=ReportSource.OPERATOR,
            received_at=now,
        )
        await self.record.book_charges(state, [charge], changes)
        return {"trade_id": charge_trade_id(charge)}

    async def _order(self, state: AccountState, order_id: int) -> Order | None:
        return state.find_order(order_id) or await self.ledger.order(state.account.id, order_id)


@value
class _AveragePrice:
    """The price that reproduces the average which the exchange reports."""

    price: Decimal

    def evidence(self) -> dict[str, object]:
        """Return price and source."""
        return {"price": decimal_text(self.price), "source": "exchange_average"}


def _average_price(
    state: AccountState, evidence: Mapping[str, Any], side: str | None
) -> _AveragePrice | None:
    """Return the price of an opening correction; ``None`` if it is to be booked at the mid."""
    average, symbol = evidence.get("exchange_average"), evidence["symbol"]
    instrument = state.exchange.instruments().get(symbol)
    if average is None or instrument is None or not state.account.opens_at_average:
        return None
    price = opening_price(
        instrument,
        exchange_qty=Decimal(evidence["exchange_qty"]),
        average=Decimal(average),
        positions=[p for p in state.positions_in(symbol) if side is None or p.side == side],
    )
    return None if price is None else _AveragePrice(price=price)


def _synthetic_trade_id(row: Discrepancy) -> str:
    """Return the trade id of what is booked for a discrepancy, always the same."""
    item = f"{row.account_id}:{row.id}:{row.subject}"
    return SYNTHETIC_PREFIX + hashlib.sha256(item.encode()).hexdigest()[:32]


def _correction_fields(correction: Correction) -> dict[str, Any]:
    return {"side": correction.side.value, "qty": decimal_text(correction.qty)}


def _fill_fields(fill: Execution) -> dict[str, Any]:
    return {
        "trade_id": fill.exchange_trade_id,
        "price": decimal_text(fill.price),
        "executed_at": time_text(fill.executed_at),
    }


def _parse_fill(fields: Mapping[str, Any]) -> Execution:
    fee = fields.get("fee")
    return Execution(
        exchange_trade_id=fields["trade_id"],
        qty=Decimal(fields["qty"]),
        price=Decimal(fields["price"]),
        executed_at=datetime.fromisoformat(fields["executed_at"]),
        sequence=fields.get("sequence", 0),
        fee=None if fee is None else Decimal(fee),
        fee_currency=fields.get("fee_currency"),
    )


def _report(kind: ReportKind, order_id: int, fill: Execution, now: datetime) -> ExecutionReport:
    return ExecutionReport(
        kind=kind, order_id=order_id, source=ReportSource.OPERATOR, received_at=now, execution=fill
    )


def _refuse_without_fix(row: Discrepancy) -> Refused:
    message = f"nothing is proposed for a {row.kind}"
    return Refused(code="conflict", reason="no_fix", message=message)


def _book_qty(state: AccountState, symbol: str, leg: Side | None) -> Decimal:
    """Return the signed sum of the open positions of a symbol, or of one leg."""
    held = (p.qty for p in state.positions_in(symbol) if leg is None or p.side is leg)
    return reduce(add, held, ZERO)
