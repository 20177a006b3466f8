"""Schemas of request bodies of commands.

Keys are field names; aliases are resolved before validation.
"""

from typing import Annotated, Any, Literal, Required

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from oms.domain.protection.targets import TARGETS_MAX
from oms.wire.field_types import (
    IDS_MAX,
    LEVELS_MAX,
    AccountIds,
    Amount,
    ClientOrderId,
    Comment,
    Currency,
    HoldSeconds,
    Id,
    IdOrZero,
    IdsOrZeroText,
    IdsText,
    JsonList,
    JsonObject,
    LevelPair,
    Moment,
    OrderStatus,
    OrderType,
    Positive,
    Reason,
    RequestId,
    RowKind,
    SideWord,
    StopModeWord,
    Symbol,
    TimeInForce,
)

_CLOSED = ConfigDict(extra="forbid", strict=True)
_OPEN = ConfigDict(extra="ignore", strict=True)


class Envelope(TypedDict, total=False):
    """One command as sent."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    account_id: Id
    request_id: RequestId
    command: Required[str]
    payload: Required[dict[str, Any]]


class OrderFields(TypedDict, total=False):
    """Fields shared by sending and closing."""

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


class TargetFields(TypedDict, total=False):
    """One of several take-profit levels."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    price: Positive
    pct: Positive
    qty_pct: Required[Positive]


class LevelFields(TypedDict, total=False):
    """Stop levels beside the two prices; null is a value where levels are changed."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    stop_loss_pct: Positive | None
    stop_gain_pct: Positive | None
    stop_trailing_pct: Positive | None
    stop_trailing_amount: Positive | None
    stop_trailing_activation_pct: Positive | None
    max_hold_seconds: HoldSeconds | None
    targets: Annotated[list[TargetFields], Field(min_length=1, max_length=TARGETS_MAX)] | None
    stop_trailing_from_target: Annotated[int, Field(ge=1, le=TARGETS_MAX)] | None
    tp_sl_base: Literal["fill", "signal"]
    tp_sl_base_price: Positive | None


class TakeProfitFields(TypedDict, total=False):
    """``bracket.take_profit``: one of the two."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    price: Positive
    pct: Positive


class StopLossFields(TypedDict, total=False):
    """``bracket.stop_loss``: one of ``trigger_price`` and ``pct``."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    trigger_price: Positive
    pct: Positive
    limit_price: Positive


class BracketFields(TypedDict, total=False):
    """Exits that an order brings with it."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    take_profit: TakeProfitFields
    stop_loss: StopLossFields


class SendFields(OrderFields, LevelFields, total=False):
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
    session_policy: Literal["queue_until_open"]
    bracket: BracketFields


class OcoFields(TypedDict, total=False):
    """``send_oco``: a limit order and a stop; the first fill of one cancels the other."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    symbol: Required[Symbol]
    side: Required[SideWord]
    qty: Required[Positive]
    limit_price: Required[Positive]
    trigger_price: Required[Positive]
    stop_limit_price: Positive
    position_id: IdOrZero
    strategy_id: IdOrZero
    reduce_only: bool
    client_order_id: ClientOrderId
    reason: Reason
    comment: Comment


class CloseFields(OrderFields, total=False):
    """``close_position``."""

    position_id: Required[Id]
    order_type: OrderType
    qty: Positive
    qty_pct: Positive


class PositionCloseFields(TypedDict, total=False):
    """``/oms/positions/{position_id}/close``."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    qty: Positive
    qty_pct: Positive
    comment: Comment


class CancelFields(TypedDict, total=False):
    """``cancel_order``."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    order_id: Id
    order_ids: Annotated[list[Id], Field(max_length=IDS_MAX)]
    order_ids_csv: IdsText
    comment: Comment


class ChangeFields(LevelFields, total=False):
    """``change_order``; null is a value of levels."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    order_id: Required[Id]
    new_price: Positive
    new_qty: Positive
    new_trigger_price: Positive
    new_trailing_amount: Positive
    new_trailing_percent: Positive
    new_time_in_force: TimeInForce
    new_expires_at: Moment
    stop_loss: Positive | None
    stop_gain: Positive | None
    comment: Comment
    symbol: Symbol
    side: SideWord
    order_type: OrderType


class BulkScopeFields(TypedDict, total=False):
    """``cancel_all_orders`` and ``close_all``."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    strategy_ids: Annotated[list[IdOrZero], Field(max_length=IDS_MAX)]
    strategy_ids_csv: IdsOrZeroText
    symbol: Symbol
    own_only: bool
    comment: Comment


class CloseByFields(TypedDict, total=False):
    """``close_by``."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    position_id_a: Required[Id]
    position_id_b: Required[Id]
    qty: Positive
    strategy_id: IdOrZero
    comment: Comment


class MergeFields(TypedDict, total=False):
    """``merge_positions``."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    source_position_id: Required[Id]
    target_position_id: Required[Id]
    stop_mode: StopModeWord
    stop_loss: Positive
    stop_gain: Positive
    comment: Comment


class PositionChangeFields(LevelFields, total=False):
    """``position_change``; null is a value here."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    position_id: Required[Id]
    stop_loss: Positive | None
    stop_gain: Positive | None
    comment: Comment | None


class PositionFields(TypedDict, total=False):
    """``break_even`` and ``reverse_position``."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    position_id: Required[Id]
    comment: Comment


class ReassignFields(TypedDict, total=False):
    """Body of a reassignment; accounts and dates are parsed separately."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    order_ids: Annotated[list[Id], Field(max_length=IDS_MAX)]
    deal_ids: Annotated[list[Any], Field(max_length=0)]
    reconciled: bool
    order_statuses: Annotated[list[OrderStatus], Field(max_length=IDS_MAX)]
    kinds: list[RowKind]
    preview: bool
    target_strategy_id: IdOrZero
    target_position_id: IdOrZero
    comment: Comment


class ReconcileFields(TypedDict, total=False):
    """Body of a requested reconciliation."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    account_id: Id
    account_ids: AccountIds
    symbols_hint: Annotated[list[str], Field(max_length=IDS_MAX)]
    scope: Literal["short", "hourly", "long", "period"]
    start_date: Moment
    end_date: Moment


class DecideFields(TypedDict, total=False):
    """A decision on a discrepancy."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    comment: Comment


class BookFields(TypedDict):
    """Levels, best first: ``[price, quantity]``, quantity null: unlimited."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    bids: Annotated[list[LevelPair], Field(min_length=1, max_length=LEVELS_MAX)]
    asks: Annotated[list[LevelPair], Field(min_length=1, max_length=LEVELS_MAX)]


class PrintFields(TypedDict, total=False):
    """A public trade."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    price: Required[Positive]
    qty: Required[Positive]
    side: SideWord


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
    book: BookFields
    print: PrintFields


class DepositFields(TypedDict, total=False):
    """A deposit into a paper account; negative: a withdrawal."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    currency: Required[Currency]
    amount: Required[Amount]
    comment: Comment


class ResetFields(TypedDict, total=False):
    """Reset of a paper account."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    comment: Comment


class CallFields(TypedDict, total=False):
    """Arguments of a ccxt call."""

    __pydantic_config__ = _OPEN  # type: ignore[misc]
    args: JsonList
    kwargs: JsonObject


ENVELOPE = TypeAdapter(Envelope)
SEND = TypeAdapter(SendFields)
CLOSE = TypeAdapter(CloseFields)
POSITION_CLOSE = TypeAdapter(PositionCloseFields)
OCO = TypeAdapter(OcoFields)
CANCEL = TypeAdapter(CancelFields)
CHANGE = TypeAdapter(ChangeFields)
BULK_SCOPE = TypeAdapter(BulkScopeFields)
CLOSE_BY = TypeAdapter(CloseByFields)
MERGE = TypeAdapter(MergeFields)
POSITION_CHANGE = TypeAdapter(PositionChangeFields)
POSITION = TypeAdapter(PositionFields)
REASSIGN = TypeAdapter(ReassignFields)
RECONCILE = TypeAdapter(ReconcileFields)
DECIDE = TypeAdapter(DecideFields)
PRICE = TypeAdapter(PriceFields)
DEPOSIT = TypeAdapter(DepositFields)
RESET = TypeAdapter(ResetFields)
CALL = TypeAdapter(CallFields)
