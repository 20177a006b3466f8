"""Waits for commands to end: one look at the database for all who wait, not one for each.

The doorbell says which commands have ended, and how: who brought the stored command along is told
without a look. Once a second all that are waited for are looked up, so a lost ring costs a second
and nothing else. Whoever waited long enough gets the rows as
they stand. Nothing is decided or changed here.
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
    """One who waits: for which commands still, and what has ended so far."""

    missing: set[int]
    over: "asyncio.Future[None]"
    #: Of these, what the caller has stored just now.
    stored: StoredCommands
    rows: dict[int, CommandRow] = field(default_factory=dict)

    def told(self, command_id: int, word: str) -> bool:
        """A command was rung with ``word``; whether that says all there is to know."""
        command = self.stored.get(command_id)
        row = load_result_notice(word, command) if word and command is not None else None
        if row is not None:
            self.add(row)
        return row is not None

    def add(self, row: CommandRow) -> None:
        """A command has ended."""
        self.rows[row.id] = row
        self.missing.discard(row.id)
        if not self.missing:
            self.end()

    def end(self) -> None:
        """All have ended, or the time is over."""
        if not self.over.done():
            self.over.set_result(None)


@dataclass(slots=True, kw_only=True)
class ResultWaiter:
    """The ends of commands; ``run`` must be running."""

    queue: CommandQueue
    bell: Notifier
    poll_seconds: float = POLL_FALLBACK_SECONDS
    _waited: dict[int, list[_Wait]] = field(default_factory=dict)
    #: Rung lately: a ring may come before who sent the command begins to wait. With the word,
    #: unless that was told.
    _rung: dict[int, str] = field(default_factory=dict)
    #: The same of those that were rung before.
    _rung_before: dict[int, str] = field(default_factory=dict)
    #: Rung, waited for, and not looked at since.
    _fresh: set[int] = field(default_factory=set)
    _look: asyncio.Event = field(default_factory=asyncio.Event)
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Listen and look until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(), name="waiting-listen")
            tasks.create_task(self._watch(), name="waiting-watch")

    async def __call__(
        self, ids: Collection[int], timeout_seconds: float, stored: StoredCommands = NONE_STORED
    ) -> Mapping[int, CommandRow]:
        """The commands' rows once all have ended, or as they stand when the time is over.

        Of commands in ``stored`` a ring tells all that is to be known. A row that cannot be read
        is left out: the command is stored all the same.
        """
        rows: dict[int, CommandRow] = {}
        if ids and timeout_seconds > 0 and len(self._waited) + len(ids) <= WAITED_IDS_MAX:
            rows = await self._ended(set(ids), timeout_seconds, stored)
        missing = [command_id for command_id in ids if command_id not in rows]
        try:
            for start in range(0, len(missing), IDS_PER_QUERY_MAX):
                rows |= await self.queue.find(missing[start : start + IDS_PER_QUERY_MAX])
        except Unavailable as wrong:
            logger.warning("outcomes_unread", extra={"reason": wrong.message})
        return rows

    async def wait_notified(self, timeout_seconds: float) -> None:
        """Return at the next ring about results, or when the time is over."""
        await _set_within(self._stirred, timeout_seconds)

    async def _ended(
        self, ids: set[int], timeout_seconds: float, stored: StoredCommands
    ) -> dict[int, CommandRow]:
        loop = asyncio.get_running_loop()
        wait = _Wait(missing=ids, over=loop.create_future(), stored=stored)
        for command_id in tuple(ids):
            word = self._rung.get(command_id, self._rung_before.get(command_id))
            if word is not None and wait.told(command_id, word):
                continue
            self._waited.setdefault(command_id, []).append(wait)
            if word is not None:
                self._fresh.add(command_id)
                self._look.set()
        timer = loop.call_later(timeout_seconds, wait.end)
        try:
            await wait.over
        finally:
            timer.cancel()
            self._leave(wait)
        return wait.rows

    def _leave(self, wait: _Wait) -> None:
        for command_id in wait.missing:
            others = self._waited[command_id]
            others.remove(wait)
            if not others:
                del self._waited[command_id]

    async def _listen(self) -> None:
        """Note what is rung; who watches looks."""
        while True:
            rung = await self.bell.wait(Topic.RESULTS, self.poll_seconds)
            for command_id, word in rung.items():
                is_told = command_id in self._waited and self._hear(command_id, word)
                self._rung[command_id] = "" if is_told else word
            if len(self._rung) > NOTIFIED_IDS_KEPT_MIN:
                self._rung_before, self._rung = self._rung, {}
            if self._fresh:
                self._look.set()
            self._stirred.set()
            self._stirred = asyncio.Event()

    def _hear(self, command_id: int, word: str) -> bool:
        """Tell those who can be told, which may be all; for the others it is looked up."""
        others = [wait for wait in self._waited[command_id] if not wait.told(command_id, word)]
        if others:
            self._waited[command_id] = others
            self._fresh.add(command_id)
        else:
            del self._waited[command_id]
        return not others

    async def _watch(self) -> None:
        """Look at what was rung at once, and at everything once a second."""
        clock = asyncio.get_running_loop().time
        due = clock() + self.poll_seconds
        while True:
            if clock() < due:
                await _set_within(self._look, due - clock())
            self._look.clear()
            ids, self._fresh = list(self._fresh), set()
            if clock() >= due:
                ids = list(self._waited)
                due = clock() + self.poll_seconds
            await self._resolve(ids)

    async def _resolve(self, ids: Sequence[int]) -> None:
        for start in range(0, len(ids), IDS_PER_QUERY_MAX):
            try:
                rows = await self.queue.find(ids[start : start + IDS_PER_QUERY_MAX])
            except Unavailable as wrong:
                logger.warning("outcomes_unread", extra={"reason": wrong.message})
                return  # the next sweep looks again
            for command_id, row in rows.items():
                if row.status.is_final:
                    for wait in self._waited.pop(command_id, ()):
                        wait.add(row)


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    """Return when ``event`` is set, or after ``seconds``."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
