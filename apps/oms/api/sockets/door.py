"""THE DOOR OUT, ``/ws``: accepts sockets, keeps count of them, runs the one feed they share."""

import asyncio
from collections import Counter
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.websockets import WebSocket

from oms.api.deps import Doors, credential
from oms.api.feed import Feed
from oms.api.peer import peer
from oms.api.sockets.markets import Markets
from oms.api.sockets.pictures import Pictures
from oms.api.sockets.session import Session
from oms.api.supervise import kept_running

RESTART = 1012


class Sockets:
    """``deps.SocketDoor``: all WebSocket connections of a process."""

    def __init__(self, parts: Doors, feed: Feed) -> None:
        self._parts = parts
        self._feed = feed
        self._pictures = Pictures(history=parts.history)
        self._markets = Markets(parts=parts)
        limits = parts.settings.events
        self._counts = KeyCounts(limits.sockets_per_key_max, limits.frames_per_second_max)
        self._sessions: set[Session] = set()
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Follow the streams."""
        self._following = asyncio.create_task(kept_running("feed", self._feed.run), name="feed")

    def lag_seconds(self) -> float:
        """For how long events are stored and not told."""
        return self._feed.lag_seconds()

    async def stop(self) -> None:
        """Tell every listener to come back later, and end."""
        for session in self._sessions:
            session.close(RESTART, "restart")
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
            parts=self._parts,
            feed=self._feed,
            pictures=self._pictures,
            turnstile=self._counts,
            markets=self._markets,
            ip=peer(websocket.scope, websocket.headers, self._parts.settings.trusted_proxies),
        )
        self._sessions.add(session)
        try:
            await session.run(credential(websocket.headers))
        finally:
            self._sessions.discard(session)

    def _is_from_home(self, websocket: WebSocket) -> bool:
        """Whether a browser's page may connect: one of our own, or of a listed origin."""
        origin = websocket.headers.get("origin")
        if origin is None or origin in self._parts.settings.cors_origins:
            return True
        return urlsplit(origin).netloc == websocket.headers.get("host")


class KeyCounts:
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
