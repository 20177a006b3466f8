"""The shapes of request bodies: which keys there are and what each holds. Nothing but that.

Keys stand under the domain's names; ``wire.wishes`` has put aliases in their place before.
"""

from typing import Annotated, Any, Required

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from oms.wire.values import (
    IDS_MAX,
    ClientOrderId,
    Comment,
    Id,
    IdOrZero,
    IdsText,
    JsonList,
    JsonObject,
    Moment,
    OrderType,
    Positive,
    Reason,
    RequestId,
    SideWord,
    Symbol,
    TimeInForce,
)

_CLOSED = ConfigDict(extra="forbid", strict=True)
_OPEN = ConfigDict(extra="ignore", strict=True)


class Envelope(TypedDict, total=False):
    """One command as it is sent."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    account_id: Id
    request_id: RequestId
    command: Required[str]
    payload: Required[dict[str, Any]]


class OrderFields(TypedDict, total=False):
    """What sending and closing share."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    price: Positive
    strategy_id: IdOrZero
    reason: Reason
    comment: Comment
    client_order_id: ClientOrderId
    params: JsonObject
    post_only: bool
    time_in_force: TimeInForce
    trigger_price: Positive
    take_profit_price: Positive
    trailing_amount: Positive
    trailing_percent: Positive


class SendFields(OrderFields, total=False):
    """``send_order``."""

    symbol: Required[Symbol]
    side: Required[SideWord]
    order_type: Required[OrderType]
    qty: Required[Positive]
    stop_loss: Positive
    stop_gain: Positive
    position_id: IdOrZero
    reduce_only: bool
    expires_at: Moment
    new_position: bool


class CloseFields(OrderFields, total=False):
    """``close_position``."""

    position_id: Required[Id]
    order_type: OrderType
    qty: Positive


class CancelFields(TypedDict, total=False):
    """``cancel_order``."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    order_id: Id
    order_ids: Annotated[list[Id], Field(max_length=IDS_MAX)]
    order_ids_csv: IdsText
    comment: Comment


class ChangeFields(TypedDict, total=False):
    """``change_order``."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    order_id: Required[Id]
    new_price: Positive
    new_qty: Positive
    comment: Comment


class PriceFields(TypedDict, total=False):
    """A manual paper price."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    account_id: Id
    symbol: Required[Symbol]
    price: Positive
    bid: Positive
    ask: Positive
    bid_qty: Positive
    ask_qty: Positive


class CallFields(TypedDict, total=False):
    """The arguments of a ccxt call."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    args: JsonList
    kwargs: JsonObject


ENVELOPE = TypeAdapter(Envelope)
SEND = TypeAdapter(SendFields)
CLOSE = TypeAdapter(CloseFields)
CANCEL = TypeAdapter(CancelFields)
CHANGE = TypeAdapter(ChangeFields)
PRICE = TypeAdapter(PriceFields)
CALL = TypeAdapter(CallFields)
