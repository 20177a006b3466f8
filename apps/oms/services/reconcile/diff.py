"""The differences between the ledger and one snapshot of the exchange, as findings.

Nothing is changed here. Symbols with pending requests are left out. A finding counts only after it
was seen again.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from oms.domain.account import Engine, PositionMode
from oms.domain.instrument import InstrumentKind
from oms.domain.ledger.correction import required_correction
from oms.domain.ledger.deal import Deal, DealType
from oms.domain.money import ZERO, add, decimal_text
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
from oms.domain.reconcile.funding_comparison import funding_differences
from oms.domain.reconcile.position_comparison import PositionDifference, position_differences
from oms.ports.exchange import ExchangeSnapshot
from oms.services.account_state.state import AccountState
from oms.services.reconcile.mid_price import mid_price
from oms.wire.json import dumps_fast, time_text
from oms.wire.responses.reconcile_rows import parse_facts

HISTORY_LAG = timedelta(seconds=60)
"""A younger execution may be missing from the exchange's list."""

_CLOCK_MARGIN = timedelta(seconds=1)
_UNANSWERED = (OrderState.PENDING_SUBMIT, OrderState.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileDiff:
    """One snapshot of one account, and what the ledger had of it."""

    state: AccountState
    snapshot: ExchangeSnapshot
    now: datetime

    def pending_symbols(self) -> frozenset[str]:
        """Return the symbols with pending requests."""
        orders = self.state.orders.values()
        waiting = (o for o in orders if o.pending_change or o.state in _UNANSWERED)
        return frozenset(order.symbol for order in waiting)

    def positions(self, open_rows: Iterable[Discrepancy]) -> list[Finding]:
        """Return the contracts whose positions do not add up to the exchange's."""
        kinds = self.state.exchange.instruments()
        held = [
            p
            for p in self.state.positions.values()
            if kinds[p.symbol].kind is not InstrumentKind.SPOT
        ]
        applied = [row for row in open_rows if row.status == DiscrepancyStatus.APPLIED]
        findings = position_differences(
            held, self.snapshot.holdings, self.pending_symbols(), self.snapshot.averages
        )
        return [self._position(each, applied) for each in findings]

    def _position(self, difference: PositionDifference, applied: Sequence[Discrepancy]) -> Finding:
        leg = "" if difference.side is None else f":{difference.side.value}"
        subject = f"{DiscrepancyClass.POSITION_DIFFERS.value}:{difference.symbol}{leg}"
        correction = required_correction(
            exchange_qty=difference.exchange_qty,
            ledger_qty=difference.book_qty,
            leg=difference.side,
        )
        fix: dict[str, Any] = {
            "action": "correct",
            "side": correction.side.value,
            "qty": decimal_text(correction.qty),
        }
        policy = policy_of(DiscrepancyClass.POSITION_DIFFERS, self.state.account.policies)
        for row in applied:
            if row.subject == subject and _undoes(parse_facts(row.fix), fix):
                fix, policy = {"action": "reverse", "of": row.id}, DiscrepancyPolicy.AUTO
        return Finding(
            kind=DiscrepancyClass.POSITION_DIFFERS,
            symbol=difference.symbol,
            subject=subject,
            evidence=dumps_fast(difference.evidence()),
            fix=dumps_fast(fix),
            policy=policy,
        )

    def position_modes(self) -> list[Finding]:
        """Return a finding if the exchange holds two legs per symbol, the ledger one position."""
        account = self.state.account
        if account.position_mode is PositionMode.HEDGE or account.engine is Engine.PAPER:
            return []
        symbols = sorted({symbol for symbol, side in self.snapshot.holdings if side is not None})
        if not symbols and not self.snapshot.has_legs:
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

    async def balances(
        self, entries: Mapping[str, Decimal], coins: Mapping[str, Decimal]
    ) -> list[Finding]:
        """Return the currencies whose total is not that of positions, ``entries`` and ``coins``.

        ``coins`` were moved beside positions, by deals in their current form.
        """
        state, totals = self.state, self.snapshot.balances
        if totals is None:
            return []
        instruments = state.exchange.instruments()
        held = state.positions.values()
        sums = dict(entries)
        for currency, amount in coins.items():
            sums[currency] = add(sums.get(currency, ZERO), amount)
        findings = balance_differences(held, sums, totals, instruments, self.pending_symbols())
        return await asyncio.gather(*(self._balance(each) for each in findings))

    def with_uncommitted(self, entries: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
        """Return the stored ``entries`` by currency with those that are not committed yet."""
        sums = dict(entries)
        for deal in self.state.uncommitted_deals():
            if deal.type is DealType.BALANCE:
                sums[deal.symbol] = add(sums.get(deal.symbol, ZERO), deal.profit)
        return sums

    async def _balance(self, difference: BalanceDifference) -> Finding:
        kind, symbol = DiscrepancyClass.BALANCE_DIFFERS, f"{difference.currency}/USDT"
        is_small = difference.is_small(None)
        if not is_small and (mid := await mid_price(self.state, symbol, self.now)) is not None:
            is_small = difference.is_small(mid.price)
        fix = {
            "action": "enter",
            "currency": difference.currency,
            "amount": decimal_text(difference.amount),
        }
        policies = self.state.account.policies
        return Finding(
            kind=kind,
            symbol=difference.currency,
            subject=f"{kind.value}:{difference.currency}",
            evidence=dumps_fast(difference.evidence()),
            fix=dumps_fast(fix),
            policy=policy_of(kind, policies, is_small=is_small),
        )

    def vanished_orders(self) -> list[Finding]:
        """Return the open orders of this system that the exchange does not list."""
        listed = {(report.exchange_order_id or "") for report in self.snapshot.orders}
        return [
            self._vanished(order)
            for order in self.state.orders.values()
            if order.exchange_order_id not in listed
            and order.state not in _UNANSWERED
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

    def funding(self, deals: Iterable[Deal]) -> list[Finding]:
        """Return the due times whose booked funding is not what the exchange lists.

        ``deals`` are those of all payments since ``funding_from``.
        """
        since = self.funding_from()
        if since is None:
            return []
        kind, until = DiscrepancyClass.FUNDING_DIFFERS, self.now - HISTORY_LAG
        return [
            Finding(
                kind=kind,
                symbol=each.symbol,
                subject=f"{kind.value}:{each.symbol}:{time_text(each.due_at)}",
                evidence=dumps_fast(each.evidence()),
                policy=policy_of(kind, self.state.account.policies),
            )
            for each in funding_differences(self.snapshot.funding, deals, since, until)
        ]

    def funding_from(self) -> datetime | None:
        """Return from when on the exchange lists every funding payment, or ``None``."""
        start = self.snapshot.funding_whole_from
        return None if start is None or self.snapshot.until is not None else start + _CLOCK_MARGIN

    def complete_from(self) -> datetime | None:
        """Return from when on the exchange reports every execution, or ``None``."""
        start = self.snapshot.trades_whole_from
        return None if start is None or self.snapshot.until is not None else start + _CLOCK_MARGIN


def _undoes(applied: Mapping[str, Any], proposed: Mapping[str, Any]) -> bool:
    """Return whether reversing the correction ``applied`` has the effect of ``proposed``."""
    if applied.get("action") != "correct":
        return False
    return applied["side"] != proposed["side"] and Decimal(applied["qty"]) == Decimal(
        proposed["qty"]
    )
