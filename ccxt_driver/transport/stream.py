"""One WebSocket to the gateway, kept: opened when needed, opened again when it breaks.

It resumes by number where ``following`` stands, so nothing is lost or told twice. ``websockets``
is imported when the first connection is made.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from ccxt_driver.sansio.account_cache import TRADES, AccountCache, EventGap
from ccxt_driver.sansio.market_subscriptions import MarketSubscription, MarketSubscriptions

#: Seconds before a broken connection is opened again: doubled from one to the other.
PAUSE_MIN_SECONDS, PAUSE_MAX_SECONDS = 0.1, 5.0
PING_SECONDS = 15.0
#: A frame may hold a snapshot of 5000 rows.
FRAME_BYTES_MAX = 64 * 1024 * 1024


class SubscriptionRefused(Exception):
    """The gateway does not let us listen."""


class GatewayStream:
    """The connection of one exchange object, in one event loop."""

    def __init__(
        self, *, base_url: str, api_key: str, following: AccountCache, timeout_seconds: float
    ) -> None:
        self._url = "ws" + base_url.removeprefix("http") + "/ws"
        self._api_key = api_key
        self._timeout_seconds = timeout_seconds
        self.following = following
        self.feeds = MarketSubscriptions(account_id=following.account_id)
        self.loop = asyncio.get_running_loop()
        #: Whether events arrive; and whether, since the last time they did, an attempt failed.
        self.is_up = False
        self.has_failed = False
        self._socket: Any = None
        self._running: asyncio.Task[None] | None = None
        self._wakes: set[asyncio.Future[None]] = set()
        #: Held by whoever asks over HTTP in the stream's place.
        self.asking = asyncio.Lock()

    def start(self) -> None:
        """Connect, unless that was begun before."""
        if self._running is None or self._running.done():
            self._running = self.loop.create_task(self._run(), name="ccxt_driver stream")

    async def changed(self, seconds: float) -> None:
        """Wait until something arrived or the connection came or went, but not for longer."""
        wake = self.loop.create_future()
        self._wakes.add(wake)
        try:
            await asyncio.wait([wake], timeout=max(0.0, seconds))
        finally:
            self._wakes.discard(wake)

    async def feed(
        self, channel: str, symbol: str, options: Mapping[str, Any]
    ) -> MarketSubscription:
        """The market data of a channel, asked for once."""
        feed, is_new = self.feeds.feed(channel, symbol, options)
        if is_new and self._socket is not None:
            await self._send(self._socket, feed.request())
        return feed

    async def close(self) -> None:
        """End the connection."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        self._went_down()
        self.has_failed = False

    async def _run(self) -> None:
        pause = PAUSE_MIN_SECONDS
        while True:
            try:
                async with self._connected() as socket:
                    async for text in socket:
                        self._take(json.loads(text))
                        pause = PAUSE_MIN_SECONDS if self.is_up else pause
            except (OSError, EventGap, SubscriptionRefused, ValueError, ImportError):
                pass  # whoever watches asks over HTTP meanwhile, and meets the cause there
            finally:
                self._went_down()
            await asyncio.sleep(pause)
            pause = min(2 * pause, PAUSE_MAX_SECONDS)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Any]:
        """A connection that has been asked for everything, without waiting for replies."""
        library = import_module("websockets.asyncio.client")
        wrong = import_module("websockets.exceptions")
        try:
            async with library.connect(
                self._url,
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
                for feed in self.feeds.all():
                    await self._send(socket, feed.request())
                self._socket = socket
                yield socket
        except wrong.WebSocketException as lost:
            raise ConnectionError(str(lost)) from lost

    async def _send(self, socket: Any, frame: Mapping[str, Any]) -> None:
        await socket.send(json.dumps(frame, separators=(",", ":")))

    def _auth(self) -> dict[str, Any]:
        payload = {"api_key": self._api_key}
        return {"id": "auth", "namespace": "system", "action": "auth", "payload": payload}

    def _subscribe(self) -> dict[str, Any]:
        account_id, seq = self.following.account_id, self.following.seq
        payload: dict[str, Any] = {
            "account_ids": [account_id],
            "namespaces": ["position", "ccxt"],
            "with_snapshot": True,
            "refresh": False,
        }
        if seq is not None:
            payload["from_seq"] = {str(account_id): seq}
        return {"id": "subscribe", "namespace": "system", "action": "subscribe", "payload": payload}

    def _take(self, frame: Any) -> None:
        if not isinstance(frame, dict):
            return
        if frame.get("id") in ("auth", "subscribe"):
            if frame.get("ok") is False:
                raise SubscriptionRefused(str(frame.get("payload")))
            if frame["id"] == "subscribe":
                self._came_up()
        elif not self.feeds.take(frame):
            self.following.take(frame)
        self._wake()

    def _came_up(self) -> None:
        if self.following.seq is None:
            self.following.known.add(TRADES)  # those before are no news
        self.is_up, self.has_failed = True, False

    def _went_down(self) -> None:
        self._socket, self.is_up, self.has_failed = None, False, True
        self._wake()

    def _wake(self) -> None:
        for wake in self._wakes:
            if not wake.done():
                wake.set_result(None)
