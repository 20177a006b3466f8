"""What the limits said about one request, and what they were checked against."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from oms.domain.errors import Refused
from oms.domain.money import decimal_text
from oms.domain.orders.order_risk import LimitCheck, OrderRisk, RiskStatus
from oms.domain.risk.admission import ApprovedOrder
from oms.domain.risk.limit_context import RepeatedOrder
from oms.domain.risk.policy import AccountPolicy, RulingLimit
from oms.domain.value import constructor

_new_risk = constructor(OrderRisk)
_checked: Callable[[tuple[object, ...]], LimitCheck] = partial(tuple.__new__, LimitCheck)


LimitVerdict = tuple[RulingLimit, Decimal | None, Refused | None]
"""One limit as it was checked: what was measured, and why it refuses.

``None`` was measured by limits that measure nothing, and where it is not known.
"""


@dataclass(slots=True)
class Judgement:
    """Collects what is checked while a request is admitted."""

    #: Whether limits after the first that fails are checked too.
    is_complete: bool = False
    #: Whether limits were checked.
    is_judged: bool = False
    #: The price that valued the part that opens; ``None`` if it is not known.
    price: Decimal | None = None
    verdicts: list[LimitVerdict] = field(default_factory=list)
    #: The order that the request repeats; ``None`` if there is none or it is exempt.
    repeated: RepeatedOrder | None = None


def order_risk(
    policy: AccountPolicy | None, approved: ApprovedOrder | Refused, judgement: Judgement | None
) -> OrderRisk | None:
    """Return the verdict that is stored with an order; ``None`` if no limit applied."""
    if isinstance(approved, Refused):
        if approved.code != "risk_blocked":
            return None
        return _risk(RiskStatus.BLOCKED, approved.reason, judgement)
    if approved.cut_by is not None:
        return _risk(RiskStatus.TRIMMED, approved.cut_by.reason, judgement)
    if judgement is not None and judgement.is_judged and not approved.reduce_only:
        return _risk(RiskStatus.PASSED, None, judgement)
    if policy is None or not policy.applies_to(approved.strategy_id):
        return None
    if approved.reduce_only:
        return OrderRisk(status=RiskStatus.EXEMPT)
    return _risk(RiskStatus.PASSED, None, judgement)


def limit_checks(verdicts: Iterable[LimitVerdict]) -> tuple[LimitCheck, ...]:
    """Return verdicts as they are stored; in one expression, as an order has twenty."""
    return tuple(
        [
            ruling.passed
            if measured is None and refused is None
            else _checked(
                (
                    *ruling.passed[:4],
                    None if measured is None else decimal_text(measured),
                    refused is None,
                )
            )
            for ruling, measured, refused in verdicts
        ]
    )


def _risk(status: RiskStatus, code: str | None, judgement: Judgement | None) -> OrderRisk:
    if judgement is None or not judgement.is_judged:
        return OrderRisk(status=status, code=code)
    checks = limit_checks(judgement.verdicts)
    return _new_risk(status=status, code=code, price=judgement.price, checks=checks)
