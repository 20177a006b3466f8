"""Runs request flows over a blocking client: the I/O loop of the synchronous class."""

import time
from collections.abc import Mapping
from typing import Any, Protocol

from ccxt_driver.config import read_config
from ccxt_driver.http_client import OmsHttpClient
from ccxt_driver.methods.unified import UnifiedMethods
from ccxt_driver.sansio.flow import NO_PARAMS, Flow, Send, run_steps
from ccxt_driver.wire import Body, Request


class HttpClient(Protocol):
    """A blocking client of the gateway."""

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        payload: Any = None,
    ) -> Body:
        """Returns the body of the response; raises ``RuntimeError`` for an error."""
        ...


class SyncMethods(UnifiedMethods):
    """ccxt's methods, synchronous. A trading request is sent exactly once."""

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
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

    def sleep(self, milliseconds: float) -> None:
        """Waits, as ccxt's method of that name."""
        self._sleep(milliseconds / 1000)

    def throttle(self, cost: Any = None) -> None:
        """Does nothing: the gateway limits the request rate itself."""

    def _close_http(self) -> None:
        close = getattr(self.http, "close", None)
        if close is not None:
            close()

    def _load_markets_if_possible(self) -> None:
        self._run(self._load_markets(False, NO_PARAMS))

    def _run(self, flow: Flow[Any]) -> Any:
        steps = run_steps(flow, self.timeout_seconds, time.monotonic)
        try:
            step = next(steps)
            while True:
                if isinstance(step, Send):
                    try:
                        body = self._send(step.request)
                    except RuntimeError as error:
                        step = steps.throw(error)
                    else:
                        step = steps.send(body)
                else:
                    self._sleep(step.seconds)
                    step = next(steps)
        except StopIteration as done:
            return done.value

    def _send(self, request: Request) -> Body:
        return self.http.request(
            request.method,
            request.path,
            query=dict(request.query) or None,
            payload=request.payload,
        )
