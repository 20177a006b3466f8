"""What a key may do a second, in this process: one bucket per key and kind of work.

A bucket holds a second's worth. Who still has something may spend more than that at once (a batch
of a thousand commands is one request) and pays it back by waiting: the rate holds, no honest batch
is refused. What cancels or closes has a bucket of its own, so that opening never starves it.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from oms.config import RateLimitSettings
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
"""Where what is left of the budget that a request used stands in its ASGI scope."""

BUCKETS_MAX = 20_000

_CANCELS = (CancelOrder, CancelAllOrders, ClosePosition, CloseAllPositions, CloseBy, MergePositions)

Headers = list[tuple[bytes, bytes]]


class RateLimitKind(StrEnum):
    """Which budget is used."""

    READ = "read"
    TRADE = "trade"
    CANCEL = "cancel"
    CCXT = "ccxt"


class RateLimitState(NamedTuple):
    """What is left of a budget after it was used."""

    kind: RateLimitKind
    limit: int
    remaining: int
    #: Seconds until the bucket is full again.
    reset: int

    def headers(self) -> Headers:
        """The headers that tell of it."""
        limit, left, reset = b"%d" % self.limit, b"%d" % self.remaining, b"%d" % self.reset
        name = b'"' + self.kind.encode() + b'"'
        return [
            (b"ratelimit-policy", name + b";q=" + limit + b";w=1"),
            (b"ratelimit", name + b";r=" + left + b";t=" + reset),
            (b"x-ratelimit-limit", limit),
            (b"x-ratelimit-remaining", left),
            (b"x-ratelimit-reset", reset),
        ]


class RateLimitExceeded(RateLimited):
    """A budget is used up; ``left`` tells of it."""

    def __init__(self, left: RateLimitState) -> None:
        message = f"this key may do {left.limit} of kind {left.kind} a second; none is left"
        super().__init__(message, reason=left.kind, retry_after_seconds=left.reset)
        self.left = left


@dataclass(slots=True, kw_only=True)
class RateLimiter:
    """The buckets of all keys; ``now`` is a clock in seconds that never goes back."""

    limits: RateLimitSettings
    now: Callable[[], float]
    _buckets: OrderedDict[tuple[int, RateLimitKind], tuple[float, float]] = field(
        default_factory=OrderedDict
    )

    def take(self, api_key_id: int, kind: RateLimitKind, count: int = 1) -> RateLimitState:
        """Use ``count`` of a budget. Raises ``Spent`` with nothing used."""
        rate = self._rate(kind)
        now, key = self.now(), (api_key_id, kind)
        held, at = self._buckets.get(key, (float(rate), now))
        held = min(held + (now - at) * rate, float(rate))
        if held < 1:
            raise RateLimitExceeded(
                RateLimitState(kind, rate, 0, max(1, math.ceil((1 - held) / rate)))
            )
        held -= count
        self._buckets[key] = (held, now)
        if len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)
        return RateLimitState(kind, rate, max(int(held), 0), math.ceil((rate - held) / rate))

    def take_commands(self, api_key_id: int, payloads: Sequence[CommandPayload]) -> RateLimitState:
        """Use a budget per command; the one that opens is told. Raises ``Spent``."""
        cancels = sum(isinstance(payload, _CANCELS) for payload in payloads)
        trades = len(payloads) - cancels
        left = None
        if cancels:
            left = self.take(api_key_id, RateLimitKind.CANCEL, cancels)
        if trades or left is None:
            left = self.take(api_key_id, RateLimitKind.TRADE, trades)
        return left

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
    """The budget of a path that sends no commands."""
    is_call = path.startswith("/ccxt/") and not path.endswith("/raw")
    return RateLimitKind.CCXT if is_call else RateLimitKind.READ
