"""Rows of execution quality."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.money import decimal_text
from oms.domain.performance.execution_quality import ExecutionStatistics
from oms.wire.json import optional_decimal_text
from oms.wire.responses.value_types import Count, DecimalText


class ExecutionRow(TypedDict):
    """Slippage and durations of orders; null is unknown."""

    orders: Count
    filled_orders: Count
    rejected_orders: Count
    measured_orders: Annotated[Count, Field(description="Filled orders with an arrival price.")]
    avg_slippage_bps: Annotated[
        DecimalText | None, Field(description="Mean over measured orders; positive is worse.")
    ]
    worst_slippage_bps: DecimalText | None
    slippage: Annotated[dict[str, DecimalText], Field(description="By settle currency.")]
    avg_queue_ms: DecimalText | None
    avg_send_ms: DecimalText | None
    avg_exchange_ms: DecimalText | None


class ExecutionGroupRow(ExecutionRow):
    """Execution quality of one group."""

    key: str | int


class ExecutionBody(ExecutionRow):
    """Execution quality of all orders, and of each group if a grouping is requested."""

    group_by: str | None
    groups: list[ExecutionGroupRow]


def execution_row(figures: ExecutionStatistics) -> ExecutionRow:
    """Return the row of execution quality."""
    text = optional_decimal_text
    return {
        "orders": figures.orders,
        "filled_orders": figures.filled_orders,
        "rejected_orders": figures.rejected_orders,
        "measured_orders": figures.measured_orders,
        "avg_slippage_bps": text(figures.avg_slippage_bps),
        "worst_slippage_bps": text(figures.worst_slippage_bps),
        "slippage": {name: decimal_text(cost) for name, cost in figures.slippage.items()},
        "avg_queue_ms": text(figures.avg_queue_ms),
        "avg_send_ms": text(figures.avg_send_ms),
        "avg_exchange_ms": text(figures.avg_exchange_ms),
    }
