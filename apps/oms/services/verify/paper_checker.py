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
from oms.domain.instrument import Instrument
from oms.domain.ledger.deal import Deal, DealType
from oms.domain.money import ZERO, add, decimal_text
from oms.domain.orders.execution_report import ReportSource
from oms.domain.side import Side
from oms.ports.exchange import ExchangeStateRows, TradeRow
from oms.ports.history_reads import HistoryQuery, HistoryReads
from oms.ports.ledger_store import LedgerStore
from oms.ports.verification_reads import VerificationReads
from oms.services.verify.findings import Finding, make_finding
from oms.services.verify.history_pages import PAGE_ROWS, iterate_pages
from oms.services.verify.paper_rules import (
    Amounts,
    PendingReports,
    add_amount,
    add_pending_payments,
    add_trade,
    check_balances,
    check_contracts,
    check_resting_orders,
    check_totals,
    initial_balances,
)
from oms.services.verify.stable_read import read_stable
from oms.simulation.state.exchange_state import ExchangeState
from oms.simulation.state.state_json import StoredState, sha256_hex
from oms.wire.json import NotJson, loads

_ALL = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperChecker:
    """A paper account and what is traded there."""

    account: Account
    instruments: Mapping[str, Instrument]
    history: HistoryReads
    ledger: LedgerStore
    audit: VerificationReads

    async def run(self) -> Sequence[Finding]:
        """What is wrong while the account's events stand still."""

        async def inspect(_: Mapping[int, int]) -> Sequence[Finding]:
            return await self._findings()

        return await read_stable(lambda: self.history.heads([self.account.id]), inspect)

    async def _findings(self) -> list[Finding]:
        rows = await self.audit.paper_exchange_state(self.account.id)
        if rows.state is not None and rows.state_hash and rows.state_hash != sha256_hex(rows.state):
            found = sha256_hex(rows.state)
            return [
                make_finding("paper_hash", "paper_state", self.account.id, rows.state_hash, found)
            ]
        state = ExchangeState() if rows.state is None else _memory_of(rows.state, rows)
        whole = HistoryQuery(account_ids=(self.account.id,))
        orders = await self.history.open_orders(whole, _ALL)
        positions = await self.history.open_positions(whole, _ALL)
        pending = PendingReports.of(state, orders)
        flows = initial_balances(self.account) if rows.state is not None else {}
        found_trades = await self._trades(flows, pending)
        by_hand = await self._payments(flows)
        add_pending_payments(flows, state)
        return [
            *check_balances(self.account, state, self.instruments),
            *check_contracts(state, self.instruments, positions, pending, by_hand),
            *check_resting_orders(state, orders, pending),
            *found_trades,
            *check_totals(state, flows),
        ]

    async def _trades(self, flows: Amounts, pending: PendingReports) -> list[Finding]:
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
        async for deals in iterate_pages(self.account.id, self.history.deals):
            for deal in deals:
                instrument = self.instruments.get(deal.symbol)
                if deal.type is DealType.FUNDING and instrument is not None:
                    add_amount(flows, instrument.settle, deal.profit)
                elif deal.type is DealType.BALANCE:
                    add_amount(flows, deal.symbol, deal.profit)
                elif deal.origin == ReportSource.OPERATOR.value and deal.order_id is not None:
                    is_buy = deal.side is Side.BUY
                    add_amount(by_hand, deal.symbol, deal.qty if is_buy else deal.qty.copy_negate())
        return by_hand


def _memory_of(state: str, rows: ExchangeStateRows) -> ExchangeState:
    resting = [text for text in rows.orders.values() if text is not None]
    return StoredState(books=state, orders=resting, markets={}).state()


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
    qty = reduce(add, (leg.qty for leg in trades), ZERO)
    fee = reduce(add, (leg.fee or ZERO for leg in trades), ZERO)
    booked = (legs[0].side.value, decimal_text(qty), decimal_text(legs[0].price), decimal_text(fee))
    made = (told["side"], told["qty"], told["price"], told["fee"])
    if booked != made:
        yield _trade_breach(row, _words(made), _words(booked))


def _words(facts: tuple[str, str, str, str]) -> str:
    return "{} {} at {}, fee {}".format(*facts)


def _trade_breach(row: TradeRow, expected: str, found: object) -> Finding:
    return make_finding("paper_trade", "paper_trade", row.trade_id, expected, found)
