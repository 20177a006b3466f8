"""How methods are written: a *plan* yields requests, is sent their answers, returns a result.

A plan does no I/O, so one text serves the synchronous class and the asynchronous ones; whoever
carries it out throws a failed request's exception into it.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from ccxt_driver.structures import Shapes
from ccxt_driver.wire import Body, Request

Result = TypeVar("Result")
Plan = Generator[Request, Body, Result]

Params = Mapping[str, Any]


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
