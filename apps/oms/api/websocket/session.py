"""One WebSocket connection from hello to close.

Reads frames strictly in their order, keeps an eye on credential and rights, and ends with the
close code that says why. What is asked of commands and streams is done elsewhere.
"""

import asyncio
import logging
import secrets
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.websockets import WebSocket, WebSocketDisconnect

from oms.api.context import ApiContext
from oms.api.websocket.account_snapshots import SnapshotLoader
from oms.api.websocket.command_submitter import CommandSubmitter
from oms.api.websocket.event_feed import EventFeed
from oms.api.websocket.event_subscriber import EventSubscriber
from oms.api.websocket.frames import (
    Frame,
    MalformedFrame,
    error_frame,
    hello_frame,
    read_frame,
    reply_frame,
)
from oms.api.websocket.market_feed import MarketFeed
from oms.api.websocket.market_subscriber import MarketSubscriber
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
from oms.wire.json import time_text

INVALID_CREDENTIAL = 1008
INTERNAL_FAILURE = 1011
TOO_MALFORMED = 4400
NOT_AUTHENTICATED = 4401
TOO_MANY = 4429
MALFORMED_IN_A_ROW_MAX = 10
CLOSE_TIMEOUT_SECONDS = 10.0
ACCESS_CHECK_SECONDS = 2.0

logger = logging.getLogger(__name__)


class ConnectionLimiter(Protocol):
    """Counts what the sockets of a key do."""

    def enter(self, api_key_id: int) -> bool:
        """Count one more socket; ``False`` if that is too many."""
        ...

    def leave(self, api_key_id: int) -> None:
        """Count one less."""
        ...

    def frame(self, api_key_id: int) -> bool:
        """Count a frame; ``False`` if those are too many."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class Session:
    """One connection; ``run`` serves it to its end."""

    socket: WebSocket
    context: ApiContext
    feed: EventFeed
    snapshots: SnapshotLoader
    connection_limiter: ConnectionLimiter
    markets: MarketFeed
    ip: str
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    key: str | None = None
    principal: Principal | None = None
    _frames: int = 0
    _malformed: int = 0
    _outbox: SendBuffer = field(init=False)
    _commands: CommandSubmitter = field(init=False)
    _listening: EventSubscriber = field(init=False)
    _watching: MarketSubscriber = field(init=False)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def __post_init__(self) -> None:
        limits = self.context.settings.events
        self._outbox = SendBuffer(
            send=self.socket.send,
            frames_max=limits.frames_waiting_max,
            bytes_max=limits.bytes_waiting_max,
        )
        self._commands = CommandSubmitter(
            context=self.context,
            send_buffer=self._outbox,
            spawn=self._spawn,
            ip=self.ip,
            who=self._who,
        )
        self._listening = EventSubscriber(
            context=self.context,
            feed=self.feed,
            snapshots=self.snapshots,
            send_buffer=self._outbox,
            spawn=self._spawn,
        )
        self._watching = MarketSubscriber(
            markets=self.markets, send_buffer=self._outbox, spawn=self._spawn, who=self._who
        )

    async def run(self, key: str | None) -> None:
        """Serve until one side closes."""
        writer = asyncio.create_task(self._write(), name="ws-write")
        reader = self._spawn(self._serve(key))
        closing = asyncio.create_task(self._outbox.closing.wait())
        try:
            await asyncio.wait({writer, reader, closing}, return_when=asyncio.FIRST_COMPLETED)
            if self._outbox.closing.is_set():
                await asyncio.wait({writer}, timeout=CLOSE_TIMEOUT_SECONDS)
        finally:
            self._listening.close()
            self._watching.close()
            tasks = [writer, closing, *self._tasks]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._become(None)

    def close(self, code: int, reason: str = "") -> None:
        """End it from outside."""
        self._outbox.close(code, reason)

    async def _serve(self, key: str | None) -> None:
        if key is not None and not await self._entered(key):
            return
        self._outbox.put(hello_frame(self._hello()))
        self._spawn(self._watch())
        while True:
            try:
                message = await self.socket.receive()
            except WebSocketDisconnect:
                return
            # What comes after the end was decided is not done: its answer could not be told.
            if message["type"] == "websocket.disconnect" or self._outbox.closing.is_set():
                return
            await self._take(message.get("text"))

    async def _write(self) -> None:
        try:
            await self._outbox.run()
        except (WebSocketDisconnect, RuntimeError, OSError) as gone:
            logger.debug("socket_gone", extra={"session": self.id, "reason": str(gone)})

    async def _entered(self, key: str) -> bool:
        """Whether the credential of the connection counts; else it is closing."""
        try:
            await self._authenticate(key)
        except (Unauthenticated, Forbidden) as wrong:
            self._outbox.close(INVALID_CREDENTIAL, wrong.code)
        except RateLimited as wrong:
            self._outbox.put(error_frame(Frame(payload={}, request_id=self.id), wrong))
            self._outbox.close(TOO_MANY)
        except OmsError as wrong:
            self._outbox.put(error_frame(Frame(payload={}, request_id=self.id), wrong))
            self._outbox.close(INTERNAL_FAILURE)
        return self.principal is not None

    def _hello(self) -> Mapping[str, Any]:
        return {
            "session": self.id,
            "server_time": time_text(self.context.clock.now()),
            "heartbeat_ms": int(self.context.settings.events.ping_seconds * 1000),
            "version": self.context.version,
        }

    async def _authenticate(self, key: str | None) -> Principal:
        """Become who the key is. Raises ``Unauthenticated``, ``RateLimited``, ``Unavailable``."""
        principal = await self.context.authenticate(key, self.ip)
        known = self.principal
        if known is None or known.api_key_id != principal.api_key_id:
            if not self.connection_limiter.enter(principal.api_key_id):
                raise RateLimited("the key has too many connections", reason="connections")
            self._become(principal)
        self.principal, self.key = principal, key
        return principal

    def _become(self, principal: Principal | None) -> None:
        if self.principal is not None:
            self.connection_limiter.leave(self.principal.api_key_id)
        self.principal = principal

    async def _who(self) -> Principal:
        return await self.context.authenticate(self.key, self.ip)

    async def _take(self, text: str | None) -> None:
        """One frame. Whatever is wrong with it is told, and the connection stays."""
        self._frames += 1
        if self.principal is not None and not self.connection_limiter.frame(
            self.principal.api_key_id
        ):
            self._outbox.close(TOO_MANY, "too many frames")
            return
        try:
            frame = read_frame(text, f"{self.id}-{self._frames}")
        except MalformedFrame as wrong:
            self._malformed += 1
            self._outbox.put(error_frame(wrong.frame, wrong))
            if self._malformed >= MALFORMED_IN_A_ROW_MAX:
                self._outbox.close(TOO_MALFORMED, "malformed frames")
            return
        self._malformed = 0
        try:
            await self._act(frame)
        except OmsError as wrong:
            self._outbox.put(error_frame(frame, wrong))
            if isinstance(wrong, RateLimited):
                self._outbox.close(TOO_MANY, "too many connections")

    async def _act(self, frame: Frame) -> None:
        namespace = frame.namespace or "system"
        if frame.action == "ping":
            self._outbox.put(reply_frame(frame, "pong", {}))
        elif (namespace, frame.action) == ("system", "auth"):
            await self._auth(frame)
        elif self.principal is None:
            raise Unauthenticated("authenticate first", code="not_authenticated")
        else:
            match namespace, frame.action:
                case "system", "subscribe":
                    await self._listening.subscribe(frame, self.principal)
                case "system", "unsubscribe":
                    self._listening.unsubscribe(frame)
                case "position", "command":
                    self._commands.command(frame)
                case "ccxt", "call":
                    self._commands.call(frame)
                case "ccxt", "subscribe_market":
                    self._watching.subscribe(frame, self.principal)
                case "ccxt", "unsubscribe_market":
                    self._watching.unsubscribe(frame)
                case _:
                    raise Invalid("there is no such action", code="unsupported_action")

    async def _auth(self, frame: Frame) -> None:
        key = frame.payload.get("api_key")
        if not isinstance(key, str) or not key:
            raise Unauthenticated("api_key is the key", code="missing_api_key")
        who = await self._authenticate(key.strip())
        self._narrow(who)
        told = {"user_id": who.user_id, "api_key_id": who.api_key_id, "role": who.role.value}
        self._outbox.put(reply_frame(frame, "authenticated", told))

    def _narrow(self, who: Principal) -> None:
        self._listening.narrow(who)
        self._watching.narrow(who)

    async def _watch(self) -> None:
        """Credential and rights, as long as the connection lives."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self.context.settings.events.auth_seconds
        while True:
            await asyncio.sleep(min(ACCESS_CHECK_SECONDS, max(deadline - clock(), 0.01)))
            if self.principal is None:
                if clock() >= deadline:
                    self._outbox.close(NOT_AUTHENTICATED, "not authenticated")
                    return
                continue
            deadline = clock() + ACCESS_CHECK_SECONDS
            try:
                self._narrow(await self._authenticate(self.key))
            except (Unauthenticated, Forbidden):
                self._outbox.close(NOT_AUTHENTICATED, "credential ended")
                return
            except Unavailable:
                continue  # nothing can be told now either

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        wrong = None if task.cancelled() else task.exception()
        if wrong is None:
            return
        logger.error("session_fell", exc_info=wrong, extra={"session": self.id})
        message = "the server met an error; it is logged under this request id"
        refused = Refused(code="internal_error", message=message)
        self._outbox.put(error_frame(Frame(payload={}, request_id=self.id), refused))
        self._outbox.close(INTERNAL_FAILURE)
