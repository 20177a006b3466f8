"""Stop levels in bodies and stored payloads of commands: which exclude each other, their text."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from oms.domain.commands.command import ChangePosition, Keep, SendOrder
from oms.domain.money import decimal_text
from oms.domain.protection.levels import SETTABLE
from oms.wire.request_body import Location, malformed_at

#: Of each pair at most one is given: both say where the same level is.
_ALTERNATIVES = (
    ("stop_loss", "stop_loss_pct"),
    ("stop_gain", "stop_gain_pct"),
    ("stop_trailing_pct", "stop_trailing_amount"),
)


def check_level_fields(fields: Mapping[str, Any], at: Location) -> None:
    """Refuse two values for one level. Raises ``Malformed``."""
    for first, second in _ALTERNATIVES:
        if fields.get(first) is not None and fields.get(second) is not None:
            raise malformed_at((*at, second), f"give either {first} or {second}")


def check_entry_level_fields(fields: Mapping[str, Any], at: Location) -> None:
    """Refuse stop levels of an order that no position can have. Raises ``Malformed``."""
    check_level_fields(fields, at)
    distances = ("stop_trailing_pct", "stop_trailing_amount")
    name = "stop_trailing_activation_pct"
    if fields.get(name) is not None and all(fields.get(each) is None for each in distances):
        raise malformed_at((*at, name), f"it goes with {distances[0]} or {distances[1]}")


def put_levels(fields: dict[str, Any], payload: SendOrder | ChangePosition) -> None:
    """Add the stop levels of a payload to its stored keys; those kept or absent are left out."""
    keeps = isinstance(payload, ChangePosition)
    for name in SETTABLE:
        level: Decimal | int | Keep | None = getattr(payload, name)
        if isinstance(level, Keep) or (level is None and not keeps):
            continue
        fields[name] = decimal_text(level) if isinstance(level, Decimal) else level
