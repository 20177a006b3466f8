"""Stop levels in the rows of orders and positions."""

from typing_extensions import TypedDict

from oms.domain.protection.levels import Levels
from oms.wire.json import optional_decimal_text
from oms.wire.responses.value_types import Count, DecimalText


class LevelFields(TypedDict):
    """Stop levels of an order or a position beside the two prices."""

    stop_loss_pct: DecimalText | None
    stop_gain_pct: DecimalText | None
    stop_trailing_pct: DecimalText | None
    stop_trailing_amount: DecimalText | None
    stop_trailing_activation_pct: DecimalText | None
    max_hold_seconds: Count | None


NO_LEVELS: LevelFields = {
    "stop_loss_pct": None,
    "stop_gain_pct": None,
    "stop_trailing_pct": None,
    "stop_trailing_amount": None,
    "stop_trailing_activation_pct": None,
    "max_hold_seconds": None,
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
    }
