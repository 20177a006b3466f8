"""The client in use and its health: opened with retries and replaced after a failed open.

A client is opened once; after a failure a new one is made. The users of a connection do not know
which client is behind it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from oms.adapters.ccxt.client.exchange_client import ExchangeClient, Row
from oms.adapters.ccxt.client.request_errors import NotSent, ReadFailed, Rejected, RequestError
from oms.adapters.ccxt.timings import Timings, nth_delay
from oms.domain.errors import Refused
from oms.domain.instrument import Instrument

#: Failed reads in a row after which the account counts as unreachable.
_FAILURES_MAX = 2
_AUTH_FAILED = "auth_failed"
#: Codes that are more specific than "unreachable".
_PASSED_CODES = (_AUTH_FAILED, "host_mismatch", "engine_unavailable")


class Connection:
    """An ``ExchangeClient`` over the clients that ``make_client`` makes."""

    def __init__(self, make_client: Callable[[], ExchangeClient], timings: Timings) -> None:
        self._make_client = make_client
        self._timings = timings
        self._client: ExchangeClient | None = None
        self._failures = 0
        self._last_error: RequestError | None = None

    @property
    def is_open(self) -> bool:
        """Whether a client was opened."""
        return self._client is not None

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """All instruments by symbol; empty before a client is open."""
        return {} if self._client is None else self._client.instruments

    @property
    def exchange(self) -> Any:
        """The ccxt object."""
        assert self._client is not None, "used before it is open"
        return self._client.exchange

    @property
    def clock_error_ms(self) -> int:
        """Half of the duration of the last clock reading, in milliseconds."""
        return 0 if self._client is None else self._client.clock_error_ms

    @property
    def hosts_called(self) -> tuple[str, ...]:
        """The hosts called so far."""
        return () if self._client is None else tuple(self._client.hosts_called)

    @property
    def last_call_at(self) -> datetime | None:
        """Time of the last call."""
        return None if self._client is None else self._client.last_call_at

    def unavailable_reason(self) -> Refused | None:
        """Returns why nothing can be sent, as far as is known; ``None`` when healthy."""
        error = self._last_error
        if error is None:
            return None
        if self.is_open and error.code != _AUTH_FAILED and self._failures < _FAILURES_MAX:
            return None
        code = error.code if error.code in _PASSED_CODES else "exchange_unavailable"
        return Refused(code=code, message=error.message, reason=error.reason)

    async def open(self) -> None:
        """Retries until a client is open, with growing pauses."""
        while self._client is None:
            client = self._make_client()
            try:
                await client.open()
            except (NotSent, Rejected, ReadFailed) as error:
                await asyncio.sleep(self.record_failure(error))
            else:
                self._client = client
                self.record_success()

    def record_failure(self, error: RequestError) -> float:
        """Record a failed request; returns the seconds to wait before the next attempt."""
        self._last_error = error
        self._failures += 1
        pauses = (
            self._timings.auth_reopen_delays_seconds
            if error.code == _AUTH_FAILED
            else self._timings.reopen_delays_seconds
        )
        return max(nth_delay(pauses, self._failures - 1), error.retry_after or 0.0)

    def record_success(self) -> None:
        """Record a request that succeeded."""
        self._last_error, self._failures = None, 0

    async def write(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Sends once. Raises as ``ExchangeClient.write``."""
        if self._client is None:
            raise NotSent("exchange_unavailable", "the exchange cannot be reached yet")
        return await self._client.write(method, *args, **kwargs)

    async def place_orders(
        self, orders: Sequence[Mapping[str, Any]]
    ) -> Sequence[Row | RequestError]:
        """Places several orders by one request. Raises as ``ExchangeClient.write``."""
        if self._client is None:
            raise NotSent("exchange_unavailable", "the exchange cannot be reached yet")
        return await self._client.place_orders(orders)

    def order_wait(self, symbol: str, orders: int) -> float:
        """Returns the seconds until one request with so many new orders could be sent."""
        return 0.0 if self._client is None else self._client.order_wait(symbol, orders)

    async def read(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Reads. Raises ``ReadFailed``."""
        if self._client is None:
            message = "the exchange cannot be reached yet"
            raise ReadFailed("exchange_unavailable", message, retryable=True)
        return await self._client.read(method, *args, **kwargs)

    async def watch(self, method: str, params: Mapping[str, Any]) -> Sequence[Row]:
        """Returns the next rows of a stream. Raises ``ReadFailed``."""
        assert self._client is not None, "used before it is open"
        return await self._client.watch(method, params)

    async def close_streams(self) -> None:
        """Closes all streams."""
        if self._client is not None:
            await self._client.close_streams()

    async def close(self) -> None:
        """Closes the client for good."""
        if self._client is not None:
            await self._client.close()
