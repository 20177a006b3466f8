"""A venue's ccxt.pro class that checks the host of each stream and reports broken connections."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from oms.adapters.ccxt.client.host_guard import HostGuard
from oms.adapters.ccxt.streams.ws_connections import adopt_connection, is_url


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
