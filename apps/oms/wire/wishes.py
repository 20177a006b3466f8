"""What callers ask: JSON bodies become commands, or a list of what is wrong with them.

Numbers come from their text (``wire.json.loads``), never through a binary float. Unknown keys are
refused, except what clients in the field send: ``extra``, the ccxt spellings inside ``params``,
the idle keys of ``close_position``; null in an optional key means absent. Nothing is decided
here: whether a symbol exists or an order type is supported is the worker's matter.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from oms.domain.command import (
    LIMIT_TYPES,
    CancelOrder,
    CcxtCall,
    ChangeOrder,
    ClosePosition,
    PaperPrice,
    Payload,
    SendOrder,
)
from oms.wire.bodies import ERRORS_TOLD_MAX, At, Error, Malformed, wrong_at
from oms.wire.shapes import CALL, CANCEL, CHANGE, CLOSE, ENVELOPE, PRICE, SEND

NOT_BUILT = frozenset(
    {"cancel_all_orders", "close_all", "close_by", "merge_positions", "position_change"}
)
#: Commands whose account may be left out: it is the row's.
ROW_COMMANDS = frozenset({"cancel_order", "change_order", "close_position"})

_SEND_ALIASES = {
    "type": "order_type",
    "amount": "qty",
    "oms_stop_loss": "stop_loss",
    "oms_stop_gain": "stop_gain",
    "stop_price": "trigger_price",
}
_CLOSE_ALIASES = {"stop_price": "trigger_price"}
_IDLE_ON_CLOSE = ("reduce_only", "oms_stop_loss", "oms_stop_gain")
_CCXT_SPELLINGS = {
    "reduceOnly": "reduce_only",
    "postOnly": "post_only",
    "timeInForce": "time_in_force",
    "triggerPrice": "trigger_price",
    "stopPrice": "trigger_price",
    "takeProfitPrice": "take_profit_price",
    "trailingAmount": "trailing_amount",
    "trailingPercent": "trailing_percent",
    "clientOrderId": "client_order_id",
}

Fields = TypeVar("Fields")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One command of a body; ``account_id`` is ``None`` where the row names it."""

    payload: Payload
    account_id: int | None
    request_id: str | None = None

    @property
    def comment(self) -> str | None:
        """What the caller wrote beside it."""
        return getattr(self.payload, "comment", None)


def read_commands(body: object, items_max: int) -> tuple[Wish, ...]:
    """The wishes of a body, in its order: one command, or a list of up to ``items_max``.

    Raises ``Malformed`` with the wrong places, the item's index in ``loc``; then no wish counts.
    """
    items = body if isinstance(body, list) else [body]
    if len(items) > items_max:
        raise wrong_at(("body",), f"at most {items_max} commands in one body", "too_long")
    wishes: list[Wish] = []
    errors: list[Error] = []
    for index, item in enumerate(items):
        try:
            wishes.append(_read_command(item, (index,)))
        except Malformed as wrong:
            errors.extend(wrong.errors)
            if len(errors) >= ERRORS_TOLD_MAX:
                break
    if errors:
        raise Malformed(errors)
    return tuple(wishes)


def read_paper_price(body: object) -> Wish:
    """A manual price: ``price``, or ``bid`` and ``ask``. Raises ``Malformed``."""
    fields = _validated(PRICE, _present(_object(body, ("body",))), ())
    bid, ask = (fields.get(side, fields.get("price")) for side in ("bid", "ask"))
    if bid is None or ask is None:
        raise wrong_at(("price",), "give price, or bid and ask", "missing")
    if bid > ask:
        raise wrong_at(("bid",), "bid is above ask")
    payload = PaperPrice(
        symbol=fields["symbol"],
        bid=bid,
        ask=ask,
        bid_qty=fields.get("bid_qty"),
        ask_qty=fields.get("ask_qty"),
    )
    return Wish(payload=payload, account_id=fields.get("account_id"))


def read_call(func: str, body: object) -> CcxtCall:
    """``{args, kwargs}`` of a ccxt call, both optional. Raises ``Malformed``."""
    fields = _validated(CALL, _present(_object(body, ("body",))), ())
    args = fields.get("args", [])
    if not isinstance(args, list):
        raise wrong_at(("args",), "a list is expected")
    return CcxtCall(func=func, args=tuple(args), kwargs=fields.get("kwargs", {}))


def _read_command(item: object, at: At) -> Wish:
    envelope = _validated(ENVELOPE, _present(_object(item, at)), at)
    word = envelope["command"].lower()
    read = _READERS.get(word)
    if read is None:
        if word in NOT_BUILT:
            raise wrong_at((*at, "command"), f"{word} is not supported yet", "unsupported_command")
        raise wrong_at((*at, "command"), f"one of {', '.join(_READERS)} is expected", "enum")
    account_id = envelope.get("account_id")
    if account_id is None and word not in ROW_COMMANDS:
        raise wrong_at((*at, "account_id"), f"{word} needs an account_id", "missing_account_id")
    return Wish(
        payload=read(envelope["payload"], (*at, "payload")),
        account_id=account_id,
        request_id=envelope.get("request_id"),
    )


def _read_send(sent: Mapping[str, Any], at: At) -> SendOrder:
    fields = _order_fields(sent, _SEND_ALIASES, at)
    checked = _validated(SEND, fields, at, sent)
    _settle_form(checked, at)
    return SendOrder(**checked)


def _read_close(sent: Mapping[str, Any], at: At) -> ClosePosition:
    known = {key: value for key, value in sent.items() if key not in _IDLE_ON_CLOSE}
    fields = _order_fields(known, _CLOSE_ALIASES, at)
    fields.pop("reduce_only", None)  # by its ccxt spelling: a close always reduces
    checked = _validated(CLOSE, fields, at, sent)
    checked.setdefault("order_type", "market")
    _settle_form(checked, at)
    for key in ("take_profit_price", "trailing_amount", "trailing_percent"):
        checked.pop(key, None)  # told by the order type now
    return ClosePosition(**checked)


def _read_cancel(sent: Mapping[str, Any], at: At) -> CancelOrder:
    fields = _validated(CANCEL, _present(sent), at)
    ids = {*fields.get("order_ids", ()), *fields.get("order_ids_csv", ())}
    if "order_id" in fields:
        ids.add(fields["order_id"])
    if not ids:
        raise wrong_at((*at, "order_id"), "name at least one order", "missing")
    return CancelOrder(order_ids=tuple(sorted(ids)), comment=fields.get("comment"))


def _read_change(sent: Mapping[str, Any], at: At) -> ChangeOrder:
    fields = _validated(CHANGE, _present(sent), at)
    if "new_price" not in fields and "new_qty" not in fields:
        raise wrong_at((*at, "new_price"), "give new_price, new_qty or both", "missing")
    return ChangeOrder(**fields)


_READERS: Mapping[str, Callable[[Mapping[str, Any], At], Payload]] = {
    "send_order": _read_send,
    "cancel_order": _read_cancel,
    "change_order": _read_change,
    "close_position": _read_close,
}


def _order_fields(sent: Mapping[str, Any], aliases: Mapping[str, str], at: At) -> dict[str, Any]:
    """What was sent, under one name each: aliases resolved, ccxt spellings moved to fields."""
    fields = _present(sent)
    for alias, name in aliases.items():
        if alias in fields:
            value = fields.pop(alias)
            if fields.setdefault(name, value) != value:
                raise wrong_at((*at, alias), f"{alias} and {name} differ")
    _move_spellings(fields, at)
    is_limit = str(fields.get("order_type", "market")).lower() in LIMIT_TYPES
    if not is_limit and _is_zero(fields.get("price")):
        del fields["price"]  # clients send 0 with market orders
    return fields


def _move_spellings(fields: dict[str, Any], at: At) -> None:
    if "extra" not in fields and "params" not in fields:
        return
    extra, params = fields.pop("extra", {}), fields.pop("params", {})
    for key, value in (("extra", extra), ("params", params)):
        if not isinstance(value, dict):
            raise wrong_at((*at, key), "an object is expected", "object")
    merged = {**extra, **params}
    for spelling, name in _CCXT_SPELLINGS.items():
        value = merged.pop(spelling, None)
        if value is not None:
            fields.setdefault(name, value)
    fields["params"] = merged


def _settle_form(fields: dict[str, Any], at: At) -> None:
    """Name the conditional form that a trigger makes of a plain order; ask limits for a price."""
    plain = fields["order_type"]
    if plain in ("market", "limit"):
        if "trailing_amount" in fields or "trailing_percent" in fields:
            fields["order_type"] = "trailing_stop"
        elif "take_profit_price" in fields:
            fields["order_type"] = f"take_profit_{plain}"
        elif "trigger_price" in fields:
            fields["order_type"] = f"stop_{plain}"
    if fields["order_type"] in LIMIT_TYPES and "price" not in fields:
        raise wrong_at((*at, "price"), f"a {fields['order_type']} order needs a price", "missing")


def _is_zero(value: object) -> bool:
    if isinstance(value, str):
        return value != "" and value.strip("0.") == ""
    return value == 0 and not isinstance(value, bool)


def _present(sent: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in sent.items() if value is not None}


def _object(value: object, at: At) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise wrong_at(at, "an object is expected", "object")
    return value


def _validated(
    shape: TypeAdapter[Fields], fields: object, at: At, sent: Mapping[str, Any] | None = None
) -> Any:
    try:
        return shape.validate_python(fields)
    except ValidationError as wrong:
        told = wrong.errors(include_url=False, include_context=False, include_input=False)
        raise Malformed(
            [
                {"loc": [*at, *_spelled(one["loc"], sent)], "msg": one["msg"], "type": one["type"]}
                for one in told[:ERRORS_TOLD_MAX]
            ]
        ) from None


def _spelled(loc: At, sent: Mapping[str, Any] | None) -> At:
    """``loc`` under the name that the caller used."""
    if sent is None or not loc or loc[0] in sent:
        return loc
    for alias, name in _SEND_ALIASES.items():
        if name == loc[0] and alias in sent:
            return (alias, *loc[1:])
    for spelling, name in _CCXT_SPELLINGS.items():
        for group in ("params", "extra"):
            if name == loc[0] and spelling in (sent.get(group) or {}):
                return (group, spelling, *loc[1:])
    return loc
