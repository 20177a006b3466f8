"""A rate limit budget shared by all clients of a key: a sliding window, priorities, pauses.

ccxt's own bucket is per instance and knows nothing of the others; it stays as a second limit. A
caller waits here before it sends: one that gives up has sent nothing.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Mapping
from enum import IntEnum
from itertools import count
from math import inf
from time import monotonic

from oms.adapters.ccxt.venues.profile_registry import get_profile

Clock = Callable[[], float]

#: The share of each budget that is reserved for cancels.
CANCEL_SHARE = 0.2
_WAIT_SECONDS_MIN = 0.001
PAUSE_SECONDS_MAX = 60.0
#: After a pause one request goes ahead as a probe; the others wait this long at most for its
#: result.
PROBE_SECONDS_MAX = 5.0
BAN_SECONDS_MIN = 120.0
#: A second and a margin: requests sent evenly may arrive closer together.
WINDOW_MARGIN_SECONDS = 0.05
WINDOW_SECONDS = 1 + WINDOW_MARGIN_SECONDS


class Priority(IntEnum):
    """Order in which waiting requests are admitted."""

    CANCEL = 0
    LOOKUP = 1
    REDUCE = 2
    OPEN = 3
    SNAPSHOT = 4
    HISTORY = 5


class DeadlinePassed(Exception):
    """The deadline passed while waiting; nothing was sent."""


class RateLimitBucket:
    """One budget: costs of ``budget`` in any window of ``seconds``, for a key or an IP address.

    Venues count in windows; a token bucket would admit nearly twice as much in its first second.
    ``pause`` stops all of it, for all who share it. After a pause the most urgent request
    goes alone, and the others once it was answered normally.
    """

    def __init__(self, budget: float, clock: Clock = monotonic, *, seconds: float = 1.0) -> None:
        assert budget > 0, "a budget is above zero"
        self._budget = budget
        self._clock = clock
        self._window_seconds = seconds + WINDOW_MARGIN_SECONDS
        #: When each cost expires, with the cost.
        self._spent: deque[tuple[float, float]] = deque()
        self._paused_until = 0.0
        self._pauses_in_a_row = 0
        #: No request was answered normally since the last pause: the next one is a probe.
        self._must_probe = False
        self._probed_until = 0.0
        self._cancels_only_until = 0.0
        #: Priority, number and cost of those who wait.
        self._waiting: list[tuple[int, int, float]] = []
        self._number = count()
        self._changed = asyncio.Event()

    @property
    def pause_seconds_left(self) -> float:
        """Seconds until a request may be sent."""
        return max(self._paused_until - self._clock(), 0.0)

    async def take(
        self, priority: Priority, cost: float = 1.0, deadline: float | None = None
    ) -> None:
        """Wait until ``cost`` may be spent, by priority and then by arrival.

        ``deadline`` is a time of the bucket's clock. Raises ``DeadlinePassed``.
        """
        ticket = (int(priority), next(self._number), cost)
        heapq.heappush(self._waiting, ticket)
        try:
            while True:
                wait = self._wait_seconds(ticket, priority, cost)
                if wait <= 0 and await self._try_consume_shared(priority, cost):
                    break
                remaining = inf if deadline is None else deadline - self._clock()
                if remaining < 0 or (wait > 0 and remaining <= 0):
                    raise DeadlinePassed
                if wait > 0:
                    await self._sleep(min(wait, remaining))
            self._spend(cost)
            if self._must_probe:
                self._probed_until = self._clock() + PROBE_SECONDS_MAX
        finally:
            self._waiting.remove(ticket)
            heapq.heapify(self._waiting)
            self._wake()

    def pause(self, seconds: float | None, *, is_ban: bool = False) -> float:
        """Stop the budget: for ``seconds``, else 1, 2, 4 … 60; a ban is two minutes at least.

        Returns the seconds. Overlapping pauses count as one.
        """
        if seconds is None:
            if not self.pause_seconds_left:
                self._pauses_in_a_row += 1
            doubled: float = 2.0 ** max(self._pauses_in_a_row - 1, 0)
            seconds = min(doubled, PAUSE_SECONDS_MAX)
        if is_ban:
            seconds = max(seconds, BAN_SECONDS_MIN)
        self._paused_until = max(self._paused_until, self._clock() + seconds)
        self._must_probe, self._probed_until = True, 0.0
        self._wake()
        return seconds

    def record_success(self) -> None:
        """A request was answered normally: the next pause is a short one again."""
        self._pauses_in_a_row = 0
        if self._must_probe:
            self._must_probe, self._probed_until = False, 0.0
            self._wake()

    def set_remaining(self, remaining: float) -> None:
        """Apply the remaining budget that the venue reports, if it is less than ours."""
        missing = self._budget - self._used() - max(remaining, 0.0)
        if missing > 0:
            self._spend(missing)

    def set_used(self, used: float) -> None:
        """Apply the use of this window that the venue counted, if it is more than ours."""
        missing = used - self._used()
        if missing > 0:
            self._spend(missing)

    def reserve_for_cancels(self, seconds: float) -> None:
        """Reserve the rest of a budget longer than a second's for cancels, for ``seconds``."""
        self._cancels_only_until = max(self._cancels_only_until, self._clock() + seconds)

    def set_limit(self, budget: float) -> None:
        """Apply the limit that the venue reports, lower or higher than assumed."""
        if budget > 0 and budget != self._budget:
            self._budget = budget
            self._wake()

    def expected_wait(self, cost: float) -> float:
        """Returns the seconds until a new order of ``cost`` may be sent, behind those who wait."""
        queued = sum(each for _, _, each in self._waiting)
        allowed = (1 - CANCEL_SHARE) * self._budget
        missing = self._used() + queued + min(cost, allowed) - allowed
        wait = max(missing, 0.0) / allowed * self._window_seconds
        return self.pause_seconds_left + max(wait, self._cancels_only_until - self._clock(), 0.0)

    async def _try_consume_shared(self, priority: Priority, cost: float) -> bool:
        """Whether a budget shared with other processes allows it; if not, try again."""
        return True

    def _wait_seconds(
        self, ticket: tuple[int, int, float], priority: Priority, cost: float
    ) -> float:
        """Seconds to wait at least; 0 is go."""
        if self.pause_seconds_left:
            return self.pause_seconds_left
        if self._waiting[0] != ticket:
            return PAUSE_SECONDS_MAX
        if self._probed_until > self._clock():
            return self._probed_until - self._clock()
        if priority is not Priority.CANCEL and self._cancels_only_until > self._clock():
            return self._cancels_only_until - self._clock()
        reserved = 0.0 if priority is Priority.CANCEL else CANCEL_SHARE * self._budget
        # A request that costs more than the whole budget passes when nothing else is in the window.
        available = max(self._budget - reserved - cost, 0.0)
        used = self._used()
        for ends, spent in sorted(self._spent):
            if used <= available:
                break
            used -= spent
            wait = ends - self._clock()
            if used <= available:
                return max(wait, _WAIT_SECONDS_MIN)
        return 0.0

    def _used(self) -> float:
        """What was spent within the window."""
        now = self._clock()
        self._spent = deque(each for each in self._spent if each[0] > now)
        return sum(spent for _, spent in self._spent)

    def _spend(self, cost: float) -> None:
        """A cost above the budget is remembered for longer."""
        lasts = self._window_seconds * max(cost / self._budget, 1.0)
        self._spent.append((self._clock() + lasts, cost))

    async def _sleep(self, seconds: float) -> None:
        """Until the time is up or the state changed for all who wait."""
        changed = self._changed
        try:
            async with asyncio.timeout(max(seconds, _WAIT_SECONDS_MIN)):
                await changed.wait()
        except TimeoutError:
            return

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class RateLimitBuckets:
    """The buckets of one process by name, created on first use.

    ``make_shared`` creates those shared with other processes, from name, budget and clock.
    """

    def __init__(
        self,
        clock: Clock = monotonic,
        make_shared: Callable[[str, float, Clock], RateLimitBucket] | None = None,
    ) -> None:
        self._clock = clock
        self._make_shared = make_shared
        self._buckets: dict[str, RateLimitBucket] = {}

    def get(self, name: str) -> RateLimitBucket | None:
        """Returns the bucket of that name if it exists."""
        return self._buckets.get(name)

    def get_or_create(
        self, name: str, budget: float, *, is_shared: bool = False, seconds: float = 1.0
    ) -> RateLimitBucket:
        """Returns the bucket of ``name``; its budget in ``seconds`` is that of the first call."""
        bucket = self._buckets.get(name)
        if bucket is None:
            if is_shared and self._make_shared is not None:
                bucket = self._make_shared(name, budget / seconds, self._clock)
            else:
                bucket = RateLimitBucket(budget, self._clock, seconds=seconds)
            self._buckets[name] = bucket
        return bucket


def counts_requests(venue: str) -> bool:
    """Returns whether the venue's limits count requests; elsewhere they count ccxt's costs."""
    return get_profile(venue).limit_headers is not None


def read_limit(venue: str, headers: Mapping[str, str]) -> float | None:
    """Returns the requests allowed per second; ``None`` if the reply does not say so."""
    names = get_profile(venue).limit_headers
    return None if names is None else read_number(headers, names[0])


def read_remaining(venue: str, headers: Mapping[str, str]) -> float | None:
    """Returns the requests left; ``None`` if the reply does not say so."""
    names = get_profile(venue).limit_headers
    return None if names is None else read_number(headers, names[1])


def read_used_share(venue: str, url: str, headers: Mapping[str, str]) -> float | None:
    """Returns the used share of this minute's weight; ``None`` if the reply does not say so."""
    weight = get_profile(venue).used_weight
    if weight is None:
        return None
    used = read_number(headers, weight.header)
    limits = [limit for path, limit in weight.limits.items() if path in url]
    return used / limits[0] if used is not None and limits else None


def read_number(headers: Mapping[str, str], name: str) -> float | None:
    """Returns the number in a header; ``None`` if there is none."""
    value = {key.lower(): text for key, text in headers.items()}.get(name)
    try:
        return None if value is None else float(value)
    except ValueError:
        return None
