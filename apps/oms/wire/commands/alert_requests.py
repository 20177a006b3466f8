"""Request body of a new price alert."""

from typing import Annotated, Required

from pydantic import ConfigDict, TypeAdapter
from typing_extensions import TypedDict

from oms.domain.commands.account_commands import CreateAlert
from oms.domain.protection.price_alerts import AlertCondition
from oms.wire.field_types import Comment, Id, Positive, Symbol, enum_schema
from oms.wire.field_validation import require_object, validate
from oms.wire.request_body import malformed_at


class AlertFields(TypedDict, total=False):
    """``POST /alerts``."""

    __pydantic_config__ = ConfigDict(extra="ignore", strict=True)  # type: ignore[misc]
    account_id: Required[Id]
    symbol: Required[Symbol]
    condition: Required[Annotated[str, enum_schema(AlertCondition)]]
    price: Required[Positive]
    note: Comment | None


ALERT = TypeAdapter(AlertFields)


def read_alert(body: object) -> tuple[int, CreateAlert]:
    """Return the account and the command of a body. Raises ``Malformed``."""
    fields = validate(ALERT, require_object(body, ("body",)), ())
    word = fields["condition"].lower()
    if word not in set(AlertCondition):
        names = ", ".join(AlertCondition)
        raise malformed_at(("condition",), f"one of {names} is expected", "enum")
    return fields["account_id"], CreateAlert(
        symbol=fields["symbol"],
        condition=AlertCondition(word),
        price=fields["price"],
        note=fields.get("note"),
    )
