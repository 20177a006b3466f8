"""Request body that resolves an order with unknown outcome."""

from typing import Annotated, Required

from pydantic import ConfigDict, Field, PlainValidator, TypeAdapter
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from oms.domain.commands.account_commands import Resolution, ResolveUnknownOrder
from oms.domain.errors import Invalid
from oms.wire.field_types import Comment, enum_schema
from oms.wire.field_validation import drop_nulls, require_object, validate
from oms.wire.request_body import malformed_at


def _parse_resolution(value: object) -> Resolution:
    if isinstance(value, str) and value.lower() in set(Resolution):
        return Resolution(value.lower())
    listed = ", ".join(Resolution)
    raise PydanticCustomError("enum", "one of {listed} is expected", {"listed": listed})


ExchangeOrderId = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,128}$")]
ResolutionWord = Annotated[
    Resolution, PlainValidator(_parse_resolution), enum_schema(tuple(Resolution))
]


class ResolveFields(TypedDict, total=False):
    """``/oms/orders/{order_id}/resolve``."""

    __pydantic_config__ = ConfigDict(extra="ignore", strict=True)  # type: ignore[misc]
    action: Required[ResolutionWord]
    exchange_order_id: ExchangeOrderId
    comment: Comment


RESOLVE = TypeAdapter(ResolveFields)


def read_resolve(order_id: int, body: object, header_comment: str | None) -> ResolveUnknownOrder:
    """Parse the resolution of an order; ``header_comment`` is the default comment.

    Raises ``Malformed``, ``Invalid`` (``comment_required``).
    """
    fields = validate(RESOLVE, drop_nulls(require_object(body, ("body",))), ())
    action, name = fields["action"], fields.get("exchange_order_id")
    if action is Resolution.ADOPT and name is None:
        raise malformed_at(("exchange_order_id",), "exchange_order_id is required", "missing")
    if action is Resolution.DECLARE_NOT_PLACED and name is not None:
        raise malformed_at(("exchange_order_id",), "an order that was not placed has none")
    comment = fields.get("comment") or header_comment
    if comment is None or not comment.strip():
        raise Invalid("a comment is required", code="comment_required")
    return ResolveUnknownOrder(
        order_id=order_id, action=action, exchange_order_id=name, comment=comment
    )
