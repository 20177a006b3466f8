"""Reads one paper account's own books and ours for their invariants; the rules are elsewhere.

The exchange's executions are read page by page; their sums are what is kept. What is read while
the account works is read again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from oms.domain.account import Account
from oms.domain.deal import Deal, DealType
from oms.domain.instrument import Instrument
from oms.domain.money import ZERO, plain, total
from oms.domain.report import Heard
from oms.domain.side import Side
from oms.ports.audit_reads import AuditReads
from oms.ports.exchange import MemoryRows, TradeRow
from oms.ports.history import History, Window
from oms.ports.ledger import LedgerStore
from oms.services.verify.findings import Finding, breach
from oms.services.verify.pages import PAGE_ROWS, pages
from oms.services.verify.paper import (
    Amounts,
    Pending,
    add,
    add_pending,
    add_trade,
    balance_findings,
    contract_findings,
    first_money,
    money_findings,
    resting_findings,
)
from oms.services.verify.settled import settled
from oms.simulation.canonical import StoredMemory, text_hash
from oms.simulation.memory import Memory
from oms.wire.json import NotJson, loads

_ALL = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperLook:
    """A paper account and what is traded there."""

    account: Account
    instruments: Mapping[str, Instrument]
    history: History
    ledger: LedgerStore
    audit: AuditReads

    async def checked(self) -> Sequence[Finding]:
        """What is wrong while the account's events stand still."""

        async def look(_: Mapping[int, int]) -> Sequence[Finding]:
            return await self._findings()

        return await settled(lambda: self.history.heads([self.account.id]), look)

    async def _findings(self) -> list[Finding]:
        rows = await self.audit.paper_memory(self.account.id)
        if rows.state is not None and rows.state_hash and rows.state_hash != text_hash(rows.state):
            found = text_hash(rows.state)
            return [breach("paper_hash", "paper_state", self.account.id, rows.state_hash, found)]
        memory = Memory() if rows.state is None else _memory_of(rows.state, rows)
        whole = Window(account_ids=(self.account.id,))
        orders = await self.history.open_orders(whole, _ALL)
        positions = await self.history.open_positions(whole, _ALL)
        pending = Pending.of(memory, orders)
        flows = first_money(self.account) if rows.state is not None else {}
        found_trades = await self._trades(flows, pending)
        by_hand = await self._payments(flows)
        add_pending(flows, memory)
        return [
            *balance_findings(self.account, memory, self.instruments),
            *contract_findings(memory, self.instruments, positions, pending, by_hand),
            *resting_findings(memory, orders, pending),
            *found_trades,
            *money_findings(memory, flows),
        ]

    async def _trades(self, flows: Amounts, pending: Pending) -> list[Finding]:
        """Whether each of the exchange's executions is booked; adds what they moved."""
        found: list[Finding] = []
        after = ""
        while rows := await self.audit.paper_trades(self.account.id, after, PAGE_ROWS):
            after = rows[-1].trade_id
            booked = await self._booked(rows)
            for row in rows:
                told = _told(row)
                if told is None:
                    found.append(_trade_breach(row, "an execution", row.trade))
                    continue
                add_trade(flows, told, self.instruments.get(row.symbol))
                is_pending = row.trade_id in pending.trades or told["client_id"] in pending.clients
                legs = booked.get((row.symbol, row.trade_id), ())
                if legs or not is_pending:
                    found += _trade_findings(row, told, legs)
        return found

    async def _booked(self, rows: Iterable[TradeRow]) -> Mapping[tuple[str, str], Sequence[Deal]]:
        names: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            names[row.symbol].append(row.trade_id)
        booked: dict[tuple[str, str], Sequence[Deal]] = {}
        for symbol, ids in names.items():
            found = await self.ledger.deals_of(self.account.id, symbol, ids)
            booked |= {(symbol, name): legs for name, legs in found.items()}
        return booked

    async def _payments(self, flows: Amounts) -> Amounts:
        """Add what deals without quantity moved; what was booked by hand, by symbol."""
        by_hand: Amounts = {}
        async for deals in pages(self.account.id, self.history.deals):
            for deal in deals:
                instrument = self.instruments.get(deal.symbol)
                if deal.type is DealType.FUNDING and instrument is not None:
                    add(flows, instrument.settle, deal.profit)
                elif deal.type is DealType.BALANCE:
                    add(flows, deal.symbol, deal.profit)
                elif deal.origin == Heard.OPERATOR.value and deal.order_id is not None:
                    is_buy = deal.side is Side.BUY
                    add(by_hand, deal.symbol, deal.qty if is_buy else deal.qty.copy_negate())
        return by_hand


def _memory_of(state: str, rows: MemoryRows) -> Memory:
    resting = [text for text in rows.orders.values() if text is not None]
    return StoredMemory(books=state, orders=resting, markets={}).memory()


def _told(row: TradeRow) -> Mapping[str, Any] | None:
    try:
        told = loads(row.trade)
    except NotJson:
        return None
    return told if isinstance(told, dict) and told.get("trade_id") == row.trade_id else None


def _trade_findings(
    row: TradeRow, told: Mapping[str, Any], legs: Sequence[Deal]
) -> Iterable[Finding]:
    """Whether the deal says what the exchange wrote down."""
    if not legs:
        yield _trade_breach(row, "a deal", None)
        return
    trades = [leg for leg in legs if leg.type is DealType.TRADE]
    qty = reduce(total, (leg.qty for leg in trades), ZERO)
    fee = reduce(total, (leg.fee or ZERO for leg in trades), ZERO)
    booked = (legs[0].side.value, plain(qty), plain(legs[0].price), plain(fee))
    made = (told["side"], told["qty"], told["price"], told["fee"])
    if booked != made:
        yield _trade_breach(row, _words(made), _words(booked))


def _words(facts: tuple[str, str, str, str]) -> str:
    return "{} {} at {}, fee {}".format(*facts)


def _trade_breach(row: TradeRow, expected: str, found: object) -> Finding:
    return breach("paper_trade", "paper_trade", row.trade_id, expected, found)
