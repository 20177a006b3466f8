"""What the limits said about an order when it was admitted, and a larger size on its way."""

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from oms.domain.value import value


class RiskStatus(StrEnum):
    """The verdict on an order."""

    PASSED = "passed"
    #: Sent for the part that only reduces.
    TRIMMED = "trimmed"
    BLOCKED = "blocked"
    #: It only reduces: no limit applies.
    EXEMPT = "exempt"


class LimitCheck(NamedTuple):
    """One limit as it was checked against an order."""

    key: str
    scope: str
    #: Id of the account or strategy; 0 of the gateway.
    scope_id: int
    #: The limit: a decimal text, a flag or symbols.
    limit: str | bool | list[str]
    #: What was measured, as a decimal text; ``None`` of limits that measure nothing, and where it
    #: is not known.
    measured: str | None = None
    passed: bool = True


@value
class OrderRisk:
    """The verdict on an order with the limits that were checked, up to the first that failed."""

    status: RiskStatus | None = None
    #: Reason of the refusal, or of what was cut off.
    code: str | None = None
    #: Price that the order was valued at; ``None`` if no limit needed one.
    price: Decimal | None = None
    checks: tuple[LimitCheck, ...] = ()
    #: Quantity and prices that a change on its way asks for.
    pending_qty: Decimal | None = None
    pending_price: Decimal | None = None
    pending_trigger_price: Decimal | None = None
