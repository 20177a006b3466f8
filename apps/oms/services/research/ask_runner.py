"""Asks the runner to calculate, and waits for its answer."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from oms.domain.errors import Conflict, Invalid, NotFound, OmsError, RateLimited, Unavailable
from oms.domain.value import value
from oms.ports.clock import Clock
from oms.ports.research.research_requests import (
    RESEARCH_TASK,
    ResearchKind,
    ResearchRequests,
)
from oms.ports.research.strategy_process import StrategyFailed
from oms.ports.runner.task_leases import TaskLeases
from oms.services.research.read_catalog import ReadCatalog
from oms.wire.json import loads_fast

WAIT_SECONDS_MAX = 65.0
WAITING_MAX = 20
"""Requests of all callers without an answer."""
_PAUSE_SECONDS = (0.02, 0.25)
_ERRORS = {each.code: each for each in (NotFound, Conflict, Invalid)}


@value
class AskRunner:
    """Requests to the runner."""

    requests: ResearchRequests
    leases: TaskLeases
    clock: Clock

    async def __call__(self, kind: ResearchKind, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the result.

        Raises what the runner could not do it for (``NotFound``, ``Invalid``, ``Conflict``,
        ``StrategyFailed``), ``Unavailable`` with the code ``engine_unavailable`` without a runner,
        ``OmsError`` with the code ``timeout``, and ``RateLimited``.
        """
        await self._require_runner()
        if await self.requests.waiting() >= WAITING_MAX:
            message = f"{WAITING_MAX} calculations are waiting already"
            raise RateLimited(message, reason="queue_full", retry_after_seconds=5)
        request_id = await self.requests.add(kind, fields, self.clock.now())
        try:
            answer = loads_fast(await self._wait(request_id))
        finally:
            await self.requests.remove(request_id)
        if "error" in answer:
            raise _error_of(answer["error"])
        result: Mapping[str, Any] = answer["result"]
        return result

    async def _require_runner(self) -> None:
        for task in await self.leases.tasks():
            if task.task == RESEARCH_TASK and task.owner:
                return
        message = "no runner is alive: 'oms up' or 'oms runner' starts one"
        raise Unavailable(message, code="engine_unavailable", reason="no_runner")

    async def _wait(self, request_id: int) -> str:
        pause, longest = _PAUSE_SECONDS
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while time.monotonic() < deadline:
            answer = await self.requests.answer(request_id)
            if answer is not None:
                return answer
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, longest)
        message = f"the runner did not answer within {WAIT_SECONDS_MAX:g} s"
        raise OmsError(message, code="timeout", reason="runner")


@value
class ResearchServices:
    """What the API has of research."""

    read_catalog: ReadCatalog
    ask_runner: AskRunner


def _error_of(fields: Mapping[str, Any]) -> OmsError:
    code, reason, message = fields["code"], fields["reason"], fields["message"]
    if fields["traceback"] or str(reason).startswith("strategy_"):
        return StrategyFailed(message, reason=reason, traceback=fields["traceback"])
    if code in _ERRORS:
        return _ERRORS[code](message, reason=reason)
    return OmsError(message, code=code, reason=reason)
