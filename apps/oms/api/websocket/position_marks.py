"""Marks of open positions for all sockets of a process that asked for them.

Once a second the marks of all subscribed accounts are read together, and each listener is sent
those that changed, many in one frame. Positions are read again only after an event of their
account. Nothing is read without listeners. Marks are not stored: a slow listener gets the newest of
each position.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from oms.api.background_tasks import keep_running
from oms.api.websocket.event_feed import EventFeed
from oms.domain.errors import Unavailable
from oms.domain.ledger.position import Position
from oms.ports.history_reads import HistoryQuery, HistoryReads
from oms.ports.mark_prices import MarkPrices, PositionMark
from oms.wire.json import dumps_fast
from oms.wire.performance.marked_positions import position_mark_row

INTERVAL_SECONDS = 1.0
POSITIONS_MAX = 20_000
"""Positions of one read: the newest of the accounts that it is for."""

logger = logging.getLogger(__name__)


class MarkOf(NamedTuple):
    """The mark of a position as JSON text."""

    position: Position
    text: str


class MarkListener(Protocol):
    """Receives marks of positions."""

    @property
    def account_ids(self) -> Collection[int]:
        """The accounts whose marks it gets."""
        ...

    def on_marks(self, account_id: int, marks: Sequence[MarkOf]) -> Collection[int]:
        """Take marks of an account; return the ids of the positions whose marks were taken.

        Must neither raise nor block.
        """
        ...


@dataclass(slots=True, kw_only=True)
class PositionMarks:
    """The marks of the accounts that listeners of this process have subscribed to."""

    history: HistoryReads
    feed: EventFeed
    #: ``None``: no position has a mark.
    mark_prices: MarkPrices | None
    interval_seconds: float = INTERVAL_SECONDS
    #: The mark that each listener got last, by position id.
    _sent: dict[MarkListener, dict[int, str]] = field(default_factory=dict)
    #: Open positions by account, with the number of the event up to which they were read.
    _positions: dict[int, tuple[int | None, Sequence[Position]]] = field(default_factory=dict)
    _task: "asyncio.Task[None] | None" = None

    def join(self, listener: MarkListener) -> None:
        """Send the marks to a listener until it leaves."""
        self._sent[listener] = {}
        if self._task is None:
            self._task = asyncio.create_task(keep_running("marks", self._follow))

    def leave(self, listener: MarkListener) -> None:
        """Send no more; without listeners nothing is read any more."""
        self._sent.pop(listener, None)
        if not self._sent and self._task is not None:
            self._task.cancel()
            self._task = None
            self._positions.clear()

    async def _follow(self) -> None:
        while True:
            try:
                await self._send_marks()
            except Unavailable as error:
                logger.warning("marks_read_retry", extra={"reason": error.message})
            await asyncio.sleep(self.interval_seconds)

    async def _send_marks(self) -> None:
        """Read the marks of all listeners' positions and send what changed."""
        wanted = {account for listener in self._sent for account in listener.account_ids}
        positions = await self._open_positions(wanted)
        held = [each for account in sorted(wanted) for each in positions.get(account, ())]
        marks = await self.mark_prices(held) if held and self.mark_prices is not None else {}
        marked = {
            account: [_mark_of(each, marks[each.id]) for each in rows if each.id in marks]
            for account, rows in positions.items()
        }
        for listener, sent in tuple(self._sent.items()):
            now: dict[int, str] = {}
            for account in listener.account_ids:
                known, changed = _split(marked.get(account, ()), sent)
                taken = listener.on_marks(account, changed) if changed else ()
                now |= {each.position.id: each.text for each in known}
                now |= {
                    each.position.id: each.text for each in changed if each.position.id in taken
                }
            self._sent[listener] = now

    async def _open_positions(self, wanted: set[int]) -> Mapping[int, Sequence[Position]]:
        """Return the open positions; those of accounts without new events as they were read."""
        for account_id in self._positions.keys() - wanted:
            del self._positions[account_id]
        heads = {account_id: self.feed.position(account_id) for account_id in wanted}
        changed = [
            account_id
            for account_id, seq in sorted(heads.items())
            if seq is None or self._positions.get(account_id, (None,))[0] != seq
        ]
        if changed:
            window = HistoryQuery(account_ids=changed)
            rows: dict[int, list[Position]] = {account_id: [] for account_id in changed}
            for each in await self.history.open_positions(window, POSITIONS_MAX):
                rows[each.account_id].append(each)
            for account_id in changed:
                self._positions[account_id] = (heads[account_id], rows[account_id])
        return {account_id: rows for account_id, (_, rows) in self._positions.items()}


def _mark_of(position: Position, mark: PositionMark) -> MarkOf:
    return MarkOf(position, dumps_fast(position_mark_row(position, mark)))


def _split(marks: Sequence[MarkOf], sent: Mapping[int, str]) -> tuple[list[MarkOf], list[MarkOf]]:
    """Return the marks that were sent as they are, and those that changed."""
    known: list[MarkOf] = []
    changed: list[MarkOf] = []
    for each in marks:
        (known if sent.get(each.position.id) == each.text else changed).append(each)
    return known, changed
