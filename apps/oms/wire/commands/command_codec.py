"""Codec of stored commands: one JSON text per command payload.

``encode_payload`` leaves out defaults, so equal requests have the same text and the same
``payload_fingerprint``. ``decode_payload`` reads only what ``encode_payload`` wrote and validates
nothing; requests of clients are parsed in ``command_requests``.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, assert_never

from oms.domain.commands.account_commands import (
    READ_PAYLOADS,
    AdminMutate,
    CheckOrder,
    CreateAlert,
    DeleteAlert,
    EnforceKillSwitch,
    PaperDeposit,
    PaperPrice,
    PaperReset,
    ReadAlerts,
    ReadConnection,
    ReadRiskUsage,
    Reconcile,
    RefreshOrder,
    ResetDrawdown,
    ResolveUnknownOrder,
    RiskSwitch,
    SetRiskPolicy,
)
from oms.domain.commands.command import (
    COMMAND_TYPES,
    BreakEven,
    CancelAllOrders,
    CancelOrder,
    CcxtCall,
    ChangeOrder,
    ChangePosition,
    CloseAllPositions,
    CloseBy,
    ClosePosition,
    CommandPayload,
    Keep,
    MergePositions,
    Reassign,
    ReversePosition,
    SendOrder,
    StopMode,
)
from oms.domain.money import decimal_text
from oms.domain.reconcile.discrepancy import DecideDiscrepancy
from oms.domain.signals.signal import ExecuteSignal
from oms.wire.commands.level_fields import put_levels
from oms.wire.commands.order_codec import (
    encode_close_position,
    encode_send_order,
    put_decimals,
    sorted_keys,
)
from oms.wire.commands.payload_decoder import build_decoder
from oms.wire.commands.signal_codec import encode_signal
from oms.wire.json import dumps_fast, time_text

_READ_TYPES = frozenset(COMMAND_TYPES[payload_type] for payload_type in READ_PAYLOADS)
_DECODER = json.JSONDecoder()
_DECODERS: Mapping[str, Callable[[Mapping[str, Any]], CommandPayload]] = {
    name: build_decoder(payload_type) for payload_type, name in COMMAND_TYPES.items()
}


def encode_payload(payload: CommandPayload) -> str:
    """Return the JSON text of ``payload`` under wire names, without defaults."""
    match payload:
        case SendOrder():
            return dumps_fast(encode_send_order(payload))
        case ClosePosition():
            return dumps_fast(encode_close_position(payload))
        case ChangePosition():
            return dumps_fast(_write_position_change(payload))
        case ExecuteSignal():
            return dumps_fast(encode_signal(payload))
        case PaperPrice() | PaperDeposit() | PaperReset():
            fields = _write_paper(payload)
        case Reconcile():
            fields = _write_reconcile(payload)
        case RefreshOrder():
            fields = {"order_id": payload.order_id}
        case ResolveUnknownOrder():
            fields = _write_resolve(payload)
        case ReadConnection() | ReadRiskUsage() | ReadAlerts():
            fields = {}
        case RiskSwitch():
            fields = _write_switch(payload)
        case CheckOrder():
            fields = _write_check(payload)
        case SetRiskPolicy():
            fields = {"keys": dict(payload.keys)}
            fields |= {} if payload.preset is None else {"preset": payload.preset}
        case ResetDrawdown():
            fields = {"key": payload.key}
        case CreateAlert():
            fields = {"symbol": payload.symbol, "condition": payload.condition.value}
            put_decimals(fields, price=payload.price)
            fields |= {} if payload.note is None else {"note": payload.note}
        case DeleteAlert():
            fields = {"alert_id": payload.alert_id}
        case AdminMutate():
            items = [[item.index, item.op, dict(item.row)] for item in payload.items]
            fields = {"entity": payload.entity, "items": items}
        case EnforceKillSwitch():
            fields = _write_kill(payload)
        case DecideDiscrepancy():
            fields = {"discrepancy_id": payload.discrepancy_id, "answer": payload.answer.value}
            fields |= {"lifts": True} if payload.lifts else {}
        case CcxtCall():
            # The first key distinguishes trades from reads without parsing.
            fields = {"trade": True} if payload.is_trade else {}
            fields["func"] = payload.func
            if payload.args:
                fields["args"] = list(payload.args)
            if payload.kwargs:
                fields["kwargs"] = sorted_keys(payload.kwargs)
        case _:
            fields = _write_row_command(payload)
    comment: str | None = getattr(payload, "comment", None)
    if comment is not None:
        fields["comment"] = comment
    return dumps_fast(fields)


def is_encoded_trade(text: str) -> bool:
    """Return whether an encoded ccxt call is a trade."""
    return text.startswith('{"trade"')


def is_read_only(command_type: str, text: str) -> bool:
    """Return whether a stored command changes nothing; such commands emit no event."""
    if command_type == COMMAND_TYPES[CcxtCall]:
        return not is_encoded_trade(text)
    return command_type in _READ_TYPES


def decode_payload(command_type: str, text: str) -> CommandPayload:
    """Return the payload that ``encode_payload`` wrote as ``text``."""
    decode = _DECODERS.get(command_type)
    assert decode is not None, f"unknown command type {command_type!r}"
    fields, _ = _DECODER.raw_decode(text)  # stored texts have no surrounding whitespace
    return decode(fields)


def payload_fingerprint(command_type: str, text: str) -> str:
    """Return the SHA-256 of command name and encoded payload in hex."""
    return hashlib.sha256(f"{command_type}\n{text}".encode()).hexdigest()


def command_type_of(payload: CommandPayload) -> str:
    """Return the command name on the wire."""
    return COMMAND_TYPES[type(payload)]


def _write_row_command(
    payload: CancelOrder
    | CancelAllOrders
    | ChangeOrder
    | CloseAllPositions
    | CloseBy
    | MergePositions
    | Reassign
    | BreakEven
    | ReversePosition,
) -> dict[str, Any]:
    """Encode commands that refer to rows; the caller adds the comment."""
    fields: dict[str, Any]
    match payload:
        case CancelOrder():
            return {"order_ids": list(payload.order_ids)}
        case BreakEven() | ReversePosition():
            return {"position_id": payload.position_id}
        case CancelAllOrders() | CloseAllPositions():
            fields = {}
            if payload.strategy_ids:
                fields["strategy_ids"] = list(payload.strategy_ids)
            if payload.symbol is not None:
                fields["symbol"] = payload.symbol
            if payload.own_only:
                fields["own_only"] = True
        case ChangeOrder():
            fields = _write_change(payload)
        case CloseBy():
            fields = {
                "position_id_a": payload.position_id_a,
                "position_id_b": payload.position_id_b,
            }
            put_decimals(fields, qty=payload.qty)
            if payload.strategy_id:
                fields["strategy_id"] = payload.strategy_id
        case MergePositions():
            fields = {
                "source_position_id": payload.source_position_id,
                "target_position_id": payload.target_position_id,
            }
            if payload.stop_mode is not StopMode.KEEP:
                fields["stop_mode"] = payload.stop_mode.value
            put_decimals(fields, oms_stop_loss=payload.stop_loss, oms_stop_gain=payload.stop_gain)
        case Reassign():
            fields = {"order_ids": list(payload.order_ids), "strategy_id": payload.strategy_id}
            if payload.position_id:
                fields["position_id"] = payload.position_id
        case _:
            assert_never(payload)
    return fields


def _write_change(payload: ChangeOrder) -> dict[str, Any]:
    fields: dict[str, Any] = {"order_id": payload.order_id}
    put_decimals(
        fields,
        new_price=payload.new_price,
        new_qty=payload.new_qty,
        new_trigger_price=payload.new_trigger_price,
        new_trailing_amount=payload.new_trailing_amount,
        new_trailing_percent=payload.new_trailing_percent,
    )
    expires_at, side = payload.new_expires_at, payload.side
    others = {
        "new_time_in_force": payload.new_time_in_force,
        "new_expires_at": None if expires_at is None else time_text(expires_at),
        "levels": None if payload.levels is None else dict(payload.levels),
        "symbol": payload.symbol,
        "order_type": payload.order_type,
        "side": None if side is None else side.value,
    }
    return fields | {name: each for name, each in others.items() if each is not None}


def _write_position_change(payload: ChangePosition) -> dict[str, Any]:
    fields: dict[str, Any] = {"position_id": payload.position_id}
    for name, level in (("oms_stop_loss", payload.stop_loss), ("oms_stop_gain", payload.stop_gain)):
        if not isinstance(level, Keep):
            fields[name] = None if level is None else decimal_text(level)
    if not isinstance(payload.comment, Keep):
        fields["comment"] = payload.comment
    put_levels(fields, payload)
    return fields


def _write_check(payload: CheckOrder) -> dict[str, Any]:
    fields: dict[str, Any] = {"order": payload.order, "command": payload.command}
    for name in ("strategy_ids", "position_ids", "order_ids"):
        fields[name] = list(getattr(payload, name))
    return fields | ({"is_preview": True} if payload.is_preview else {})


def _write_paper(payload: PaperPrice | PaperDeposit | PaperReset) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    match payload:
        case PaperPrice():
            fields["symbol"] = payload.symbol
            put_decimals(fields, bid=payload.bid, ask=payload.ask)
            put_decimals(fields, bid_qty=payload.bid_qty, ask_qty=payload.ask_qty)
            put_decimals(fields, print_price=payload.print_price, print_qty=payload.print_qty)
            if payload.print_side is not None:
                fields["print_side"] = payload.print_side.value
            for name, levels in (("bids", payload.bids), ("asks", payload.asks)):
                if levels:
                    fields[name] = [
                        [decimal_text(p), None if q is None else decimal_text(q)] for p, q in levels
                    ]
        case PaperDeposit():
            fields |= {"currency": payload.currency, "amount": decimal_text(payload.amount)}
        case PaperReset():
            pass
    return fields


def _write_reconcile(payload: Reconcile) -> dict[str, Any]:
    fields: dict[str, Any] = {"scope": payload.scope.value}
    for name, at in (("start", payload.start), ("end", payload.end)):
        if at is not None:
            fields[name] = time_text(at)
    if payload.symbols:
        fields["symbols"] = list(payload.symbols)
    return fields


def _write_resolve(payload: ResolveUnknownOrder) -> dict[str, Any]:
    fields = {"order_id": payload.order_id, "action": payload.action.value}
    if payload.exchange_order_id is not None:
        fields["exchange_order_id"] = payload.exchange_order_id
    return fields


def _write_switch(payload: RiskSwitch) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if payload.status is not None:
        fields["status"] = payload.status
    if payload.allow_new_positions is not None:
        fields["allow_new_positions"] = payload.allow_new_positions
    if payload.strategy_id:
        fields["strategy_id"] = payload.strategy_id
    return fields


def _write_kill(payload: EnforceKillSwitch) -> dict[str, Any]:
    names = ("kill_id", "scope", "scope_id", "mode", "on", "cancel_entries", "flatten")
    deadman = {} if payload.deadman_id is None else {"deadman_id": payload.deadman_id}
    return {name: getattr(payload, name) for name in names} | deadman
