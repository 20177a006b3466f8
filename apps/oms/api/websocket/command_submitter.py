"""What a client may ask on a socket after it has said who it is: commands, calls, ccxt.

Commands enter the queue in the order in which their frames came: what arrives together is stored
together, then each is awaited on its own and answered when it ends, in any order.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from oms.api.ccxt_calls import (
    call_outcome,
    check_method_allowed,
    default_wait_seconds,
    error_command,
    require_live_worker,
    result_json,
)
from oms.api.command_results import build_results
from oms.api.errors import error_detail, to_refused
from oms.api.metrics.request_metrics import RequestMetrics
from oms.api.rate_limits import RateLimiter, RateLimitKind
from oms.api.websocket.event_subscription import Spawn
from oms.api.websocket.frames import Frame, error_frame, reply_frame
from oms.api.websocket.send_buffer import SendBuffer
from oms.config import Settings
from oms.domain.access import Principal
from oms.domain.commands.command import CcxtCall
from oms.domain.errors import Invalid, OmsError, Refused
from oms.ports.leases import Leases
from oms.services.queries.ledger_queries import LedgerQueries
from oms.services.submission.result_waiter import ResultWaiter
from oms.services.submission.submit import Submit, SubmitItemResult, SubmitRequest
from oms.wire.ccxt.method_names import snake_case
from oms.wire.commands.command_requests import CommandRequest, read_ccxt_call, read_commands
from oms.wire.field_types import read_id
from oms.wire.query_parameters import WAIT_MS_MAX
from oms.wire.request_body import Malformed, malformed_at

IN_FLIGHT_MAX = 1000
"""Commands and calls of one socket without an answer yet."""

BATCH_MAX = 100


class CommandContext(Protocol):
    """What is needed of the application."""

    @property
    def settings(self) -> Settings: ...
    @property
    def submit(self) -> Submit: ...
    @property
    def result_waiter(self) -> ResultWaiter: ...
    @property
    def queries(self) -> LedgerQueries: ...
    @property
    def leases(self) -> Leases: ...
    @property
    def rate_limiter(self) -> RateLimiter: ...
    @property
    def request_metrics(self) -> RequestMetrics: ...


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A command frame that was understood."""

    frame: Frame
    wish: CommandRequest
    wait_seconds: float
    wants_rows: bool


@dataclass(slots=True, kw_only=True)
class CommandSubmitter:
    """The commands and calls of one socket."""

    context: CommandContext
    send_buffer: SendBuffer
    spawn: Spawn
    ip: str
    #: Who it is now. Raises ``Unauthenticated``, ``Unavailable``.
    who: Callable[[], Awaitable[Principal]]
    _queue: deque[_Wanted] = field(default_factory=deque)
    _in_flight: int = 0
    _is_storing: bool = False

    def command(self, frame: Frame) -> None:
        """Take a command. Raises ``Malformed``, ``Invalid``."""
        wanted = self._read(frame)
        self._claim()
        self._queue.append(wanted)
        if not self._is_storing:
            self._is_storing = True
            self.spawn(self._store())

    def call(self, frame: Frame) -> None:
        """Take a ccxt call. Raises ``Malformed``, ``Invalid``."""
        payload = dict(frame.payload)
        account_id = _account_id(payload.pop("account_id", None))
        func = payload.pop("func", None)
        if not isinstance(func, str):
            raise malformed_at(("func",), "func names the method", "missing")
        wish = CommandRequest(
            payload=read_ccxt_call(snake_case(func), payload), account_id=account_id
        )
        self._claim()
        self.spawn(self._call(frame, wish))

    def _claim(self) -> None:
        if self._in_flight >= IN_FLIGHT_MAX:
            message = f"{IN_FLIGHT_MAX} commands of this connection have no answer yet"
            raise Invalid(message, code="rate_limited", reason="in_flight")
        self._in_flight += 1

    def _answer(self, text: str) -> None:
        self._in_flight -= 1
        self.send_buffer.put(text)

    def _read(self, frame: Frame) -> _Wanted:
        body = dict(frame.payload)
        asked = body.pop("wait_ms", None)
        wait_ms = self.context.settings.commands.default_wait_ms
        if asked is not None:
            if not isinstance(asked, int) or isinstance(asked, bool):
                raise malformed_at(("wait_ms",), "a whole number is expected", "int_type")
            wait_ms = min(max(asked, 0), WAIT_MS_MAX)
        try:
            (wish,) = read_commands(body, 1)
        except Malformed as wrong:
            raise Malformed([{**one, "loc": one["loc"][1:]} for one in wrong.errors]) from None
        return _Wanted(frame, wish, wait_ms / 1000, asked is not None and wait_ms > 0)

    async def _store(self) -> None:
        """Store what has arrived, batch after batch, until nothing is left."""
        try:
            while self._queue:
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_MAX))]
                await self._store_batch(batch)
        finally:
            self._is_storing = False

    async def _store_batch(self, batch: Sequence[_Wanted]) -> None:
        try:
            principal = await self.who()
            batch = self._affordable(batch, principal)
            if not batch:
                return
            ask = SubmitRequest(
                commands=[one.wish for one in batch], principal=principal, ip=self.ip
            )
            placed = (await self.context.submit(ask)).items
        except OmsError as wrong:
            for one in batch:
                self._answer(error_frame(one.frame, wrong))
            return
        for one, item in zip(batch, placed, strict=True):
            self.spawn(self._await(one, item))

    def _affordable(self, batch: Sequence[_Wanted], principal: Principal) -> Sequence[_Wanted]:
        """What the key's budgets allow; the rest is answered."""
        allowed: list[_Wanted] = []
        for one in batch:
            try:
                self.context.rate_limiter.take_commands(principal.api_key_id, [one.wish.payload])
                allowed.append(one)
            except OmsError as wrong:
                self._answer(error_frame(one.frame, wrong))
        return allowed

    async def _await(self, one: _Wanted, item: SubmitItemResult) -> None:
        ids = [] if item.command_id is None else [item.command_id]
        rows = await self.context.result_waiter(ids, one.wait_seconds)
        self.context.request_metrics.count_commands([one.wish.payload], rows.values())
        made_from = self.context.queries if one.wants_rows else None
        (result,) = await build_results([item], rows, one.frame.request_id, made_from)
        self._answer(reply_frame(one.frame, "command_result", result, ok=result["ok"]))

    async def _call(self, frame: Frame, wish: CommandRequest) -> None:
        try:
            text = await self._called(frame, wish)
        except OmsError as wrong:
            text = _ccxt_error(frame, to_refused(wrong))
        self._answer(text)

    async def _called(self, frame: Frame, wish: CommandRequest) -> str:
        principal, payload = await self.who(), wish.payload
        assert isinstance(payload, CcxtCall) and wish.account_id is not None
        await check_method_allowed(payload.func, wish.account_id, self.context.submit.registry)
        self.context.rate_limiter.take(principal.api_key_id, RateLimitKind.CCXT)
        await require_live_worker(self.context.leases)
        ask = SubmitRequest(commands=[wish], principal=principal, ip=self.ip)
        (item,) = (await self.context.submit(ask)).items
        seconds = default_wait_seconds(payload)
        ids = [] if item.command_id is None else [item.command_id]
        result = call_outcome(item, await self.context.result_waiter(ids, seconds), seconds)
        if isinstance(result, Refused):
            return _ccxt_error(frame, result, error_command(payload))
        return reply_frame(frame, "ccxt_result", f'{{"result":{result_json(result)}}}')


def _ccxt_error(frame: Frame, refused: Refused, command: str | None = None) -> str:
    told = {
        "code": "ccxt_error",
        "message": refused.message,
        "request_id": frame.request_id,
        "detail": error_detail(refused, frame.request_id, command=command),
    }
    return reply_frame(frame, "error", told, ok=False)


def _account_id(value: object) -> int:
    if value is None:
        raise Invalid("account_id is required", code="missing_account_id")
    try:
        return read_id(value)
    except ValueError:
        raise malformed_at(("account_id",), "an account id is expected") from None
