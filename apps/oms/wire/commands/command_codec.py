"""Codec of stored commands: one JSON text per command payload.

``encode_payload`` leaves out defaults, so equal requests have the same text and the same
``payload_fingerprint``. ``decode_payload`` reads only what ``encode_payload`` wrote and validates
nothing; requests of clients are parsed in ``command_requests``.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, assert_never

from oms.domain.commands.account_commands import (
    AdminMutate,
    EnforceKillSwitch,
    MutateItem,
    PaperDeposit,
    PaperPrice,
    PaperReset,
    ReadConnection,
    Reconcile,
    RefreshOrder,
    Resolution,
    ResolveUnknownOrder,
    RiskSwitch,
)
from oms.domain.commands.command import (
    COMMAND_TYPES,
    KEEP,
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
    SendOrder,
    StopMode,
)
from oms.domain.money import decimal_text
from oms.domain.orders.order import Side
from oms.domain.reconcile.discrepancy import DecideDiscrepancy, Decision
from oms.domain.reconcile.position_comparison import Scope
from oms.wire.commands.order_codec import (
    decode_close_position,
    decode_send_order,
    encode_close_position,
    encode_send_order,
    optional_decimal_of,
    put_decimals,
    sorted_keys,
)
from oms.wire.json import dumps_fast, time_text

_DECODER = json.JSONDecoder()


def encode_payload(payload: CommandPayload) -> str:
    """Return the JSON text of ``payload`` under wire names, without defaults."""
    match payload:
        case SendOrder():
            return dumps_fast(encode_send_order(payload))
        case ClosePosition():
            return dumps_fast(encode_close_position(payload))
        case ChangePosition():
            return dumps_fast(_write_position_change(payload))
        case PaperPrice() | PaperDeposit() | PaperReset():
            told = _write_paper(payload)
        case Reconcile():
            told = _write_reconcile(payload)
        case RefreshOrder():
            told = {"order_id": payload.order_id}
        case ResolveUnknownOrder():
            told = _write_resolve(payload)
        case ReadConnection():
            told = {}
        case RiskSwitch():
            told = _write_switch(payload)
        case AdminMutate():
            items = [[item.index, item.op, dict(item.row)] for item in payload.items]
            told = {"entity": payload.entity, "items": items}
        case EnforceKillSwitch():
            told = _write_kill(payload)
        case DecideDiscrepancy():
            told = {"discrepancy_id": payload.discrepancy_id, "answer": payload.answer.value}
            told |= {"lifts": True} if payload.lifts else {}
        case CcxtCall():
            # The first key distinguishes trades from reads without parsing.
            told = {"trade": True} if payload.is_trade else {}
            told["func"] = payload.func
            if payload.args:
                told["args"] = list(payload.args)
            if payload.kwargs:
                told["kwargs"] = sorted_keys(payload.kwargs)
        case _:
            told = _write_named(payload)
    comment: str | None = getattr(payload, "comment", None)
    if comment is not None:
        told["comment"] = comment
    return dumps_fast(told)


def is_encoded_trade(text: str) -> bool:
    """Return whether an encoded ccxt call is a trade."""
    return text.startswith('{"trade"')


def is_read_only(command_type: str, text: str) -> bool:
    """Return whether a stored command changes nothing; such commands emit no event."""
    if command_type == COMMAND_TYPES[CcxtCall]:
        return not is_encoded_trade(text)
    return command_type == COMMAND_TYPES[ReadConnection]


def decode_payload(command_type: str, text: str) -> CommandPayload:
    """Return the payload that ``encode_payload`` wrote as ``text``."""
    read = _READERS.get(command_type)
    assert read is not None, f"no command is called {command_type_of!r}"
    told, _ = _DECODER.raw_decode(text)  # stored texts have no surrounding whitespace
    return read(told)


def payload_fingerprint(command_type: str, text: str) -> str:
    """Return the SHA-256 of command name and encoded payload in hex."""
    return hashlib.sha256(f"{command_type_of}\n{text}".encode()).hexdigest()


def command_type_of(payload: CommandPayload) -> str:
    """Return the command name on the wire."""
    return COMMAND_TYPES[type(payload)]


def _write_named(
    payload: CancelOrder
    | CancelAllOrders
    | ChangeOrder
    | CloseAllPositions
    | CloseBy
    | MergePositions
    | Reassign,
) -> dict[str, Any]:
    """Encode commands that refer to rows; the caller adds the comment."""
    told: dict[str, Any]
    match payload:
        case CancelOrder():
            return {"order_ids": list(payload.order_ids)}
        case CancelAllOrders() | CloseAllPositions():
            told = {}
            if payload.strategy_ids:
                told["strategy_ids"] = list(payload.strategy_ids)
            if payload.symbol is not None:
                told["symbol"] = payload.symbol
        case ChangeOrder():
            told = {"order_id": payload.order_id}
            put_decimals(told, new_price=payload.new_price, new_qty=payload.new_qty)
        case CloseBy():
            told = {
                "position_id_a": payload.position_id_a,
                "position_id_b": payload.position_id_b,
            }
            put_decimals(told, qty=payload.qty)
            if payload.strategy_id:
                told["strategy_id"] = payload.strategy_id
        case MergePositions():
            told = {
                "source_position_id": payload.source_position_id,
                "target_position_id": payload.target_position_id,
            }
            if payload.stop_mode is not StopMode.KEEP:
                told["stop_mode"] = payload.stop_mode.value
            put_decimals(told, oms_stop_loss=payload.stop_loss, oms_stop_gain=payload.stop_gain)
        case Reassign():
            told = {"order_ids": list(payload.order_ids), "strategy_id": payload.strategy_id}
            if payload.position_id:
                told["position_id"] = payload.position_id
        case _:
            assert_never(payload)
    return told


def _write_position_change(payload: ChangePosition) -> dict[str, Any]:
    told: dict[str, Any] = {"position_id": payload.position_id}
    for name, level in (("oms_stop_loss", payload.stop_loss), ("oms_stop_gain", payload.stop_gain)):
        if not isinstance(level, Keep):
            told[name] = None if level is None else decimal_text(level)
    if not isinstance(payload.comment, Keep):
        told["comment"] = payload.comment
    return told


def _write_paper(payload: PaperPrice | PaperDeposit | PaperReset) -> dict[str, Any]:
    told: dict[str, Any] = {}
    match payload:
        case PaperPrice():
            told["symbol"] = payload.symbol
            put_decimals(told, bid=payload.bid, ask=payload.ask)
            put_decimals(told, bid_qty=payload.bid_qty, ask_qty=payload.ask_qty)
            put_decimals(told, print_price=payload.print_price, print_qty=payload.print_qty)
            if payload.print_side is not None:
                told["print_side"] = payload.print_side.value
            for name, levels in (("bids", payload.bids), ("asks", payload.asks)):
                if levels:
                    told[name] = [
                        [decimal_text(p), None if q is None else decimal_text(q)] for p, q in levels
                    ]
        case PaperDeposit():
            told |= {"currency": payload.currency, "amount": decimal_text(payload.amount)}
        case PaperReset():
            pass
    return told


def _write_reconcile(payload: Reconcile) -> dict[str, Any]:
    told: dict[str, Any] = {"scope": payload.scope.value}
    for name, moment in (("start", payload.start), ("end", payload.end)):
        if moment is not None:
            told[name] = time_text(moment)
    if payload.symbols:
        told["symbols"] = list(payload.symbols)
    return told


def _write_resolve(payload: ResolveUnknownOrder) -> dict[str, Any]:
    told = {"order_id": payload.order_id, "action": payload.action.value}
    if payload.exchange_order_id is not None:
        told["exchange_order_id"] = payload.exchange_order_id
    return told


def _write_switch(payload: RiskSwitch) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if payload.status is not None:
        told["status"] = payload.status
    if payload.allow_new_positions is not None:
        told["allow_new_positions"] = payload.allow_new_positions
    if payload.strategy_id:
        told["strategy_id"] = payload.strategy_id
    return told


def _write_kill(payload: EnforceKillSwitch) -> dict[str, Any]:
    names = ("kill_id", "scope", "scope_id", "mode", "on", "cancel_entries", "flatten")
    return {name: getattr(payload, name) for name in names}


def _read_mutate(told: Mapping[str, Any]) -> AdminMutate:
    items = (MutateItem(index=index, op=op, row=row) for index, op, row in told["items"])
    return AdminMutate(entity=told["entity"], items=tuple(items), comment=told.get("comment"))


def _read_reconcile(told: Mapping[str, Any]) -> Reconcile:
    bounds = {name: datetime.fromisoformat(told[name]) for name in ("start", "end") if name in told}
    return Reconcile(scope=Scope(told["scope"]), symbols=tuple(told.get("symbols", ())), **bounds)


def _read_resolve(told: Mapping[str, Any]) -> ResolveUnknownOrder:
    return ResolveUnknownOrder(**{**told, "action": Resolution(told["action"])})


def _read_sweep(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "strategy_ids": tuple(told.get("strategy_ids", ())),
        "symbol": told.get("symbol"),
        "comment": told.get("comment"),
    }


def _read_change(told: Mapping[str, Any]) -> ChangeOrder:
    return ChangeOrder(
        order_id=told["order_id"],
        new_price=optional_decimal_of(told, "new_price"),
        new_qty=optional_decimal_of(told, "new_qty"),
        comment=told.get("comment"),
    )


def _read_close_by(told: Mapping[str, Any]) -> CloseBy:
    return CloseBy(
        position_id_a=told["position_id_a"],
        position_id_b=told["position_id_b"],
        qty=optional_decimal_of(told, "qty"),
        strategy_id=told.get("strategy_id", 0),
        comment=told.get("comment"),
    )


def _read_merge(told: Mapping[str, Any]) -> MergePositions:
    return MergePositions(
        source_position_id=told["source_position_id"],
        target_position_id=told["target_position_id"],
        stop_mode=StopMode(told.get("stop_mode", StopMode.KEEP)),
        stop_loss=optional_decimal_of(told, "oms_stop_loss"),
        stop_gain=optional_decimal_of(told, "oms_stop_gain"),
        comment=told.get("comment"),
    )


def _read_position_change(told: Mapping[str, Any]) -> ChangePosition:
    return ChangePosition(
        position_id=told["position_id"],
        stop_loss=optional_decimal_of(told, "oms_stop_loss") if "oms_stop_loss" in told else KEEP,
        stop_gain=optional_decimal_of(told, "oms_stop_gain") if "oms_stop_gain" in told else KEEP,
        comment=told.get("comment", KEEP),
    )


def _read_reassign(told: Mapping[str, Any]) -> Reassign:
    return Reassign(
        order_ids=tuple(told["order_ids"]),
        strategy_id=told["strategy_id"],
        position_id=told.get("position_id", 0),
        comment=told.get("comment"),
    )


def _read_price(told: Mapping[str, Any]) -> PaperPrice:
    return PaperPrice(
        symbol=told["symbol"],
        bid=optional_decimal_of(told, "bid"),
        ask=optional_decimal_of(told, "ask"),
        bid_qty=optional_decimal_of(told, "bid_qty"),
        ask_qty=optional_decimal_of(told, "ask_qty"),
        bids=_read_levels(told.get("bids", ())),
        asks=_read_levels(told.get("asks", ())),
        print_price=optional_decimal_of(told, "print_price"),
        print_qty=optional_decimal_of(told, "print_qty"),
        print_side=Side(told["print_side"]) if "print_side" in told else None,
    )


def _read_levels(told: Iterable[Any]) -> tuple[tuple[Decimal, Decimal | None], ...]:
    return tuple((Decimal(price), None if qty is None else Decimal(qty)) for price, qty in told)


def _read_deposit(told: Mapping[str, Any]) -> PaperDeposit:
    return PaperDeposit(
        currency=told["currency"], amount=Decimal(told["amount"]), comment=told.get("comment")
    )


def _read_call(told: Mapping[str, Any]) -> CcxtCall:
    return CcxtCall(
        func=told["func"], args=tuple(told.get("args", ())), kwargs=told.get("kwargs", {})
    )


def _read_cancel(told: Mapping[str, Any]) -> CancelOrder:
    return CancelOrder(order_ids=tuple(told["order_ids"]), comment=told.get("comment"))


_READERS: Mapping[str, Callable[[Mapping[str, Any]], CommandPayload]] = {
    "send_order": decode_send_order,
    "cancel_order": _read_cancel,
    "cancel_all_orders": lambda told: CancelAllOrders(**_read_sweep(told)),
    "change_order": _read_change,
    "close_position": decode_close_position,
    "close_all": lambda told: CloseAllPositions(**_read_sweep(told)),
    "close_by": _read_close_by,
    "merge_positions": _read_merge,
    "position_change": _read_position_change,
    "reassign": _read_reassign,
    "reconcile": _read_reconcile,
    "refresh": lambda told: RefreshOrder(order_id=told["order_id"]),
    "resolve": _read_resolve,
    "connection": lambda _: ReadConnection(),
    "risk_switch": lambda told: RiskSwitch(**told),
    "admin_mutate": _read_mutate,
    "kill": lambda told: EnforceKillSwitch(**told),
    "discrepancy": lambda told: DecideDiscrepancy(**{**told, "answer": Decision(told["answer"])}),
    "paper_price": _read_price,
    "paper_deposit": _read_deposit,
    "paper_reset": lambda told: PaperReset(comment=told.get("comment")),
    "ccxt_call": _read_call,
}
