"""Rate limits per API key: one token bucket per key and kind of request.

Each process has buckets of its own; ``rate_usage`` debits them for the requests of other processes.
A bucket holds the tokens of one second. A request may overdraw a bucket that is not empty (a batch
of a thousand commands is one request); the debt is paid by waiting, so the average rate holds and
large batches pass. Commands that cancel or close have their own bucket, so that opening orders
cannot starve them.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from oms.config_sections import RateLimitSettings
from oms.domain.commands.command import (
    CancelAllOrders,
    CancelOrder,
    CloseAllPositions,
    CloseBy,
    ClosePosition,
    CommandPayload,
    MergePositions,
)
from oms.domain.errors import RateLimited

RATE_LIMIT_SCOPE_KEY = "oms.budget"
"""ASGI scope key of the ``RateLimitState`` after the request was charged."""

BUCKETS_MAX = 20_000

_CANCELS = (CancelOrder, CancelAllOrders, ClosePosition, CloseAllPositions, CloseBy, MergePositions)

BucketKey = tuple[int, "RateLimitKind"]
"""API key id and kind of request."""

Headers = list[tuple[bytes, bytes]]


class RateLimitKind(StrEnum):
    """Which bucket a request is charged to."""

    READ = "read"
    TRADE = "trade"
    CANCEL = "cancel"
    CCXT = "ccxt"


class RateLimitState(NamedTuple):
    """State of a bucket after a request was charged."""

    kind: RateLimitKind
    limit: int
    remaining: int
    #: Until the bucket is full again.
    reset_seconds: int

    def headers(self) -> Headers:
        """Return the response headers of the state."""
        limit, remaining = b"%d" % self.limit, b"%d" % self.remaining
        reset = b"%d" % self.reset_seconds
        name = b'"' + self.kind.encode() + b'"'
        return [
            (b"ratelimit-policy", name + b";q=" + limit + b";w=1"),
            (b"ratelimit", name + b";r=" + remaining + b";t=" + reset),
            (b"x-ratelimit-limit", limit),
            (b"x-ratelimit-remaining", remaining),
            (b"x-ratelimit-reset", reset),
        ]


class RateLimitExceeded(RateLimited):
    """The bucket is empty; ``state`` is its state."""

    def __init__(self, state: RateLimitState) -> None:
        message = f"rate limit of {state.limit} {state.kind} requests per second exceeded"
        super().__init__(message, reason=state.kind, retry_after_seconds=state.reset_seconds)
        self.state = state


@dataclass(slots=True, kw_only=True)
class RateLimiter:
    """The buckets of all keys; ``now`` is a monotonic clock in seconds."""

    limits: RateLimitSettings
    now: Callable[[], float]
    _buckets: OrderedDict[BucketKey, tuple[float, float]] = field(default_factory=OrderedDict)
    #: Tokens charged since ``take_usage``.
    _usage: dict[BucketKey, int] = field(default_factory=dict)

    def take(self, api_key_id: int, kind: RateLimitKind, count: int = 1) -> RateLimitState:
        """Charge ``count`` tokens. Raises ``RateLimitExceeded`` and charges nothing if empty."""
        rate = self._rate(kind)
        now, key = self.now(), (api_key_id, kind)
        tokens, at = self._buckets.get(key, (float(rate), now))
        tokens = min(tokens + (now - at) * rate, float(rate))
        if tokens < 1:
            raise RateLimitExceeded(
                RateLimitState(kind, rate, 0, max(1, math.ceil((1 - tokens) / rate)))
            )
        tokens -= count
        self._buckets[key] = (tokens, now)
        self._usage[key] = self._usage.get(key, 0) + count
        if len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)
        return RateLimitState(kind, rate, max(int(tokens), 0), math.ceil((rate - tokens) / rate))

    def take_usage(self) -> Mapping[BucketKey, int]:
        """Return the tokens charged since the last call."""
        usage, self._usage = self._usage, {}
        return usage

    def debit(self, usage: Mapping[BucketKey, int]) -> None:
        """Charge what other processes charged, even to empty buckets: the average rate holds."""
        now = self.now()
        for key, count in usage.items():
            rate = float(self._rate(key[1]))
            tokens, at = self._buckets.get(key, (rate, now))
            self._buckets[key] = (min(tokens + (now - at) * rate, rate) - count, now)
        while len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)

    def take_commands(self, api_key_id: int, payloads: Sequence[CommandPayload]) -> RateLimitState:
        """Charge one token per command to its bucket; return the state of the trade bucket if used.

        Raises ``RateLimitExceeded``.
        """
        cancels = sum(isinstance(payload, _CANCELS) for payload in payloads)
        trades = len(payloads) - cancels
        state = None
        if cancels:
            state = self.take(api_key_id, RateLimitKind.CANCEL, cancels)
        if trades or state is None:
            state = self.take(api_key_id, RateLimitKind.TRADE, trades)
        return state

    def _rate(self, kind: RateLimitKind) -> int:
        limits = self.limits
        return _RATES[kind](limits)


_RATES: Mapping[RateLimitKind, Callable[[RateLimitSettings], int]] = {
    RateLimitKind.READ: lambda limits: limits.read_per_second,
    RateLimitKind.TRADE: lambda limits: limits.trade_per_second,
    RateLimitKind.CANCEL: lambda limits: limits.cancel_per_second,
    RateLimitKind.CCXT: lambda limits: limits.ccxt_per_second,
}


def rate_limit_kind(path: str) -> RateLimitKind:
    """Return the bucket of a path that sends no commands."""
    is_call = path.startswith("/ccxt/") and not path.endswith("/raw")
    return RateLimitKind.CCXT if is_call else RateLimitKind.READ
