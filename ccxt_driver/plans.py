"""How methods are written: a *plan* yields requests, is sent their answers, returns a result.

A plan does no I/O, so one text serves the synchronous class and the asynchronous ones; whoever
carries it out throws a failed request's exception into it.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar

from ccxt_driver.structures import Shapes
from ccxt_driver.wire import Body, Request

Result = TypeVar("Result")
Plan = Generator[Request, Body, Result]

Params = Mapping[str, Any]
NO_PARAMS: Params = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for every call of one driver object."""

    account_id: int
    strategy_id: int
    timeout_seconds: float
    shapes: Shapes
    clock: Callable[[], datetime]

    def strategy_of(self, params: Params) -> int:
        """The strategy that a call names, else the object's; 0 is none."""
        named = params.get("strategy_id")
        return self.strategy_id if named is None else int(named)


#: Seconds before a failed read is tried again, the first and the second time.
READ_PAUSES = (0.1, 0.4)


def pause_before_retry(
    request: Request, failed: Exception, attempt: int, seconds_left: float
) -> float | None:
    """Seconds to wait before a request is sent again; ``None`` if it must not be.

    ``attempt`` is how often it failed before. Only reads are repeated, where that may help.
    """
    if not request.is_read or attempt >= len(READ_PAUSES):
        return None
    wait: float = max(READ_PAUSES[attempt], getattr(failed, "retry_after", None) or 0)
    return wait if getattr(failed, "retryable", False) and wait < seconds_left else None
