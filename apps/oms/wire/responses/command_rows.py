"""Commands, their results and errors in responses of HTTP and WebSocket."""

from typing import Annotated, Any, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from oms.wire.request_body import ValidationError
from oms.wire.responses.ledger_rows import DealRow, OrderRow
from oms.wire.responses.mt5_rows import Mt5ResultRow
from oms.wire.responses.value_types import (
    CommandStatusText,
    Count,
    DecimalText,
    Id,
    TimeText,
    one_of,
)


class ErrorDetail(TypedDict):
    """An error; ``code`` is stable."""

    code: str
    message: str
    request_id: str
    outcome: Annotated[
        Annotated[str, one_of("not_sent", "rejected", "unknown")] | None,
        Field(description="What happened at the exchange; null where none is involved."),
    ]
    retryable: Annotated[bool, Field(description="Whether the same request may be sent again.")]
    ccxt_class: Annotated[str, Field(description="The ccxt exception that the driver raises.")]
    mt5_retcode: int | None
    reason: Annotated[str | None, Field(description="A finer word under a broad code.")]
    limit: DecimalText | None
    value: DecimalText | None
    set_by: str | None
    expected_wait_s: Annotated[
        NotRequired[str],
        Field(description="Seconds until the exchange's rate limit would let it pass."),
    ]
    errors: NotRequired[list[ValidationError]]
    results: NotRequired[list[dict[str, Any]]]


class Error(TypedDict):
    """The body of every status of 400 and more."""

    detail: ErrorDetail


class CommandBody(TypedDict):
    """A stored command with the ids of its orders, deals and positions."""

    command_id: Id
    account_id: Id
    command: str
    status: CommandStatusText
    legacy_status: Annotated[str, one_of("accepted", "completed", "failed")]
    request_id: str | None
    payload: dict[str, Any]
    order_id: Id | None
    order_ids: list[Id]
    deal_ids: list[Id]
    position_ids: list[Id]
    error: ErrorDetail | None
    actor_user_id: Id | None
    actor_api_key_id: Id | None
    created_at: TimeText
    started_at: TimeText | None
    finished_at: TimeText | None
    attempts: Count


class CommandResultRow(TypedDict):
    """The result of one command; its rows are null unless the request waits for them."""

    index: Count
    ok: bool
    command_id: Id | None
    order_id: Id | None
    error: ErrorDetail | None
    status: CommandStatusText
    request_id: str | None
    client_order_id: str | None
    replayed: bool
    order: OrderRow | None
    deals: list[DealRow] | None
    orders: list[OrderRow] | None
    deferred_command_id: Annotated[
        NotRequired[Id], Field(description="The command stored for the open of the market.")
    ]
    mt5: NotRequired[Mt5ResultRow]
    account_id: Annotated[
        NotRequired[Id | None], Field(description="Of a command for a group of accounts.")
    ]


class CommandResults(TypedDict):
    """One result per command, in their order."""

    results: list[CommandResultRow]


class OrderAsked(TypedDict):
    """An order after a command about it."""

    ok: bool
    command_id: Id
    status: str
    order: OrderRow | None


class MutationRow(TypedDict):
    """The result of one correction of a row."""

    index: Count
    ok: bool
    op: str | None
    id: Id | None
    error: str | None


class Mutated(TypedDict):
    """One result per correction, in their order."""

    ok: bool
    entity: Annotated[str, one_of("orders", "positions", "deals")]
    results: list[MutationRow]
    command_ids: NotRequired[list[Id]]


class CallDone(TypedDict):
    """The result of a ccxt call."""

    ok: bool
    result: Any


class CallResultRow(TypedDict):
    """The result of one ccxt call of a list."""

    index: Count
    ok: bool
    result: Any


class CallErrorRow(TypedDict):
    """The error of one ccxt call of a list."""

    index: Count
    ok: bool
    error: ErrorDetail


class CallResults(TypedDict):
    """One result per call, in their order."""

    results: list[CallResultRow | CallErrorRow]


class PaperDone(TypedDict):
    """The commands that were sent to paper accounts."""

    ok: bool
    account_ids: list[Id]
    command_id: Id
    command_ids: list[Id]
