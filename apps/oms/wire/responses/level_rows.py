"""Stop levels in the rows of orders and positions."""

from typing_extensions import TypedDict

from oms.domain.money import decimal_text
from oms.domain.protection.levels import Levels, Target
from oms.wire.json import optional_decimal_text
from oms.wire.responses.value_types import Count, DecimalText


class TargetRow(TypedDict):
    """One of several take-profit levels."""

    price: DecimalText | None
    pct: DecimalText | None
    qty_pct: DecimalText
    reached: bool


class LevelFields(TypedDict):
    """Stop levels of an order or a position beside the two prices."""

    stop_loss_pct: DecimalText | None
    stop_gain_pct: DecimalText | None
    stop_trailing_pct: DecimalText | None
    stop_trailing_amount: DecimalText | None
    stop_trailing_activation_pct: DecimalText | None
    max_hold_seconds: Count | None
    targets: list[TargetRow] | None
    stop_trailing_from_target: Count | None
    tp_sl_base: str
    tp_sl_base_price: DecimalText | None


NO_LEVELS: LevelFields = {
    "stop_loss_pct": None,
    "stop_gain_pct": None,
    "stop_trailing_pct": None,
    "stop_trailing_amount": None,
    "stop_trailing_activation_pct": None,
    "max_hold_seconds": None,
    "targets": None,
    "stop_trailing_from_target": None,
    "tp_sl_base": "fill",
    "tp_sl_base_price": None,
}


def level_fields(levels: Levels) -> LevelFields:
    """Return the fields of ``levels``."""
    return {
        "stop_loss_pct": optional_decimal_text(levels.stop_loss_pct),
        "stop_gain_pct": optional_decimal_text(levels.stop_gain_pct),
        "stop_trailing_pct": optional_decimal_text(levels.stop_trailing_pct),
        "stop_trailing_amount": optional_decimal_text(levels.stop_trailing_amount),
        "stop_trailing_activation_pct": optional_decimal_text(levels.stop_trailing_activation_pct),
        "max_hold_seconds": levels.max_hold_seconds,
        "targets": None if levels.targets is None else [_target_row(t) for t in levels.targets],
        "stop_trailing_from_target": levels.stop_trailing_from_target,
        "tp_sl_base": "fill" if levels.tp_sl_base_price is None else "signal",
        "tp_sl_base_price": optional_decimal_text(levels.tp_sl_base_price),
    }


def _target_row(target: Target) -> TargetRow:
    return {
        "price": optional_decimal_text(target.price),
        "pct": optional_decimal_text(target.pct),
        "qty_pct": decimal_text(target.qty_pct),
        "reached": target.is_reached,
    }
