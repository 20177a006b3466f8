"""What one comparison sees: the book beside what the exchange shows, as findings.

Nothing is changed here. What is under way is left out; whether a difference counts is decided by
seeing it again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import reduce
from typing import Any

from oms.domain.account import Engine, PositionMode
from oms.domain.instrument import InstrumentKind
from oms.domain.ledger.booking import merge_legs
from oms.domain.ledger.correction import required_correction
from oms.domain.ledger.deal import Deal, DealEntry, DealType
from oms.domain.ledger.history_replay import BUST_PREFIX
from oms.domain.money import ZERO, add, decimal_text, multiply, subtract
from oms.domain.orders.execution_report import Execution, ExecutionReport, ReportSource
from oms.domain.orders.order import Order, OrderState
from oms.domain.reconcile.balance_comparison import BalanceDifference, balance_differences
from oms.domain.reconcile.discrepancy import (
    Discrepancy,
    DiscrepancyClass,
    DiscrepancyPolicy,
    DiscrepancyStatus,
    Finding,
    policy_of,
)
from oms.domain.reconcile.position_comparison import PositionDifference, position_differences
from oms.domain.side import Side
from oms.ports.exchange import ExchangeSnapshot
from oms.services.account_state.state import AccountState
from oms.services.reconcile.open_discrepancies import parse_facts
from oms.wire.json import dumps_fast, time_text

Trade = tuple[str, str]
"""A symbol and a trade id."""

HISTORY_LAG = timedelta(seconds=60)
"""An execution that is younger may be missing from a list."""

_MARGIN = timedelta(seconds=1)
_HALF = Decimal("0.5")
_WAITING = (OrderState.PENDING_SUBMIT, OrderState.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileDiff:
    """One reading of one account, and what the book had of it."""

    state: AccountState
    seen: ExchangeSnapshot
    #: Deals under the trade ids that were told, before anything of it was recorded.
    booked: Mapping[Trade, Sequence[Deal]]
    now: datetime

    def busy(self) -> frozenset[str]:
        """Symbols with something under way."""
        orders = self.state.orders.values()
        waiting = (o for o in orders if o.pending_change or o.state in _WAITING)
        return frozenset(order.symbol for order in waiting)

    def positions(self, standing: Iterable[Discrepancy]) -> list[Finding]:
        """Contracts of which the positions are not the sum."""
        kinds = self.state.exchange.instruments()
        held = [
            p
            for p in self.state.positions.values()
            if kinds[p.symbol].kind is not InstrumentKind.SPOT
        ]
        applied = [row for row in standing if row.status == DiscrepancyStatus.APPLIED]
        found = position_differences(held, self.seen.holdings, self.busy())
        return [self._position(each, applied) for each in found]

    def _position(self, each: PositionDifference, applied: Sequence[Discrepancy]) -> Finding:
        leg = "" if each.side is None else f":{each.side.value}"
        subject = f"{DiscrepancyClass.POSITION_DIFFERS.value}:{each.symbol}{leg}"
        wanted = required_correction(
            exchange_qty=each.exchange_qty, ledger_qty=each.book_qty, leg=each.side
        )
        fix: dict[str, Any] = {
            "action": "correct",
            "side": wanted.side.value,
            "qty": decimal_text(wanted.qty),
        }
        policy = policy_of(DiscrepancyClass.POSITION_DIFFERS, self.state.account.policies)
        for row in applied:
            if row.subject == subject and _undoes(parse_facts(row.fix), fix):
                fix, policy = {"action": "reverse", "of": row.id}, DiscrepancyPolicy.AUTO
        return Finding(
            kind=DiscrepancyClass.POSITION_DIFFERS,
            symbol=each.symbol,
            subject=subject,
            evidence=dumps_fast(each.evidence()),
            fix=dumps_fast(fix),
            policy=policy,
        )

    def mode(self) -> list[Finding]:
        """That the exchange holds two legs where the book holds one net position a symbol."""
        account = self.state.account
        if account.position_mode is PositionMode.HEDGE or account.engine is Engine.PAPER:
            return []
        symbols = sorted({symbol for symbol, side in self.seen.holdings if side is not None})
        if not symbols and not self.seen.has_legs:
            return []
        kind, mode = DiscrepancyClass.POSITION_MODE_DIFFERS, account.position_mode.value
        evidence = {"position_mode": mode, "exchange_mode": "hedge", "symbols": symbols}
        return [
            Finding(
                kind=kind,
                symbol=None,
                subject=kind.value,
                evidence=dumps_fast(evidence),
                policy=policy_of(kind, account.policies),
            )
        ]

    def balances(self, entries: Mapping[str, Decimal]) -> list[Finding]:
        """Coins of which positions and ``entries`` are not the total."""
        state, totals = self.state, self.seen.balances
        if totals is None:
            return []
        known = state.exchange.instruments()
        held = state.positions.values()
        found = balance_differences(held, self._with_drafts(entries), totals, known, self.busy())
        return [self._balance(each) for each in found]

    def _with_drafts(self, entries: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
        sums = dict(entries)
        for deal in self.state.uncommitted_deals():
            if deal.type is DealType.BALANCE:
                sums[deal.symbol] = add(sums.get(deal.symbol, ZERO), deal.profit)
        return sums

    def _balance(self, each: BalanceDifference) -> Finding:
        kind, symbol = DiscrepancyClass.BALANCE_DIFFERS, f"{each.currency}/USDT"
        is_known = symbol in self.state.exchange.instruments()
        price = mark(self.state, symbol, self.now) if is_known else None
        fix = {"action": "enter", "currency": each.currency, "amount": decimal_text(each.amount)}
        said = self.state.account.policies
        return Finding(
            kind=kind,
            symbol=each.currency,
            subject=f"{kind.value}:{each.currency}",
            evidence=dumps_fast(each.evidence()),
            fix=dumps_fast(fix),
            policy=policy_of(kind, said, is_small=each.is_small(price)),
        )

    def vanished(self) -> list[Finding]:
        """Orders of ours that are open here, and of which the exchange shows nothing."""
        shown = {(report.exchange_order_id or "") for report in self.seen.orders}
        return [
            self._vanished(order)
            for order in self.state.orders.values()
            if order.exchange_order_id not in shown
            and order.state not in _WAITING
            and not order.pending_change
            and self.now - order.updated_at >= HISTORY_LAG
        ]

    def _vanished(self, order: Order) -> Finding:
        evidence = {
            "order_id": order.id,
            "exchange_order_id": order.exchange_order_id,
            "state": order.state.value,
            "remaining_qty": decimal_text(order.remaining_qty),
        }
        kind = DiscrepancyClass.ORDER_VANISHED
        return Finding(
            kind=kind,
            symbol=order.symbol,
            subject=f"{kind.value}:{order.id}",
            evidence=dumps_fast(evidence),
            fix=dumps_fast({"action": "cancel"}),
            policy=policy_of(kind, self.state.account.policies),
        )

    def differing(self) -> list[Finding]:
        """Executions that the exchange tells otherwise than they are booked."""
        found: list[Finding] = []
        for symbol, report in self.seen.trades:
            fill = report.execution
            assert fill is not None, "a trade is an execution"
            deals = self.booked.get((symbol, fill.exchange_trade_id), ())
            legs = [deal for deal in deals if deal.type is DealType.TRADE and not deal.provisional]
            if legs and _differs(legs, fill):
                right = {"action": "replace", "victim": _victim(legs), "right": _told(fill)}
                found.append(self._deal(DiscrepancyClass.DEAL_DIFFERS, legs, right, fill))
        return found

    def extra(self, deals: Iterable[Deal]) -> list[Finding]:
        """Executions that are booked and that the exchange does not tell of.

        ``deals`` are all of executions since ``whole_from``.
        """
        told = {_trade_of(symbol, report) for symbol, report in self.seen.trades}
        groups: dict[Trade, list[Deal]] = {}
        taken_back: set[Trade] = set()
        for deal in deals:
            name = deal.exchange_trade_id
            if deal.type is DealType.CORRECTION:
                taken_back.add((deal.symbol, name.removeprefix(BUST_PREFIX)))
            elif (deal.symbol, name) not in told and _is_the_exchanges(deal):
                groups.setdefault((deal.symbol, name), []).append(deal)
        return [
            self._deal(
                DiscrepancyClass.DEAL_EXTRA, legs, {"action": "take_back", "victim": _victim(legs)}
            )
            for trade, legs in groups.items()
            if trade not in taken_back
        ]

    def whole_from(self) -> datetime | None:
        """From when on every execution must be told, if the exchange tells all."""
        start = self.seen.trades_whole_from
        return None if start is None or self.seen.until is not None else start + _MARGIN

    def _deal(
        self,
        kind: DiscrepancyClass,
        legs: Sequence[Deal],
        fix: Mapping[str, Any],
        fill: Execution | None = None,
    ) -> Finding:
        first = legs[0]
        told = None if fill is None else _told(fill)
        evidence = {"booked": _victim(legs), "told": told, "deal_ids": [leg.id for leg in legs]}
        return Finding(
            kind=kind,
            symbol=first.symbol,
            subject=f"{kind.value}:{first.symbol}:{first.exchange_trade_id}",
            evidence=dumps_fast(evidence),
            fix=dumps_fast(fix),
            policy=policy_of(kind, self.state.account.policies),
        )


def book_qty(state: AccountState, symbol: str, leg: Side | None) -> Decimal:
    """The sum of the open positions of a symbol, signed, or of those on one leg."""
    held = (p.qty for p in state.positions_in(symbol) if leg is None or p.side is leg)
    return reduce(add, held, ZERO)


def mark(state: AccountState, symbol: str, now: datetime) -> Decimal | None:
    """The middle of the best prices, else the average of what is held."""
    quote = state.exchange.quote(symbol, now)
    if quote is not None:
        return multiply(add(quote.bid, quote.ask), _HALF)
    held = state.positions_in(symbol)
    return held[-1].avg_price if held else None


def _undoes(booked: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether taking back the correction that is ``booked`` is what is ``wanted``."""
    if booked.get("action") != "correct":
        return False
    return booked["side"] != wanted["side"] and Decimal(booked["qty"]) == Decimal(wanted["qty"])


def _trade_of(symbol: str, report: ExecutionReport) -> Trade:
    assert report.execution is not None, "a trade is an execution"
    return symbol, report.execution.exchange_trade_id


def _is_the_exchanges(deal: Deal) -> bool:
    """Whether an exchange told of it under its own name."""
    is_ours = deal.origin == ReportSource.OPERATOR.value or deal.entry is DealEntry.OUT_BY
    return not is_ours and not deal.provisional and ":" not in deal.exchange_trade_id


def _differs(legs: Sequence[Deal], fill: Execution) -> bool:
    whole = merge_legs(legs)
    if whole.qty != fill.qty or whole.price != fill.price:
        return True
    if whole.fee is None or fill.fee is None or whole.fee_currency != fill.fee_currency:
        return False
    return bool(subtract(whole.fee, fill.fee))


def _victim(legs: Sequence[Deal]) -> dict[str, Any]:
    """The execution that these legs are parts of."""
    first = legs[0]
    return {"order_id": first.order_id, "side": first.side.value} | _told(merge_legs(legs))


def _told(fill: Execution) -> dict[str, Any]:
    return {
        "trade_id": fill.exchange_trade_id,
        "qty": decimal_text(fill.qty),
        "price": decimal_text(fill.price),
        "fee": None if fill.fee is None else decimal_text(fill.fee),
        "fee_currency": fill.fee_currency,
        "executed_at": time_text(fill.executed_at),
        "sequence": fill.sequence,
    }
