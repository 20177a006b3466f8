"""Drives a ``CcxtExchange`` as the worker does: stores its attempts and applies its reports.

Each request is taken, stored and confirmed in one step, unless a test delays the confirmation.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from kit.builders import an_order
from kit.exchanges.loopback_process import LoopbackExchange
from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.client.venue_client import ClientSpec, VenueClient
from oms.adapters.ccxt.timings import Timings
from oms.adapters.ccxt.wiring import build_exchange
from oms.domain.account import Account, Environment, PositionMode
from oms.domain.orders.execution_report import ExecutionReport, ReportKind
from oms.domain.orders.order import Order, OrderState, advance_order
from oms.domain.orders.order_terms import NewTerms
from oms.domain.side import Side
from oms.domain.value import evolve
from oms.ports.exchange import AttemptRow, ExchangeSnapshot, StreamState

TAG = "0a1b2c3d"
LINEAR, SPOT = "BTC/USDT:USDT", "BTC/USDT"
ACCOUNT = Account(
    id=1,
    exchange_id="ccxt.bybit",
    label="loopback",
    position_mode=PositionMode.NETTING,
    environment=Environment.LOOPBACK,
)
FAST_TIMINGS = Timings(
    live_poll_seconds=0.3,
    idle_poll_seconds=0.6,
    wake_delay_seconds=0.02,
    lookup_delays_seconds=(0.05, 0.15, 0.3),
    lookup_interval_seconds=0.3,
    confirm_delays_seconds=(0.05, 0.1, 0.2),
    window_seconds=1.0,
    absence_interval_seconds=0.2,
    resend_delays_seconds=(0.05, 0.1),
    reopen_delays_seconds=(0.1, 0.2),
    auth_reopen_delays_seconds=(0.2,),
    send_within_seconds=3,
)
#: As ``FAST_TIMINGS`` for a venue that never executes a request later than this.
LOOPBACK_TIMINGS = evolve(FAST_TIMINGS, unbounded_window_seconds=1.0)
#: As ``FAST_TIMINGS`` with streams: polls are so rare that a prompt report came from a stream.
STREAM_TIMINGS = evolve(
    FAST_TIMINGS,
    streaming_poll_seconds=30.0,
    stream_settle_seconds=0.1,
    missing_fills_seconds=0.1,
    stream_delay_seconds=0.2,
    reconnect_seconds=0.05,
    reconnect_seconds_max=0.4,
)
#: An account whose orders are sent by a request each.
ONE_BY_ONE = '{"oms": {"capabilities": {"order_batch": "none"}}}'


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class CcxtHarness:
    """One exchange and the state of its worker: orders by id, attempts by key, reports."""

    make_client: Callable[[], ExchangeClient]
    exchange_id: str = "ccxt.bybit"
    extra_config: str = "{}"
    mode: PositionMode = PositionMode.NETTING
    #: The installation tag in client order ids.
    tag: str = TAG
    #: Further arguments of ``CcxtExchange``.
    options: dict[str, Any] = field(default_factory=dict)
    timings: Timings = FAST_TIMINGS
    orders: dict[int, Order] = field(default_factory=dict)
    attempts: dict[tuple[int, int, str], AttemptRow] = field(default_factory=dict)
    reports: list[ExecutionReport] = field(default_factory=list)
    snapshots: list[ExchangeSnapshot] = field(default_factory=list)
    #: The stored texts of mark prices, by symbol.
    marks: dict[str, str] = field(default_factory=dict)

    def start(self) -> "CcxtHarness":
        """Create the exchange from the stored orders and attempts."""
        self.changed = asyncio.Event()
        self.exchange = build_exchange(
            account=evolve(
                ACCOUNT,
                exchange_id=self.exchange_id,
                position_mode=self.mode,
                extra_config=self.extra_config,
            ),
            make_client=self.make_client,
            installation_tag=self.tag,
            on_update=self.changed.set,
            open_orders=[order for order in self.orders.values() if order.is_open],
            attempts=sorted(
                (row for row in self.attempts.values() if self.orders[row.order_id].is_open),
                key=lambda row: (row.order_id, row.created_at, row.attempt),
            ),
            timings=self.timings,
            **self.options,
        )
        return self

    async def wait_ready(self) -> "CcxtHarness":
        await self.wait_until(self.exchange.is_ready, "ready")
        return self

    async def wait_streaming(self) -> "CcxtHarness":
        """Wait until it is ready, its streams are connected and the gap before them was polled."""
        await self.wait_ready()
        await self.wait_until(self.is_streaming, "streams connected")
        await self.wait_until(self._is_quiet, "no request is in flight")
        return self

    def _is_quiet(self) -> bool:
        last_call_at = self.exchange.connection().last_call_at
        return last_call_at is not None and now() - last_call_at > timedelta(seconds=0.25)

    def is_streaming(self) -> bool:
        return self.exchange.connection().stream is StreamState.CONNECTED

    async def send(self, order_id: int, side: str, qty: str, price: str | None, **changes: object):
        """Place a new order and store it; with ``unconfirmed`` the commit is not confirmed."""
        unconfirmed = changes.pop("unconfirmed", False)
        order = an_order(
            id=order_id,
            symbol=changes.pop("symbol", LINEAR),
            side=Side(side),
            order_type=changes.pop("order_type", "market" if price is None else "limit"),
            qty=Decimal(qty),
            price=None if price is None else Decimal(price),
            created_at=now(),
            **changes,
        )
        self.orders[order_id] = order
        self.reports += await self.exchange.place(order, now())
        self.save_requests()
        if not unconfirmed:
            self.exchange.on_committed()
        return order

    async def cancel(self, order_id: int) -> None:
        self.reports += await self.exchange.cancel(self.orders[order_id], now())
        self._set_pending_change(order_id, "cancel")
        self.commit()

    async def change(
        self, order_id: int, price: str | None, qty: str | None, terms: NewTerms | None = None
    ) -> None:
        values = [None if each is None else Decimal(each) for each in (price, qty)]
        order = self.orders[order_id]
        reports = await self.exchange.change(order, *values, now(), terms)
        self._set_pending_change(order_id, "change")
        for report in reports:
            self._apply(report)
        self.reports += reports
        self.commit()

    def _set_pending_change(self, order_id: int, change: str) -> None:
        order = self.orders[order_id]
        if order.is_open:
            self.orders[order_id] = evolve(order, pending_change=change)

    def commit(self) -> None:
        """Store the taken requests and confirm the commit."""
        self.save_requests()
        self.exchange.on_committed()

    def save_requests(self) -> None:
        """Store the taken requests without confirming the commit."""
        memory = self.exchange.take_state_changes()
        if memory is None:
            return
        for row in memory.attempts:
            self.attempts[row.order_id, row.attempt, row.kind] = row
        self.marks |= memory.prices

    async def poll_uncommitted(self) -> None:
        """Poll for 0.2 s without a commit."""
        for _ in range(20):
            self.reports += await self.exchange.poll_reports(now())
            await asyncio.sleep(0.01)

    async def poll(self) -> Sequence[ExecutionReport]:
        """Receive reports, apply them to the orders, commit; returns the reports."""
        reports = [*await self.exchange.poll_reports(now())]
        for snapshot in self.exchange.take_snapshots():
            self.snapshots.append(snapshot)
            reports += [*snapshot.orders, *(report for _, report in snapshot.trades)]
        for report in reports:
            self._apply(report)
            self.reports.append(report)  # At once: a stream and a snapshot can name one trade.
        self.commit()
        return reports

    def _apply(self, report: ExecutionReport) -> None:
        order = self.orders.get(report.order_id)
        if order is None:
            return
        if report.execution is not None:
            trade_id = report.execution.exchange_trade_id
            if any(
                each.execution is not None and each.execution.exchange_trade_id == trade_id
                for each in self.reports
            ):
                return
        self.orders[order.id] = advance_order(order, report) or order

    def kinds(self, order_id: int) -> list[ReportKind]:
        """The kinds of the reports about an order, in order of arrival."""
        return [report.kind for report in self.reports if report.order_id == order_id]

    def state(self, order_id: int) -> OrderState:
        return self.orders[order_id].state

    async def wait_until(
        self, is_met: Callable[[], object], what: str, seconds: float = 15
    ) -> None:
        """Poll until ``is_met`` holds; fails naming ``what`` after ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                while not is_met():
                    await self.poll()
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"not within {seconds:g} s: {what}; {self.reports}") from None

    async def wait_for_state(self, order_id: int, state: str, seconds: float = 15) -> None:
        await self.wait_until(lambda: self.state(order_id) == state, f"{order_id} {state}", seconds)


@asynccontextmanager
async def open_loopback_harnesses(
    venue: LoopbackExchange, tables: Path
) -> AsyncIterator[Callable[..., CcxtHarness]]:
    """Yields a function that starts a harness on account a; all are closed at the end.

    ``extra`` is added to the client's config; other arguments are those of ``CcxtHarness``.
    """
    harnesses: list[CcxtHarness] = []

    def start(
        dialect: str = "bybit", engine: str = "ccxt", secret: str = "", **more: Any
    ) -> CcxtHarness:
        name = dialect.removesuffix("_tls")
        spec = ClientSpec(
            account_id=1,
            venue=name,
            engine=engine,
            environment="loopback",
            api_key="loop-a",
            secret=secret or venue.startup["keys"]["loop-a"],
            passphrase=venue.startup["passphrases"]["loop-a"],
            extra_config=venue.startup["extra_config"][dialect] | more.pop("extra", {}),
            cache_folder=tables,
        )
        defaults = {"exchange_id": f"{engine}.{name}", "timings": LOOPBACK_TIMINGS}
        harness = CcxtHarness(make_client=lambda: VenueClient(spec), **(defaults | more))
        harnesses.append(harness)
        return harness.start()

    yield start
    for harness in harnesses:
        await harness.exchange.close()
