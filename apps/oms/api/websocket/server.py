"""THE DOOR OUT, ``/ws``: accepts sockets, keeps count of them, runs the one feed they share."""

import asyncio
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.websockets import WebSocket

from oms.api.background_tasks import keep_running
from oms.api.client_ip import client_ip
from oms.api.context import ApiContext, read_credential
from oms.api.websocket.account_snapshots import SnapshotLoader
from oms.api.websocket.event_feed import EventFeed
from oms.api.websocket.market_feed import MarketFeed
from oms.api.websocket.session import Session

SERVICE_RESTART = 1012


class WebSocketServer:
    """``deps.SocketDoor``: all WebSocket connections of a process."""

    def __init__(self, context: ApiContext, feed: EventFeed) -> None:
        self._context = context
        self._feed = feed
        self._pictures = SnapshotLoader(history=context.history)
        self._markets = MarketFeed(context=context)
        limits = context.settings.events
        self._counts = KeyConnectionLimiter(
            limits.sockets_per_key_max, limits.frames_per_second_max
        )
        self._sessions: set[Session] = set()
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Follow the streams."""
        self._following = asyncio.create_task(keep_running("feed", self._feed.run), name="feed")

    def lag_seconds(self) -> float:
        """For how long events are stored and not told."""
        return self._feed.lag_seconds()

    async def stop(self) -> None:
        """Tell every listener to come back later, and end."""
        for session in self._sessions:
            session.close(SERVICE_RESTART, "restart")
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection to its end."""
        await websocket.receive()  # the request to connect
        if not self._is_from_home(websocket):
            await websocket.close(1008)
            return
        await websocket.accept()
        session = Session(
            socket=websocket,
            context=self._context,
            feed=self._feed,
            snapshots=self._pictures,
            connection_limiter=self._counts,
            markets=self._markets,
            ip=client_ip(
                websocket.scope, websocket.headers, self._context.settings.trusted_proxies
            ),
        )
        self._sessions.add(session)
        try:
            await session.run(read_credential(websocket.headers))
        finally:
            self._sessions.discard(session)

    def _is_from_home(self, websocket: WebSocket) -> bool:
        """Whether a browser's page may connect: one of our own, or of a listed origin."""
        origin = websocket.headers.get("origin")
        if origin is None or origin in self._context.settings.cors_origins:
            return True
        return urlsplit(origin).netloc == websocket.headers.get("host")


class KeyConnectionLimiter:
    """Sockets and frames per key; ``sockets.session.Turnstile``."""

    def __init__(
        self, sockets_max: int, frames_max: int, now: Callable[[], float] | None = None
    ) -> None:
        self._sockets_max = sockets_max
        self._frames_max = frames_max
        self._now = now or (lambda: asyncio.get_running_loop().time())
        self._sockets: Counter[int] = Counter()
        self._frames: Counter[int] = Counter()
        self._second = 0

    def enter(self, api_key_id: int) -> bool:
        """Count one more socket; ``False`` if that is too many."""
        if self._sockets[api_key_id] >= self._sockets_max:
            return False
        self._sockets[api_key_id] += 1
        return True

    def leave(self, api_key_id: int) -> None:
        """Count one less."""
        self._sockets[api_key_id] -= 1
        if self._sockets[api_key_id] <= 0:
            del self._sockets[api_key_id]

    def frame(self, api_key_id: int) -> bool:
        """Count a frame of this second; ``False`` if those are too many."""
        second = int(self._now())
        if second != self._second:
            self._second = second
            self._frames.clear()
        self._frames[api_key_id] += 1
        return self._frames[api_key_id] <= self._frames_max
