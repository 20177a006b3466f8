"""Many small wishes, few big commits: submissions that arrive together are stored together.

What arrives while a transaction runs goes into the next one. Nobody is answered before his
commands are durable, and one submission is never split over two transactions.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from oms.ports.command_queue import CommandQueue, EnqueueResult, Submission
from oms.ports.notifier import Notifier, Topic

LOOP_ITERATIONS_MAX = 16
"""Of the event loop, however many come: whoever was first must not wait without end."""
SMALL_GROUP_SHARE = 0.5
"""Below this part of the last group it is worth a moment to wait for the others."""
GATHER_SECONDS = 0.001

QueuedSubmission = tuple[Submission, "asyncio.Future[EnqueueResult]"]


@dataclass(slots=True, kw_only=True)
class Enqueue:
    """Stores submissions in groups of up to ``batch_max`` commands (a larger one goes alone)."""

    queue: CommandQueue
    bell: Notifier
    batch_max: int
    _waiting: deque[QueuedSubmission] = field(default_factory=deque)
    _storing: "asyncio.Task[None] | None" = None
    #: Submissions of the last transaction.
    _stored_last: int = 0

    async def __call__(self, submission: Submission) -> EnqueueResult:
        """What became of ``submission``, once it is durable.

        Raises ``Unavailable`` with nothing stored. Whoever stops waiting does not undo it.
        """
        answer: asyncio.Future[EnqueueResult] = asyncio.get_running_loop().create_future()
        self._waiting.append((submission, answer))
        if self._storing is None:
            self._storing = asyncio.create_task(self._store_all())
        return await answer

    async def _store_all(self) -> None:
        try:
            while self._waiting:
                await self._gather()
                await self._store(self._next_group())
        finally:
            self._storing = None

    async def _gather(self) -> None:
        """Let those come who are at the door: a transaction costs as much as ten of its rows.

        It begins when a turn of the event loop brought nobody new. Who was answered together comes
        again together: few after many are waited with for a moment.
        """
        seen = 0
        for _ in range(LOOP_ITERATIONS_MAX):
            if not seen < len(self._waiting) < self.batch_max:
                break
            seen = len(self._waiting)
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

    async def _store(self, group: list[QueuedSubmission]) -> None:
        storing = self.queue.enqueue([submission for submission, _ in group])
        (stored,) = await asyncio.gather(storing, return_exceptions=True)
        self._stored_last = len(group)
        if isinstance(stored, BaseException):
            for _, answer in group:
                if not answer.done():
                    answer.set_exception(stored)
            return
        ids: list[int] = []
        for (submission, answer), one in zip(group, stored, strict=True):
            ids += [command.id for command in submission.commands]
            if not answer.done():
                answer.set_result(one)
        self.bell.notify(Topic.COMMANDS, ids)
