"""Group commit of submissions: those that arrive together are stored in one transaction.

Submissions that arrive during a transaction go into the next one. A caller gets its result only
after its commands are durable, and a submission is never split over two transactions.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from oms.ports.command_queue import CommandQueue, EnqueueResult, Submission
from oms.ports.notifier import Notifier, Topic

LOOP_ITERATIONS_MAX = 16
"""Upper bound of event loop iterations spent on gathering: the first caller is waiting."""
SMALL_GROUP_SHARE = 0.5
"""If fewer submissions wait than this share of the last group, it pays to wait for more."""
GATHER_SECONDS = 0.001

QueuedSubmission = tuple[Submission, "asyncio.Future[EnqueueResult]"]
StoringTask = asyncio.Task[Sequence[EnqueueResult]]


@dataclass(slots=True, kw_only=True)
class Enqueue:
    """Stores submissions in groups of up to ``batch_max`` commands; a larger one alone."""

    queue: CommandQueue
    notifier: Notifier
    batch_max: int
    _waiting: deque[QueuedSubmission] = field(default_factory=deque)
    _storing: StoringTask | None = None
    #: Number of submissions in the last transaction.
    _stored_last: int = 0

    async def __call__(self, submission: Submission) -> EnqueueResult:
        """Return the result of ``submission`` once it is durable.

        Raises ``Unavailable`` if nothing was stored. A cancelled caller does not undo the
        submission.
        """
        future: asyncio.Future[EnqueueResult] = asyncio.get_running_loop().create_future()
        self._waiting.append((submission, future))
        if self._storing is None:
            self._store_next()
        return await future

    def _store_next(self) -> None:
        """Store the next group in a task of its own."""
        group: list[QueuedSubmission] = []
        self._storing = asyncio.create_task(self._store(group))
        self._storing.add_done_callback(partial(self._finish, group))

    async def _gather(self) -> None:
        """Let concurrent callers join the group: a transaction costs as much as ten of its rows.

        Gathering ends with the first event loop iteration that adds no submission. Callers that
        were answered together tend to come back together, so a group much smaller than the last one
        waits for ``GATHER_SECONDS``.
        """
        waiting = 0
        for _ in range(LOOP_ITERATIONS_MAX):
            if not waiting < len(self._waiting) < self.batch_max:
                break
            waiting = len(self._waiting)
            await asyncio.sleep(0)
        if len(self._waiting) < self._stored_last * SMALL_GROUP_SHARE:
            await asyncio.sleep(GATHER_SECONDS)

    def _next_group(self) -> list[QueuedSubmission]:
        group = [self._waiting.popleft()]
        rows = len(group[0][0].commands)
        while self._waiting:
            rows += len(self._waiting[0][0].commands)
            if rows > self.batch_max:
                break
            group.append(self._waiting.popleft())
        return group

    async def _store(self, group: list[QueuedSubmission]) -> Sequence[EnqueueResult]:
        """Fill ``group`` and return its results."""
        await self._gather()
        group += self._next_group()
        self._stored_last = len(group)
        return await self.queue.enqueue([submission for submission, _ in group])

    def _finish(self, group: list[QueuedSubmission], storing: StoringTask) -> None:
        """Pass the results of a group, or its error, to the callers, and begin the next group."""
        self._storing = None
        if storing.cancelling():
            return  # the process ends
        if self._waiting:
            self._store_next()
        error = asyncio.CancelledError() if storing.cancelled() else storing.exception()
        if error is not None:
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
            return
        ids: list[int] = []
        for (submission, future), result in zip(group, storing.result(), strict=True):
            ids += [command.id for command in submission.commands]
            if not future.done():
                future.set_result(result)
        self.notifier.notify(Topic.COMMANDS, ids)
