"""``oms watch``: open orders, positions and deals live; without a terminal events as JSON lines.

The events are those of the WebSocket. A lost connection is opened again and continues after the
last event, so nothing is missed.
"""

import argparse
import asyncio
import contextlib
import json
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from oms.cli.network import account_id_list, api_key, server_url
from oms.cli.output import CommandFailed, shows_tables
from oms.cli.terminal.live_book import LiveBook
from oms.cli.terminal.row_tables import DEAL_COLUMNS, ORDER_COLUMNS, fit_table

if TYPE_CHECKING:
    from rich.console import RenderableType
    from websockets.asyncio.client import ClientConnection

POSITION_COLUMNS = (
    *("id", "account_id", "symbol", "side", "qty", "avg_price", "last", "move", "realized_pnl"),
    *("opened_at", "stop_loss", "stop_gain", "strategy_id"),
)
RECONNECT_SECONDS = (0.5, 5.0)
REFRESH_SECONDS = 0.2
#: Close codes after which another connection would be closed too: the key does not suffice.
_REFUSED = frozenset({1008, 4401, 4403})


@dataclass(slots=True)
class Watch:
    """One connection after another, and the books that their frames keep current."""

    url: str
    key: str
    account_ids: Sequence[int]
    prints_json: bool
    book: LiveBook = field(default_factory=LiveBook)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    was_connected: bool = False
    is_connected: bool = False

    async def follow(self) -> None:
        """Apply frames until cancelled.

        Raises ``CommandFailed`` if the server refuses, ``BrokenPipeError`` if stdout is closed.
        """
        from websockets.exceptions import ConnectionClosed, InvalidHandshake

        delay = RECONNECT_SECONDS[0]
        while True:
            try:
                await self._connect()
            except ConnectionClosed as closed:
                if closed.rcvd is not None and closed.rcvd.code in _REFUSED:
                    message = f"the server has ended the connection: {closed.rcvd.reason}"
                    raise CommandFailed(message, status=3) from None
                if self.is_connected:
                    delay = RECONNECT_SECONDS[0]
            except (OSError, TimeoutError, InvalidHandshake) as error:
                if self.is_connected and isinstance(error, BrokenPipeError):
                    raise  # of stdout: an open connection ends with ConnectionClosed
                if not self.was_connected:
                    message = f"{self.url} cannot be reached: {error}"
                    raise CommandFailed(message, status=6) from None
                delay = min(delay * 2, RECONNECT_SECONDS[1])
            else:
                delay = RECONNECT_SECONDS[0]
            self.is_connected = False
            self.changed.set()
            await asyncio.sleep(delay)

    async def _connect(self) -> None:
        from websockets.asyncio.client import connect

        headers = {"x-api-key": self.key}
        async with connect(self.url, additional_headers=headers, max_size=None) as socket:
            await socket.send(json.dumps({"id": 1, "action": "subscribe"} | self._subscription()))
            watched: set[tuple[int, str]] = set()
            async for text in socket:
                frame = json.loads(text, parse_float=str)
                _check_subscription(frame)
                self.was_connected = self.is_connected = True
                self.book.apply(frame)
                self.changed.set()
                if self.prints_json and frame.get("seq") is not None:
                    print(text, flush=True)
                await self._watch_prices(socket, watched)

    def _subscription(self) -> dict[str, Any]:
        payload = {"account_ids": list(self.account_ids), "namespaces": ["position"]}
        return {"payload": payload | {"refresh": False, "from_seq": self.book.last_seq}}

    async def _watch_prices(
        self, socket: "ClientConnection", watched: set[tuple[int, str]]
    ) -> None:
        """Subscribe to the prices of positions that are not watched yet."""
        if self.prints_json:
            return
        for account_id, symbol in {*self.book.symbols()} - watched:
            watched.add((account_id, symbol))
            payload = {"account_id": account_id, "symbol": symbol, "channels": ["ticker"]}
            frame = {"id": 2, "namespace": "ccxt", "action": "subscribe_market"}
            await socket.send(json.dumps(frame | {"payload": payload}))


def watch(parsed: argparse.Namespace) -> None:
    """Show the books of the accounts until Ctrl-C."""
    ids = account_id_list(parsed)
    url = f"{server_url(parsed).rstrip('/').replace('http', 'ws', 1)}/ws"
    asyncio.run(_run(url, api_key(parsed), ids, prints_json=not shows_tables(parsed)))


async def _run(url: str, key: str, ids: Sequence[int], *, prints_json: bool) -> None:
    state = Watch(url, key, ids, prints_json)
    following = asyncio.create_task(state.follow())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, following.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        if not prints_json:
            await _show(state, following)
        await following


async def _show(state: Watch, following: "asyncio.Task[None]") -> None:
    """Draw the books when they have changed, at most five times a second."""
    from rich.live import Live

    with Live(auto_refresh=False) as live:
        while not following.done():
            changed = asyncio.create_task(state.changed.wait())
            await asyncio.wait({changed, following}, return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()
            state.changed.clear()
            live.update(build_books_view(state, live.console.width), refresh=True)
            await asyncio.sleep(REFRESH_SECONDS)


def build_books_view(state: Watch, width: int) -> "RenderableType":
    """Return the three tables with their titles."""
    from rich.console import Group
    from rich.text import Text

    book = state.book
    connection = "live" if state.is_connected else "connection lost, trying again"
    views: list[RenderableType] = [Text(f"{connection}; Ctrl-C ends", style="dim")]
    orders = [row for _, row in sorted(book.orders.items())]
    tables: tuple[tuple[str, Sequence[Mapping[str, Any]], Sequence[str]], ...] = (
        ("positions", book.position_rows(), POSITION_COLUMNS),
        ("open orders", orders, ORDER_COLUMNS),
        ("last deals", list(book.deals), DEAL_COLUMNS),
    )
    for title, rows, names in tables:
        views += [Text(), Text(f"{title}: {len(rows) or 'none'}", style="bold")]
        if rows:
            views.append(fit_table(rows, names, width))
    return Group(*views)


def _check_subscription(frame: Mapping[str, Any]) -> None:
    """Raise ``CommandFailed`` if this is the refusal of the subscription."""
    if frame.get("id") == 1 and frame.get("ok") is False:
        error = frame.get("payload") or {}
        raise CommandFailed(f"{error.get('code')}: {error.get('message')}", status=3)
