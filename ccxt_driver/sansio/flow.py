"""How methods are written: a *plan* yields requests, is sent their answers, returns a result.

A plan does no I/O, so one text serves the synchronous class and the asynchronous ones; whoever
carries it out throws a failed request's exception into it.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeVar

from ccxt_driver.structures import StructureBuilder
from ccxt_driver.wire import Body, Request

Result = TypeVar("Result")
Flow = Generator[Request, Body, Result]

Params = Mapping[str, Any]
NO_PARAMS: Params = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """What holds for every call of one driver object."""

    account_id: int
    strategy_id: int
    timeout_seconds: float
    shapes: StructureBuilder
    clock: Callable[[], datetime]

    def strategy_id_for(self, params: Params) -> int:
        """The strategy that a call names, else the object's; 0 is none."""
        named = params.get("strategy_id")
        return self.strategy_id if named is None else int(named)


#: Seconds before a failed read is tried again, the first and the second time.
READ_RETRY_SECONDS = (0.1, 0.4)


def retry_delay_seconds(
    request: Request, failed: Exception, attempt: int, seconds_left: float
) -> float | None:
    """Seconds to wait before a request is sent again; ``None`` if it must not be.

    ``attempt`` is how often it failed before. Only reads are repeated, where that may help.
    """
    if not request.is_read or attempt >= len(READ_RETRY_SECONDS):
        return None
    wait: float = max(READ_RETRY_SECONDS[attempt], getattr(failed, "retry_after", None) or 0)
    return wait if getattr(failed, "retryable", False) and wait < seconds_left else None
