"""What a command would do, in responses of ``POST /oms/commands/preview``."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from oms.wire.responses.command_rows import ErrorDetail
from oms.wire.responses.risk_policy_rows import VerdictRow
from oms.wire.responses.risk_rows import LimitCheckRow
from oms.wire.responses.value_types import Count, DecimalText, Id, SideText, TimeText


class PreviewLimitRow(LimitCheckRow):
    """A limit that rules the order, what is left of it, and who set it."""

    headroom: Annotated[
        DecimalText | None, Field(description="Negative beyond the limit; null if not measured.")
    ]
    set_by: str
    set_by_user_id: Id | None
    set_at: TimeText


class PreviewOrderRow(TypedDict):
    """The order after rounding, with what would be sent of it; of a change, as it would be."""

    symbol: str
    side: SideText
    order_type: str
    qty: DecimalText
    price: DecimalText | None
    trigger_price: DecimalText | None
    time_in_force: str | None
    reduce_only: bool
    post_only: bool
    strategy_id: Count
    position_id: Count


class PreviewQuoteRow(TypedDict):
    """The best prices that the worker knows."""

    bid: DecimalText
    ask: DecimalText
    at: TimeText
    age_ms: Count


class PreviewPositionRow(TypedDict):
    """A position as it would be if the whole order were filled at its price."""

    position_id: Annotated[Id | None, Field(description="Null if the order opens it.")]
    strategy_id: Count
    side: SideText
    qty: DecimalText
    avg_price: DecimalText | None
    closed_qty: Annotated[DecimalText, Field(description="What the order closes of it.")]


class PreviewCosts(TypedDict):
    """What the order is worth and costs; null where it is not known."""

    valuation_price: Annotated[DecimalText | None, Field(description="It is judged at it.")]
    quote: PreviewQuoteRow | None
    currency: Annotated[str | None, Field(description="Of notional, fee and margin.")]
    notional: DecimalText | None
    fee: DecimalText | None
    margin: Annotated[DecimalText | None, Field(description="Of the part that opens.")]


class PreviewRow(VerdictRow, PreviewCosts):
    """What a command would do."""

    command: str
    as_of_seq: Annotated[Count, Field(description="The account's last event before it.")]
    order: PreviewOrderRow | None
    limits: list[PreviewLimitRow]
    positions: list[PreviewPositionRow]


class PreviewResult(TypedDict):
    """The preview of one command, or why there is none."""

    index: Count
    ok: bool
    command_id: Annotated[Id | None, Field(description="The stored question to the worker.")]
    error: ErrorDetail | None
    preview: PreviewRow | None


class PreviewResults(TypedDict):
    """The previews, in the order of the request."""

    results: list[PreviewResult]
