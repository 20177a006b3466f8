"""Reads the paper exchange's state and the ledger and checks them with ``paper_rules``.

Executions are read in pages and only their sums are kept. The read is repeated if the account
changed meanwhile.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
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
    """Checks one paper account."""

    account: Account
    instruments: Mapping[str, Instrument]
    history: HistoryReads
    ledger: LedgerStore
    audit: VerificationReads

    async def run(self) -> Sequence[Finding]:
        """Return the findings of a read during which the account had no event."""

        async def inspect(_: Mapping[int, int]) -> Sequence[Finding]:
            return await self._findings()

        return await read_stable(lambda: self.history.heads([self.account.id]), inspect)

    async def _findings(self) -> list[Finding]:
        rows = await self.audit.paper_exchange_state(self.account.id)
        if rows.state is not None and rows.state_hash and rows.state_hash != sha256_hex(rows.state):
            actual_hash = sha256_hex(rows.state)
            return [
                make_finding(
                    "paper_hash", "paper_state", self.account.id, rows.state_hash, actual_hash
                )
            ]
        state = ExchangeState() if rows.state is None else _memory_of(rows.state, rows)
        query = HistoryQuery(account_ids=(self.account.id,))
        orders = await self.history.open_orders(query, _ALL)
        positions = await self.history.open_positions(query, _ALL)
        pending = PendingReports.of(state, orders)
        flows = initial_balances(self.account) if rows.state is not None else {}
        found_trades = await self._check_trades(flows, pending)
        manual_qty = await self._add_payments(flows)
        await self._add_archived_funding(flows)
        add_pending_payments(flows, state)
        return [
            *check_balances(self.account, state, self.instruments),
            *check_contracts(state, self.instruments, positions, pending, manual_qty),
            *check_resting_orders(state, orders, pending),
            *found_trades,
            *check_totals(state, flows),
        ]

    async def _check_trades(self, flows: Amounts, pending: PendingReports) -> list[Finding]:
        """Check that each execution is booked; adds its flows."""
        findings: list[Finding] = []
        after = ""
        while rows := await self.audit.paper_trades(self.account.id, after, PAGE_ROWS):
            after = rows[-1].trade_id
            booked = await self._booked(rows)
            archived = await self._archived(rows, booked)
            for row in rows:
                trade = _decode_trade(row)
                if trade is None:
                    findings.append(_trade_breach(row, "an execution", row.trade))
                    continue
                add_trade(flows, trade, self.instruments.get(row.symbol))
                is_pending = row.trade_id in pending.trades or trade["client_id"] in pending.clients
                legs = booked.get((row.symbol, row.trade_id), ())
                is_archived = (row.symbol, row.trade_id) in archived
                if legs or not (is_pending or is_archived):
                    findings += _check_trade(row, trade, legs)
        return findings

    async def _booked(self, rows: Iterable[TradeRow]) -> Mapping[tuple[str, str], Sequence[Deal]]:
        names: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            names[row.symbol].append(row.trade_id)
        booked: dict[tuple[str, str], Sequence[Deal]] = {}
        for symbol, ids in names.items():
            legs_by_id = await self.ledger.deals_of(self.account.id, symbol, ids)
            booked |= {(symbol, name): legs for name, legs in legs_by_id.items()}
        return booked

    async def _archived(
        self, rows: Iterable[TradeRow], booked: Collection[tuple[str, str]]
    ) -> frozenset[tuple[str, str]]:
        """Return the executions whose deals are archived."""
        names: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            if (row.symbol, row.trade_id) not in booked:
                names[row.symbol].append(row.trade_id)
        found: set[tuple[str, str]] = set()
        for symbol, ids in names.items():
            archived = await self.audit.archived_trades(self.account.id, symbol, ids)
            found |= {(symbol, name) for name in archived}
        return frozenset(found)

    async def _add_archived_funding(self, flows: Amounts) -> None:
        for symbol, funding in (await self.audit.archived_funding(self.account.id)).items():
            instrument = self.instruments.get(symbol)
            if instrument is not None:
                add_amount(flows, instrument.settle, funding)

    async def _add_payments(self, flows: Amounts) -> Amounts:
        """Add the flows of payments; returns manually booked quantities by symbol."""
        manual_qty: Amounts = {}
        async for deals in iterate_pages(self.account.id, self.history.deals):
            for deal in deals:
                instrument = self.instruments.get(deal.symbol)
                if deal.type is DealType.FUNDING and instrument is not None:
                    add_amount(flows, instrument.settle, deal.profit)
                elif deal.type is DealType.BALANCE:
                    add_amount(flows, deal.symbol, deal.profit)
                elif deal.origin == ReportSource.OPERATOR.value and deal.order_id is not None:
                    is_buy = deal.side is Side.BUY
                    add_amount(
                        manual_qty, deal.symbol, deal.qty if is_buy else deal.qty.copy_negate()
                    )
        return manual_qty


def _memory_of(state: str, rows: ExchangeStateRows) -> ExchangeState:
    resting = [text for text in rows.orders.values() if text is not None]
    return StoredState(books=state, orders=resting, markets={}).state()


def _decode_trade(row: TradeRow) -> Mapping[str, Any] | None:
    try:
        trade = loads(row.trade)
    except NotJson:
        return None
    is_trade = isinstance(trade, dict) and trade.get("trade_id") == row.trade_id
    return trade if is_trade else None


def _check_trade(
    row: TradeRow, trade: Mapping[str, Any], legs: Sequence[Deal]
) -> Iterable[Finding]:
    """Check that the booked legs equal the exchange's trade."""
    if not legs:
        yield _trade_breach(row, "a deal", None)
        return
    trades = [leg for leg in legs if leg.type is DealType.TRADE]
    qty = reduce(add, (leg.qty for leg in trades), ZERO)
    fee = reduce(add, (leg.fee or ZERO for leg in trades), ZERO)
    booked = (legs[0].side.value, decimal_text(qty), decimal_text(legs[0].price), decimal_text(fee))
    executed = (trade["side"], trade["qty"], trade["price"], trade["fee"])
    if booked != executed:
        yield _trade_breach(row, _describe(executed), _describe(booked))


def _describe(facts: tuple[str, str, str, str]) -> str:
    return "{} {} at {}, fee {}".format(*facts)


def _trade_breach(row: TradeRow, expected: str, found: object) -> Finding:
    return make_finding("paper_trade", "paper_trade", row.trade_id, expected, found)
