"""Leases of tasks in memory, and the state of the runner that holds them."""

from collections.abc import Sequence

from oms.domain.errors import LeaseLost, Unavailable
from oms.ports.runner.task_leases import TaskLease, TaskProgress, TaskStatus


class MemoryTaskLeases:
    """``ports.runner.task_leases.TaskLeases``; leases end only if a test says so."""

    def __init__(self) -> None:
        self.owners: dict[str, str] = {}
        self.tokens: dict[str, int] = {}
        self.positions: dict[str, int] = {}
        self.restarts: list[tuple[str, str]] = []
        self.progress: dict[str, TaskProgress] = {}
        self.is_unavailable = False
        #: Owners that tried to acquire tasks.
        self.attempts: set[str] = set()

    async def acquire(
        self, owner: str, tasks: Sequence[str], seconds: float
    ) -> Sequence[TaskLease]:
        """Acquire the free tasks."""
        self._require_store()
        self.attempts.add(owner)
        free = [task for task in tasks if not self.owners.get(task)]
        for task in free:
            self.owners[task] = owner
            self.tokens[task] = self.tokens.get(task, 0) + 1
        return [TaskLease(task=task, token=self.tokens[task]) for task in free]

    async def renew(
        self, owner: str, progress: Sequence[TaskProgress], seconds: float
    ) -> Sequence[str]:
        """Store the progress; returns the lost tasks."""
        self._require_store()
        held = {each.lease.task: each for each in progress}
        lost = [
            task
            for task, each in held.items()
            if (self.owners.get(task), self.tokens.get(task)) != (owner, each.lease.token)
        ]
        self.progress |= {task: each for task, each in held.items() if task not in lost}
        return lost

    async def release(self, owner: str, leases: Sequence[TaskLease]) -> None:
        """Release the leases."""
        for lease in leases:
            if self.tokens.get(lease.task) == lease.token:
                self.owners[lease.task] = ""

    async def release_all(self, owner: str) -> None:
        """Release what the owner holds."""
        self._require_store()
        self.owners = {task: held for task, held in self.owners.items() if held != owner}

    async def record_restart(self, lease: TaskLease, error: str) -> None:
        """Store a restart."""
        self._require(lease)
        self.restarts.append((lease.task, error))

    async def position(self, lease: TaskLease) -> int:
        """Return the position."""
        self._require(lease)
        return self.positions.get(lease.task, 0)

    async def advance(self, lease: TaskLease, position: int) -> None:
        """Store the position."""
        self._require(lease)
        self.positions[lease.task] = position

    async def tasks(self) -> Sequence[TaskStatus]:
        """Return no status: tests look at the attributes."""
        return ()

    def _require(self, lease: TaskLease) -> None:
        self._require_store()
        if self.tokens.get(lease.task) != lease.token:
            raise LeaseLost("lost")

    def _require_store(self) -> None:
        if self.is_unavailable:
            raise Unavailable("the database does not respond")
