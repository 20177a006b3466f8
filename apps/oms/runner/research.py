"""The task of research: answers requests of the API, and loads the code of strategies at its start.

What another runner left without an answer is answered again; an answer changes nothing else.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from oms.domain.errors import OmsError
from oms.ports.clock import Clock
from oms.ports.research.research_requests import (
    RESEARCH_TASK,
    ResearchRequest,
    ResearchRequests,
)
from oms.runner.task_run import TaskRun
from oms.wire.json import dumps_fast

logger = logging.getLogger(__name__)

AT_ONCE_MAX = 2
"""Answers that are calculated at once."""
BUSY_SECONDS, IDLE_SECONDS = 0.05, 0.5
BUSY_ROUNDS = 600
"""Rounds after a request in which the next one is expected soon."""
KEPT = timedelta(minutes=5)

Answer = Callable[[ResearchRequest], Awaitable[Mapping[str, Any]]]


@dataclass(slots=True, kw_only=True)
class ResearchAnswers:
    """``RunnerTask`` that answers requests of the API."""

    requests: ResearchRequests
    answer: Answer
    load_catalog: Callable[[], Awaitable[Mapping[str, Any]]]
    clock: Clock
    name: str = RESEARCH_TASK
    _running: set["asyncio.Task[None]"] = field(default_factory=set)

    async def __call__(self, run: TaskRun) -> None:
        """Work until the stop."""
        await self.requests.requeue(run.lease)
        await self._load()
        busy = 0
        try:
            while not run.stop.is_set():
                self._raise_failures()
                has_begun = await self._begin(run)
                busy = BUSY_ROUNDS if has_begun else max(busy - 1, 0)
                run.show_progress()
                await run.pause(BUSY_SECONDS if busy else IDLE_SECONDS)
                if not busy:
                    await self.requests.prune(self.clock.now() - KEPT)
        finally:
            await self._end()

    async def _load(self) -> None:
        """Load the catalogue; code that cannot be loaded ends nothing."""
        try:
            loaded = await self.load_catalog()
        except OmsError as error:
            if error.code == "database_unavailable":
                raise
            logger.error("strategies_not_loaded why=%s", error.message)
            return
        logger.info("strategies_loaded names=%s", ",".join(loaded["loaded"]))
        for each in loaded["errors"]:
            logger.warning("strategy_not_loaded source=%s why=%s", each["source"], each["message"])

    async def _begin(self, run: TaskRun) -> bool:
        """Begin the next answer; returns whether there was a request."""
        if len(self._running) >= AT_ONCE_MAX:
            return True
        request = await self.requests.claim(run.lease)
        if request is None:
            return False
        name = f"{request.kind.value}-{request.id}"
        self._running.add(asyncio.create_task(self._answer(run, request), name=name))
        return True

    async def _answer(self, run: TaskRun, request: ResearchRequest) -> None:
        answer = await self.answer(request)
        if "error" in answer:
            error = answer["error"]
            logger.info(
                "research_refused kind=%s code=%s reason=%s",
                *(request.kind.value, error["code"], error["reason"]),
            )
        await self.requests.store_answer(run.lease, request.id, dumps_fast(answer))

    def _raise_failures(self) -> None:
        """Remove the answers that ended, and raise what one of them raised."""
        for work in [each for each in self._running if each.done()]:
            self._running.discard(work)
            work.result()  # a lost lease, no database, or a bug: the task is started again

    async def _end(self) -> None:
        works, self._running = self._running, set()
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)
