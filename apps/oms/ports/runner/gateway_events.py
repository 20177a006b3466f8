"""Events that tasks of the runner write into the stream of account 0."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from oms.ports.runner.task_leases import TaskLease


class TaskEvents(Protocol):
    """Writes events under the lease of a task."""

    async def write(
        self,
        lease: TaskLease,
        position: int,
        event: str,
        facts: Mapping[str, object],
        at: datetime,
    ) -> None:
        """Store an event, and the position of the task with it, in one transaction.

        Raises ``LeaseLost``, ``Unavailable``; then nothing is stored.
        """
        ...
