"""Carrying plans out with ``await``: requests over an asynchronous client."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Mapping
from itertools import count
from typing import Any, Protocol

from ccxt_driver.errors import raise_if_refused
from ccxt_driver.plans import Plan, pause_before_retry
from ccxt_driver.wire import Body, Request


class AsyncHttpClient(Protocol):
    """Whatever can ask the gateway; a plain function may stand where a coroutine is expected."""

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        payload: Any = None,
    ) -> Awaitable[Body]:
        """The body of the answer; raises where it is a refusal."""
        ...


async def carry_out(plan: Plan[Any], http: AsyncHttpClient, timeout_seconds: float) -> Any:
    """The result of a plan."""
    try:
        request = next(plan)
        while True:
            try:
                body = await send(request, http, timeout_seconds)
            except RuntimeError as failed:
                request = plan.throw(failed)
            else:
                request = plan.send(body)
    except StopIteration as done:
        return done.value


async def send(request: Request, http: AsyncHttpClient, timeout_seconds: float) -> Body:
    """Send a request once; a read that failed for a while up to two times more."""
    ends_at = time.monotonic() + timeout_seconds
    for attempt in count():
        try:
            return await _ask(request, http)
        except RuntimeError as failed:
            left = ends_at - time.monotonic()
            pause = pause_before_retry(request, failed, attempt, left)
            if pause is None:
                raise
        await asyncio.sleep(pause)
    raise AssertionError("counting does not end")


async def _ask(request: Request, http: AsyncHttpClient) -> Body:
    asked: Any = http.request(
        request.method, request.path, query=dict(request.query) or None, payload=request.payload
    )
    body: Body = await asked if inspect.isawaitable(asked) else asked
    raise_if_refused(body, request)
    return body
