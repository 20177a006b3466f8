"""Bodies of ``send_order`` and ``close_position``, the commands that create an order.

Clients use aliases, ``extra``, ccxt names inside ``params``, and a price of 0 with market orders;
all are normalized here. The worker checks whether the order can be executed.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from oms.domain.commands.command import ClosePosition, SendOrder
from oms.domain.market_hours import Session, session_of
from oms.domain.money import decimal_text
from oms.domain.orders.order_types import (
    LIMIT_TYPES,
    OCO_PARAM,
    TAKE_PROFIT_TYPES,
    TRAILING_STOP,
    TRIGGERED_TYPES,
    TriggerKind,
    conditional_type,
)
from oms.domain.side import Side
from oms.domain.value import constructor
from oms.wire.commands.bracket_fields import read_bracket
from oms.wire.commands.command_schemas import CLOSE, OCO, POSITION_CLOSE, SEND
from oms.wire.commands.level_fields import read_entry_level_fields
from oms.wire.field_validation import (
    alias_locations,
    drop_nulls,
    require_object,
    resolve_aliases,
    validate,
)
from oms.wire.request_body import Location, malformed_at

SEND_ALIASES = {
    "type": "order_type",
    "amount": "qty",
    "oms_stop_loss": "stop_loss",
    "oms_stop_gain": "stop_gain",
    "stop_price": "trigger_price",
}
OCO_ALIASES = {"amount": "qty"}
CLOSE_ALIASES = {"stop_price": "trigger_price"}
IGNORED_ON_CLOSE = ("reduce_only", "oms_stop_loss", "oms_stop_gain")
_CCXT_NAMES = {
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
_new_send_order = constructor(SendOrder)
_TRAILING = ("trailing_amount", "trailing_percent")


def read_send_order(sent: Mapping[str, Any], at: Location) -> SendOrder:
    """Parse a ``send_order``. Raises ``Malformed``."""
    fields = _order_fields(sent, SEND_ALIASES, at)
    checked = validate(SEND, fields, at, partial(_sent_location, sent, SEND_ALIASES))
    _set_conditional_type(checked, at)
    _check_expiry(checked, at)
    read_entry_level_fields(checked, at)
    read_bracket(checked, at)
    return _new_send_order(**checked)


def read_send_oco(sent: Mapping[str, Any], at: Location) -> SendOrder:
    """Parse a ``send_oco``: a limit order whose ``params`` name its stop. Raises ``Malformed``."""
    fields = validate(OCO, resolve_aliases(drop_nulls(sent), OCO_ALIASES, at), at)
    limit, trigger = fields.pop("limit_price"), fields.pop("trigger_price")
    stop_limit = fields.pop("stop_limit_price", None)
    is_sale = fields["side"] is Side.SELL
    if trigger >= limit if is_sale else trigger <= limit:
        place = "below" if is_sale else "above"
        raise malformed_at((*at, "trigger_price"), f"the stop lies {place} the limit_price")
    stop = {"triggerPrice": decimal_text(trigger)}
    if stop_limit is not None:
        stop["price"] = decimal_text(stop_limit)
    fields.setdefault("reduce_only", True)
    return _new_send_order(**fields, order_type="limit", price=limit, params={OCO_PARAM: stop})


def read_close_position(sent: Mapping[str, Any], at: Location) -> ClosePosition:
    """Parse a ``close_position``. Raises ``Malformed``."""
    sent_fields = {key: value for key, value in sent.items() if key not in IGNORED_ON_CLOSE}
    if sent_fields.get("extra") is not None:
        raise malformed_at((*at, "extra"), "a close does not accept this key", "extra_forbidden")
    fields = _order_fields(sent_fields, CLOSE_ALIASES, at)
    fields.pop("reduce_only", None)  # by its ccxt name: a close always reduces
    checked = validate(CLOSE, fields, at, partial(_sent_location, sent, CLOSE_ALIASES))
    checked.setdefault("order_type", "market")
    _set_conditional_type(checked, at)
    _check_percent(checked, at)
    if checked.get("time_in_force") == "GTD":
        raise malformed_at((*at, "time_in_force"), "a close has no expires_at, so it takes no GTD")
    return ClosePosition(**checked)


def read_position_close(position_id: int, body: object) -> ClosePosition:
    """Parse ``{qty?, qty_pct?, comment?}``: a close at the market. Raises ``Malformed``."""
    fields = validate(POSITION_CLOSE, drop_nulls(require_object(body, ("body",))), ())
    _check_percent(fields, ())
    return ClosePosition(position_id=position_id, **fields)


def _check_percent(fields: Mapping[str, Any], at: Location) -> None:
    if "qty_pct" in fields and ("qty" in fields or fields["qty_pct"] > 100):
        raise malformed_at((*at, "qty_pct"), "up to 100 percent are expected, and no qty with it")


def _order_fields(
    sent: Mapping[str, Any], aliases: Mapping[str, str], at: Location
) -> dict[str, Any]:
    """Normalize keys: resolve aliases and move ccxt names to fields."""
    fields = resolve_aliases(drop_nulls(sent), aliases, at)
    _move_ccxt_names(fields, at)
    is_limit = str(fields.get("order_type", "market")).lower() in LIMIT_TYPES
    if not is_limit and _is_zero(fields.get("price")):
        del fields["price"]  # clients send 0 with market orders
    return fields


def _move_ccxt_names(fields: dict[str, Any], at: Location) -> None:
    if "extra" not in fields and "params" not in fields:
        return
    extra, params = fields.pop("extra", {}), fields.pop("params", {})
    for key, value in (("extra", extra), ("params", params)):
        if not isinstance(value, dict):
            raise malformed_at((*at, key), "an object is expected", "object")
    merged = {**extra, **params}
    for ccxt_name, name in _CCXT_NAMES.items():
        value = merged.pop(ccxt_name, None)
        if value is not None:
            fields.setdefault(name, value)
    fields["params"] = merged


def _set_conditional_type(fields: dict[str, Any], at: Location) -> None:
    """Set the conditional type that triggers imply and check the fields that it requires.

    Afterwards ``trigger_price`` is the trigger of every triggered type.
    """
    base_type = fields["order_type"]
    if base_type in ("market", "limit"):
        if "trailing_amount" in fields or "trailing_percent" in fields:
            fields["order_type"] = TRAILING_STOP
        elif "take_profit_price" in fields:
            fields["order_type"] = conditional_type(base_type, TriggerKind.TAKE_PROFIT)
        elif "trigger_price" in fields:
            fields["order_type"] = conditional_type(base_type, TriggerKind.STOP)
    order_type = fields["order_type"]
    if order_type in LIMIT_TYPES and "price" not in fields:
        raise malformed_at((*at, "price"), f"a {order_type} order needs a price", "missing")
    if "take_profit_price" in fields:
        _set_take_profit_trigger(fields, order_type, at)
    if order_type in TRIGGERED_TYPES and "trigger_price" not in fields:
        raise malformed_at(
            (*at, "trigger_price"), f"a {order_type} order needs a trigger_price", "missing"
        )
    trailing = [key for key in _TRAILING if key in fields]
    if order_type == TRAILING_STOP and len(trailing) != 1:
        msg = "a trailing_stop order needs either trailing_amount or trailing_percent"
        raise malformed_at((*at, "trailing_amount"), msg, "value_error" if trailing else "missing")
    if order_type != TRAILING_STOP and trailing:
        raise malformed_at((*at, trailing[0]), f"a {order_type} order does not trail")


def _set_take_profit_trigger(fields: dict[str, Any], order_type: str, at: Location) -> None:
    price = fields["take_profit_price"]
    if order_type not in TAKE_PROFIT_TYPES:
        raise malformed_at(
            (*at, "take_profit_price"), f"a {order_type} order takes no take_profit_price"
        )
    if fields.setdefault("trigger_price", price) != price:
        msg = "take_profit_price and trigger_price differ; an order has one trigger"
        raise malformed_at((*at, "take_profit_price"), msg)


def _check_expiry(fields: Mapping[str, Any], at: Location) -> None:
    is_dated = fields.get("time_in_force") == "GTD"
    if is_dated and "expires_at" not in fields:
        if session_of(fields["symbol"]) is Session.CONTINUOUS:
            raise malformed_at((*at, "expires_at"), "a GTD order needs expires_at", "missing")
    elif not is_dated and "expires_at" in fields:
        raise malformed_at((*at, "expires_at"), "expires_at goes with time_in_force GTD only")


def _sent_location(sent: Mapping[str, Any], aliases: Mapping[str, str], loc: Location) -> Location:
    """Map a location to the sent key: a field, an alias, or a ccxt name."""
    located = alias_locations(sent, aliases)(loc)
    if located != loc or not loc or loc[0] in sent:
        return located
    for ccxt_name, name in _CCXT_NAMES.items():
        for group in ("params", "extra"):
            if name == loc[0] and ccxt_name in (sent.get(group) or {}):
                return (group, ccxt_name, *loc[1:])
    return loc


def _is_zero(value: object) -> bool:
    if isinstance(value, str):
        return value != "" and value.strip("0.") == ""
    return value == 0 and not isinstance(value, bool)
