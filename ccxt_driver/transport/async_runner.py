"""Carrying plans out with ``await``: requests over an asynchronous client."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Mapping
from itertools import count
from typing import Any, Protocol

from ccxt_driver.errors import raise_for_error
from ccxt_driver.sansio.flow import Flow, retry_delay_seconds
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


async def run_flow(plan: Flow[Any], http: AsyncHttpClient, timeout_seconds: float) -> Any:
    """The result of a plan."""
    try:
        request = next(plan)
        while True:
            try:
                body = await send_with_retry(request, http, timeout_seconds)
            except RuntimeError as failed:
                request = plan.throw(failed)
            else:
                request = plan.send(body)
    except StopIteration as done:
        return done.value


async def send_with_retry(request: Request, http: AsyncHttpClient, timeout_seconds: float) -> Body:
    """Send a request once; a read that failed for a while up to two times more."""
    ends_at = time.monotonic() + timeout_seconds
    for attempt in count():
        try:
            return await _ask(request, http)
        except RuntimeError as failed:
            left = ends_at - time.monotonic()
            pause = retry_delay_seconds(request, failed, attempt, left)
            if pause is None:
                raise
        await asyncio.sleep(pause)
    raise AssertionError("counting does not end")


async def _ask(request: Request, http: AsyncHttpClient) -> Body:
    asked: Any = http.request(
        request.method, request.path, query=dict(request.query) or None, payload=request.payload
    )
    body: Body = await asked if inspect.isawaitable(asked) else asked
    raise_for_error(body, request)
    return body
