"""Requests of the API that the runner answers: it calculates, the API does not.

A request is a row that is removed with its answer; one that no caller waits for is removed soon.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from oms.domain.value import value
from oms.ports.runner.task_leases import TaskLease

RESEARCH_TASK = "research"
"""Name of the task that answers."""


class ResearchKind(StrEnum):
    """What is asked for."""

    CHART = "chart"
    RELOAD = "reload"


class ResearchStatus(StrEnum):
    """State of a request."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"


@value
class ResearchRequest:
    """A request that is to be answered."""

    id: int
    kind: ResearchKind
    fields: Mapping[str, object]
    created_at: datetime


class ResearchRequests(Protocol):
    """Rows of requests; every method raises ``Unavailable``, those with a lease ``LeaseLost``."""

    async def add(self, kind: ResearchKind, fields: Mapping[str, object], now: datetime) -> int:
        """Queue a request; returns its id."""
        ...

    async def waiting(self) -> int:
        """Return the number of requests without an answer."""
        ...

    async def answer(self, request_id: int) -> str | None:
        """Return the JSON of the answer, once there is one."""
        ...

    async def remove(self, request_id: int) -> None:
        """Remove a request with its answer."""
        ...

    async def requeue(self, lease: TaskLease) -> None:
        """Queue again what a runner that ended was working on."""
        ...

    async def claim(self, lease: TaskLease) -> ResearchRequest | None:
        """Return the oldest queued request, now running."""
        ...

    async def store_answer(self, lease: TaskLease, request_id: int, answer: str) -> None:
        """Store the JSON of an answer; nothing if no caller waits for it any more."""
        ...

    async def prune(self, before: datetime) -> None:
        """Remove all requests that were made before a moment."""
        ...
