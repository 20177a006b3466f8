"""Requests to the gateway, blocking; JSON numbers are read as decimals.

The connections and the HTTP parser are those of ``ccxt_driver``, which need no ccxt.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode, urlsplit

from ccxt_driver.sansio.http1 import HttpRequest, HttpResponse
from ccxt_driver.sansio.idle_pool import RequestNotSent
from ccxt_driver.transport.connection_pool import ConnectionPool
from ccxt_driver.wire import json_bytes
from mt5_driver.errors import AnswerLost, GatewayError, NotReached

#: A read is repeated so often if the gateway says that it may be.
READ_REPEATS_MAX = 2
_REPEAT_SECONDS = 0.2
_REPEAT_SECONDS_MAX = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Where the gateway is, a key, and the account."""

    base_url: str
    api_key: str
    account_id: int


class GatewayClient:
    """A client of one gateway with one API key. Several threads may use it."""

    def __init__(self, base_url: str, api_key: str, timeout_seconds: float) -> None:
        self._prefix = urlsplit(base_url).path.rstrip("/")
        self._api_key = api_key
        self._pool = ConnectionPool(base_url, timeout_seconds)
        #: Milliseconds that the last request took.
        self.last_ping_ms = 0.0

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """Returns the body of a read.

        Raises ``GatewayError``, ``NotReached`` or ``AnswerLost``.
        """
        return self._repeat("GET", path, query or {}, None)

    def call(self, account_id: int, function: str, *args: Any) -> Any:
        """Returns the result of a ccxt read on the account's exchange; raises as ``get``."""
        path = f"/ccxt/{account_id}/{function}"
        return self._repeat("POST", path, {}, {"args": list(args), "kwargs": {}})["result"]

    def post(self, path: str, payload: Any, query: Mapping[str, Any] | None = None) -> Any:
        """Returns the body of a request that is sent once; raises as ``get``."""
        return self._exchange("POST", path, query or {}, payload, is_repeatable=False)

    def close(self) -> None:
        """Closes the connections."""
        self._pool.close()

    def _repeat(self, method: str, path: str, query: Mapping[str, Any], payload: Any) -> Any:
        for left in range(READ_REPEATS_MAX, -1, -1):
            try:
                return self._exchange(method, path, query, payload, is_repeatable=True)
            except GatewayError as error:
                if not left or error.detail.get("retryable") is not True:
                    raise
                seconds = float(error.detail.get("retry_after") or _REPEAT_SECONDS)
                time.sleep(min(seconds, _REPEAT_SECONDS_MAX))
        raise AssertionError("the loop returns or raises")

    def _exchange(
        self, method: str, path: str, query: Mapping[str, Any], payload: Any, *, is_repeatable: bool
    ) -> Any:
        target = self._prefix + path + (f"?{urlencode(query)}" if query else "")
        headers = {"accept": "application/json", "x-api-key": self._api_key}
        if payload is not None:
            headers["content-type"] = "application/json"
        request = HttpRequest(
            method=method,
            target=target,
            headers=headers,
            body=None if payload is None else json_bytes(payload),
            is_repeatable=is_repeatable,
        )
        started = time.perf_counter()
        try:
            response = self._pool.exchange(request)
        except RequestNotSent as error:
            raise NotReached(error) from error
        except OSError as error:
            raise AnswerLost(error) from error
        self.last_ping_ms = (time.perf_counter() - started) * 1000
        return _read_body(response)


def _read_body(response: HttpResponse) -> Any:
    try:
        body = json.loads(response.body, parse_float=Decimal)
    except ValueError as error:
        raise AnswerLost(f"the response {response.status} is not JSON") from error
    if response.status < 400:
        return body
    detail = body.get("detail") if isinstance(body, dict) else None
    fields = detail if isinstance(detail, dict) else {"message": str(detail or response.status)}
    after = response.headers.get("retry-after", "")
    raise GatewayError(
        response.status, {**fields, "retry_after": float(after) if after.isdigit() else None}
    )
