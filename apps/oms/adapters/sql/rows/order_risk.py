"""Verdicts on orders as JSON text: what is not set is left out."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from typing import Any

from oms.domain.money import decimal_text
from oms.domain.orders.order_risk import LimitCheck, OrderRisk, RiskStatus
from oms.wire.json import dumps_fast, loads

#: Makes a check of its stored values without a Python call: an order has twenty.
_check_of: Callable[[Iterable[object]], LimitCheck] = partial(tuple.__new__, LimitCheck)

_DECIMALS = ("price", "pending_qty", "pending_price", "pending_trigger_price")


def encode_risk(risk: OrderRisk) -> str:
    """Return the JSON text of ``risk``."""
    fields: dict[str, Any] = {}
    if risk.status is not None:
        fields["status"] = str(risk.status)
    if risk.code is not None:
        fields["code"] = risk.code
    if risk.price is not None:
        fields["price"] = decimal_text(risk.price)
    if risk.pending_qty is not None:
        fields["pending_qty"] = decimal_text(risk.pending_qty)
    if risk.pending_price is not None:
        fields["pending_price"] = decimal_text(risk.pending_price)
    if risk.pending_trigger_price is not None:
        fields["pending_trigger_price"] = decimal_text(risk.pending_trigger_price)
    if risk.checks:
        fields["checks"] = [[*check] for check in risk.checks]
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
    fields["checks"] = tuple(map(_check_of, fields.get("checks", ())))
    return OrderRisk(**fields)
