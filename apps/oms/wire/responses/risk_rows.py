"""The verdict of the limits in rows of orders."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.orders.order_risk import OrderRisk, RiskStatus
from oms.domain.risk.policy import PolicyScope
from oms.wire.json import optional_decimal_text
from oms.wire.responses.value_types import Count, DecimalText, one_of


class LimitCheckRow(TypedDict):
    """A limit that was checked, and what was measured."""

    key: str
    scope: Annotated[str, one_of(*PolicyScope)]
    scope_id: Annotated[Count, Field(description="0 of the scope global.")]
    limit: str | bool | list[str]
    value: Annotated[
        DecimalText | None, Field(description="Null if nothing is measured, or it is not known.")
    ]
    passed: bool


class RiskDetailRow(TypedDict):
    """What was checked, in the order of the checks, up to the first that failed."""

    price: Annotated[DecimalText | None, Field(description="The order was valued at it.")]
    limits: Annotated[
        list[LimitCheckRow], Field(description="Empty in events of an order that passed all.")
    ]


class RiskFields(TypedDict):
    """Fields of an order that show its verdict; null where no limit applied."""

    risk_status: Annotated[str, one_of(*RiskStatus)] | None
    risk_code: Annotated[
        str | None, Field(description="Reason of the refusal, or of the part that was cut off.")
    ]
    risk_detail: RiskDetailRow | None


NO_RISK: RiskFields = {"risk_status": None, "risk_code": None, "risk_detail": None}
"""Fields of an order that no limit applied to."""


def risk_fields(risk: OrderRisk, *, passed_limits: bool = True) -> RiskFields:
    """Return the fields of a verdict, ``passed_limits``: also the limits of orders that passed."""
    if risk.status is None:
        return NO_RISK
    if passed_limits or risk.status is not RiskStatus.PASSED:
        detail = risk_detail(risk)
    else:
        detail = {"price": optional_decimal_text(risk.price), "limits": []}
    return {"risk_status": str(risk.status), "risk_code": risk.code, "risk_detail": detail}


def risk_detail(risk: OrderRisk) -> RiskDetailRow:
    """Return what was checked."""
    return {
        "price": optional_decimal_text(risk.price),
        "limits": [
            {
                "key": key,
                "scope": scope,
                "scope_id": scope_id,
                "limit": limit,
                "value": measured,
                "passed": passed,
            }
            for key, scope, scope_id, limit, measured, passed in risk.checks
        ],
    }
