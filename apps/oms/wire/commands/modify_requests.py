"""Bodies of commands on existing orders and positions."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from oms.domain.commands.command import (
    KEEP,
    BreakEven,
    CancelAllOrders,
    CancelOrder,
    ChangeOrder,
    ChangePosition,
    CloseAllPositions,
    CloseBy,
    MergePositions,
    ReversePosition,
    StopMode,
)
from oms.domain.money import decimal_text
from oms.domain.protection.levels import SETTABLE
from oms.wire.commands.command_schemas import (
    BULK_SCOPE,
    CANCEL,
    CHANGE,
    CLOSE_BY,
    MERGE,
    POSITION,
    POSITION_CHANGE,
)
from oms.wire.commands.level_fields import read_level_fields
from oms.wire.field_types import IDS_MAX
from oms.wire.field_validation import alias_locations, drop_nulls, resolve_aliases, validate
from oms.wire.request_body import Location, malformed_at

STOP_ALIASES = {"oms_stop_loss": "stop_loss", "oms_stop_gain": "stop_gain"}
_LEVELS = ("stop_loss", "stop_gain", *SETTABLE)
#: What a change of an order gives in place of levels.
TERMS = (
    *("new_price", "new_qty", "new_trigger_price", "new_trailing_amount", "new_trailing_percent"),
    *("new_time_in_force", "new_expires_at"),
)
_CHANGES = (*_LEVELS, "comment")
#: Levels that orders bring to their positions and keep as they were sent.
_OF_POSITIONS = ("targets", "stop_trailing_from_target", "tp_sl_base", "tp_sl_base_price")


def read_cancel_order(sent: Mapping[str, Any], at: Location) -> CancelOrder:
    """Parse ``order_id``, ``order_ids``, ``order_ids_csv``: their union. Raises ``Malformed``."""
    fields = validate(CANCEL, drop_nulls(sent), at)
    single = (fields["order_id"],) if "order_id" in fields else ()
    ids = _union("order_ids", fields, at, single)
    if not ids:
        raise malformed_at((*at, "order_id"), "name at least one order", "missing")
    return CancelOrder(order_ids=ids, comment=fields.get("comment"))


def read_cancel_all_orders(sent: Mapping[str, Any], at: Location) -> CancelAllOrders:
    """Parse optional strategies and symbol. Raises ``Malformed``."""
    return CancelAllOrders(**_bulk_scope(sent, at))


def read_close_all(sent: Mapping[str, Any], at: Location) -> CloseAllPositions:
    """Parse optional strategies and symbol. Raises ``Malformed``."""
    return CloseAllPositions(**_bulk_scope(sent, at))


def read_change_order(sent: Mapping[str, Any], at: Location) -> ChangeOrder:
    """Parse an order id and its new terms, or its new levels.

    Null clears a level. Raises ``Malformed``.
    """
    named = resolve_aliases(sent, STOP_ALIASES, at)
    kept = {key: each for key, each in named.items() if each is not None or key in _LEVELS}
    fields = validate(CHANGE, kept, at, alias_locations(sent, STOP_ALIASES))
    if name := next((each for each in _OF_POSITIONS if each in fields), None):
        raise malformed_at((*at, name), "orders keep it; position_change changes it")
    read_level_fields(fields, at)
    levels = {name: fields.pop(name) for name in _LEVELS if name in fields}
    changes_terms = any(name in fields for name in TERMS)
    if not changes_terms and not levels:
        message = "give a new price, quantity or other term, or levels"
        raise malformed_at((*at, "new_price"), message, "missing")
    if changes_terms and levels:
        message = "levels are changed by a command of their own"
        raise malformed_at((*at, next(iter(levels))), message)
    if levels:
        fields["levels"] = {
            name: decimal_text(each) if isinstance(each, Decimal) else each
            for name, each in levels.items()
        }
    return ChangeOrder(**fields)


def read_close_by(sent: Mapping[str, Any], at: Location) -> CloseBy:
    """Parse two different positions. Raises ``Malformed``."""
    fields = validate(CLOSE_BY, drop_nulls(sent), at)
    if fields["position_id_a"] == fields["position_id_b"]:
        raise malformed_at((*at, "position_id_b"), "a position cannot be closed by itself")
    return CloseBy(**fields)


def read_merge_positions(sent: Mapping[str, Any], at: Location) -> MergePositions:
    """Parse two different positions; levels require ``stop_mode`` set. Raises ``Malformed``."""
    sent_fields = drop_nulls(sent)
    fields = validate(
        MERGE,
        resolve_aliases(sent_fields, STOP_ALIASES, at),
        at,
        alias_locations(sent_fields, STOP_ALIASES),
    )
    if fields["source_position_id"] == fields["target_position_id"]:
        raise malformed_at((*at, "target_position_id"), "a position cannot be merged into itself")
    has_levels = "stop_loss" in fields or "stop_gain" in fields
    is_set = fields.get("stop_mode") is StopMode.SET
    if is_set and not has_levels:
        raise malformed_at((*at, "stop_mode"), "stop_mode set needs stop_loss, stop_gain or both")
    if has_levels and not is_set:
        raise malformed_at((*at, "stop_mode"), "stop levels go with stop_mode set only")
    return MergePositions(**fields)


def read_position_change(sent: Mapping[str, Any], at: Location) -> ChangePosition:
    """Parse changes: null clears, absent keys keep the value. Raises ``Malformed``."""
    fields = validate(
        POSITION_CHANGE,
        resolve_aliases(sent, STOP_ALIASES, at),
        at,
        alias_locations(sent, STOP_ALIASES),
    )
    read_level_fields(fields, at)
    if not any(name in fields for name in _CHANGES):
        raise malformed_at((*at, "stop_loss"), "give a stop level or comment", "missing")
    return ChangePosition(
        position_id=fields["position_id"],
        **{name: fields.get(name, KEEP) for name in _CHANGES},
    )


def read_break_even(sent: Mapping[str, Any], at: Location) -> BreakEven:
    """Parse a position. Raises ``Malformed``."""
    return BreakEven(**validate(POSITION, drop_nulls(sent), at))


def read_reverse_position(sent: Mapping[str, Any], at: Location) -> ReversePosition:
    """Parse a position. Raises ``Malformed``."""
    return ReversePosition(**validate(POSITION, drop_nulls(sent), at))


def _bulk_scope(sent: Mapping[str, Any], at: Location) -> dict[str, Any]:
    fields = validate(BULK_SCOPE, drop_nulls(sent), at)
    return {
        "strategy_ids": _union("strategy_ids", fields, at),
        "symbol": fields.get("symbol"),
        "own_only": fields.get("own_only", False),
        "comment": fields.get("comment"),
    }


def _union(
    name: str, fields: Mapping[str, Any], at: Location, more: Iterable[int] = ()
) -> tuple[int, ...]:
    """Return the ids of the list, the comma-separated text and ``more``, ascending, unique."""
    ids = {*fields.get(name, ()), *fields.get(f"{name}_csv", ()), *more}
    if len(ids) > IDS_MAX:
        raise malformed_at((*at, name), f"at most {IDS_MAX} ids", "too_long")
    return tuple(sorted(ids))
