"""Waiting for the results of commands, with one query for all waiters.

Notifications carry the ids of finished commands and their results; a caller that passes the stored
command gets its result without a query. All ids waited for are queried once a second, so a lost
notification costs a second and nothing else. After the timeout a caller gets the rows as they are.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from oms.domain.errors import Unavailable
from oms.ports.command_queue import CommandQueue, CommandRow, NewCommand
from oms.ports.notifier import Notifier, Topic
from oms.wire.commands.result_codec import load_result_notice

POLL_FALLBACK_SECONDS = 1.0
WAITED_IDS_MAX = 100_000
NOTIFIED_IDS_KEPT_MIN = 10_000
IDS_PER_QUERY_MAX = 1000

StoredCommands = Mapping[int, NewCommand]
NONE_STORED: StoredCommands = {}

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Wait:
    """One caller: the commands it still waits for, and the rows of those that have finished."""

    missing: set[int]
    future: "asyncio.Future[None]"
    #: The commands of ``missing`` that the caller has just stored.
    stored: StoredCommands
    rows: dict[int, CommandRow] = field(default_factory=dict)

    def accept_outcome(self, command_id: int, outcome: str) -> bool:
        """Handle the notification of a command. Returns whether ``outcome`` gave its final row."""
        command = self.stored.get(command_id)
        row = load_result_notice(outcome, command) if outcome and command is not None else None
        if row is not None:
            self.add(row)
        return row is not None

    def add(self, row: CommandRow) -> None:
        """Add the row of a finished command."""
        self.rows[row.id] = row
        self.missing.discard(row.id)
        if not self.missing:
            self.end()

    def end(self) -> None:
        """Complete the wait: all commands have finished, or the timeout is over."""
        if not self.future.done():
            self.future.set_result(None)


@dataclass(slots=True, kw_only=True)
class ResultWaiter:
    """Waits for results of commands; ``run`` must be running."""

    queue: CommandQueue
    notifier: Notifier
    poll_seconds: float = POLL_FALLBACK_SECONDS
    _waited: dict[int, list[_Wait]] = field(default_factory=dict)
    #: Recent notifications: one may arrive before the sender of its command begins to wait. With
    #: the outcome, unless a waiter used it.
    _notified: dict[int, str] = field(default_factory=dict)
    #: The generation before ``_notified``.
    _notified_before: dict[int, str] = field(default_factory=dict)
    #: Notified ids that are waited for and not queried yet.
    _to_query: set[int] = field(default_factory=set)
    _query_needed: asyncio.Event = field(default_factory=asyncio.Event)
    #: Set by the next notification; ``None`` if no caller waits for it.
    _notification: asyncio.Event | None = None

    async def run(self) -> None:
        """Listen and query until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(), name="waiting-listen")
            tasks.create_task(self._watch(), name="waiting-watch")

    async def __call__(
        self, ids: Collection[int], timeout_seconds: float, stored: StoredCommands = NONE_STORED
    ) -> Mapping[int, CommandRow]:
        """Return the rows of the commands once all have finished, or as they are after the timeout.

        A notification is enough for commands in ``stored``, others are queried. A row that cannot
        be read is left out: the command is stored all the same.
        """
        rows: dict[int, CommandRow] = {}
        if ids and timeout_seconds > 0 and len(self._waited) + len(ids) <= WAITED_IDS_MAX:
            rows = await self._wait(set(ids), timeout_seconds, stored)
        missing = [command_id for command_id in ids if command_id not in rows]
        if not missing:
            return rows
        try:
            for start in range(0, len(missing), IDS_PER_QUERY_MAX):
                rows |= await self.queue.find(missing[start : start + IDS_PER_QUERY_MAX])
        except Unavailable as error:
            logger.warning("outcomes_unread", extra={"reason": error.message})
        return rows

    async def wait_notified(self, timeout_seconds: float) -> None:
        """Return at the next notification of results, or after the timeout."""
        if self._notification is None:
            self._notification = asyncio.Event()
        await _wait_until_set(self._notification, timeout_seconds)

    async def _wait(
        self, ids: set[int], timeout_seconds: float, stored: StoredCommands
    ) -> dict[int, CommandRow]:
        loop = asyncio.get_running_loop()
        wait = _Wait(missing=ids, future=loop.create_future(), stored=stored)
        for command_id in tuple(ids):
            outcome = self._notified.get(command_id, self._notified_before.get(command_id))
            if outcome is not None and wait.accept_outcome(command_id, outcome):
                continue
            self._waited.setdefault(command_id, []).append(wait)
            if outcome is not None:
                self._to_query.add(command_id)
                self._query_needed.set()
        timer = loop.call_later(timeout_seconds, wait.end)
        try:
            await wait.future
        finally:
            timer.cancel()
            self._remove(wait)
        return wait.rows

    def _remove(self, wait: _Wait) -> None:
        for command_id in wait.missing:
            waits = self._waited[command_id]
            waits.remove(wait)
            if not waits:
                del self._waited[command_id]

    async def _listen(self) -> None:
        """Collect notifications; ``_watch`` queries."""
        while True:
            notified = await self.notifier.wait(Topic.RESULTS, self.poll_seconds)
            for command_id, outcome in notified.items():
                is_used = command_id in self._waited and self._dispatch(command_id, outcome)
                self._notified[command_id] = "" if is_used else outcome
            if len(self._notified) > NOTIFIED_IDS_KEPT_MIN:
                self._notified_before, self._notified = self._notified, {}
            if self._to_query:
                self._query_needed.set()
            if self._notification is not None:
                self._notification.set()
                self._notification = None

    def _dispatch(self, command_id: int, outcome: str) -> bool:
        """Pass the outcome to the waiters that can use it. Returns whether all of them could; the
        command is queried for the others.
        """
        others = [
            wait
            for wait in self._waited[command_id]
            if not wait.accept_outcome(command_id, outcome)
        ]
        if others:
            self._waited[command_id] = others
            self._to_query.add(command_id)
        else:
            del self._waited[command_id]
        return not others

    async def _watch(self) -> None:
        """Query notified ids immediately, and all ids once a second."""
        clock = asyncio.get_running_loop().time
        next_poll_at = clock() + self.poll_seconds
        while True:
            if clock() < next_poll_at:
                await _wait_until_set(self._query_needed, next_poll_at - clock())
            self._query_needed.clear()
            ids, self._to_query = list(self._to_query), set()
            if clock() >= next_poll_at:
                ids = list(self._waited)
                next_poll_at = clock() + self.poll_seconds
            await self._query(ids)

    async def _query(self, ids: Sequence[int]) -> None:
        for start in range(0, len(ids), IDS_PER_QUERY_MAX):
            try:
                rows = await self.queue.find(ids[start : start + IDS_PER_QUERY_MAX])
            except Unavailable as error:
                logger.warning("outcomes_unread", extra={"reason": error.message})
                return  # The next poll queries them again.
            for command_id, row in rows.items():
                if row.status.is_final:
                    for wait in self._waited.pop(command_id, ()):
                        wait.add(row)


async def _wait_until_set(event: asyncio.Event, seconds: float) -> None:
    """Return when ``event`` is set, or after ``seconds``."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
