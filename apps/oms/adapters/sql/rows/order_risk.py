"""Verdicts on orders as JSON text: what is not set is left out."""

from decimal import Decimal
from typing import Any

from oms.domain.money import decimal_text
from oms.domain.orders.order_risk import LimitCheck, OrderRisk, RiskStatus
from oms.wire.json import dumps_fast, loads

_DECIMALS = ("price", "pending_qty", "pending_price", "pending_trigger_price")


def encode_risk(risk: OrderRisk) -> str:
    """Return the JSON text of ``risk``."""
    fields: dict[str, Any] = {}
    if risk.status is not None:
        fields["status"] = str(risk.status)
    if risk.code is not None:
        fields["code"] = risk.code
    for name in _DECIMALS:
        number: Decimal | None = getattr(risk, name)
        if number is not None:
            fields[name] = decimal_text(number)
    if risk.checks:
        fields["checks"] = [
            [
                key,
                scope,
                scope_id,
                limit,
                None if measured is None else decimal_text(measured),
                passed,
            ]
            for key, scope, scope_id, limit, measured, passed in risk.checks
        ]
    return dumps_fast(fields)


def decode_risk(text: str | None) -> OrderRisk | None:
    """Return the verdict of a JSON text."""
    if text is None:
        return None
    fields: dict[str, Any] = loads(text)
    for name in _DECIMALS:
        if name in fields:
            fields[name] = Decimal(fields[name])
    if "status" in fields:
        fields["status"] = RiskStatus(fields["status"])
    fields["checks"] = tuple(_decode_check(check) for check in fields.get("checks", ()))
    return OrderRisk(**fields)


def _decode_check(row: list[Any]) -> LimitCheck:
    key, scope, scope_id, limit, measured, passed = row
    return LimitCheck(
        key=key,
        scope=scope,
        scope_id=scope_id,
        limit=limit,
        measured=None if measured is None else Decimal(measured),
        passed=passed,
    )
