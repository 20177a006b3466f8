"""The command queue: durable, ordered per account, idempotent.

Commands of an account are ordered by the database's time at which they were stored: one that is
submitted after another was acknowledged comes after it, whatever the clocks of their hosts say. A
row leaves the queue only with its result, which ``ports.ledger_store`` writes in the transaction of
its effects: the lease serves as claim.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.commands.command import Actor, CommandStatus
from oms.domain.value import value
from oms.ports.signals.stored_signals import NewSignal


@value
class NewCommand:
    """A command to be stored; ``payload`` is JSON text, ``fingerprint`` SHA-256 in hex."""

    id: int
    account_id: int
    command_type: str
    payload: str
    fingerprint: str
    actor: Actor
    created_at: datetime
    request_id: str | None = None
    idempotency_key: str | None = None
    comment: str | None = None
    #: The command enters the queue when that one is final, or when ``hold_until`` has passed.
    after_command_id: int | None = None
    #: Without a command before it the command enters the queue at this time.
    hold_until: datetime | None = None


@value
class CommandRow:
    """A stored command; ``error`` and ``result`` are JSON text."""

    id: int
    account_id: int
    command_type: str
    payload: str
    fingerprint: str
    actor: Actor
    status: CommandStatus
    created_at: datetime
    request_id: str | None = None
    comment: str | None = None
    error: str | None = None
    result: str | None = None
    order_id: int | None = None
    attempts: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    #: When the command entered the queue, if it was stored with a delay.
    held_until: datetime | None = None


@value
class IdempotencyKeyRow:
    """A used ``Idempotency-Key`` with its commands or its stored response."""

    scope_hash: str
    fingerprint: str
    command_ids: tuple[int, ...] = ()
    http_status: int | None = None
    response: str | None = None
    expires_at: datetime


@value
class Submission:
    """The commands of one request body: all of them are stored, or none."""

    commands: Sequence[NewCommand]
    key: IdempotencyKeyRow | None = None
    #: The signal that the commands execute; stored with them.
    signal: NewSignal | None = None


@value
class StoredSignal:
    """A signal that was stored before, by its first row."""

    group_signal_id: int
    payload_hash: str


@value
class EnqueueResult:
    """Result of one submission.

    ``ids`` are the commands to wait for, in request order; if a request_id was stored before, the
    id of the first command (its index is in ``replayed``). ``key`` is set, and nothing was stored,
    if the Idempotency-Key was used before. ``signal`` is set, and nothing was stored, if the signal
    was received before.
    """

    ids: tuple[int, ...] = ()
    replayed: frozenset[int] = frozenset()
    #: Indexes whose request_id is stored with another fingerprint.
    mismatched: frozenset[int] = frozenset()
    key: IdempotencyKeyRow | None = None
    signal: StoredSignal | None = None


class CommandQueue(Protocol):
    """The queue as used by API and worker."""

    async def enqueue(self, submissions: Sequence[Submission]) -> Sequence[EnqueueResult]:
        """Store all submissions in one durable transaction; returns results in the same order.

        A command whose (account, request_id) exists is not stored again; the result has the first
        id. Raises ``Unavailable`` if nothing was stored.
        """
        ...

    async def take(
        self, account_ids: Sequence[int], limit: int, exclude_ids: Collection[int] = ()
    ) -> Sequence[CommandRow]:
        """Return queued commands in queue order, at most ``limit``, without ``exclude_ids``.

        A held command is left out unless its predecessor is final, precedes it in this result, or
        its hold has passed. Rows are not marked: repeated calls return the same commands.
        """
        ...

    async def find(self, ids: Sequence[int]) -> Mapping[int, CommandRow]:
        """Return commands by id; unknown ids are left out."""
        ...

    async def depths(self) -> Mapping[int, int]:
        """Return the number of queued commands per account; accounts without any are left out."""
        ...

    async def has_unfinished(self, account_id: int) -> bool:
        """Return whether a command of the account is queued or running."""
        ...

    async def drop_expired_keys(self, now: datetime) -> int:
        """Delete expired Idempotency-Keys; returns their number."""
        ...
