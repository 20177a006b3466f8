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
_ONE_FOR_ALL = frozenset({"bybit", "bybiteu", "bybitid"})
ORDERS, TRADES = "watch_orders", "watch_my_trades"
_HAS = {ORDERS: "watchOrders", TRADES: "watchMyTrades"}
#: How often it is looked whether they stand.
_TICK = 0.05


@value
class Subscription:
    """One thing to listen to: a method of ccxt.pro and its parameters."""

    method: str
    params: Mapping[str, Any]


class AccountStreams:
    """None where ``is_wanted`` is false: then nothing is ever dialled."""

    def __init__(
        self,
        *,
        is_wanted: bool,
        connection: Connection,
        venue: str,
        orders: OrderCache,
        hear: Callable[[str, Sequence[Row]], None],
        poll_soon: Callable[[], None],
        clock: Callable[[], datetime],
        timings: Timings,
    ) -> None:
        self._is_wanted = is_wanted
        self._connection = connection
        self._venue = venue
        self._orders = orders
        #: Takes the rows of a topic in; must not wait.
        self._hear = hear
        #: Asks for a reading of all.
        self._read_soon = poll_soon
        self._clock = clock
        self._timings = timings
        self._watchdog = StreamWatchdog(silence=timings.silence, late=timings.late)
        self._standing = asyncio.Event()
        #: Until when orders wait for the first time that they stand; whether that is over.
        self._first_until: float | None = None
        self._is_begun = False
        self.gaps = 0
        self.last_event_at: datetime | None = None

    @property
    def state(self) -> StreamState:
        """How they stand."""
        if not self._is_wanted:
            return StreamState.NONE
        return StreamState.CONNECTED if self.is_connected else StreamState.CONNECTING

    @property
    def is_connected(self) -> bool:
        """Whether all that happens is told."""
        return self._standing.is_set()

    async def first(self) -> None:
        """Wait for the streams before the first order, but not for ever."""
        if not self._is_wanted or self._is_begun:
            return
        now = asyncio.get_running_loop().time()
        if self._first_until is None:
            self._first_until = now + self._timings.first_order_wait_seconds
        try:
            async with asyncio.timeout(max(self._first_until - now, 0.0)):
                await self._standing.wait()
        except TimeoutError:
            if not self._is_begun:
                _log.warning("%s: the first order goes without its stream", self._venue)
            self._is_begun = True

    def record_reports(self, reports: Sequence[ExecutionReport]) -> None:
        """What is told on either way: executions that were read first count against the streams."""
        read = [each.execution for each in reports if each.source is ReportSource.RECONCILE]
        facts = [each.executed_at for each in read if each is not None and not each.provisional]
        self._watchdog.read(facts, self._clock())

    async def run(self) -> None:
        """Listen for ever."""
        topics = self._topics() if self._is_wanted else []
        if not topics:
            self._is_wanted = False
            return
        failures = 0
        while True:
            why = await self._until_broken(topics)
            was_standing = self.is_connected
            self._standing.clear()
            await self._connection.close_streams()
            if was_standing:
                self.gaps += 1
                failures = 0
            self._read_soon()
            _log.warning("%s: the streams broke: %s", self._venue, why)
            await asyncio.sleep(
                min(
                    self._timings.reconnect_seconds * 2**failures,
                    self._timings.reconnect_seconds_max,
                )
            )
            failures += 1

    def _topics(self) -> list[Subscription]:
        """What the venue can tell, each kind of market by itself where it has to be."""
        has = self._connection.exchange.has
        return [
            Subscription(method=method, params=params)
            for method in (ORDERS, TRADES)
            if has.get(_HAS[method])
            for params in self._kinds()
        ]

    def _kinds(self) -> list[Mapping[str, Any]]:
        if self._venue in _ONE_FOR_ALL:
            return [{}]
        found: list[Mapping[str, Any]] = []
        for part in list_sections(self._venue, self._connection.instruments):
            if part.params not in found:
                found.append(part.params)
        return found

    async def _until_broken(self, topics: Sequence[Subscription]) -> str:
        """Listen to all; why one of them ended. Raises bugs."""
        tasks = [asyncio.create_task(self._listen(topic)) for topic in topics]
        tasks.append(asyncio.create_task(self._look_after(list(tasks))))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        return "; ".join(sorted({_why(task) for task in done}))

    async def _listen(self, topic: Subscription) -> str:
        while True:
            try:
                rows = await self._connection.watch(topic.method, topic.params)
            except ReadFailed as failed:
                return f"{failed.ccxt_class or failed.code}: {failed.message}"
            if rows:
                self.last_event_at = self._clock()
                self._hear(topic.method, rows)

    async def _look_after(self, listeners: Sequence[asyncio.Task[str]]) -> str:
        """Say when they stand; ends when they are dead."""
        exchange = self._connection.exchange
        while not are_connected(exchange, listeners):
            await _tick()
        # The words that sign in and subscribe are on their way.
        await asyncio.sleep(self._timings.settle)
        self._is_begun = True
        self._watchdog.begin(self._clock())
        self._standing.set()
        self._read_soon()
        while are_connected(exchange, listeners):
            await _tick()
            if self._watchdog.is_dead(silent_seconds(exchange), is_live=bool(self._orders.live())):
                return "the watchdog heard too little"
        return "a connection is closed"


async def _tick() -> None:
    """ccxt has no word for a connection that is open: one has to look."""
    await asyncio.sleep(_TICK)


def _why(task: asyncio.Task[str]) -> str:
    """ccxt cancels what waits for a connection that it closes."""
    return "a connection was closed" if task.cancelled() else task.result()
