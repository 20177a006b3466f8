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

from oms.domain.charges import charge_id
from oms.domain.correction import Correction, correction_for, correction_order
from oms.domain.discrepancy import Class, Discrepancy, Status
from oms.domain.errors import Refused
from oms.domain.money import plain
from oms.domain.order import Order, Side
from oms.domain.report import Charge, ChargeKind, Execution, Heard, Report, ReportKind
from oms.domain.value import evolve
from oms.ports.ids import IdBlocks
from oms.ports.ledger import LedgerStore
from oms.services.home import Home
from oms.services.reconcile.shown import book_qty, mark
from oms.services.reconcile.standing import read
from oms.services.record import Changes, Record
from oms.services.settle import settled
from oms.wire.json import dumps_plain, time_text

SYNTHETIC = "syn-"
"""What the trade id of a correction begins with; the hash of the item follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixes:
    """Carries out what a row proposes."""

    ledger: LedgerStore
    record: Record
    ids: IdBlocks

    async def apply(
        self, home: Home, row: Discrepancy, changes: Changes, now: datetime
    ) -> Discrepancy | Refused:
        """``row`` after its fix was carried out, or why it cannot be."""
        fix = read(row.fix)
        match row.kind:
            case Class.POSITION_DIFFERS if fix.get("action") == "correct":
                done: Mapping[str, Any] | Refused = await self._correct(home, row, changes, now)
            case Class.ORDER_VANISHED:
                done = await self._cancel(home, row, changes, now)
            case Class.DEAL_EXTRA:
                done = await self._bust(home, fix["victim"], changes, now)
            case Class.DEAL_DIFFERS:
                done = await self._replace(home, row, changes, now)
            case Class.BALANCE_DIFFERS:
                done = await self._enter(home, fix, _name(row), changes, now)
            case _:
                done = _nothing_to_do(row)
        if isinstance(done, Refused):
            return done
        text = dumps_plain({**fix, **done})
        return evolve(row, status=Status.APPLIED.value, fix=text, last_seen=now)

    async def reverse(
        self, home: Home, row: Discrepancy, changes: Changes, now: datetime
    ) -> Discrepancy | Refused:
        """``row`` after the correction that was booked for it was taken back."""
        fix = read(row.fix)
        if row.status == Status.APPLIED and fix.get("action") == "enter":
            back = {**fix, "amount": plain(Decimal(fix["amount"]).copy_negate())}
            done = await self._enter(home, back, f"{_name(row)}-back", changes, now)
        elif row.status == Status.APPLIED and fix.get("action") == "correct":
            done = await self._bust(home, fix, changes, now)
        else:
            message = f"discrepancy {row.id} is {row.status}: there is nothing to take back"
            return Refused(code="conflict", reason="nothing_to_undo", message=message)
        if isinstance(done, Refused):
            return done
        return evolve(row, status=Status.REVERSED.value, last_seen=now)

    async def _correct(
        self, home: Home, row: Discrepancy, changes: Changes, now: datetime
    ) -> Mapping[str, Any] | Refused:
        """Book what makes the sum of the positions the exchange's again, at mark."""
        facts, name = read(row.evidence), _name(row)
        symbol, leg = str(row.symbol), facts["side"]
        held = book_qty(home, symbol, None if leg is None else Side(leg))
        if held != Decimal(facts["book_qty"]):
            message = f"{symbol} is {plain(held)} now: sweep again, and decide on what differs then"
            return Refused(code="conflict", reason="changed_meanwhile", message=message)
        price = mark(home, symbol, now)
        if price is None:
            message = f"no price of {symbol} is known to correct it at"
            return Refused(code="conflict", reason="no_price", message=message)
        wanted = correction_for(
            there=Decimal(facts["exchange_qty"]),
            here=held,
            leg=None if leg is None else Side(leg),
        )
        await self.ids.ensure("order", 1)
        order = correction_order(
            wanted,
            symbol=symbol,
            name=name,
            comment=f"correction of discrepancy {row.id}",
            order_id=self.ids("order"),
            account_id=home.account.id,
            mode=home.account.position_mode,
            now=now,
        )
        home.put_order(order, is_new=True)
        changes.orders[order.id] = order
        fill = Execution(exchange_trade_id=name, qty=wanted.qty, price=price, executed_at=now)
        await self.record(home, [_report(ReportKind.EXECUTION, order.id, fill, now)], changes)
        return {"order_id": order.id, **_told_of(wanted), **_told_fill(fill)}

    async def _cancel(
        self, home: Home, row: Discrepancy, changes: Changes, now: datetime
    ) -> Mapping[str, Any] | Refused:
        """End an order of ours that is nowhere at the exchange."""
        order = await self._order(home, read(row.evidence)["order_id"])
        if order is None or not order.is_open:
            message = "the order ended meanwhile"
            return Refused(code="conflict", reason="changed_meanwhile", message=message)
        report = Report(
            kind=ReportKind.CANCELED, order_id=order.id, heard=Heard.OPERATOR, heard_at=now
        )
        await self.record(home, [report], changes)
        return {}

    async def _bust(
        self, home: Home, victim: Mapping[str, Any], changes: Changes, now: datetime
    ) -> Mapping[str, Any] | Refused:
        """Take an execution back by a reversing deal."""
        order = await self._order(home, victim["order_id"])
        if order is None:
            message = "the order of this deal is not in the account"
            return Refused(code="conflict", reason="changed_meanwhile", message=message)
        report = _report(ReportKind.BUSTED, order.id, _fill_of(victim), now)
        await self.record(home, [report], changes)
        return {}

    async def _replace(
        self, home: Home, row: Discrepancy, changes: Changes, now: datetime
    ) -> Mapping[str, Any] | Refused:
        """Take an execution back, and book it as the exchange tells it."""
        fix = read(row.fix)
        refused = await self._bust(home, fix["victim"], changes, now)
        if isinstance(refused, Refused):
            return refused
        right = evolve(_fill_of(fix["right"]), exchange_trade_id=_name(row))
        report = _report(ReportKind.EXECUTION, fix["victim"]["order_id"], right, now)
        await self.record(home, [report], changes)
        return {"trade_id": right.exchange_trade_id}

    async def _enter(
        self, home: Home, fix: Mapping[str, Any], name: str, changes: Changes, now: datetime
    ) -> Mapping[str, Any] | Refused:
        """Book that money came or went; once, however often it is asked for."""
        charge = Charge(
            kind=ChargeKind.BALANCE,
            charge_id=name,
            amount=Decimal(fix["amount"]),
            currency=fix["currency"],
            symbol=None,
            executed_at=now,
            heard=Heard.OPERATOR,
            heard_at=now,
        )
        self.record.keep(home, await settled(self.ledger, self.ids, home, charge), changes)
        return {"trade_id": charge_id(charge)}

    async def _order(self, home: Home, order_id: int) -> Order | None:
        return home.known_order(order_id) or await self.ledger.order(home.account.id, order_id)


def _name(row: Discrepancy) -> str:
    """The trade id of what is booked for a row: the same however often it is asked for."""
    item = f"{row.account_id}:{row.id}:{row.subject}"
    return SYNTHETIC + hashlib.sha256(item.encode()).hexdigest()[:32]


def _told_of(wanted: Correction) -> dict[str, Any]:
    return {"side": wanted.side.value, "qty": plain(wanted.qty)}


def _told_fill(fill: Execution) -> dict[str, Any]:
    return {
        "trade_id": fill.exchange_trade_id,
        "price": plain(fill.price),
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


def _report(kind: ReportKind, order_id: int, fill: Execution, now: datetime) -> Report:
    return Report(kind=kind, order_id=order_id, heard=Heard.OPERATOR, heard_at=now, execution=fill)


def _nothing_to_do(row: Discrepancy) -> Refused:
    message = f"nothing is proposed for a {row.kind}"
    return Refused(code="conflict", reason="no_fix", message=message)
