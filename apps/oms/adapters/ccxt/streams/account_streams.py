"""The private streams of one account: connected, supervised, and reconnected after a failure.

A stream only reports earlier what polling finds anyway. What happens while it is disconnected is
missing from it, so each disconnect and each new connection requests a poll.
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
from oms.adapters.ccxt.streams.stream_status import StreamStatus
from oms.adapters.ccxt.streams.stream_watchdog import StreamWatchdog
from oms.adapters.ccxt.streams.ws_connections import are_connected, silent_seconds
from oms.adapters.ccxt.timings import Timings
from oms.adapters.ccxt.venues.account_sections import list_sections
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.value import value
from oms.task_cancellation import cancel_all

_log = logging.getLogger("oms.ccxt")
ORDERS, TRADES = "watch_orders", "watch_my_trades"
_HAS = {ORDERS: "watchOrders", TRADES: "watchMyTrades"}
#: How often the connections are checked.
_CHECK_SECONDS = 0.05


@value
class Subscription:
    """One subscription: a method of ccxt.pro and its parameters."""

    method: str
    params: Mapping[str, Any]


class AccountStreams:
    """Runs the streams of one account; where they are disabled, no connection is opened."""

    def __init__(
        self,
        *,
        status: StreamStatus,
        watchdog: StreamWatchdog,
        connection: Connection,
        venue: str,
        orders: OrderCache,
        on_rows: Callable[[str, Sequence[Row]], None],
        poll_soon: Callable[[], None],
        clock: Callable[[], datetime],
        timings: Timings,
    ) -> None:
        self._status = status
        self._watchdog = watchdog
        self._connection = connection
        self._venue = venue
        self._profile = get_profile(venue)
        self._orders = orders
        #: Takes the rows of a subscription; must not block.
        self._on_rows = on_rows
        #: Requests a poll of the account.
        self._poll_soon = poll_soon
        self._clock = clock
        self._timings = timings

    async def run(self) -> None:
        """Listen and reconnect until canceled; without credentials no connection is opened."""
        subscriptions = self._subscriptions() if self._status.is_enabled else []
        if subscriptions and not self._connection.exchange.check_required_credentials(False):
            subscriptions = []
        if not subscriptions:
            self._status.is_enabled = False
            return
        failures = 0
        while True:
            reason = await self._listen_until_broken(subscriptions)
            was_connected = self._status.set_disconnected()
            await self._connection.close_streams()
            if was_connected:
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
        """What the venue can report, by kind of market where it needs that."""
        has = self._connection.exchange.has
        return [
            Subscription(method=method, params=params)
            for method in (ORDERS, TRADES)
            if has.get(_HAS[method])
            for params in self._section_params()
        ]

    def _section_params(self) -> list[Mapping[str, Any]]:
        if self._profile.has_single_private_stream:
            return [{}]
        params: list[Mapping[str, Any]] = []
        for section in list_sections(self._profile, self._connection.instruments):
            if section.params not in params:
                params.append(section.params)
        return params

    async def _listen_until_broken(self, subscriptions: Sequence[Subscription]) -> str:
        """Listen to all; returns why one of them ended. Raises bugs."""
        tasks = [asyncio.create_task(self._listen(subscription)) for subscription in subscriptions]
        tasks.append(asyncio.create_task(self._supervise(list(tasks))))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel_all(tasks)
        return "; ".join(sorted({_end_reason(task) for task in done}))

    async def _listen(self, subscription: Subscription) -> str:
        while True:
            try:
                rows = await self._connection.watch(subscription.method, subscription.params)
            except ReadFailed as failed:
                return f"{failed.ccxt_class or failed.code}: {failed.message}"
            if rows:
                self._status.last_event_at = self._clock()
                self._on_rows(subscription.method, rows)

    async def _supervise(self, listeners: Sequence[asyncio.Task[str]]) -> str:
        """Set the status while all are connected; ends when one is not."""
        exchange = self._connection.exchange
        while not are_connected(exchange, listeners):
            await _pause()
        # The messages that sign in and subscribe are on their way.
        await asyncio.sleep(self._timings.stream_settle_seconds)
        self._status.end_first_wait()
        self._watchdog.start(self._clock())
        self._status.set_connected()
        self._poll_soon()
        while are_connected(exchange, listeners):
            await _pause()
            if self._watchdog.is_dead(
                silent_seconds(exchange), is_live=bool(self._orders.live_orders())
            ):
                return "the watchdog found the stream dead"
        return "a connection is closed"


async def _pause() -> None:
    """ccxt has no event for an open connection: it has to be polled."""
    await asyncio.sleep(_CHECK_SECONDS)


def _end_reason(task: asyncio.Task[str]) -> str:
    """ccxt cancels what waits for a connection that it closes."""
    return "a connection was closed" if task.cancelled() else task.result()
