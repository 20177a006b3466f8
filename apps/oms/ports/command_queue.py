"""The command queue: durable, ordered per account, idempotent.

Order of an account's queue is (created_at, id). A row leaves the queue only by its result, which
``ports.ledger`` writes in the transaction of what it did: the lease is the claim.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from oms.domain.commands.command import Actor, CommandStatus
from oms.domain.value import value


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
    #: It enters the queue when that command is final or ``hold_until`` has passed.
    after_command_id: int | None = None
    hold_until: datetime | None = None


@value
class CommandRow:
    """A stored command as it stands; ``error`` and ``result`` are JSON text."""

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


@value
class IdempotencyKeyRow:
    """A used ``Idempotency-Key``: which commands it made, or which answer it got."""

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


@value
class EnqueueResult:
    """What became of one submission.

    ``ids`` are the commands to wait for, in the order asked: where a request_id was known, the
    first command's id stands (``replayed`` holds its index). ``key`` is set, and nothing was
    stored, when the Idempotency-Key was used before.
    """

    ids: tuple[int, ...] = ()
    replayed: frozenset[int] = frozenset()
    #: Indexes whose request_id is known with another fingerprint.
    mismatched: frozenset[int] = frozenset()
    key: IdempotencyKeyRow | None = None


class CommandQueue(Protocol):
    """The queue as the API and the worker use it."""

    async def enqueue(self, submissions: Sequence[Submission]) -> Sequence[EnqueueResult]:
        """Store all submissions in one durable transaction; answers in the order given.

        A command whose (account, request_id) exists is not stored again and shows the first one.
        Raises ``Unavailable`` with nothing stored.
        """
        ...

    async def take(
        self, account_ids: Sequence[int], limit: int, exclude_ids: Collection[int] = ()
    ) -> Sequence[CommandRow]:
        """Queued commands of the accounts in queue order, at most ``limit``, less ``besides``.

        A held command is left out unless the one before it is final, is in this answer before
        it, or its hold has passed. Nothing is marked: taking twice gives the same.
        """
        ...

    async def find(self, ids: Sequence[int]) -> Mapping[int, CommandRow]:
        """Commands by id; unknown ids are left out."""
        ...

    async def depths(self) -> Mapping[int, int]:
        """Number of queued commands per account; accounts without any are left out."""
        ...

    async def drop_expired_keys(self, now: datetime) -> int:
        """Forget Idempotency-Keys past their time; the number forgotten."""
        ...
