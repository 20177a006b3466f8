"""What the limits said about one request, and what they were checked against."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from oms.domain.errors import Refused
from oms.domain.orders.order_risk import LimitCheck, OrderRisk, RiskStatus
from oms.domain.risk.admission import ApprovedOrder
from oms.domain.risk.exposure import Entry
from oms.domain.risk.limit_context import LimitContext, RepeatedOrder
from oms.domain.risk.limits import LimitVerdict
from oms.domain.risk.policy import AccountPolicy
from oms.domain.risk.valuation import valuation_of
from oms.domain.value import constructor

_new_risk = constructor(OrderRisk)
_checked: Callable[[tuple[object, ...]], LimitCheck] = partial(tuple.__new__, LimitCheck)


@dataclass(slots=True)
class Judgement:
    """Collects what is checked while a request is admitted."""

    #: Whether limits after the first that fails are checked too.
    is_complete: bool = False
    #: The part that opens, and what it was checked against; ``None`` if nothing was checked.
    entry: Entry | None = None
    context: LimitContext | None = None
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
            else _checked((*ruling.passed[:4], measured, refused is None))
            for ruling, measured, refused in verdicts
        ]
    )


def _risk(status: RiskStatus, code: str | None, judgement: Judgement | None) -> OrderRisk:
    if judgement is None or judgement.entry is None or judgement.context is None:
        return OrderRisk(status=status, code=code)
    market = judgement.context.markets.get(judgement.entry.symbol)
    return _new_risk(
        status=status,
        code=code,
        price=valuation_of(judgement.entry, market),
        checks=limit_checks(judgement.verdicts),
    )
