"""The WebSocket of one exchange object: opened on demand, reconnected when it breaks.

It resumes by the event number of the account cache, so no row is lost or returned twice. The
``websockets`` package is imported with the first connection.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from ccxt_driver.sansio.account_cache import TRADES, AccountCache, EventGap
from ccxt_driver.sansio.market_subscriptions import MarketSubscription, MarketSubscriptions

#: Seconds before a reconnect, doubled from one attempt to the next.
RECONNECT_MIN_SECONDS, RECONNECT_MAX_SECONDS = 0.1, 5.0
PING_SECONDS = 15.0
#: A frame may contain a snapshot of 5000 rows.
FRAME_BYTES_MAX = 64 * 1024 * 1024


class SubscriptionRefused(Exception):
    """The gateway refuses the subscription to the account."""


class GatewayStream:
    """The connection of one exchange object, in one event loop."""

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        cache: AccountCache,
        timeout_seconds: float,
        on_connected: Callable[["GatewayStream"], object],
    ) -> None:
        self.url = "ws" + base_url.removeprefix("http") + "/ws"
        self._on_connected = on_connected
        self._api_key = api_key
        self._timeout_seconds = timeout_seconds
        self.cache = cache
        self.subscriptions = MarketSubscriptions(account_id=cache.account_id)
        self.loop = asyncio.get_running_loop()
        #: Whether events arrive.
        self.is_live = False
        #: Whether an attempt to connect failed since events last arrived.
        self.has_failed = False
        self._socket: Any = None
        #: Whether the subscription of the connection is one with marks.
        self._has_marks = False
        self._running: asyncio.Task[None] | None = None
        self._waiters: set[asyncio.Future[None]] = set()
        #: Held while the account is polled over HTTP instead.
        self.polling_lock = asyncio.Lock()

    def start(self) -> None:
        """Starts connecting, unless that was done before."""
        if self._running is None or self._running.done():
            self._running = self.loop.create_task(self._run(), name="ccxt_driver stream")

    async def update_marks(self) -> None:
        """Subscribes again if watches want marks and the connection has none, or the reverse."""
        if self._socket is not None and self._has_marks is not self.cache.wants_marks:
            await self._send(self._socket, self._subscribe())

    async def wait_changed(self, seconds: float) -> None:
        """Waits for a frame or a change of the connection, at most ``seconds``."""
        waiter = self.loop.create_future()
        self._waiters.add(waiter)
        try:
            await asyncio.wait([waiter], timeout=max(0.0, seconds))
        finally:
            self._waiters.discard(waiter)

    async def subscribe_market(
        self, channel: str, symbol: str, options: Mapping[str, Any], kind: str | None = None
    ) -> MarketSubscription:
        """Returns the subscription of a channel, sent once."""
        subscription, is_new = self.subscriptions.get_or_create(channel, symbol, options, kind)
        if is_new and self._socket is not None:
            await self._send(self._socket, subscription.request())
        return subscription

    async def unsubscribe_market(
        self, kind: str, symbol: str | None = None, timeframe: str | None = None
    ) -> None:
        """Ends the subscriptions of a kind, symbol and timeframe, ``None`` for any."""
        for frame in self.subscriptions.remove(kind, symbol, timeframe):
            if self._socket is not None:
                await self._send(self._socket, frame)

    async def close(self) -> None:
        """Closes the connection."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        self._on_disconnected()
        self.has_failed = False

    async def _run(self) -> None:
        pause_seconds = RECONNECT_MIN_SECONDS
        while True:
            try:
                async with self._connected() as socket:
                    async for text in socket:
                        self._receive(json.loads(text))
                        pause_seconds = RECONNECT_MIN_SECONDS if self.is_live else pause_seconds
            except (OSError, EventGap, SubscriptionRefused, ValueError, ImportError):
                pass  # watches poll over HTTP meanwhile and raise a persistent error
            finally:
                self._on_disconnected()
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, RECONNECT_MAX_SECONDS)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Any]:
        """Connects and sends all subscriptions, without waiting for the replies."""
        client = import_module("websockets.asyncio.client")
        exceptions = import_module("websockets.exceptions")
        try:
            async with client.connect(
                self.url,
                additional_headers={"x-api-key": self._api_key},
                open_timeout=self._timeout_seconds,
                close_timeout=1,
                ping_interval=PING_SECONDS,
                ping_timeout=PING_SECONDS,
                max_size=FRAME_BYTES_MAX,
                compression=None,
            ) as socket:
                await self._send(socket, self._auth())
                await self._send(socket, self._subscribe())
                for subscription in self.subscriptions.active():
                    await self._send(socket, subscription.request())
                self._socket = socket
                # A callback of its own: an exception of the program does not end the stream.
                self.loop.call_soon(self._on_connected, self)
                yield socket
        except exceptions.WebSocketException as error:
            raise ConnectionError(str(error)) from error

    async def _send(self, socket: Any, frame: Mapping[str, Any]) -> None:
        await socket.send(json.dumps(frame, separators=(",", ":")))

    def _auth(self) -> dict[str, Any]:
        payload = {"api_key": self._api_key}
        return {"id": "auth", "namespace": "system", "action": "auth", "payload": payload}

    def _subscribe(self) -> dict[str, Any]:
        account_id, seq = self.cache.account_id, self.cache.seq
        self._has_marks = self.cache.wants_marks
        payload: dict[str, Any] = {
            "account_ids": [account_id],
            "namespaces": ["position", "ccxt"],
            "with_snapshot": True,
            "refresh": False,
        }
        if self._has_marks:
            payload["marks"] = True
        if seq is not None:
            payload["from_seq"] = {str(account_id): seq}
        return {"id": "subscribe", "namespace": "system", "action": "subscribe", "payload": payload}

    def _receive(self, frame: Any) -> None:
        if not isinstance(frame, dict):
            return
        if frame.get("id") in ("auth", "subscribe"):
            if frame.get("ok") is False:
                raise SubscriptionRefused(str(frame.get("payload")))
            if frame["id"] == "subscribe":
                self._on_subscribed()
        elif not self.subscriptions.apply_frame(frame):
            self.cache.apply_frame(frame)
        self._wake_waiters()

    def _on_subscribed(self) -> None:
        if self.cache.seq is None:
            self.cache.synced_kinds.add(TRADES)  # a watch does not return earlier trades
        self.is_live, self.has_failed = True, False

    def _on_disconnected(self) -> None:
        self._socket, self.is_live, self.has_failed = None, False, True
        self._wake_waiters()

    def _wake_waiters(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
