"""Leases of the runner's tasks: the exclusive, timed right to run one of them, by its name.

All times are those of the database clock. The token increases with every takeover; what a task
writes is written only under its current token, so that a runner that was paused and has lost its
leases writes nothing when it continues.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from oms.domain.value import value

AUDIT_MIRROR_TASK = "audit_mirror"
"""Name of the task that mirrors the audit log; its position is a number of the hash chain."""

TASK_SILENCE_SECONDS_MAX = 15.0
"""A task whose last sign of progress is older counts as not running."""


class TaskState(StrEnum):
    """What the holder of a lease does with its task."""

    RUNNING = "running"
    #: It failed and waits before it is started again.
    BACKING_OFF = "backing_off"


@value
class TaskLease:
    """The right to run a task, valid until it is not renewed for the seconds of the lease."""

    task: str
    token: int


@value
class TaskProgress:
    """What is stored with the renewal of a lease."""

    lease: TaskLease
    state: TaskState
    #: Seconds since the task last showed progress.
    silence_seconds: float


@value
class TaskStatus:
    """A task as stored; ``owner`` is empty if no live lease exists."""

    task: str
    owner: str
    state: TaskState
    #: Seconds since its last sign of progress; ``None`` before the first.
    silence_seconds: float | None
    #: How often it was started again after a failure, by all runners.
    restarts: int
    last_error: str | None
    #: How far it has come.
    position: int = 0

    @property
    def is_running(self) -> bool:
        """Whether a runner holds it, and it makes progress."""
        return (
            self.owner != ""
            and self.state is TaskState.RUNNING
            and self.silence_seconds is not None
            and self.silence_seconds < TASK_SILENCE_SECONDS_MAX
        )


class TaskLeases(Protocol):
    """The table of task leases; every method raises ``Unavailable``."""

    async def acquire(
        self, owner: str, tasks: Sequence[str], seconds: float
    ) -> Sequence[TaskLease]:
        """Acquire those of ``tasks`` that no runner holds, with a new token each."""
        ...

    async def renew(
        self, owner: str, progress: Sequence[TaskProgress], seconds: float
    ) -> Sequence[str]:
        """Extend leases and store their progress; returns the tasks whose lease is lost."""
        ...

    async def release(self, owner: str, leases: Sequence[TaskLease]) -> None:
        """Release leases, so that another runner may acquire them immediately."""
        ...

    async def release_all(self, owner: str) -> None:
        """Release everything that ``owner`` holds; called by its restarted successor."""
        ...

    async def record_restart(self, lease: TaskLease, error: str) -> None:
        """Count a restart and store its cause. Raises ``LeaseLost``."""
        ...

    async def position(self, lease: TaskLease) -> int:
        """Return the number up to which a task has come; 0 at first. Raises ``LeaseLost``."""
        ...

    async def advance(self, lease: TaskLease, position: int) -> None:
        """Store the number up to which a task has come. Raises ``LeaseLost``."""
        ...

    async def tasks(self) -> Sequence[TaskStatus]:
        """Return all tasks that a runner has ever held, by name."""
        ...
