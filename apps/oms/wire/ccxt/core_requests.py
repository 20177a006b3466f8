"""Request bodies of ``/ccxt/core``: keyword arguments of a method.

Amounts and prices are parsed exactly and passed on as ``float``, as in ccxt.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Required

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from oms.domain.commands.command import CcxtCall
from oms.domain.errors import Invalid
from oms.wire.ccxt.method_names import CORE_READ_METHODS
from oms.wire.commands.command_requests import read_ccxt_call
from oms.wire.field_types import JsonObject, Positive, SideWord, Symbol
from oms.wire.field_validation import (
    alias_locations,
    drop_nulls,
    require_object,
    resolve_aliases,
    validate,
)
from oms.wire.request_body import malformed_at

_CLOSED = ConfigDict(extra="forbid", strict=True)
_ALIASES = {"type": "order_type"}
ROWS_DEFAULT = 200

_Name = Annotated[str, Field(min_length=1, max_length=128)]
_Word = Annotated[str, Field(min_length=1, max_length=64)]


class _Create(TypedDict, total=False):
    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    symbol: Required[Symbol]
    side: Required[SideWord]
    order_type: Required[_Word]
    amount: Required[Positive]
    price: Positive
    params: JsonObject


class _OrderReference(TypedDict, total=False):
    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    id: Required[_Name]
    symbol: Symbol
    params: JsonObject


class _OpenOrders(TypedDict, total=False):
    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    symbol: Symbol
    since: Annotated[int, Field(ge=0)]
    limit: Annotated[int, Field(ge=1, le=1000)]
    params: JsonObject


class _Params(TypedDict, total=False):
    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    params: JsonObject


_ORDER_REFERENCE_ADAPTER = TypeAdapter(_OrderReference)
_CREATE = TypeAdapter(_Create)
_OPEN_ORDERS = TypeAdapter(_OpenOrders)
_PARAMS = TypeAdapter(_Params)


CORE_CALL_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        **{name: {"type": "string"} for name in ("id", "symbol", "side", "order_type", "type")},
        **{name: {"type": ["string", "number"]} for name in ("amount", "price", "since", "limit")},
        "params": {"type": "object"},
    },
    "required": [],
}
"""JSON Schema of the keyword arguments; which of them one takes follows from the method."""


def read_core_call(func: str, body: object) -> CcxtCall:
    """Parse the call of ``func``. Raises ``Malformed``, ``Invalid``."""
    sent = drop_nulls(require_object(body, ("body",)))
    match func:
        case "create_order":
            return _create(sent)
        case "cancel_order" | "fetch_order":
            return CcxtCall(func=func, kwargs=validate(_ORDER_REFERENCE_ADAPTER, sent, ()))
        case "fetch_open_orders":
            fields = validate(_OPEN_ORDERS, sent, ())
            return CcxtCall(func=func, kwargs={"limit": ROWS_DEFAULT} | fields)
        case "fetch_balance":
            return CcxtCall(func=func, kwargs=validate(_PARAMS, sent, ()))
        case _ if func in CORE_READ_METHODS:
            return read_ccxt_call(func, {"kwargs": sent})
        case _:
            message = f"{func[:64]} is not a method of /ccxt/core"
            raise Invalid(message, code="unsupported_func")


def _create(sent: Mapping[str, Any]) -> CcxtCall:
    fields = resolve_aliases(sent, _ALIASES, ())
    checked = validate(_CREATE, fields, (), alias_locations(sent, _ALIASES))
    order_type = checked.pop("order_type").lower()
    if "limit" in order_type and "price" not in checked:
        raise malformed_at(("price",), f"a {order_type} order needs a price", "missing")
    kwargs = {name: float(v) if isinstance(v, Decimal) else v for name, v in checked.items()}
    kwargs |= {"type": order_type, "side": checked["side"].value}
    return CcxtCall(func="create_order", kwargs=kwargs)
