"""Drives any exchange through its port; orders change only by its reports.

Everything that differs between exchanges (how to set prices, capabilities) is passed in, so that
one test checks a rule for all of them.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

from kit.builders import an_order
from oms.domain.orders.execution_report import Execution, ExecutionReport, ReportKind
from oms.domain.orders.order import Order, advance_order
from oms.domain.side import Side
from oms.domain.value import evolve
from oms.ports.exchange import AttemptRow, Exchange, ExchangeSnapshot

SECONDS_MAX = 12
_PRICES = ("trigger_price", "trailing_amount", "trailing_percent")


def now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


class SetPrices(Protocol):
    """Sets the best prices of the symbol; ``bid_qty`` and ``ask_qty`` limit their depth."""

    def __call__(
        self, bid: str, ask: str, *, bid_qty: str | None = None, ask_qty: str | None = None
    ) -> Sequence[ExecutionReport]: ...


@dataclass(kw_only=True)
class PortHarness:
    """Orders of one account in one symbol."""

    exchange: Exchange
    symbol: str
    set_market: SetPrices
    #: Capabilities by name.
    capabilities: Mapping[str, bool]
    #: Drops the next order request before it arrives; returns the ``params`` to send with it.
    drop_next_request: Callable[[], Mapping[str, object]]
    orders: dict[int, Order] = field(default_factory=dict)
    reports: list[ExecutionReport] = field(default_factory=list)
    attempts: dict[tuple[int, int, str], AttemptRow] = field(default_factory=dict)

    @property
    def is_spot(self) -> bool:
        return ":" not in self.symbol

    async def set_prices(
        self, bid: str, ask: str = "", *, bid_qty: str | None = None, ask_qty: str | None = None
    ) -> None:
        """Set the best prices; without ``ask`` both are ``bid``."""
        self.ingest(self.set_market(bid, ask or bid, bid_qty=bid_qty, ask_qty=ask_qty))

    async def send(self, side: str, qty: str, price: str | None = None, **more: object) -> int:
        """Place an order; its id is the number of orders so far."""
        terms = {name: Decimal(str(more.pop(name))) for name in _PRICES if name in more}
        order = an_order(
            id=len(self.orders) + 1,
            symbol=more.pop("symbol", self.symbol),
            side=Side(side),
            order_type=more.pop("order_type", "market" if price is None else "limit"),
            qty=Decimal(qty),
            price=None if price is None else Decimal(price),
            created_at=now(),
            **(terms | more),
        )
        self.orders[order.id] = order
        self.ingest(await self.exchange.place(order, now()))
        return order.id

    async def cancel(self, number: int) -> None:
        """Request cancellation of the order."""
        order = self._set_pending_change(number, "cancel")
        self.ingest(await self.exchange.cancel(order, now()))

    async def change(self, number: int, price: str | None = None, qty: str | None = None) -> None:
        """Request an amendment of price or quantity."""
        order = self._set_pending_change(number, "change")
        terms = [None if each is None else Decimal(each) for each in (price, qty)]
        self.ingest(await self.exchange.change(order, *terms, now()))

    async def query(self, number: int) -> None:
        """Query the order."""
        self.ingest(await self.exchange.query_order(self.orders[number], now()))

    async def snapshot(self, since: datetime) -> ExchangeSnapshot:
        """Take a snapshot of the account and apply its reports."""
        snapshot = await self.exchange.snapshot(since, now())
        self.ingest([*snapshot.orders, *(report for _, report in snapshot.trades)])
        return snapshot

    def _set_pending_change(self, number: int, change: str) -> Order:
        order = self.orders[number]
        if order.is_open:
            self.orders[number] = evolve(order, pending_change=change)
        return order

    def ingest(self, reports: Sequence[ExecutionReport]) -> None:
        """Apply the reports, store the attempts, and confirm the commit."""
        for report in reports:
            self.apply_report(report)
            self.reports.append(report)
        state_rows = self.exchange.take_state_changes()
        for row in () if state_rows is None else state_rows.attempts:
            self.attempts[row.order_id, row.attempt, row.kind] = row
        self.exchange.on_committed()

    def apply_report(self, report: ExecutionReport) -> bool:
        """Apply the report to its order as the ledger does; returns whether it changed."""
        order, fill = self.orders.get(report.order_id), report.execution
        if order is None or (fill is not None and fill.exchange_trade_id in self._trade_ids()):
            return False
        after = advance_order(order, report)
        self.orders[order.id] = after or order
        return after is not None

    def _trade_ids(self) -> set[str]:
        matching = (report.execution for report in self.reports)
        return {fill.exchange_trade_id for fill in matching if fill is not None}

    def fills(self, number: int) -> list[Execution]:
        """Distinct executions of an order."""
        matching = {
            report.execution.exchange_trade_id: report.execution
            for report in self.reports
            if report.order_id == number and report.execution is not None
        }
        return list(matching.values())

    def last_report(self, number: int, kind: ReportKind) -> ExecutionReport | None:
        """The last report of a kind about an order."""
        matching = [r for r in self.reports if r.order_id == number and r.kind is kind]
        return matching[-1] if matching else None

    def rejection_code(self, number: int) -> str | None:
        """The code of the last rejection of a request about the order, or None."""
        matching = self.last_report(number, ReportKind.REJECTED) or self.last_report(
            number, ReportKind.REFUSED
        )
        return None if matching is None else matching.code

    def state(self, number: int) -> str:
        return self.orders[number].state.value

    async def poll(self) -> None:
        """Poll reports and snapshots, and apply them."""
        self.ingest(await self.exchange.poll_reports(now()))
        for snapshot in self.exchange.take_snapshots():
            self.ingest([*snapshot.orders, *(report for _, report in snapshot.trades)])

    async def wait_until(self, is_met: Callable[[], object], what: str) -> None:
        """Poll until ``is_met`` holds; fails naming ``what``."""
        try:
            async with asyncio.timeout(SECONDS_MAX):
                while not is_met():
                    await self.poll()
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise AssertionError(f"never: {what}; {self.orders}; {self.reports}") from None

    async def wait_for_state(self, number: int, *states: str) -> None:
        """Poll until the order is in one of ``states``."""
        await self.wait_until(lambda: self.state(number) in states, f"{number} {states}")

    async def wait_closed(self, number: int) -> None:
        """Poll until the order is closed."""
        await self.wait_until(lambda: not self.orders[number].is_open, f"{number} over")

    async def wait_answered(self, number: int) -> None:
        """Poll until the order has no pending change."""
        await self.wait_until(
            lambda: self.orders[number].pending_change is None, f"{number} answered"
        )
