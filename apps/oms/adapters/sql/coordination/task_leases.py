"""Leases of the runner's tasks in the table ``task_leases``: ``ports.runner.task_leases``."""

from collections.abc import Sequence
from typing import Any

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.session import Session
from oms.domain.errors import LeaseLost
from oms.ports.runner.task_leases import TaskLease, TaskProgress, TaskState, TaskStatus

ERROR_CHARACTERS_MAX = 255


async def fence_task(session: Session, lease: TaskLease, position: int | None = None) -> None:
    """Hold the transaction to the current token of a task. Raises ``LeaseLost``.

    The row always changes, so that of two transactions at different nodes of a cluster one fails.
    """
    param = session.dialect.param
    moved = "" if position is None else f", position = {param}"
    values = () if position is None else (position,)
    changed = await session.execute(
        f"UPDATE task_leases SET writes = writes + 1{moved}"
        f" WHERE task = {param} AND token = {param}",
        (*values, lease.task, lease.token),
    )
    if changed != 1:
        raise LeaseLost(f"another runner holds the task {lease.task}")


class SqlTaskLeases:
    """``ports.runner.task_leases.TaskLeases``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    async def acquire(
        self, owner: str, tasks: Sequence[str], seconds: float
    ) -> Sequence[TaskLease]:
        """Acquire the free tasks. Raises ``Unavailable``; then no lease may be assumed."""
        is_held = f"owner <> '' AND expires_at > {self._dialect.now}"
        rows = await self._database.fetch(f"SELECT task FROM task_leases WHERE {is_held}")
        held = {row[0] for row in rows}
        free = sorted(set(tasks) - held)
        if not free:
            return ()

        async def work(session: Session) -> Sequence[TaskLease]:
            taken = [await self._take(session, owner, task, seconds) for task in free]
            return [lease for lease in taken if lease is not None]

        return await self._database.commit(work)

    async def renew(
        self, owner: str, progress: Sequence[TaskProgress], seconds: float
    ) -> Sequence[str]:
        """Extend the leases; returns the tasks whose lease is lost. Raises ``Unavailable``."""
        dialect, param = self._dialect, self._dialect.param
        text = (
            f"UPDATE task_leases SET expires_at = {dialect.now_plus}, state = {param},"
            f" progress_at = {dialect.now_plus}"
            f" WHERE task = {param} AND token = {param} AND owner = {param}"
            f" AND expires_at > {dialect.now}"
        )

        async def work(session: Session) -> Sequence[str]:
            lost = []
            for each in sorted(progress, key=lambda one: one.lease.task):
                values = (
                    dialect.encode_seconds(seconds),
                    each.state.value,
                    dialect.encode_seconds(-each.silence_seconds),
                    *(each.lease.task, each.lease.token, owner),
                )
                if await session.execute(text, values) != 1:
                    lost.append(each.lease.task)
            return lost

        return await self._database.commit(work)

    async def release(self, owner: str, leases: Sequence[TaskLease]) -> None:
        """Release the leases. Raises ``Unavailable``; then they expire."""
        param = self._dialect.param
        # Matching the token keeps a late release from freeing a newer lease.
        text = (
            f"UPDATE task_leases SET owner = ''"
            f" WHERE owner = {param} AND task = {param} AND token = {param}"
        )

        async def work(session: Session) -> None:
            for lease in sorted(leases, key=lambda one: one.task):
                await session.execute(text, (owner, lease.task, lease.token))

        await self._database.commit(work)

    async def release_all(self, owner: str) -> None:
        """Release all leases of ``owner``. Raises ``Unavailable``."""
        text = f"UPDATE task_leases SET owner = '' WHERE owner = {self._dialect.param}"

        async def work(session: Session) -> None:
            await session.execute(text, (owner,))

        await self._database.commit(work)

    async def record_restart(self, lease: TaskLease, error: str) -> None:
        """Count a restart. Raises ``LeaseLost``, ``Unavailable``."""
        param = self._dialect.param
        text = f"UPDATE task_leases SET restarts = restarts + 1, last_error = {param}"

        async def work(session: Session) -> None:
            await fence_task(session, lease)
            values = (error[:ERROR_CHARACTERS_MAX], lease.task)
            await session.execute(f"{text} WHERE task = {param}", values)

        await self._database.commit(work)

    async def position(self, lease: TaskLease) -> int:
        """Return the stored position of a task. Raises ``LeaseLost``, ``Unavailable``."""
        param = self._dialect.param
        text = f"SELECT position FROM task_leases WHERE task = {param} AND token = {param}"
        rows = await self._database.fetch(text, (lease.task, lease.token))
        if not rows:
            raise LeaseLost(f"another runner holds the task {lease.task}")
        return int(rows[0][0])

    async def advance(self, lease: TaskLease, position: int) -> None:
        """Store the position of a task. Raises ``LeaseLost``, ``Unavailable``."""

        async def work(session: Session) -> None:
            await fence_task(session, lease, position)

        await self._database.commit(work)

    async def tasks(self) -> Sequence[TaskStatus]:
        """Return all tasks, by name. Raises ``Unavailable``."""
        dialect = self._dialect
        is_live = f"CASE WHEN expires_at > {dialect.now} THEN owner ELSE '' END"
        text = (
            f"SELECT task, {is_live}, state, {dialect.age.format('progress_at')}, restarts,"
            " last_error, position FROM task_leases ORDER BY task"
        )
        return [_status(row) for row in await self._database.fetch(text)]

    async def _take(
        self, session: Session, owner: str, task: str, seconds: float
    ) -> TaskLease | None:
        """Take the lease of a task if it is free; its row is made at the first time."""
        dialect, param = self._dialect, self._dialect.param
        await session.execute(
            "INSERT INTO task_leases (task, owner, token, expires_at, state, position, restarts,"
            f" writes) VALUES ({param}, '', 0, {dialect.now}, {param}, 0, 0, 0)"
            + dialect.upsert_clause(("task",), ("task",)),
            (task, TaskState.RUNNING.value),
        )
        rows = await session.fetch(
            f"SELECT token FROM task_leases WHERE task = {param}"
            f" AND (owner = '' OR expires_at <= {dialect.now}){dialect.for_update}",
            (task,),
        )
        if not rows:
            return None
        token = int(rows[0][0]) + 1
        await session.execute(
            f"UPDATE task_leases SET owner = {param}, token = {param},"
            f" expires_at = {dialect.now_plus}, state = {param}, progress_at = {dialect.now}"
            f" WHERE task = {param}",
            (owner, token, dialect.encode_seconds(seconds), TaskState.RUNNING.value, task),
        )
        return TaskLease(task=task, token=token)


def _status(row: Any) -> TaskStatus:
    return TaskStatus(
        task=row[0],
        owner=row[1],
        state=TaskState(row[2]),
        silence_seconds=None if row[3] is None else max(float(row[3]), 0.0),
        restarts=int(row[4]),
        last_error=row[5],
        position=int(row[6]),
    )
