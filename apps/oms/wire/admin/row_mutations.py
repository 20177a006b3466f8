"""Corrections of ledger rows by an admin: items, and the columns that they change.

Rows may be sent as they were read: unchanged columns and unknown keys are ignored. Which columns
may change is checked elsewhere.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic_core import PydanticCustomError

from oms.domain.commands.account_commands import AdminMutate, MutateItem
from oms.domain.money import NotADecimal, decimal_text, parse_decimal
from oms.domain.protection.levels import SETTABLE
from oms.wire.field_types import read_id, read_time
from oms.wire.field_validation import require_object
from oms.wire.request_body import ERRORS_MAX, Malformed, ValidationError, malformed_at
from oms.wire.steps import Steps

ENTITIES = ("orders", "positions", "deals")
OPS = ("insert", "update", "delete")
ITEMS_SCHEMA: Mapping[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "op": {"type": "string", "enum": list(OPS)},
            "row": {"type": "object"},
        },
        "required": ["op", "row"],
    },
}
"""JSON Schema of a list of mutations."""

#: Columns derived from others, from the command or from the time of the read.
_DERIVED = frozenset(
    {
        *("id", "version", "updated_at", "remaining_qty", "canceled_qty", "protection"),
        *("mark_price", "mark_at", "unrealized_pnl", "command_id"),
        *("requested_qty", "requested_price", "fee_valuation"),
        *("risk_status", "risk_code", "risk_detail"),
        *("stop_trailing_best", "tp_sl_base", *SETTABLE),
    }
)
_DECIMALS = frozenset(
    {
        *("qty", "price", "stop_loss", "stop_gain", "filled_qty", "avg_fill_price"),
        *("trigger_price", "fee", "pnl", "avg_price", "qty_opened", "qty_closed", "max_qty"),
        *("realized_pnl", "funding", "close_price"),
    }
)
_IDS = frozenset(
    {
        *("account_id", "order_id", "position_id", "previous_position_id", "strategy_id"),
        *("parent_order_id", "identifier", "merged_into"),
    }
)
_FLAGS = frozenset({"reconciled", "reduce_only", "post_only", "provisional", "external"})
_LOWERCASE_FIELDS = frozenset(
    {"side", "order_type", "status", "state", "entry", "type", "liquidity"}
)
_TEXTS = _LOWERCASE_FIELDS | {
    *("symbol", "comment", "client_order_id", "exchange_order_id", "exchange_trade_id"),
    *("fee_currency", "reason"),
}
TEXT_CHARACTERS_MAX = 255


def read_items(body: object, items_max: int) -> Steps[list[MutateItem]]:
    """Parse ``[{op, row}]`` or a single item, in steps.

    Raises ``Malformed`` with the index of the item.
    """
    items = body if isinstance(body, list) else [body]
    if len(items) > items_max:
        raise malformed_at(("body",), f"at most {items_max} rows in one body", "too_long")
    parsed: list[MutateItem] = []
    errors: list[ValidationError] = []
    for index, item in enumerate(items):
        try:
            parsed.append(_item(item, index))
        except Malformed as error:
            errors.extend(error.errors)
            if len(errors) >= ERRORS_MAX:
                break
        yield
    if errors:
        raise Malformed(errors)
    return parsed


def row_id(item: MutateItem) -> int:
    """Return the id of the row; 0 for an insert."""
    return 0 if item.op == "insert" else int(str(item.row["id"]))


def account_of(item: MutateItem) -> int:
    """Return the account id of an item; 0 if none."""
    account_id = item.row.get("account_id")
    return int(str(account_id)) if account_id is not None else 0


def mutate_command(entity: str, items: Sequence[MutateItem], comment: str | None) -> AdminMutate:
    """Return the command for the items of one account."""
    return AdminMutate(entity=entity, items=tuple(items), comment=comment)


def changes_of(current: Mapping[str, Any], item: MutateItem) -> dict[str, Any]:
    """Return the columns of ``item`` that differ from ``current``, as domain values.

    Raises ``Malformed``.
    """
    return {
        name: parsed_value
        for name, sent in item.row.items()
        if name in current
        and name not in _DERIVED
        and (parsed_value := _value(name, sent)) != _value(name, current[name])
    }


def values_of(columns: Mapping[str, Any], item: MutateItem) -> dict[str, Any]:
    """Return the columns of a row to be inserted; null is absent. Raises ``Malformed``."""
    return {
        name: value
        for name, sent in item.row.items()
        if name in columns and name not in _DERIVED and (value := _value(name, sent)) is not None
    }


def _item(item: object, index: int) -> MutateItem:
    fields = require_object(item, (index,))
    op = fields.get("op")
    if not isinstance(op, str) or op.lower() not in OPS:
        raise malformed_at((index, "op"), f"one of {', '.join(OPS)} is expected", "enum")
    row = require_object(fields.get("row"), (index, "row"))
    required_key = "account_id" if op.lower() == "insert" else "id"
    try:
        read_id(row.get(required_key))
        if row.get("account_id") is not None:
            read_id(row.get("account_id"))
    except PydanticCustomError as error:
        raise malformed_at((index, "row", required_key), error.message(), "missing") from None
    return MutateItem(index=index, op=op.lower(), row=_texts(row))


def _texts(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with numbers as text, for lossless storage."""
    return {
        name: decimal_text(value) if isinstance(value, Decimal) else value
        for name, value in row.items()
    }


def _value(name: str, sent: Any) -> Any:
    """Convert a column to its domain value. Raises ``Malformed``."""
    if sent is None:
        return None
    try:
        if name in _DECIMALS:
            return _decimal(sent)
        if name in _IDS:
            return read_id(sent, 0)
    except PydanticCustomError as error:
        raise malformed_at(("row", name), error.message()) from None
    except NotADecimal as error:
        raise malformed_at(("row", name), str(error)) from None
    if name.endswith("_at"):
        return _time(name, sent)
    if name in _FLAGS:
        if not isinstance(sent, bool):
            raise malformed_at(("row", name), "true or false is expected")
        return sent
    if name == "leg":
        return sent
    return _text(name, sent)


def _decimal(sent: Any) -> Decimal:
    if isinstance(sent, bool) or not isinstance(sent, (str, int)):
        raise NotADecimal("not a decimal number")
    return parse_decimal(sent)


def _time(name: str, sent: Any) -> datetime:
    try:
        return read_time(sent)
    except (PydanticCustomError, OverflowError):
        raise malformed_at(("row", name), "a time is RFC 3339") from None


def _text(name: str, sent: Any) -> Any:
    if not isinstance(sent, str):
        if name in _TEXTS or (isinstance(sent, (dict, list)) and name != "fees"):
            raise malformed_at(("row", name), "a text is expected", "string_type")
        return sent  # a column of another type, which may not change anyway
    if len(sent) > TEXT_CHARACTERS_MAX:
        raise malformed_at(("row", name), f"at most {TEXT_CHARACTERS_MAX} characters", "too_long")
    if name in ("status", "state"):
        return sent.upper()
    return sent.lower() if name in _LOWERCASE_FIELDS else sent
