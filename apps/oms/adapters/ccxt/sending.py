"""Sends a request of a wish once, and again only what surely did not leave, until its deadline."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Any

from oms.adapters.ccxt.faults import Fault, NotSent, Overloaded
from oms.adapters.ccxt.lanes import Gate
from oms.adapters.ccxt.pace import Pace, nth
from oms.adapters.ccxt.venue import Venue
from oms.adapters.ccxt.wishes import Call, Wish

EXPIRED = "expired_before_send"
#: Failures before the first byte that may pass by themselves.
_PASSING = frozenset({"exchange_unavailable", "exchange_rate_limited", "shutting_down"})


class Sending:
    """Of one account, through the gate that all its writes pass."""

    def __init__(
        self, *, client: Venue, gate: Gate, clock: Callable[[], datetime], pace: Pace
    ) -> None:
        self._client = client
        self._gate = gate
        self._clock = clock
        self._pace = pace

    async def __call__(self, wish: Wish, call: Call) -> Any:
        """The answer. Raises ``NotSent``, ``Overloaded``, ``Rejected``, ``OutcomeUnknown``."""
        params = {"params": dict(call.params)} if call.params else {}
        for number in count():
            async with self._gate.passed(wish):
                if self._clock() >= wish.deadline:
                    raise NotSent(EXPIRED, "the time to send it was over", headers_sent=False)
                try:
                    return await self._client.write(call.method, *call.args, **params)
                except (NotSent, Overloaded) as fault:
                    pause = self._pause(fault, number)
                    if not is_passing(fault) or pause >= self._left(wish):
                        raise
            await asyncio.sleep(pause)
        raise AssertionError("there is always a next try")

    def _pause(self, fault: Fault, number: int) -> float:
        pause = nth(self._pace.resend, number)
        return max(pause, fault.retry_after or 0.0) if isinstance(fault, Overloaded) else pause

    def _left(self, wish: Wish) -> float:
        return (wish.deadline - self._clock()).total_seconds()


def is_passing(fault: Fault) -> bool:
    """Whether it may pass by itself."""
    return isinstance(fault, Overloaded) or fault.code in _PASSING
