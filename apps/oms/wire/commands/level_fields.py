"""Stop levels in bodies and stored payloads of commands: which exclude each other, their text."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any

from oms.domain.commands.command import ChangePosition, Keep, SendOrder
from oms.domain.money import decimal_text
from oms.domain.protection.levels import SETTABLE, Target
from oms.wire.json import optional_decimal_text
from oms.wire.request_body import Location, malformed_at

#: Of each pair at most one is given: both say where the same level is.
_ALTERNATIVES = (
    ("stop_loss", "stop_loss_pct"),
    ("stop_gain", "stop_gain_pct"),
    ("stop_trailing_pct", "stop_trailing_amount"),
    ("targets", "stop_gain"),
    ("targets", "stop_gain_pct"),
)
_SHARES_MAX = 100
_levels_of = attrgetter(*SETTABLE)
#: Keys of which two may contradict each other, or that are not read as they are.
_RELATED = frozenset({*SETTABLE, "stop_loss", "stop_gain", "tp_sl_base"})


def read_level_fields(fields: dict[str, Any], at: Location) -> None:
    """Refuse two values for one level, and read those that have parts. Raises ``Malformed``."""
    if _RELATED.isdisjoint(fields):
        return
    for first, second in _ALTERNATIVES:
        if fields.get(first) is not None and fields.get(second) is not None:
            raise malformed_at((*at, second), f"give either {first} or {second}")
    if fields.get("targets") is not None:
        fields["targets"] = _read_targets(fields["targets"], (*at, "targets"))
    _read_base(fields, at)


def _read_targets(rows: Sequence[Mapping[str, Any]], at: Location) -> tuple[Target, ...]:
    for index, row in enumerate(rows):
        if ("price" in row) is ("pct" in row):
            raise malformed_at((*at, index), "give either price or pct")
    if sum(row["qty_pct"] for row in rows) > _SHARES_MAX:
        raise malformed_at(at, f"the shares qty_pct are more than {_SHARES_MAX}")
    return tuple(Target(**row) for row in rows)


def _read_base(fields: dict[str, Any], at: Location) -> None:
    """Replace ``tp_sl_base`` by the price that it names; ``fill`` names none."""
    base, price = fields.pop("tp_sl_base", None), fields.get("tp_sl_base_price")
    if base is not None and (base == "signal") is not (price is not None):
        message = "it goes with tp_sl_base signal, and signal with it"
        raise malformed_at((*at, "tp_sl_base_price"), message)
    if base == "fill":
        fields["tp_sl_base_price"] = None


def read_entry_level_fields(fields: dict[str, Any], at: Location) -> None:
    """Refuse stop levels of an order that no position can have. Raises ``Malformed``."""
    if _RELATED.isdisjoint(fields):
        return
    read_level_fields(fields, at)
    distances = ("stop_trailing_pct", "stop_trailing_amount")
    if fields.get("stop_trailing_from_target") is not None and not fields.get("targets"):
        raise malformed_at((*at, "stop_trailing_from_target"), "it goes with targets")
    for name in ("stop_trailing_activation_pct", "stop_trailing_from_target"):
        _check_trailing(fields, name, distances, at)


def _check_trailing(
    fields: Mapping[str, Any], name: str, distances: tuple[str, str], at: Location
) -> None:
    if fields.get(name) is not None and all(fields.get(each) is None for each in distances):
        raise malformed_at((*at, name), f"it goes with {distances[0]} or {distances[1]}")


def put_levels(fields: dict[str, Any], payload: SendOrder | ChangePosition) -> None:
    """Add the stop levels of a payload to its stored keys; those kept or absent are left out."""
    keeps = isinstance(payload, ChangePosition)
    for name, level in zip(SETTABLE, _levels_of(payload), strict=True):
        if level is None and not keeps:
            continue
        if isinstance(level, Keep):
            continue
        if isinstance(level, tuple):
            fields[name] = [_write_target(each) for each in level]
        else:
            fields[name] = decimal_text(level) if isinstance(level, Decimal) else level


def _write_target(target: Target) -> list[str | bool | None]:
    """Return the values of a target in the order of its fields, as the decoder reads them."""
    price, pct = optional_decimal_text(target.price), optional_decimal_text(target.pct)
    return [decimal_text(target.qty_pct), price, pct, target.is_reached]
