"""The ``watch_*`` calls that are awaited at the moment, so that ``un_watch_*`` can end them."""

import asyncio
from collections.abc import Coroutine
from typing import Any, NamedTuple, TypeVar

from ccxt_driver.errors import driver_error

Result = TypeVar("Result")


class WatchName(NamedTuple):
    """What a call watches; ``symbol`` in upper case, both empty for the account's own rows."""

    kind: str
    symbol: str = ""
    timeframe: str = ""


class PendingWatches:
    """Each awaited call is a task of its own, which ``end`` cancels."""

    def __init__(self) -> None:
        self._names: dict[asyncio.Task[Any], WatchName] = {}

    async def run(self, name: WatchName, watch: Coroutine[Any, Any, Result]) -> Result:
        """Returns the result of a watch. Raises ``UnsubscribeError`` if it is ended before."""
        task = asyncio.ensure_future(watch)
        self._names[task] = name
        try:
            return await task
        except asyncio.CancelledError:
            if task in self._names:
                raise  # the caller was canceled
            message = f"{' '.join(filter(None, name))} is no longer watched"
            raise driver_error("UnsubscribeError", message, code="unsubscribed") from None
        finally:
            self._names.pop(task, None)

    def end(self, kind: str, symbol: str | None = None, timeframe: str | None = None) -> None:
        """Ends the calls of a kind, symbol and timeframe, ``None`` for any."""
        for task, name in list(self._names.items()):
            is_symbol = symbol is None or name.symbol == symbol.upper()
            if name.kind == kind and is_symbol and timeframe in (None, name.timeframe):
                del self._names[task]
                task.cancel()
