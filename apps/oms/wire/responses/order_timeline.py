"""Timeline of one order: its steps and durations.

Steps come from rows (command, order, deals) and from events for what rows do not keep: change
requests, changes, triggers, lost responses.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from oms.domain.ledger.deal import Deal, DealType
from oms.domain.money import ZERO, add, decimal_text, subtract
from oms.domain.orders.order import Order, OrderState
from oms.domain.performance.execution_quality import slippage_bps, slippage_value
from oms.domain.value import value
from oms.ports.command_queue import CommandRow
from oms.ports.history_reads import FirstRequest
from oms.wire.json import optional_decimal_text, time_text
from oms.wire.responses.events import EventGap
from oms.wire.responses.ledger_rows import Row, order_status
from oms.wire.responses.value_types import Count, DecimalText, Id, TimeText, one_of

PHASES: Mapping[str, tuple[str, str]] = {
    "triggered": ("triggered", "exchange_stream"),
    "replace_requested": ("change_requested", "worker"),
    "replaced": ("changed", "exchange_reply"),
    "cancel_requested": ("cancel_requested", "worker"),
    "change_rejected": ("rejected", "exchange_reply"),
    "unknown": ("unknown", "worker"),
    "trade_cancel": ("reconciled", "exchange_stream"),
}
"""Phase and source of an order event by its ``exec_type``; other phases come from the rows."""

_NAMED: Mapping[str, tuple[str, str]] = {
    "reassign_audit": ("reassigned", "operator"),
    "order_resolved": ("resolved", "reconcile"),
    "order_late_found": ("resolved", "reconcile"),
}
_ENDS: Mapping[OrderState, str] = {
    OrderState.CANCELED: "canceled",
    OrderState.EXPIRED: "expired",
    OrderState.REJECTED: "rejected",
}
_ORDER = (
    *("queued", "risk_checked", "leased", "sent", "refused", "unknown", "resolved", "acked"),
    *("triggered", "change_requested", "changed", "cancel_requested", "fill"),
    *("canceled", "expired", "rejected", "reconciled", "reassigned"),
)

_SOURCES = ("api", "worker", "exchange_reply", "exchange_stream", "reconcile", "operator")


class TimelineStep(TypedDict):
    """One step of an order; ``detail`` depends on the phase."""

    seq: Count
    at: TimeText
    phase: Annotated[str, one_of(*_ORDER)]
    exec_type: str | None
    status: str | None
    state: str | None
    source: Annotated[str, one_of(*_SOURCES)]
    filled_qty: DecimalText | None
    remaining_qty: DecimalText | None
    request_id: str | None
    detail: dict[str, Any]


class TimelineSummary(TypedDict):
    """Durations in milliseconds; null if not measured."""

    queue_ms: float | None
    risk_ms: float | None
    send_ms: float | None
    ack_ms: float | None
    first_fill_ms: float | None
    total_ms: float | None
    arrival_price: DecimalText | None
    avg_fill_price: DecimalText | None
    slippage_bps: Annotated[
        DecimalText | None, Field(description="Of the arrival price; positive is worse.")
    ]
    slippage: Annotated[DecimalText | None, Field(description="In the settle currency.")]
    exchange_ms: Annotated[
        float | None, Field(description="From the request to the response of the exchange.")
    ]


class Timeline(TypedDict):
    """The life of one order."""

    order_id: Id
    summary: TimelineSummary
    items: list[TimelineStep]
    gaps: list[EventGap]


@value
class OrderRecord:
    """Stored data of one order; ``events`` are its events, oldest first."""

    order: Order
    command: CommandRow | None
    deals: Sequence[Deal]
    #: ``{event, ts, payload}``.
    events: Sequence[Mapping[str, Any]]
    #: Events that cannot be read.
    gaps: Sequence[EventGap] = ()
    #: The first request to the exchange; ``None``: none is stored.
    request: FirstRequest | None = None


def build_timeline(record: OrderRecord) -> Timeline:
    """Return ``{order_id, summary, items, gaps}``; ``seq`` numbers the items."""
    steps = [
        *_request_steps(record),
        *_fill_steps(record),
        *_event_steps(record.events),
        *_end_steps(record),
    ]
    steps.sort(key=lambda step: (step["at"], _ORDER.index(step["phase"])))
    items = [_numbered(number, step) for number, step in enumerate(steps, 1)]
    return {
        "order_id": record.order.id,
        "summary": _summary(record),
        "items": items,
        "gaps": list(record.gaps),
    }


def _numbered(number: int, step: Row) -> TimelineStep:
    return {
        "seq": number,
        "at": step["at"],
        "phase": step["phase"],
        "exec_type": step["exec_type"],
        "status": step["status"],
        "state": step["state"],
        "source": step["source"],
        "filled_qty": step["filled_qty"],
        "remaining_qty": step["remaining_qty"],
        "request_id": step["request_id"],
        "detail": step["detail"],
    }


def _request_steps(record: OrderRecord) -> Iterable[Row]:
    order, command = record.order, record.command
    waiting = OrderState.PENDING_SUBMIT
    if command is not None:
        detail = {"command_id": command.id, "command": command.command_type}
        yield _step(record, command.created_at, "queued", waiting, "api", detail=detail)
        if command.started_at is not None:
            yield _step(record, command.started_at, "leased", waiting, "worker")
    if order.reject_source == "oms":
        return
    if command is not None:
        yield _step(record, order.created_at, "risk_checked", waiting, "worker")
        yield _step(record, order.created_at, "sent", waiting, "worker")
    if order.submitted_at is not None:
        detail = {"exchange_order_id": order.exchange_order_id}
        reply = OrderState.SUBMITTED
        yield _step(
            record, order.submitted_at, "acked", reply, "exchange_reply", "new", detail=detail
        )


def _fill_steps(record: OrderRecord) -> Iterable[Row]:
    filled = ZERO
    trades: dict[str, list[Deal]] = {}
    for deal in record.deals:
        if deal.type is DealType.TRADE:
            trades.setdefault(deal.exchange_trade_id, []).append(deal)
    for trade_id, legs in trades.items():
        for leg in legs:
            filled = add(filled, leg.qty)
        is_filled = filled >= record.order.qty
        state = OrderState.FILLED if is_filled else OrderState.PARTIALLY_FILLED
        detail = {
            "exchange_trade_id": trade_id,
            "deal_ids": [leg.id for leg in legs],
            "price": decimal_text(legs[0].price),
            "provisional": any(leg.provisional for leg in legs),
        }
        step = _step(
            record, legs[0].executed_at, "fill", state, legs[0].origin, "trade", detail=detail
        )
        left = ZERO if is_filled else subtract(record.order.qty, filled)
        yield step | {"filled_qty": decimal_text(filled), "remaining_qty": decimal_text(left)}


def _event_steps(events: Sequence[Mapping[str, Any]]) -> Iterable[Row]:
    for event in events:
        row = event["payload"]
        phase_source = PHASES.get(row.get("exec_type") or "")
        phase_source = _NAMED.get(event["event"], phase_source)
        if phase_source is None:
            continue
        phase, source = phase_source
        yield {
            "at": event["ts"],
            "phase": phase,
            "exec_type": row.get("exec_type"),
            "status": row.get("status"),
            "state": row.get("state"),
            "source": (row.get("evidence") or {}).get("heard", source),
            "filled_qty": row.get("filled_qty"),
            "remaining_qty": row.get("remaining_qty"),
            "request_id": None,
            "detail": {"event_id": event["event_id"], "price": row.get("price")},
        }


def _end_steps(record: OrderRecord) -> Iterable[Row]:
    order = record.order
    phase = _ENDS.get(order.state)
    if phase is None or order.closed_at is None:
        return
    detail: Row = {}
    source = "exchange_reply"
    if order.reject_code is not None:
        detail = {"code": order.reject_code, "message": order.reject_message}
    if order.reject_source == "oms":
        phase, source = "refused", "worker"
    yield _step(record, order.closed_at, phase, order.state, source, phase, detail=detail) | {
        "filled_qty": decimal_text(order.filled_qty),
        "remaining_qty": "0",
    }


def _step(
    record: OrderRecord,
    at: datetime,
    phase: str,
    state: OrderState,
    source: str,
    exec_type: str | None = None,
    *,
    detail: Mapping[str, Any] | None = None,
) -> Row:
    return {
        "at": time_text(at),
        "phase": phase,
        "exec_type": exec_type,
        "status": order_status(state),
        "state": str(state),
        "source": source,
        "filled_qty": "0",
        "remaining_qty": decimal_text(record.order.qty),
        "request_id": None if record.command is None else record.command.request_id,
        "detail": dict(detail or {}),
    }


def _summary(record: OrderRecord) -> TimelineSummary:
    """Return the milliseconds between the steps; ``None`` if not measured."""
    order, sent = record.order, record.request
    begun = order.created_at if record.command is None else record.command.created_at
    fills = [deal.executed_at for deal in record.deals if deal.type is DealType.TRADE]
    return {
        "queue_ms": _between(begun, order.created_at),
        "risk_ms": None,
        "send_ms": _between(order.created_at, None if sent is None else sent.sent_at),
        "ack_ms": _between(order.created_at, order.submitted_at),
        "first_fill_ms": _between(begun, min(fills, default=None)),
        "total_ms": _between(begun, order.closed_at),
        "arrival_price": optional_decimal_text(order.arrival_price),
        "avg_fill_price": optional_decimal_text(order.avg_fill_price),
        "slippage_bps": optional_decimal_text(
            slippage_bps(order.side, order.arrival_price, order.avg_fill_price)
        ),
        "slippage": optional_decimal_text(
            slippage_value(
                order.symbol,
                order.side,
                order.arrival_price,
                order.avg_fill_price,
                order.filled_qty,
            )
        ),
        "exchange_ms": (
            None
            if sent is None or sent.sent_at is None
            else _between(sent.sent_at, sent.answered_at)
        ),
    }


def _between(first: datetime, last: datetime | None) -> float | None:
    """Return milliseconds; a command may be stored some microseconds ahead of the clock."""
    return None if last is None else max(round((last - first).total_seconds() * 1000, 3), 0.0)
