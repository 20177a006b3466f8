"""Runs request flows over an asynchronous client: the I/O loop of the asyncio classes."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from ccxt_driver.sansio.flow import Flow, Send, run_steps
from ccxt_driver.wire import Body, Request


class AsyncHttpClient(Protocol):
    """A client whose ``request`` is a coroutine; a plain function is accepted as well."""

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        payload: Any = None,
    ) -> Awaitable[Body]:
        """Returns the body of the response; raises ``RuntimeError`` for an error."""
        ...


async def run_flow(flow: Flow[Any], http: AsyncHttpClient, timeout_seconds: float) -> Any:
    """Executes the steps of a flow; returns its result."""
    steps = run_steps(flow, timeout_seconds, time.monotonic)
    try:
        step = next(steps)
        while True:
            if isinstance(step, Send):
                try:
                    body = await _send(step.request, http)
                except RuntimeError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(body)
            else:
                await asyncio.sleep(step.seconds)
                step = next(steps)
    except StopIteration as done:
        return done.value


async def _send(request: Request, http: AsyncHttpClient) -> Body:
    result: Any = http.request(
        request.method, request.path, query=dict(request.query) or None, payload=request.payload
    )
    body: Body = await result if inspect.isawaitable(result) else result
    return body
