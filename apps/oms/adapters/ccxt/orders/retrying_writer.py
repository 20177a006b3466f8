"""Sends a request once, and again only if it was certainly not sent, until its deadline."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Any

from oms.adapters.ccxt.client.exchange_client import ExchangeClient
from oms.adapters.ccxt.client.request_errors import NotSent, Overloaded, RequestError
from oms.adapters.ccxt.orders.ccxt_calls import CcxtCall, call_params
from oms.adapters.ccxt.orders.order_queues import WriteLimiter
from oms.adapters.ccxt.orders.order_request import OrderRequest
from oms.adapters.ccxt.timings import Timings, nth_delay

EXPIRED_BEFORE_SEND = "expired_before_send"
#: Failures before the first byte that may be temporary.
_TRANSIENT = frozenset({"exchange_unavailable", "exchange_rate_limited", "shutting_down"})


class RetryingWriter:
    """Writes of one account, through the limiter of all its writes."""

    def __init__(
        self,
        *,
        client: ExchangeClient,
        limiter: WriteLimiter,
        clock: Callable[[], datetime],
        timings: Timings,
    ) -> None:
        self._client = client
        self._limiter = limiter
        self._clock = clock
        self._timings = timings

    async def __call__(self, request: OrderRequest, call: CcxtCall) -> Any:
        """Returns the reply. Raises as ``ExchangeClient.write``."""
        params = call_params(call)
        for number in count():
            async with self._limiter.acquire(request):
                if self._clock() >= request.deadline:
                    raise NotSent(
                        EXPIRED_BEFORE_SEND,
                        "the time limit for sending has passed",
                        headers_sent=False,
                    )
                try:
                    return await self._client.write(call.method, *call.args, **params)
                except (NotSent, Overloaded) as error:
                    pause = self._pause(error, number)
                    if not is_transient(error) or pause >= self._seconds_left(request):
                        raise
            await asyncio.sleep(pause)
        raise AssertionError("the loop ends with a reply or an exception")

    def _pause(self, error: RequestError, number: int) -> float:
        pause = nth_delay(self._timings.resend_delays_seconds, number)
        return max(pause, error.retry_after or 0.0) if isinstance(error, Overloaded) else pause

    def _seconds_left(self, request: OrderRequest) -> float:
        return (request.deadline - self._clock()).total_seconds()


def is_transient(error: RequestError) -> bool:
    """Whether the failure may be temporary."""
    return isinstance(error, Overloaded) or error.code in _TRANSIENT
