"""One WebSocket connection from the hello frame to the close frame.

Frames are processed strictly in order; credential and permissions are checked periodically. The
close code says why the connection ended.
"""

import asyncio
import logging
import secrets
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from starlette.websockets import WebSocket, WebSocketDisconnect

from oms.api.context import ApiContext
from oms.api.metrics.worker_age import WorkerAge
from oms.api.routes.risk.deadman import build_deadman_admin
from oms.api.websocket.account_snapshots import SnapshotLoader
from oms.api.websocket.backtest_progress import BacktestProgressFeed
from oms.api.websocket.command_submitter import CommandSubmitter
from oms.api.websocket.deadman_beats import DeadmanBeats
from oms.api.websocket.event_feed import EventFeed
from oms.api.websocket.event_subscriber import EventSubscriber
from oms.api.websocket.expiry_notice import ExpiryNotice
from oms.api.websocket.frames import (
    AUTHENTICATED_SCOPE_KEY,
    UNAUTHENTICATED_CHARACTERS_MAX,
    Frame,
    MalformedFrame,
    error_frame,
    hello_frame,
    read_frame,
    reply_frame,
)
from oms.api.websocket.market_feed import MarketFeed
from oms.api.websocket.market_subscriber import MarketSubscriber
from oms.api.websocket.position_marks import PositionMarks
from oms.api.websocket.send_buffer import SendBuffer
from oms.domain.access import Principal
from oms.domain.errors import (
    Forbidden,
    Invalid,
    OmsError,
    RateLimited,
    Refused,
    Unauthenticated,
    Unavailable,
)
from oms.task_cancellation import cancel_all
from oms.wire.json import time_text

INVALID_CREDENTIAL = 1008
INTERNAL_FAILURE = 1011
TOO_MANY_MALFORMED = 4400
NOT_AUTHENTICATED = 4401
RATE_LIMITED = 4429
MALFORMED_IN_A_ROW_MAX = 10
CLOSE_TIMEOUT_SECONDS = 10.0
ACCESS_CHECK_SECONDS = 2.0
FRAMES_WITHOUT_YIELD_MAX = 8
"""Frames of one connection that are processed before the loop runs other tasks."""

UNAUTHENTICATED_FRAMES_MAX = 100

logger = logging.getLogger(__name__)


class ConnectionLimiter(Protocol):
    """Limits the connections and frames of a key."""

    def enter(self, api_key_id: int) -> bool:
        """Count a connection; return ``False`` if the limit is reached."""
        ...

    def leave(self, api_key_id: int) -> None:
        """Count the end of a connection."""
        ...

    def frame(self, api_key_id: int) -> bool:
        """Count a frame; return ``False`` above the limit."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class Session:
    """One connection."""

    socket: WebSocket
    context: ApiContext
    feed: EventFeed
    snapshots: SnapshotLoader
    connection_limiter: ConnectionLimiter
    market_feed: MarketFeed
    marks: PositionMarks
    progress: BacktestProgressFeed
    worker_age: WorkerAge
    ip: str
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    key: str | None = None
    #: Whether ``key`` is the text of a browser session, sent in a cookie.
    is_browser_session: bool = False
    principal: Principal | None = None
    _frames: int = 0
    _malformed: int = 0
    _send_buffer: SendBuffer = field(init=False)
    _commands: CommandSubmitter = field(init=False)
    _deadman: DeadmanBeats = field(init=False)
    _events: EventSubscriber = field(init=False)
    _markets: MarketSubscriber = field(init=False)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    _recheck: asyncio.Event = field(default_factory=asyncio.Event)
    _expiry_notice: ExpiryNotice = field(init=False)

    def __post_init__(self) -> None:
        limits = self.context.settings.events
        self._send_buffer = SendBuffer(
            send=self.socket.send,
            frames_max=limits.frames_waiting_max,
            bytes_max=limits.bytes_waiting_max,
        )
        self._expiry_notice = ExpiryNotice(self.context.clock, self._send_buffer)
        self._commands = CommandSubmitter(
            context=self.context,
            send_buffer=self._send_buffer,
            spawn=self._spawn,
            ip=self.ip,
            authenticate=self._reauthenticate,
        )
        self._deadman = DeadmanBeats(
            build_admin=partial(build_deadman_admin, self.context),
            clock=self.context.clock,
            send_buffer=self._send_buffer,
            spawn=self._spawn,
            ip=self.ip,
            authenticate=self._reauthenticate,
        )
        self._events = EventSubscriber(
            context=self.context,
            feed=self.feed,
            snapshots=self.snapshots,
            marks=self.marks,
            progress=self.progress,
            worker_age=self.worker_age,
            send_buffer=self._send_buffer,
            spawn=self._spawn,
        )
        self._markets = MarketSubscriber(
            feed=self.market_feed,
            send_buffer=self._send_buffer,
            spawn=self._spawn,
            authenticate=self._reauthenticate,
        )

    async def run(self, key: str | None) -> None:
        """Serve until one side closes; ``key`` is the credential of the HTTP request."""
        writer = asyncio.create_task(self._write(), name="ws-write")
        reader = self._spawn(self._serve(key))
        closing = asyncio.create_task(self._send_buffer.closing.wait())
        try:
            await asyncio.wait({writer, reader, closing}, return_when=asyncio.FIRST_COMPLETED)
            if self._send_buffer.closing.is_set():
                await asyncio.wait({writer}, timeout=CLOSE_TIMEOUT_SECONDS)
        finally:
            self._events.close()
            self._markets.close()
            await cancel_all([writer, closing, *self._tasks])
            self._set_principal(None)

    def close(self, code: int, reason: str = "") -> None:
        """Close the connection."""
        self._send_buffer.close(code, reason)

    def recheck(self) -> None:
        """Check credential and permissions now."""
        self._recheck.set()

    async def _serve(self, key: str | None) -> None:
        if key is not None and not await self._authenticate_connection(key):
            return
        self._send_buffer.put(hello_frame(self._hello()))
        self._spawn(self._watch_access())
        while True:
            try:
                message = await self.socket.receive()
            except WebSocketDisconnect:
                return
            # Frames after the close decision are not processed: they could not be answered.
            if message["type"] == "websocket.disconnect" or self._send_buffer.closing.is_set():
                return
            await self._process(message.get("text"))

    async def _write(self) -> None:
        try:
            await self._send_buffer.run()
        except (WebSocketDisconnect, RuntimeError, OSError) as error:
            logger.debug("socket_disconnected", extra={"session": self.id, "reason": str(error)})

    async def _authenticate_connection(self, key: str) -> bool:
        """Return whether the connection's credential is valid; otherwise it is closing."""
        try:
            await self._authenticate(key, is_browser_session=self.is_browser_session)
        except (Unauthenticated, Forbidden) as error:
            self._send_buffer.close(INVALID_CREDENTIAL, error.code)
        except RateLimited as error:
            self._send_buffer.put(error_frame(Frame(payload={}, request_id=self.id), error))
            self._send_buffer.close(RATE_LIMITED)
        except OmsError as error:
            self._send_buffer.put(error_frame(Frame(payload={}, request_id=self.id), error))
            self._send_buffer.close(INTERNAL_FAILURE)
        return self.principal is not None

    def _hello(self) -> Mapping[str, Any]:
        return {
            "session": self.id,
            "server_time": time_text(self.context.clock.now()),
            "heartbeat_ms": int(self.context.settings.events.ping_seconds * 1000),
            "version": self.context.version,
        }

    async def _authenticate(self, key: str | None, *, is_browser_session: bool) -> Principal:
        """Set and return the principal of ``key``, which becomes the connection's credential.

        Raises ``Unauthenticated``, ``RateLimited``, ``Unavailable``.
        """
        principal = await self._principal_of(key, is_browser_session)
        previous = self.principal
        if previous is None or previous.api_key_id != principal.api_key_id:
            if not self.connection_limiter.enter(principal.api_key_id):
                raise RateLimited("the key has too many connections", reason="connections")
            self._set_principal(principal)
        self.principal, self.key = principal, key
        self.is_browser_session = is_browser_session
        return principal

    def _set_principal(self, principal: Principal | None) -> None:
        self.socket.scope[AUTHENTICATED_SCOPE_KEY] = principal is not None
        if self.principal is not None:
            self.connection_limiter.leave(self.principal.api_key_id)
        self.principal = principal

    async def _reauthenticate(self) -> Principal:
        return await self._principal_of(self.key, self.is_browser_session)

    async def _principal_of(self, key: str | None, is_browser_session: bool) -> Principal:
        if is_browser_session:
            return await self.context.authenticate.session(key or "", self.ip)
        return await self.context.authenticate(key, self.ip)

    async def _process(self, text: str | None) -> None:
        """Process one frame; an error is answered and the connection stays open."""
        self._frames += 1
        if self._frames % FRAMES_WITHOUT_YIELD_MAX == 0:
            await asyncio.sleep(0)
        if self.principal is None and self._frames > UNAUTHENTICATED_FRAMES_MAX:
            self._send_buffer.close(NOT_AUTHENTICATED, "not authenticated")
            return
        if self.principal is not None and not self.connection_limiter.frame(
            self.principal.api_key_id
        ):
            self._send_buffer.close(RATE_LIMITED, "too many frames")
            return
        try:
            frame = self._read_frame(text)
        except MalformedFrame as error:
            self._malformed += 1
            self._send_buffer.put(error_frame(error.frame, error))
            if self._malformed >= MALFORMED_IN_A_ROW_MAX:
                self._send_buffer.close(TOO_MANY_MALFORMED, "malformed frames")
            return
        self._malformed = 0
        self._deadman.beat()
        try:
            await self._dispatch(frame)
        except OmsError as error:
            self._send_buffer.put(error_frame(frame, error))
            if isinstance(error, RateLimited):
                self._send_buffer.close(RATE_LIMITED, "too many connections")

    def _read_frame(self, text: str | None) -> Frame:
        """Parse a frame; long ones only of authenticated callers. Raises ``MalformedFrame``."""
        request_id = f"{self.id}-{self._frames}"
        if self.principal is None and text and len(text) > UNAUTHENTICATED_CHARACTERS_MAX:
            frame = Frame(payload={}, request_id=request_id)
            raise MalformedFrame("authenticate first", frame, "not_authenticated")
        return read_frame(text, request_id)

    async def _dispatch(self, frame: Frame) -> None:
        namespace = frame.namespace or "system"
        if frame.action == "ping":
            self._send_buffer.put(reply_frame(frame, "pong", {}))
        elif (namespace, frame.action) == ("system", "auth"):
            await self._auth(frame)
        elif self.principal is None:
            raise Unauthenticated("authenticate first", code="not_authenticated")
        else:
            match namespace, frame.action:
                case "system", "subscribe":
                    await self._events.subscribe(frame, self.principal)
                case "system", "unsubscribe":
                    self._events.unsubscribe(frame)
                case "position", "command":
                    self._commands.submit_command(frame)
                case "risk", "arm_deadman":
                    await self._deadman.arm(frame)
                case "ccxt", "call":
                    self._commands.submit_call(frame)
                case "ccxt", "subscribe_market":
                    self._markets.subscribe(frame, self.principal)
                case "ccxt", "unsubscribe_market":
                    self._markets.unsubscribe(frame)
                case _:
                    raise Invalid("there is no such action", code="unsupported_action")

    async def _auth(self, frame: Frame) -> None:
        key = frame.payload.get("api_key")
        if not isinstance(key, str) or not key:
            raise Unauthenticated("api_key is required", code="missing_api_key")
        principal = await self._authenticate(key.strip(), is_browser_session=False)
        self._apply_permissions(principal)
        payload = {
            "user_id": principal.user_id,
            "api_key_id": principal.api_key_id,
            "role": principal.role.value,
        }
        self._send_buffer.put(reply_frame(frame, "authenticated", payload))

    def _apply_permissions(self, principal: Principal) -> None:
        self._events.set_principal(principal)
        self._markets.set_principal(principal)

    async def _watch_access(self) -> None:
        """Close without authentication in time; check credential and permissions periodically."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self.context.settings.events.auth_seconds
        while True:
            with suppress(TimeoutError):
                seconds = min(ACCESS_CHECK_SECONDS, max(deadline - clock(), 0.01))
                async with asyncio.timeout(seconds):
                    await self._recheck.wait()
            self._recheck.clear()
            if self.principal is None:
                if clock() >= deadline:
                    self._send_buffer.close(NOT_AUTHENTICATED, "not authenticated")
                    return
                continue
            deadline = clock() + ACCESS_CHECK_SECONDS
            try:
                principal = await self._authenticate(
                    self.key, is_browser_session=self.is_browser_session
                )
            except (Unauthenticated, Forbidden):
                ended = "session ended" if self.is_browser_session else "credential ended"
                self._send_buffer.close(NOT_AUTHENTICATED, ended)
                return
            except Unavailable:
                continue  # checked again in the next interval
            self._apply_permissions(principal)
            if principal.session is not None:
                self._expiry_notice(principal.session)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)
        return task

    def _on_task_done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        logger.error("session_crashed", exc_info=error, extra={"session": self.id})
        message = "the server met an error; it is logged under this request id"
        refused = Refused(code="internal_error", message=message)
        self._send_buffer.put(error_frame(Frame(payload={}, request_id=self.id), refused))
        self._send_buffer.close(INTERNAL_FAILURE)
