"""Commands and ccxt calls of one authenticated socket.

Commands are stored in the order of their frames, in batches of what has arrived meanwhile. Each is
then awaited separately and answered when it ends, in any order.
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
from oms.wire.request_body import Malformed, malformed_at, without_root

IN_FLIGHT_MAX = 1000
"""Commands and calls of one socket that wait for their response."""

BATCH_MAX = 100


class CommandContext(Protocol):
    """The part of ``ApiContext`` that commands need."""

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
class _ParsedCommand:
    """A valid command frame."""

    frame: Frame
    command: CommandRequest
    wait_seconds: float
    with_rows: bool


@dataclass(slots=True, kw_only=True)
class CommandSubmitter:
    """Submits the commands and calls of one socket and sends their responses."""

    context: CommandContext
    send_buffer: SendBuffer
    spawn: Spawn
    ip: str
    #: Authenticates the connection again. Raises ``Unauthenticated``, ``Unavailable``.
    authenticate: Callable[[], Awaitable[Principal]]
    _queue: deque[_ParsedCommand] = field(default_factory=deque)
    _in_flight: int = 0
    _is_storing: bool = False

    def submit_command(self, frame: Frame) -> None:
        """Queue a command for storing. Raises ``Malformed``, ``Invalid``."""
        parsed = self._parse(frame)
        self._reserve_slot()
        self._queue.append(parsed)
        if not self._is_storing:
            self._is_storing = True
            self.spawn(self._store_queue())

    def submit_call(self, frame: Frame) -> None:
        """Execute a ccxt call. Raises ``Malformed``, ``Invalid``."""
        payload = dict(frame.payload)
        account_id = _account_id(payload.pop("account_id", None))
        func = payload.pop("func", None)
        if not isinstance(func, str):
            raise malformed_at(("func",), "func names the method", "missing")
        command = CommandRequest(
            payload=read_ccxt_call(snake_case(func), payload), account_id=account_id
        )
        self._reserve_slot()
        self.spawn(self._call(frame, command))

    def _reserve_slot(self) -> None:
        if self._in_flight >= IN_FLIGHT_MAX:
            message = f"{IN_FLIGHT_MAX} commands of this connection have no response yet"
            raise Invalid(message, code="rate_limited", reason="in_flight")
        self._in_flight += 1

    def _respond(self, text: str) -> None:
        self._in_flight -= 1
        self.send_buffer.put(text)

    def _parse(self, frame: Frame) -> _ParsedCommand:
        body = dict(frame.payload)
        requested_ms = body.pop("wait_ms", None)
        wait_ms = self.context.settings.commands.default_wait_ms
        if requested_ms is not None:
            if not isinstance(requested_ms, int) or isinstance(requested_ms, bool):
                raise malformed_at(("wait_ms",), "a whole number is expected", "int_type")
            wait_ms = min(max(requested_ms, 0), WAIT_MS_MAX)
        try:
            (command,) = read_commands(body, 1)
        except Malformed as error:
            raise Malformed([without_root(each) for each in error.errors]) from None
        with_rows = requested_ms is not None and wait_ms > 0
        return _ParsedCommand(frame, command, wait_ms / 1000, with_rows)

    async def _store_queue(self) -> None:
        """Store queued commands batch by batch until the queue is empty."""
        try:
            while self._queue:
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_MAX))]
                await self._store_batch(batch)
        finally:
            self._is_storing = False

    async def _store_batch(self, batch: Sequence[_ParsedCommand]) -> None:
        try:
            principal = await self.authenticate()
            batch = self._charge(batch, principal)
            if not batch:
                return
            request = SubmitRequest(
                commands=[each.command for each in batch], principal=principal, ip=self.ip
            )
            items = (await self.context.submit(request)).items
        except OmsError as error:
            for each in batch:
                self._respond(error_frame(each.frame, error))
            return
        for each, item in zip(batch, items, strict=True):
            self.spawn(self._await(each, item))

    def _charge(
        self, batch: Sequence[_ParsedCommand], principal: Principal
    ) -> Sequence[_ParsedCommand]:
        """Return the commands within the key's rate limits; the others get an error frame."""
        allowed: list[_ParsedCommand] = []
        for each in batch:
            try:
                self.context.rate_limiter.take_commands(
                    principal.api_key_id, [each.command.payload]
                )
                allowed.append(each)
            except OmsError as error:
                self._respond(error_frame(each.frame, error))
        return allowed

    async def _await(self, parsed: _ParsedCommand, item: SubmitItemResult) -> None:
        ids = [] if item.command_id is None else [item.command_id]
        rows = await self.context.result_waiter(ids, parsed.wait_seconds)
        self.context.request_metrics.count_commands([parsed.command.payload], rows.values())
        row_queries = self.context.queries if parsed.with_rows else None
        (result,) = await build_results([item], rows, parsed.frame.request_id, row_queries)
        self._respond(reply_frame(parsed.frame, "command_result", result, ok=result["ok"]))

    async def _call(self, frame: Frame, command: CommandRequest) -> None:
        try:
            text = await self._execute_call(frame, command)
        except OmsError as error:
            text = _ccxt_error(frame, to_refused(error))
        self._respond(text)

    async def _execute_call(self, frame: Frame, command: CommandRequest) -> str:
        principal, payload = await self.authenticate(), command.payload
        assert isinstance(payload, CcxtCall) and command.account_id is not None
        await check_method_allowed(payload.func, command.account_id, self.context.submit.registry)
        self.context.rate_limiter.take(principal.api_key_id, RateLimitKind.CCXT)
        await require_live_worker(self.context.leases)
        request = SubmitRequest(commands=[command], principal=principal, ip=self.ip)
        (item,) = (await self.context.submit(request)).items
        seconds = default_wait_seconds(payload)
        ids = [] if item.command_id is None else [item.command_id]
        result = call_outcome(item, await self.context.result_waiter(ids, seconds), seconds)
        if isinstance(result, Refused):
            return _ccxt_error(frame, result, error_command(payload))
        return reply_frame(frame, "ccxt_result", f'{{"result":{result_json(result)}}}')


def _ccxt_error(frame: Frame, refused: Refused, command: str | None = None) -> str:
    payload = {
        "code": "ccxt_error",
        "message": refused.message,
        "request_id": frame.request_id,
        "detail": error_detail(refused, frame.request_id, command=command),
    }
    return reply_frame(frame, "error", payload, ok=False)


def _account_id(value: object) -> int:
    if value is None:
        raise Invalid("account_id is required", code="missing_account_id")
    try:
        return read_id(value)
    except ValueError:
        raise malformed_at(("account_id",), "an account id is expected") from None
