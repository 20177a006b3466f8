"""Answers to the senders of signals, one form for each kind."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from oms.domain.money import add, divide, multiply
from oms.domain.signals.message import SignalMessage
from oms.domain.signals.signal import SignalAction, SignalStatus
from oms.domain.signals.source import SignalSource
from oms.ports.signals.stored_signals import SignalRow
from oms.services.signals.new_signals import SignalReceipt
from oms.wire.json import loads, optional_decimal_text, time_text
from oms.wire.signals.signal_rows import (
    BounceAnswer,
    TradeAnswer,
    TradingViewAnswer,
    member_answer,
)

DISABLED = "oms_disabled"
HUNDRED = Decimal(100)


def bounce_answer(
    receipt: SignalReceipt, rows: Sequence[SignalRow], source: SignalSource | None
) -> BounceAnswer:
    """Return the answer to a bounce signal; ``rows`` are as they stand now.

    Of a refused one it names no order: its sender takes an id for an order that was sent.
    """
    row = rows[0]
    is_queued, is_done = row.status is SignalStatus.QUEUED, row.status is SignalStatus.DONE
    is_disabled = row.reason_code == DISABLED
    refused = row.status in (SignalStatus.BLOCKED, SignalStatus.IGNORED)
    answer: BounceAnswer = {
        "received": True,
        "oms_enabled": not is_disabled,
        "risk_ok": None if is_queued else not refused,
        "signal_id": row.group_signal_id,
        "command_id": _first(row.command_ids),
        "order_id": None if refused else _first(row.order_ids),
        "position_id": None if refused else row.position_id,
        "levels_final": not is_queued,
        "status": row.status.value,
        "reason_code": row.reason_code,
        "duplicate": receipt.is_duplicate,
    }
    if is_disabled:
        answer["reason"] = DISABLED
    elif refused:
        answer["risk_reason"] = row.reason or row.reason_code
    elif not is_queued and not is_done:
        answer["reason"] = row.reason or row.reason_code
    gain, loss = _expected_levels(row, source) if is_queued else (row.stop_gain, row.stop_loss)
    answer["tp_price"] = optional_decimal_text(gain)
    answer["sl_price"] = optional_decimal_text(loss)
    _add_repeat(answer, receipt, rows)
    return answer


def trade_answer(
    receipt: SignalReceipt,
    rows: Sequence[SignalRow],
    message: SignalMessage,
    *,
    has_key: bool,
    now: datetime,
) -> TradeAnswer:
    """Return the answer to a trade signal."""
    row = rows[0]
    is_decided = row.status in (SignalStatus.BLOCKED, SignalStatus.IGNORED)
    is_size = message.action is SignalAction.POSITION_SIZE
    answer: TradeAnswer = {
        "status": row.status.value if is_decided else "accepted",
        "message": _text_of(receipt, row),
        "signal": {
            "symbol": row.symbol,
            "side": None if is_size else message.action.value,
            "qty": optional_decimal_text(message.qty),
            "reason": message.comment,
            "timestamp": time_text(message.sent_at or now),
        },
        "signal_id": row.group_signal_id,
        "command_id": _first(row.command_ids),
        "order_id": _first(row.order_ids),
        "reason_code": row.reason_code,
        "duplicate": receipt.is_duplicate,
        "dedupe": message.alert_id is not None or has_key,
    }
    _add_repeat(answer, receipt, rows)
    return answer


def tradingview_answer(receipt: SignalReceipt, rows: Sequence[SignalRow]) -> TradingViewAnswer:
    """Return the answer to an alert of TradingView."""
    row = rows[0]
    answer: TradingViewAnswer = {
        "success": True,
        "message": _text_of(receipt, row),
        "signal_id": row.group_signal_id,
        "command_id": _first(row.command_ids),
        "status": row.status.value,
        "reason_code": row.reason_code,
        "duplicate": receipt.is_duplicate,
        "order_id": _first(row.order_ids),
        "external_id": None,
    }
    _add_repeat(answer, receipt, rows)
    return answer


def _add_repeat(
    answer: BounceAnswer | TradeAnswer | TradingViewAnswer,
    receipt: SignalReceipt,
    rows: Sequence[SignalRow],
) -> None:
    if receipt.payload_differs:
        answer["payload_differs"] = True
    if len(rows) > 1:
        answer["members"] = [member_answer(row) for row in rows]


def _text_of(receipt: SignalReceipt, row: SignalRow) -> str:
    if receipt.is_duplicate:
        return "the signal was received before"
    if row.status is SignalStatus.QUEUED:
        return "the signal is stored and queued"
    return f"the signal is stored; it is {row.status.value}: {row.reason or row.reason_code}"


def _expected_levels(
    row: SignalRow, source: SignalSource | None
) -> tuple[Decimal | None, Decimal | None]:
    """Return gain and loss by the signal's price, not rounded to the tick."""
    if row.price is None or source is None:
        return None, None
    sent = _sent_percents(row)
    gain = sent.get("tp_pct", source.settings.tp_pct)
    loss = sent.get("sl_pct", source.settings.sl_pct)
    is_long = row.action is SignalAction.BUY
    return (
        _moved(row.price, gain if is_long else -gain) if gain else None,
        _moved(row.price, -loss if is_long else loss) if loss else None,
    )


def _sent_percents(row: SignalRow) -> Mapping[str, Decimal]:
    raw = loads(row.raw)
    return {
        name: Decimal(str(raw[name])) for name in ("tp_pct", "sl_pct") if raw.get(name) is not None
    }


def _moved(price: Decimal, percent: Decimal) -> Decimal:
    return divide(multiply(price, add(HUNDRED, percent)), HUNDRED)


def _first(ids: Sequence[int]) -> int | None:
    return ids[0] if ids else None
