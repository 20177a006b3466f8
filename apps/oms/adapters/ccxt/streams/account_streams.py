"""The streams of one account: dialled, watched, and dialled anew whenever they broke.

A stream only makes sooner what readings find anyhow. Whatever it would have told while it was
broken is lost for it, so each break and each new beginning asks for a reading at once.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from oms.adapters.ccxt.client.connection import Connection
from oms.adapters.ccxt.client.exchange_client import Row
from oms.adapters.ccxt.client.request_errors import ReadFailed
from oms.adapters.ccxt.orders.order_cache import OrderCache
from oms.adapters.ccxt.streams.stream_watchdog import StreamWatchdog
from oms.adapters.ccxt.streams.ws_connections import are_connected, silent_seconds
from oms.adapters.ccxt.timings import Timings
from oms.adapters.ccxt.venues.profile import list_sections
from oms.domain.orders.execution_report import ExecutionReport, ReportSource
from oms.domain.value import value
from oms.ports.exchange import StreamState

_log = logging.getLogger("oms.ccxt")
#: Venues that tell all of an account by one stream; elsewhere each kind of market has its own.
_SINGLE_STREAM_VENUES = frozenset({"bybit", "bybiteu", "bybitid"})
ORDERS, TRADES = "watch_orders", "watch_my_trades"
_HAS = {ORDERS: "watchOrders", TRADES: "watchMyTrades"}
#: How often it is looked whether they stand.
_CHECK_SECONDS = 0.05


@value
class Subscription:
    """One thing to listen to: a method of ccxt.pro and its parameters."""

    method: str
    params: Mapping[str, Any]


class AccountStreams:
    """None where ``is_enabled`` is false: then nothing is ever dialled."""

    def __init__(
        self,
        *,
        is_enabled: bool,
        connection: Connection,
        venue: str,
        orders: OrderCache,
        on_rows: Callable[[str, Sequence[Row]], None],
        poll_soon: Callable[[], None],
        clock: Callable[[], datetime],
        timings: Timings,
    ) -> None:
        self._is_enabled = is_enabled
        self._connection = connection
        self._venue = venue
        self._orders = orders
        #: Takes the rows of a subscription in; must not wait.
        self._on_rows = on_rows
        #: Asks for a reading of all.
        self._poll_soon = poll_soon
        self._clock = clock
        self._timings = timings
        self._watchdog = StreamWatchdog(
            silence_seconds=timings.stream_silence_seconds,
            delay_seconds=timings.stream_delay_seconds,
        )
        self._connected = asyncio.Event()
        #: Until when orders wait for the first time that they stand; whether that is over.
        self._wait_until: float | None = None
        self._first_wait_is_over = False
        self.gaps = 0
        self.last_event_at: datetime | None = None

    @property
    def state(self) -> StreamState:
        """How they stand."""
        if not self._is_enabled:
            return StreamState.NONE
        return StreamState.CONNECTED if self.is_connected else StreamState.CONNECTING

    @property
    def is_connected(self) -> bool:
        """Whether all that happens is told."""
        return self._connected.is_set()

    async def wait_first_connection(self) -> None:
        """Wait for the streams before the first order, but not for ever."""
        if not self._is_enabled or self._first_wait_is_over:
            return
        now = asyncio.get_running_loop().time()
        if self._wait_until is None:
            self._wait_until = now + self._timings.first_order_wait_seconds
        try:
            async with asyncio.timeout(max(self._wait_until - now, 0.0)):
                await self._connected.wait()
        except TimeoutError:
            if not self._first_wait_is_over:
                _log.warning("%s: the first order goes without its stream", self._venue)
            self._first_wait_is_over = True

    def record_reports(self, reports: Sequence[ExecutionReport]) -> None:
        """What is told on either way: executions that were polled first count against the streams."""
        polled = [each.execution for each in reports if each.source is ReportSource.RECONCILE]
        times = [each.executed_at for each in polled if each is not None and not each.provisional]
        self._watchdog.record_missed(times, self._clock())

    async def run(self) -> None:
        """Listen for ever."""
        subscriptions = self._subscriptions() if self._is_enabled else []
        if not subscriptions:
            self._is_enabled = False
            return
        failures = 0
        while True:
            reason = await self._listen_until_broken(subscriptions)
            was_connected = self.is_connected
            self._connected.clear()
            await self._connection.close_streams()
            if was_connected:
                self.gaps += 1
                failures = 0
            self._poll_soon()
            _log.warning("%s: the streams broke: %s", self._venue, reason)
            await asyncio.sleep(
                min(
                    self._timings.reconnect_seconds * 2**failures,
                    self._timings.reconnect_seconds_max,
                )
            )
            failures += 1

    def _subscriptions(self) -> list[Subscription]:
        """What the venue can tell, each kind of market by itself where it has to be."""
        has = self._connection.exchange.has
        return [
            Subscription(method=method, params=params)
            for method in (ORDERS, TRADES)
            if has.get(_HAS[method])
            for params in self._section_params()
        ]

    def _section_params(self) -> list[Mapping[str, Any]]:
        if self._venue in _SINGLE_STREAM_VENUES:
            return [{}]
        params: list[Mapping[str, Any]] = []
        for section in list_sections(self._venue, self._connection.instruments):
            if section.params not in params:
                params.append(section.params)
        return params

    async def _listen_until_broken(self, subscriptions: Sequence[Subscription]) -> str:
        """Listen to all; reason one of them ended. Raises bugs."""
        tasks = [asyncio.create_task(self._listen(subscription)) for subscription in subscriptions]
        tasks.append(asyncio.create_task(self._supervise(list(tasks))))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        return "; ".join(sorted({_end_reason(task) for task in done}))

    async def _listen(self, subscription: Subscription) -> str:
        while True:
            try:
                rows = await self._connection.watch(subscription.method, subscription.params)
            except ReadFailed as failed:
                return f"{failed.ccxt_class or failed.code}: {failed.message}"
            if rows:
                self.last_event_at = self._clock()
                self._on_rows(subscription.method, rows)

    async def _supervise(self, listeners: Sequence[asyncio.Task[str]]) -> str:
        """Say when they stand; ends when they are dead."""
        exchange = self._connection.exchange
        while not are_connected(exchange, listeners):
            await _pause()
        # The words that sign in and subscribe are on their way.
        await asyncio.sleep(self._timings.stream_settle_seconds)
        self._first_wait_is_over = True
        self._watchdog.start(self._clock())
        self._connected.set()
        self._poll_soon()
        while are_connected(exchange, listeners):
            await _pause()
            if self._watchdog.is_dead(
                silent_seconds(exchange), is_live=bool(self._orders.live_orders())
            ):
                return "the watchdog heard too little"
        return "a connection is closed"


async def _pause() -> None:
    """ccxt has no word for a connection that is open: one has to look."""
    await asyncio.sleep(_CHECK_SECONDS)


def _end_reason(task: asyncio.Task[str]) -> str:
    """ccxt cancels what waits for a connection that it closes."""
    return "a connection was closed" if task.cancelled() else task.result()
