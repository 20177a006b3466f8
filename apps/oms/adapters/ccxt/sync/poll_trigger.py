"""Requests for an early poll, from all that know of a change at the exchange."""

import asyncio

from oms.adapters.ccxt.streams.stream_status import StreamStatus


class PollTrigger:
    """What is due for ``AccountPoller``, of one account."""

    def __init__(self, stream_status: StreamStatus) -> None:
        self._stream_status = stream_status
        #: Symbols with a change that was not polled yet.
        self.changed_symbols: set[str] = set()
        self._is_full_due = True
        self._wake = asyncio.Event()

    def poll_symbol_soon(self, symbol: str) -> None:
        """Poll a symbol soon, unless connected streams report the change."""
        if self._stream_status.is_connected:
            return
        self.changed_symbols.add(symbol)
        self._wake.set()

    def poll_soon(self) -> None:
        """Poll the whole account soon."""
        self._is_full_due = True
        self._wake.set()

    def set_full_due(self) -> None:
        """Make the next poll one of the whole account, without waking the poller."""
        self._is_full_due = True

    def take_full_due(self) -> bool:
        """Returns whether the whole account is due, which is reset."""
        is_due, self._is_full_due = self._is_full_due, False
        return is_due

    def clear(self) -> None:
        """Forget wake-ups up to now."""
        self._wake.clear()

    async def wait(self) -> None:
        """Wait for a request for an early poll."""
        await self._wake.wait()
