"""The server of ``/ws``: accepts connections, limits them per key, runs the shared event feed."""

import asyncio
from collections import Counter
from collections.abc import Callable

from starlette.websockets import WebSocket

from oms.api.background_tasks import keep_running
from oms.api.client_ip import client_ip
from oms.api.context import ApiContext, read_credential
from oms.api.metrics.worker_age import WorkerAge
from oms.api.websocket.account_snapshots import SnapshotLoader
from oms.api.websocket.backtest_progress import BacktestProgressFeed
from oms.api.websocket.event_feed import EventFeed
from oms.api.websocket.market_feed import MarketFeed
from oms.api.websocket.position_marks import PositionMarks
from oms.api.websocket.session import Session

SERVICE_RESTART = 1012


class WebSocketServer:
    """``context.WebSocketEndpoint``: all WebSocket connections of a process."""

    def __init__(self, context: ApiContext, feed: EventFeed) -> None:
        self._context = context
        self._feed = feed
        self._snapshots = SnapshotLoader(history=context.history)
        self._market_feed = MarketFeed(context=context)
        self._marks = PositionMarks(
            history=context.history, feed=feed, mark_prices=context.mark_prices
        )
        self._progress = BacktestProgressFeed(store=context.backtests.store, clock=context.clock)
        self._worker_age = WorkerAge(context.leases)
        limits = context.settings.events
        self._counts = KeyConnectionLimiter(
            limits.sockets_per_key_max, limits.frames_per_second_max
        )
        self._sessions: set[Session] = set()
        self._feed_task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the event feed; connections of browsers notice the end of a session at once."""
        self._context.authenticate.on_forget = self._recheck_browsers
        self._feed_task = asyncio.create_task(keep_running("feed", self._feed.run), name="feed")

    def lag_seconds(self) -> float:
        """Return for how many seconds stored events have not been delivered."""
        return self._feed.lag_seconds()

    def client_count(self) -> int:
        """Return the number of open connections."""
        return len(self._sessions)

    async def stop(self) -> None:
        """Close every connection with 1012 (service restart) and stop the feed."""
        for session in self._sessions:
            session.close(SERVICE_RESTART, "restart")
        if self._feed_task is not None:
            self._feed_task.cancel()
            await asyncio.gather(self._feed_task, return_exceptions=True)

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection to its end."""
        await websocket.receive()  # websocket.connect
        ip = client_ip(websocket.scope, self._context.settings.trusted_proxies)
        access = self._context.browser_access
        if not access.is_allowed_handshake(websocket.scope, ip):
            await websocket.close(1008)
            return
        await websocket.accept()
        session = Session(
            socket=websocket,
            context=self._context,
            feed=self._feed,
            snapshots=self._snapshots,
            progress=self._progress,
            connection_limiter=self._counts,
            market_feed=self._market_feed,
            marks=self._marks,
            worker_age=self._worker_age,
            ip=ip,
        )
        self._sessions.add(session)
        try:
            key = read_credential(websocket.headers)
            if key is None and "authorization" not in websocket.headers:
                key = access.handshake_session(websocket.scope, ip)
                session.is_browser_session = key is not None
            await session.run(key)
        finally:
            self._sessions.discard(session)

    def _recheck_browsers(self) -> None:
        """Check the sessions of browsers now: one may have ended."""
        for session in self._sessions:
            if session.is_browser_session:
                session.recheck()


class KeyConnectionLimiter:
    """Limits connections and frames per key; ``session.ConnectionLimiter``."""

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
        """Count a connection; return ``False`` if the limit is reached."""
        if self._sockets[api_key_id] >= self._sockets_max:
            return False
        self._sockets[api_key_id] += 1
        return True

    def leave(self, api_key_id: int) -> None:
        """Count the end of a connection."""
        self._sockets[api_key_id] -= 1
        if self._sockets[api_key_id] <= 0:
            del self._sockets[api_key_id]

    def frame(self, api_key_id: int) -> bool:
        """Count a frame; return ``False`` above the limit of the current second."""
        second = int(self._now())
        if second != self._second:
            self._second = second
            self._frames.clear()
        self._frames[api_key_id] += 1
        return self._frames[api_key_id] <= self._frames_max
