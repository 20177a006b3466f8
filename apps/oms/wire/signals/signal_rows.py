"""Rows of signals, their events, and the answers to their senders."""

from collections.abc import Mapping
from typing import Annotated, Any

from typing_extensions import TypedDict

from oms.domain.signals.signal import SignalAction, SignalKind, SignalStatus
from oms.ports.signals.stored_signals import SignalRow
from oms.wire.json import loads, optional_decimal_text, optional_time_text, time_text
from oms.wire.responses.command_rows import ErrorDetail
from oms.wire.responses.ledger_rows import DealRow, OrderRow, PositionRow
from oms.wire.responses.order_lineage import LineageCommand
from oms.wire.responses.value_types import Count, DecimalText, Id, TimeText, one_of


class SignalBody(TypedDict):
    """A signal on one account."""

    signal_id: Id
    group_signal_id: Id
    source_id: Count
    bot_id: Id | None
    kind: Annotated[str, one_of(*SignalKind)]
    account_id: Id
    strategy_id: Count
    symbol: str
    action: Annotated[str, one_of(*SignalAction)]
    price: DecimalText | None
    status: Annotated[str, one_of(*SignalStatus)]
    reason_code: str | None
    reason: str | None
    command_ids: list[Id]
    order_ids: list[Id]
    position_id: Id | None
    stop_gain: DecimalText | None
    stop_loss: DecimalText | None
    duplicate_count: Count
    received_at: TimeText
    finished_at: TimeText | None
    raw: dict[str, Any]


class SignalLineage(TypedDict):
    """What a signal led to, each part ascending by id."""

    commands: list[LineageCommand]
    orders: list[OrderRow]
    deals: list[DealRow]
    positions: list[PositionRow]


class SignalDetail(TypedDict):
    """A signal with what it led to."""

    signal: SignalBody
    lineage: SignalLineage


def signal_body(row: SignalRow) -> SignalBody:
    """Return the row of a signal."""
    return {
        "signal_id": row.id,
        "group_signal_id": row.group_signal_id,
        "source_id": row.source_id,
        "bot_id": row.bot_id,
        "kind": row.kind.value,
        "account_id": row.account_id,
        "strategy_id": row.strategy_id,
        "symbol": row.symbol,
        "action": row.action.value,
        "price": optional_decimal_text(row.price),
        "status": row.status.value,
        "reason_code": row.reason_code,
        "reason": row.reason,
        "command_ids": list(row.command_ids),
        "order_ids": list(row.order_ids),
        "position_id": row.position_id,
        "stop_gain": optional_decimal_text(row.stop_gain),
        "stop_loss": optional_decimal_text(row.stop_loss),
        "duplicate_count": row.duplicate_count,
        "received_at": time_text(row.received_at),
        "finished_at": optional_time_text(row.finished_at),
        "raw": loads(row.raw),
    }


def signal_event(row: SignalRow) -> Mapping[str, object]:
    """Return the payload of an event of a signal."""
    return {
        "account_id": row.account_id,
        "signal_id": row.id,
        "source_id": row.source_id,
        "symbol": row.symbol,
        "action": row.action.value,
        "status": row.status.value,
        "reason_code": row.reason_code,
        "command_ids": list(row.command_ids),
    }


class MemberAnswer(TypedDict):
    """What became of a signal on one account of a group."""

    account_id: Id
    signal_id: Id
    command_id: Id | None
    status: str
    reason_code: str | None


class BounceAnswer(TypedDict, total=False):
    """The answer to a bounce signal."""

    received: bool
    oms_enabled: bool
    risk_ok: bool | None
    risk_reason: str | None
    reason: str | None
    signal_id: Id
    command_id: Id | None
    order_id: Id | None
    position_id: Id | None
    tp_price: DecimalText | None
    sl_price: DecimalText | None
    levels_final: bool
    status: str
    reason_code: str | None
    duplicate: bool
    payload_differs: bool
    members: list[MemberAnswer]


class TradeEcho(TypedDict):
    """A trade signal as it was understood."""

    symbol: str
    side: str | None
    qty: DecimalText | None
    reason: str | None
    timestamp: TimeText


class TradeAnswer(TypedDict, total=False):
    """The answer to a trade signal."""

    status: str
    message: str
    signal: TradeEcho
    signal_id: Id
    command_id: Id | None
    reason_code: str | None
    order_id: Id | None
    duplicate: bool
    dedupe: bool
    payload_differs: bool
    members: list[MemberAnswer]


class TradingViewAnswer(TypedDict, total=False):
    """The answer to an alert of TradingView."""

    success: bool
    message: str
    signal_id: Id
    command_id: Id | None
    status: str
    reason_code: str | None
    duplicate: bool
    order_id: Id | None
    external_id: str | None
    payload_differs: bool
    members: list[MemberAnswer]


class TradingViewRefused(TypedDict):
    """The answer to an alert that was not stored."""

    success: bool
    detail: ErrorDetail


def member_answer(row: SignalRow) -> MemberAnswer:
    """Return what became of a signal on one account of a group."""
    return {
        "account_id": row.account_id,
        "signal_id": row.id,
        "command_id": next(iter(row.command_ids), None),
        "status": row.status.value,
        "reason_code": row.reason_code,
    }
