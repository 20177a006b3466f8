"""Price alerts in responses."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.money import decimal_text
from oms.domain.protection.price_alerts import AlertCondition, PriceAlert, PriceSide
from oms.wire.json import time_text
from oms.wire.responses.value_types import DecimalText, Id, TimeText, one_of


class AlertRow(TypedDict):
    """A price alert that has not fired."""

    alert_id: Id
    account_id: Id
    symbol: str
    condition: Annotated[str, one_of(*AlertCondition)]
    price: DecimalText
    note: str | None
    side: Annotated[
        Annotated[str, one_of(*PriceSide)] | None,
        Field(description="Of crosses: where the price was first seen."),
    ]
    user_id: Annotated[Id, Field(description="The user whose key created it.")]
    created_at: TimeText


class AlertCreated(TypedDict):
    """The new alert; null while the worker has not answered."""

    ok: bool
    alert: AlertRow | None
    command_id: Id


class AlertDeleted(TypedDict):
    """The deleted alert."""

    ok: bool
    alert_id: Id
    command_id: Id


def alert_row(account_id: int, alert: PriceAlert) -> AlertRow:
    """Return the row of an alert."""
    return {
        "alert_id": alert.id,
        "account_id": account_id,
        "symbol": alert.symbol,
        "condition": alert.condition.value,
        "price": decimal_text(alert.price),
        "note": alert.note,
        "side": None if alert.side is None else alert.side.value,
        "user_id": alert.user_id,
        "created_at": time_text(alert.created_at),
    }
