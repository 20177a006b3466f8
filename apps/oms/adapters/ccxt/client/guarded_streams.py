"""A class of ccxt.pro under the host guard where it dials, which tells when it cannot go on."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from oms.adapters.ccxt.client.host_guard import HostGuard
from oms.adapters.ccxt.streams.ws_connections import adopt_connection, is_url


def guard_stream_class(
    base: type[Any], guard: HostGuard, called: Callable[[str], None]
) -> type[Any]:
    """``base``, a venue's class of ccxt, with guarded streams; ``called`` hears each address."""

    class GuardedStreams(base):  # type: ignore[misc]
        def __init__(self, config: Mapping[str, Any]) -> None:
            self.delayed: Sequence[Any] = ()
            #: The address that a task listens to.
            self.line_of: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
            super().__init__(config)

        def client(self, url: str) -> Any:
            if is_url(url):
                guard.check_stream(url)
                called(url)
                self.line_of[asyncio.current_task()] = url
            line = super().client(url)
            adopt_connection(line)
            return line

        def handle_message(self, client: Any, message: Any) -> None:
            try:
                super().handle_message(client, message)
            except Exception as wrong:
                client.reject(wrong)  # ccxt ends its reading of the connection: who listens is told
                raise

        def delay(self, timeout: float, method: Any, *args: Any) -> Any:
            handle = super().delay(timeout, method, *args)
            self.delayed = [*(each for each in self.delayed if not each.cancelled()), handle]
            return handle

        def cancel_delayed(self) -> None:
            """Let nothing begin by itself any more: ccxt renews what streams are signed with."""
            for handle in self.delayed:
                handle.cancel()
            self.delayed = ()

    return GuardedStreams
