"""A bucket whose budget all workers share: each takes tokens of a second from the store.

Priorities and the window are those of the process; the store says how much of the budget it may
use. Where the store is unavailable, the process uses its own window alone: the venue's own limits
remain, and a cancel must not wait for a database.
"""

import asyncio
import logging

from oms.adapters.ccxt.ratelimit.rate_bucket import CANCEL_SHARE, Clock, Priority, RateLimitBucket
from oms.domain.errors import Unavailable
from oms.ports.rate_budget import RateBudget

#: A worker takes this share of a second's budget at once: fewer calls, and a fair share for others.
CHUNK_SHARE = 0.2
_WAIT_SECONDS_MIN = 0.001
_log = logging.getLogger("oms.ccxt")


class SharedRateLimitBucket(RateLimitBucket):
    """One budget of (venue, address or key), shared with other processes."""

    def __init__(self, chunks: RateBudget, name: str, per_second: float, clock: Clock) -> None:
        super().__init__(per_second, clock)
        self._chunks = chunks
        self._name = name
        #: Tokens taken and not spent, and when they expire.
        self._tokens = 0.0
        self._tokens_expire_at = 0.0
        #: Until when the store has no tokens: for all but cancels, and for cancels as well.
        self._empty_until = 0.0
        self._cancels_empty_until = 0.0
        self._lock = asyncio.Lock()
        self._pause_tasks: set[asyncio.Task[None]] = set()

    def pause(self, seconds: float | None, *, is_ban: bool = False) -> float:
        """As ``RateLimitBucket.pause``; the other workers pause as well."""
        seconds = super().pause(seconds, is_ban=is_ban)
        task = asyncio.ensure_future(self._share_pause(seconds))
        self._pause_tasks.add(task)
        task.add_done_callback(self._pause_tasks.discard)
        return seconds

    def _wait_seconds(
        self, ticket: tuple[int, int, float], priority: Priority, cost: float
    ) -> float:
        wait = super()._wait_seconds(ticket, priority, cost)
        if wait > 0 or self._has_tokens(cost):
            return wait
        ends = self._cancels_empty_until if priority is Priority.CANCEL else self._empty_until
        return max(ends - self._clock(), 0.0)

    async def _try_consume_shared(self, priority: Priority, cost: float) -> bool:
        if self._has_tokens(cost):
            self._tokens -= self._tokens_needed(cost)
            return True
        async with self._lock:
            if not self._has_tokens(cost):
                await self._take_chunk(priority, cost)
        return False

    async def _take_chunk(self, priority: Priority, cost: float) -> None:
        """Takes more tokens, or notes until when there are none."""
        is_cancel = priority is Priority.CANCEL
        need = self._tokens_needed(cost)
        maximum = self._budget if is_cancel else (1 - CANCEL_SHARE) * self._budget
        requested = need if is_cancel else max(need, CHUNK_SHARE * self._budget)
        try:
            chunk = await self._chunks.take(self._name, requested, maximum)
        except Unavailable as error:
            _log.warning("the shared budget of %s is unavailable: %s", self._name, error.message)
            self._tokens, self._tokens_expire_at = self._budget, self._clock() + 1
            return
        now = self._clock()
        if chunk.paused > 0:
            super().pause(chunk.paused)
            return
        remaining = self._tokens if now < self._tokens_expire_at else 0.0
        self._tokens, self._tokens_expire_at = remaining + chunk.tokens, now + chunk.seconds
        if self._tokens < need:
            ends = now + max(chunk.seconds, _WAIT_SECONDS_MIN)
            self._empty_until = ends
            self._cancels_empty_until = ends if is_cancel else self._cancels_empty_until

    def _has_tokens(self, cost: float) -> bool:
        return self._clock() < self._tokens_expire_at and self._tokens >= self._tokens_needed(cost)

    def _tokens_needed(self, cost: float) -> float:
        """A cost above a second's budget waits for a whole one, and passes."""
        return min(cost, (1 - CANCEL_SHARE) * self._budget)

    async def _share_pause(self, seconds: float) -> None:
        try:
            await self._chunks.pause(self._name, seconds)
        except Unavailable as error:
            _log.warning("a pause of %s was not shared: %s", self._name, error.message)
