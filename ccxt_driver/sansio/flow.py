"""Request flows: generators that yield requests, receive response bodies and return a result.

A flow does no I/O, so the synchronous and the asynchronous classes share it. ``run_steps`` adds
the retries of reads and turns a flow into single I/O steps, which two small loops execute:
``methods.sync`` and ``transport.async_runner``.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar

from ccxt_driver.errors import raise_for_error
from ccxt_driver.structures import StructureBuilder
from ccxt_driver.wire import Body, Request

Result = TypeVar("Result")
Flow = Generator[Request, Body, Result]
"""Yields requests; a failed one throws its exception into the flow."""

Params = Mapping[str, Any]
NO_PARAMS: Params = MappingProxyType({})

#: Seconds before the first and the second repetition of a failed read.
READ_RETRY_SECONDS = (0.1, 0.4)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """Settings of one exchange object that apply to each of its calls."""

    account_id: int
    strategy_id: int
    timeout_seconds: float
    structures: StructureBuilder
    clock: Callable[[], datetime]

    def strategy_id_for(self, params: Params) -> int:
        """Returns the strategy id in ``params``, else that of the object; 0 is none."""
        strategy_id = params.get("strategy_id")
        return self.strategy_id if strategy_id is None else int(strategy_id)


@dataclass(frozen=True, slots=True)
class Send:
    """An I/O step: send the request; the answer to it is the response body."""

    request: Request


@dataclass(frozen=True, slots=True)
class Sleep:
    """An I/O step: wait."""

    seconds: float


Step = Send | Sleep
Steps = Generator[Step, Any, Result]


def run_steps(
    flow: Flow[Result], timeout_seconds: float, monotonic: Callable[[], float]
) -> Steps[Result]:
    """Runs a flow as I/O steps; returns its result.

    A request is sent once. A failed read is repeated up to twice where that may help and while
    ``timeout_seconds`` have not passed since its first attempt. A ``RuntimeError`` of a ``Send``
    must be thrown into the generator; other exceptions of the I/O end it.
    """
    try:
        request = next(flow)
        while True:
            try:
                body = yield from _send_with_retry(request, timeout_seconds, monotonic)
            except RuntimeError as error:
                request = flow.throw(error)
            else:
                request = flow.send(body)
    except StopIteration as done:
        result: Result = done.value
        return result


def retry_delay_seconds(
    request: Request, error: Exception, attempt: int, seconds_left: float
) -> float | None:
    """Returns the seconds to wait before a request is repeated; ``None`` if it must not be.

    ``attempt`` is the number of failures before this one. Only reads are repeated, and only after
    errors marked as retryable; ``retry_after`` of the error is respected.
    """
    if not request.is_read or attempt >= len(READ_RETRY_SECONDS):
        return None
    delay: float = max(READ_RETRY_SECONDS[attempt], getattr(error, "retry_after", None) or 0)
    return delay if getattr(error, "retryable", False) and delay < seconds_left else None


def _send_with_retry(
    request: Request, timeout_seconds: float, monotonic: Callable[[], float]
) -> Steps[Body]:
    if request.delay_seconds:
        yield Sleep(request.delay_seconds)
    ends_at = monotonic() + timeout_seconds
    attempt = 0
    while True:
        try:
            body: Body = yield Send(request)
            raise_for_error(body, request)
            return body
        except RuntimeError as error:
            delay = retry_delay_seconds(request, error, attempt, ends_at - monotonic())
            if delay is None:
                raise
        yield Sleep(delay)
        attempt += 1
