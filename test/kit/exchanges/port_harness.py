"""One account behind the exchange port, whichever exchange it is: orders driven by reports alone.

It knows the port and nothing else. What differs (who moves the price, what an exchange can do) is
given to it; a test says a rule once and holds it against all of them.
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
    """The time of this machine."""
    return datetime.now(UTC)


class SetPrices(Protocol):
    """Who moves the price of the symbol; ``ask_qty`` and ``bid_qty`` limit what is offered."""

    def __call__(
        self, bid: str, ask: str, *, bid_qty: str | None = None, ask_qty: str | None = None
    ) -> Sequence[ExecutionReport]: ...


@dataclass(kw_only=True)
class PortHarness:
    """Orders of one account in one symbol."""

    exchange: Exchange
    symbol: str
    set_market: SetPrices
    #: What the exchange can do, by the name of the deed.
    capabilities: Mapping[str, bool]
    #: Makes the next request about an order vanish before it arrives; its ``params``.
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
        """The best prices are these from now on."""
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
        """Wish that what is left of it ends."""
        order = self._wish(number, "cancel")
        self.ingest(await self.exchange.cancel(order, now()))

    async def change(self, number: int, price: str | None = None, qty: str | None = None) -> None:
        """Wish for other terms."""
        order = self._wish(number, "change")
        terms = [None if each is None else Decimal(each) for each in (price, qty)]
        self.ingest(await self.exchange.change(order, *terms, now()))

    async def query(self, number: int) -> None:
        """Look it up."""
        self.ingest(await self.exchange.query_order(self.orders[number], now()))

    async def snapshot(self, since: datetime) -> ExchangeSnapshot:
        """The account as it is, what it tells booked."""
        seen = await self.exchange.snapshot(since, now())
        self.ingest([*seen.orders, *(report for _, report in seen.trades)])
        return seen

    def _wish(self, number: int, wish: str) -> Order:
        order = self.orders[number]
        if order.is_open:
            self.orders[number] = evolve(order, pending_change=wish)
        return order

    def ingest(self, reports: Sequence[ExecutionReport]) -> None:
        """Book what is told, and commit."""
        for report in reports:
            self.apply_report(report)
            self.reports.append(report)
        memory = self.exchange.take_state_changes()
        for row in () if memory is None else memory.attempts:
            self.attempts[row.order_id, row.attempt, row.kind] = row
        self.exchange.on_committed()

    def apply_report(self, report: ExecutionReport) -> bool:
        """Let the report change its order as the ledger does; whether it did."""
        order, fill = self.orders.get(report.order_id), report.execution
        if order is None or (fill is not None and fill.exchange_trade_id in self._trade_ids()):
            return False
        after = advance_order(order, report)
        self.orders[order.id] = after or order
        return after is not None

    def _trade_ids(self) -> set[str]:
        told = (report.execution for report in self.reports)
        return {fill.exchange_trade_id for fill in told if fill is not None}

    def fills(self, number: int) -> list[Execution]:
        """Executions of an order, each once."""
        told = {
            report.execution.exchange_trade_id: report.execution
            for report in self.reports
            if report.order_id == number and report.execution is not None
        }
        return list(told.values())

    def last_report(self, number: int, kind: ReportKind) -> ExecutionReport | None:
        """The last report of a kind about an order."""
        told = [r for r in self.reports if r.order_id == number and r.kind is kind]
        return told[-1] if told else None

    def rejection_code(self, number: int) -> str | None:
        """Why the last wish about an order was refused."""
        told = self.last_report(number, ReportKind.REJECTED) or self.last_report(
            number, ReportKind.REFUSED
        )
        return None if told is None else told.code

    def state(self, number: int) -> str:
        return self.orders[number].state.value

    async def poll(self) -> None:
        """Hear what is told without being asked."""
        self.ingest(await self.exchange.poll_reports(now()))
        for seen in self.exchange.take_snapshots():
            self.ingest([*seen.orders, *(report for _, report in seen.trades)])

    async def wait_until(self, is_so: Callable[[], object], what: str) -> None:
        """Listen until it is so; fails naming ``what``."""
        try:
            async with asyncio.timeout(SECONDS_MAX):
                while not is_so():
                    await self.poll()
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise AssertionError(f"never: {what}; {self.orders}; {self.reports}") from None

    async def wait_for_state(self, number: int, *states: str) -> None:
        """Listen until the order stands there."""
        await self.wait_until(lambda: self.state(number) in states, f"{number} {states}")

    async def wait_closed(self, number: int) -> None:
        """Listen until the order is not open any more."""
        await self.wait_until(lambda: not self.orders[number].is_open, f"{number} over")

    async def wait_answered(self, number: int) -> None:
        """Listen until nothing is wished of the order any more."""
        await self.wait_until(
            lambda: self.orders[number].pending_change is None, f"{number} answered"
        )
