"""Carrying plans out at once: methods return when the gateway has answered."""

import time
from collections.abc import Mapping
from itertools import count
from typing import Any, Protocol

from ccxt_driver.config import read_config
from ccxt_driver.errors import raise_for_error
from ccxt_driver.http_client import OmsHttpClient
from ccxt_driver.methods.unified import UnifiedMethods
from ccxt_driver.sansio.flow import NO_PARAMS, Flow, retry_delay_seconds
from ccxt_driver.wire import Body, Request


class HttpClient(Protocol):
    """Whatever can ask the gateway."""

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        payload: Any = None,
    ) -> Body:
        """The body of the answer; raises where it is a refusal."""
        ...


class SyncMethods(UnifiedMethods):
    """ccxt's methods, synchronous. A trading request is sent exactly once."""

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
        /,
        *,
        api_key: str | None = None,
        account_id: int | str | None = None,
        strategy_id: int | str | None = None,
        base_url: str | None = None,
        timeout_seconds: float | None = None,
        http_client: HttpClient | None = None,
        dialect: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        keywords = {
            "api_key": api_key,
            "account_id": account_id,
            "strategy_id": strategy_id,
            "base_url": base_url,
            "timeout_seconds": timeout_seconds,
            "dialect": dialect,
            "options": options,
        }
        read = read_config(config, keywords)
        super().__init__(read)
        self.http: HttpClient = http_client or OmsHttpClient(
            base_url=read.base_url, api_key=read.api_key, timeout_seconds=read.timeout_seconds
        )
        self._sleep = time.sleep

    def _close_http(self) -> None:
        close = getattr(self.http, "close", None)
        if close is not None:
            close()

    def _need_markets(self) -> None:
        self._run(self._load_markets(False, NO_PARAMS))

    def _run(self, plan: Flow[Any]) -> Any:
        try:
            request = next(plan)
            while True:
                try:
                    body = self._send(request)
                except RuntimeError as failed:
                    request = plan.throw(failed)
                else:
                    request = plan.send(body)
        except StopIteration as done:
            return done.value

    def _send(self, request: Request) -> Body:
        """Send a request once; a read that failed for a while up to two times more."""
        ends_at = time.monotonic() + self.timeout_seconds
        for attempt in count():
            try:
                return self._ask(request)
            except RuntimeError as failed:
                left = ends_at - time.monotonic()
                pause = retry_delay_seconds(request, failed, attempt, left)
                if pause is None:
                    raise
            self._sleep(pause)
        raise AssertionError("counting does not end")

    def _ask(self, request: Request) -> Body:
        body = self.http.request(
            request.method,
            request.path,
            query=dict(request.query) or None,
            payload=request.payload,
        )
        raise_for_error(body, request)
        return body
