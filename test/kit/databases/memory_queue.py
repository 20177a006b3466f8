"""A command queue in memory that a test can slow down or break; it records transactions."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from oms.domain.commands.command import Actor, CommandStatus
from oms.domain.errors import Unavailable
from oms.ports.command_queue import CommandRow, EnqueueResult, NewCommand, Submission

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class MemoryQueue:
    """The part of ``ports.command_queue.CommandQueue`` that waiting and group commit use."""

    def __init__(self) -> None:
        self.rows: dict[int, CommandRow] = {}
        #: Submissions per transaction.
        self.groups: list[int] = []
        self.lookups: list[tuple[int, ...]] = []
        self.is_down = False
        self.has_begun = asyncio.Event()
        #: While it is cleared, no transaction completes.
        self.may_store = asyncio.Event()
        self.may_store.set()

    async def enqueue(self, submissions: Sequence[Submission]) -> Sequence[EnqueueResult]:
        """Records all submissions as one transaction."""
        self.groups.append(len(submissions))
        self.has_begun.set()
        await self.may_store.wait()
        self._fail_if_down()
        return [EnqueueResult(ids=tuple(c.id for c in one.commands)) for one in submissions]

    async def find(self, ids: Sequence[int]) -> Mapping[int, CommandRow]:
        """Rows by id."""
        self.lookups.append(tuple(ids))
        self._fail_if_down()
        return {command_id: self.rows[command_id] for command_id in ids if command_id in self.rows}

    async def take(
        self, account_ids: Sequence[int], limit: int, exclude_ids: Collection[int] = ()
    ) -> Sequence[CommandRow]:
        """Returns nothing: there is no worker."""
        return ()

    async def depths(self) -> Mapping[int, int]:
        """Queued commands per account."""
        self._fail_if_down()
        waiting = [row for row in self.rows.values() if row.status is CommandStatus.QUEUED]
        return {row.account_id: 1 for row in waiting}

    async def has_unfinished(self, account_id: int) -> bool:
        """Whether a command of the account is queued."""
        return account_id in await self.depths()

    async def drop_expired_keys(self, now: datetime) -> int:
        """Returns 0: there are no keys."""
        return 0

    def put(self, ids: Iterable[int]) -> None:
        """Add queued commands with these ids."""
        for command_id in ids:
            self.rows[command_id] = CommandRow(
                id=command_id,
                account_id=1,
                command_type="cancel_order",
                payload="{}",
                fingerprint="",
                actor=Actor(user_id=1, api_key_id=1, role="trader"),
                status=CommandStatus.QUEUED,
                created_at=NOON,
            )

    def command(self, command_id: int) -> NewCommand:
        """A queued command as it was submitted."""
        row = self.rows[command_id]
        return NewCommand(
            id=row.id,
            account_id=row.account_id,
            command_type=row.command_type,
            payload=row.payload,
            fingerprint=row.fingerprint,
            actor=row.actor,
            created_at=row.created_at,
        )

    def end(self, *ids: int) -> None:
        """Set commands to done."""
        for command_id in ids:
            self.rows[command_id] = replace(self.rows[command_id], status=CommandStatus.DONE)

    def _fail_if_down(self) -> None:
        if self.is_down:
            raise Unavailable("the database does not answer")
