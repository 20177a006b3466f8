"""Fixes carried out, and taken back: by facts alone, which the one writer folds like any other.

A correction is an execution that no exchange told: of an order of strategy 0, named after the item
that it is for, so that it is booked once however often it is asked for. What it did is taken back
by a reversing deal.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from oms.domain.errors import Refused
from oms.domain.ledger.charges import charge_trade_id
from oms.domain.ledger.correction import Correction, build_correction_order, required_correction
from oms.domain.money import decimal_text
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
from oms.domain.value import evolve
from oms.ports.ids import IdBlocks
from oms.ports.ledger_store import LedgerStore
from oms.services.account_state.state import AccountState
from oms.services.ledger.charges import book_charge
from oms.services.ledger.record import Changes, RecordReports
from oms.services.reconcile.diff import book_qty, mark
from oms.services.reconcile.open_discrepancies import parse_facts
from oms.wire.json import dumps_fast, time_text

SYNTHETIC_PREFIX = "syn-"
"""What the trade id of a correction begins with; the hash of the item follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixes:
    """Carries out what a row proposes."""

    ledger: LedgerStore
    record: RecordReports
    ids: IdBlocks

    async def apply(
        self, state: AccountState, row: Discrepancy, changes: Changes, now: datetime
    ) -> Discrepancy | Refused:
        """``row`` after its fix was carried out, or why it cannot be."""
        fix = parse_facts(row.fix)
        match row.kind:
            case DiscrepancyClass.POSITION_DIFFERS if fix.get("action") == "correct":
                done: Mapping[str, Any] | Refused = await self._correct(state, row, changes, now)
            case DiscrepancyClass.ORDER_VANISHED:
                done = await self._cancel(state, row, changes, now)
            case DiscrepancyClass.DEAL_EXTRA:
                done = await self._bust(state, fix["victim"], changes, now)
            case DiscrepancyClass.DEAL_DIFFERS:
                done = await self._replace(state, row, changes, now)
            case DiscrepancyClass.BALANCE_DIFFERS:
                done = await self._enter(state, fix, _name(row), changes, now)
            case _:
                done = _nothing_to_do(row)
        if isinstance(done, Refused):
            return done
        text = dumps_fast({**fix, **done})
        return evolve(row, status=DiscrepancyStatus.APPLIED.value, fix=text, last_seen=now)

    async def reverse(
        self, state: AccountState, row: Discrepancy, changes: Changes, now: datetime
    ) -> Discrepancy | Refused:
        """``row`` after the correction that was booked for it was taken back."""
        fix = parse_facts(row.fix)
        if row.status == DiscrepancyStatus.APPLIED and fix.get("action") == "enter":
            back = {**fix, "amount": decimal_text(Decimal(fix["amount"]).copy_negate())}
            done = await self._enter(state, back, f"{_name(row)}-back", changes, now)
        elif row.status == DiscrepancyStatus.APPLIED and fix.get("action") == "correct":
            done = await self._bust(state, fix, changes, now)
        else:
            message = f"discrepancy {row.id} is {row.status}: there is nothing to take back"
            return Refused(code="conflict", reason="nothing_to_undo", message=message)
        if isinstance(done, Refused):
            return done
        return evolve(row, status=DiscrepancyStatus.REVERSED.value, last_seen=now)

    async def _correct(
        self, state: AccountState, row: Discrepancy, changes: Changes, now: datetime
    ) -> Mapping[str, Any] | Refused:
        """Book what makes the sum of the positions the exchange's again, at mark."""
        facts, name = parse_facts(row.evidence), _name(row)
        symbol, leg = str(row.symbol), facts["side"]
        held = book_qty(state, symbol, None if leg is None else Side(leg))
        if held != Decimal(facts["book_qty"]):
            message = f"{symbol} is {decimal_text(held)} now: sweep again, and decide on what differs then"
            return Refused(code="conflict", reason="changed_meanwhile", message=message)
        price = mark(state, symbol, now)
        if price is None:
            message = f"no price of {symbol} is known to correct it at"
            return Refused(code="conflict", reason="no_price", message=message)
        wanted = required_correction(
            exchange_qty=Decimal(facts["exchange_qty"]),
            ledger_qty=held,
            leg=None if leg is None else Side(leg),
        )
        await self.ids.ensure("order", 1)
        order = build_correction_order(
            wanted,
            symbol=symbol,
            name=name,
            comment=f"correction of discrepancy {row.id}",
            order_id=self.ids("order"),
            account_id=state.account.id,
            mode=state.account.position_mode,
            now=now,
        )
        state.put_order(order, is_new=True)
        changes.orders[order.id] = order
        fill = Execution(exchange_trade_id=name, qty=wanted.qty, price=price, executed_at=now)
        await self.record(state, [_report(ReportKind.EXECUTION, order.id, fill, now)], changes)
        return {"order_id": order.id, **_told_of(wanted), **_told_fill(fill)}

    async def _cancel(
        self, state: AccountState, row: Discrepancy, changes: Changes, now: datetime
    ) -> Mapping[str, Any] | Refused:
        """End an order of ours that is nowhere at the exchange."""
        order = await self._order(state, parse_facts(row.evidence)["order_id"])
        if order is None or not order.is_open:
            message = "the order ended meanwhile"
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
        self, state: AccountState, victim: Mapping[str, Any], changes: Changes, now: datetime
    ) -> Mapping[str, Any] | Refused:
        """Take an execution back by a reversing deal."""
        order = await self._order(state, victim["order_id"])
        if order is None:
            message = "the order of this deal is not in the account"
            return Refused(code="conflict", reason="changed_meanwhile", message=message)
        report = _report(ReportKind.BUSTED, order.id, _fill_of(victim), now)
        await self.record(state, [report], changes)
        return {}

    async def _replace(
        self, state: AccountState, row: Discrepancy, changes: Changes, now: datetime
    ) -> Mapping[str, Any] | Refused:
        """Take an execution back, and book it as the exchange tells it."""
        fix = parse_facts(row.fix)
        refused = await self._bust(state, fix["victim"], changes, now)
        if isinstance(refused, Refused):
            return refused
        right = evolve(_fill_of(fix["right"]), exchange_trade_id=_name(row))
        report = _report(ReportKind.EXECUTION, fix["victim"]["order_id"], right, now)
        await self.record(state, [report], changes)
        return {"trade_id": right.exchange_trade_id}

    async def _enter(
        self,
        state: AccountState,
        fix: Mapping[str, Any],
        name: str,
        changes: Changes,
        now: datetime,
    ) -> Mapping[str, Any] | Refused:
        """Book that money came or went; once, however often it is asked for."""
        charge = Charge(
            kind=ChargeKind.BALANCE,
            charge_id=name,
            amount=Decimal(fix["amount"]),
            currency=fix["currency"],
            symbol=None,
            executed_at=now,
            source=ReportSource.OPERATOR,
            received_at=now,
        )
        self.record.stage(state, await book_charge(self.ledger, self.ids, state, charge), changes)
        return {"trade_id": charge_trade_id(charge)}

    async def _order(self, state: AccountState, order_id: int) -> Order | None:
        return state.find_order(order_id) or await self.ledger.order(state.account.id, order_id)


def _name(row: Discrepancy) -> str:
    """The trade id of what is booked for a row: the same however often it is asked for."""
    item = f"{row.account_id}:{row.id}:{row.subject}"
    return SYNTHETIC_PREFIX + hashlib.sha256(item.encode()).hexdigest()[:32]


def _told_of(wanted: Correction) -> dict[str, Any]:
    return {"side": wanted.side.value, "qty": decimal_text(wanted.qty)}


def _told_fill(fill: Execution) -> dict[str, Any]:
    return {
        "trade_id": fill.exchange_trade_id,
        "price": decimal_text(fill.price),
        "executed_at": time_text(fill.executed_at),
    }


def _fill_of(facts: Mapping[str, Any]) -> Execution:
    fee = facts.get("fee")
    return Execution(
        exchange_trade_id=facts["trade_id"],
        qty=Decimal(facts["qty"]),
        price=Decimal(facts["price"]),
        executed_at=datetime.fromisoformat(facts["executed_at"]),
        sequence=facts.get("sequence", 0),
        fee=None if fee is None else Decimal(fee),
        fee_currency=facts.get("fee_currency"),
    )


def _report(kind: ReportKind, order_id: int, fill: Execution, now: datetime) -> ExecutionReport:
    return ExecutionReport(
        kind=kind, order_id=order_id, source=ReportSource.OPERATOR, received_at=now, execution=fill
    )


def _nothing_to_do(row: Discrepancy) -> Refused:
    message = f"nothing is proposed for a {row.kind}"
    return Refused(code="conflict", reason="no_fix", message=message)
