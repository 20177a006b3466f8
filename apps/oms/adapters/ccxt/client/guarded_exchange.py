"""A venue's ccxt class with the host guard and the request throttle: the last step before a socket.

It waits for the throttle before a request is signed. Arguments and results stay unchanged.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

from oms.adapters.ccxt.client.host_guard import HostGuard
from oms.adapters.ccxt.client.http_session import CURRENT_CALL
from oms.adapters.ccxt.client.market_cache import keep_order_limits
from oms.adapters.ccxt.client.request_errors import HttpReply, UnreadableReply
from oms.adapters.ccxt.ratelimit.request_throttle import RequestThrottle
from oms.adapters.ccxt.streams.ws_connections import adopt_connection, is_url
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.domain.value import evolve

UrlObserver = Callable[[str], None]
#: ccxt's own lines, which it would print; its name makes them a library's for redaction.
_library_log = logging.getLogger("ccxt.verbose")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def _copy_params(params: Any) -> Any:
    """Some venues take a list of orders even for one."""
    return list(params) if isinstance(params, list) else dict(params)


class _ReplyRecorder:
    """Records each reply in the current call, before ccxt parses it."""

    def on_rest_response(
        self,
        code: int,
        reason: str,
        url: str,
        method: str,
        response_headers: Any,
        response_body: str,
        *more: Any,
    ) -> str:
        call = CURRENT_CALL.get()
        if call is not None:
            call.reply = HttpReply(
                status=code, headers=response_headers, body=response_body, url=url
            )
        parent: Any = super()
        args = (code, reason, url, method, response_headers, response_body, *more)
        text: str = parent.on_rest_response(*args)
        return text


def guard_exchange_class(
    base: type[Any], guard: HostGuard, throttle: RequestThrottle, on_call: UrlObserver
) -> type[Any]:
    """Returns a subclass of ``base``, a venue's ccxt class, that checks each request by ``guard``.

    ``on_call`` is called with each URL that passes.
    """

    streaming: Any = guard_stream_class(base, guard, on_call)

    class Guarded(_ReplyRecorder, streaming):  # type: ignore[misc]
        async def fetch2(
            self,
            path: str,
            api: Any = "public",
            method: str = "GET",
            params: Any = _NOTHING,
            config: Any = _NOTHING,
        ) -> Any:
            await throttle.wait(
                CURRENT_CALL.get(),
                api=api if isinstance(api, str) else " ".join(api),
                path=path,
                cost=self.calculate_rate_limiter_cost(api, method, path, params, config),
                per_second=1000 / self.rateLimit,
            )
            return await super().fetch2(path, api, method, _copy_params(params), dict(config))

        async def fetch(
            self, url: str, method: str = "GET", headers: Any = None, body: Any = None
        ) -> Any:
            guard.check(url, {**(self.headers or {}), **(headers or {})})
            on_call(url)
            call = CURRENT_CALL.get()
            if call is not None and _has_own_session(self):
                call.headers_sent += 1
            reply = await super().fetch(url, method, headers, body)
            profile = get_profile(guard.venue)
            reported = profile.parse_order_limits(url, reply) if profile.parse_order_limits else ()
            if reported:
                keep_order_limits(self, reported)
            if not profile.errors.is_success(reply):
                raise UnreadableReply("HTTP reported success, the body did not")
            if call is not None and call.reply is not None:
                call.reply = evolve(call.reply, is_accepted=True)
            return reply

    Guarded.__name__ = Guarded.__qualname__ = base.__name__
    return Guarded


def _has_own_session(exchange: Any) -> bool:
    """With a SOCKS proxy ccxt uses a session of its own, which reports nothing."""
    return bool(exchange.socksProxy or exchange.socks_proxy or exchange.socksProxyCallback)


def guard_stream_class(
    base: type[Any], guard: HostGuard, on_call: Callable[[str], None]
) -> type[Any]:
    """Returns a subclass of ``base`` with guarded streams; ``on_call`` is called with each URL."""

    class GuardedStreams(base):  # type: ignore[misc]
        def __init__(self, config: Mapping[str, Any]) -> None:
            self.delayed_calls: Sequence[Any] = ()
            #: The URL that a task listens to.
            self.url_of_task: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
            super().__init__(config)

        def log(self, *args: Any) -> None:
            _library_log.debug(" ".join(map(str, args)).strip())

        def client(self, url: str) -> Any:
            if is_url(url):
                guard.check_stream(url)
                on_call(url)
                self.url_of_task[asyncio.current_task()] = url
            connection = super().client(url)
            adopt_connection(connection)
            return connection

        def handle_message(self, client: Any, message: Any) -> None:
            try:
                super().handle_message(client, message)
            except Exception as error:
                client.reject(error)  # ccxt stops reading the connection: listeners must fail
                raise

        def delay(self, timeout: float, method: Any, *args: Any) -> Any:
            handle = super().delay(timeout, method, *args)
            self.delayed_calls = [
                *(each for each in self.delayed_calls if not each.cancelled()),
                handle,
            ]
            return handle

        def cancel_delayed(self) -> None:
            """Cancel calls that ccxt scheduled: it renews what streams are signed with."""
            for handle in self.delayed_calls:
                handle.cancel()
            self.delayed_calls = ()

    return GuardedStreams
