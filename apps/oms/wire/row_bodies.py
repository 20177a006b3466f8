"""Bodies of the commands on orders and positions that there are. Nothing is looked up here."""

from collections.abc import Iterable, Mapping
from typing import Any

from oms.domain.command import (
    KEEP,
    CancelAllOrders,
    CancelOrder,
    ChangeOrder,
    CloseAll,
    CloseBy,
    MergePositions,
    PositionChange,
    StopMode,
)
from oms.wire.bodies import At, wrong_at
from oms.wire.fields import present, spelled_by, unaliased, validated
from oms.wire.shapes import CANCEL, CHANGE, CLOSE_BY, MERGE, POSITION_CHANGE, SWEEP
from oms.wire.values import IDS_MAX

STOP_ALIASES = {"oms_stop_loss": "stop_loss", "oms_stop_gain": "stop_gain"}
_CHANGES = ("stop_loss", "stop_gain", "comment")


def read_cancel(sent: Mapping[str, Any], at: At) -> CancelOrder:
    """``order_id``, ``order_ids``, ``order_ids_csv``: their union. Raises ``Malformed``."""
    fields = validated(CANCEL, present(sent), at)
    single = (fields["order_id"],) if "order_id" in fields else ()
    ids = _union("order_ids", fields, at, single)
    if not ids:
        raise wrong_at((*at, "order_id"), "name at least one order", "missing")
    return CancelOrder(order_ids=ids, comment=fields.get("comment"))


def read_cancel_all(sent: Mapping[str, Any], at: At) -> CancelAllOrders:
    """Strategies and symbol, all optional. Raises ``Malformed``."""
    return CancelAllOrders(**_sweep(sent, at))


def read_close_all(sent: Mapping[str, Any], at: At) -> CloseAll:
    """Strategies and symbol, all optional. Raises ``Malformed``."""
    return CloseAll(**_sweep(sent, at))


def read_change(sent: Mapping[str, Any], at: At) -> ChangeOrder:
    """An order and at least one of ``new_price``, ``new_qty``. Raises ``Malformed``."""
    fields = validated(CHANGE, present(sent), at)
    if "new_price" not in fields and "new_qty" not in fields:
        raise wrong_at((*at, "new_price"), "give new_price, new_qty or both", "missing")
    return ChangeOrder(**fields)


def read_close_by(sent: Mapping[str, Any], at: At) -> CloseBy:
    """Two positions, which are not one. Raises ``Malformed``."""
    fields = validated(CLOSE_BY, present(sent), at)
    if fields["position_id_a"] == fields["position_id_b"]:
        raise wrong_at((*at, "position_id_b"), "a position is not closed by itself")
    return CloseBy(**fields)


def read_merge(sent: Mapping[str, Any], at: At) -> MergePositions:
    """Source and target, which are not one; levels with ``stop_mode`` set. Raises ``Malformed``."""
    known = present(sent)
    fields = validated(
        MERGE, unaliased(known, STOP_ALIASES, at), at, spelled_by(known, STOP_ALIASES)
    )
    if fields["source_position_id"] == fields["target_position_id"]:
        raise wrong_at((*at, "target_position_id"), "a position is not merged into itself")
    has_levels = "stop_loss" in fields or "stop_gain" in fields
    is_set = fields.get("stop_mode") is StopMode.SET
    if is_set and not has_levels:
        raise wrong_at((*at, "stop_mode"), "stop_mode set needs stop_loss, stop_gain or both")
    if has_levels and not is_set:
        raise wrong_at((*at, "stop_mode"), "stop levels go with stop_mode set only")
    return MergePositions(**fields)


def read_position_change(sent: Mapping[str, Any], at: At) -> PositionChange:
    """What is there changes, null clears, what is absent stays. Raises ``Malformed``."""
    fields = validated(
        POSITION_CHANGE, unaliased(sent, STOP_ALIASES, at), at, spelled_by(sent, STOP_ALIASES)
    )
    if not any(name in fields for name in _CHANGES):
        raise wrong_at((*at, "stop_loss"), "give stop_loss, stop_gain or comment", "missing")
    return PositionChange(
        position_id=fields["position_id"],
        **{name: fields.get(name, KEEP) for name in _CHANGES},
    )


def _sweep(sent: Mapping[str, Any], at: At) -> dict[str, Any]:
    fields = validated(SWEEP, present(sent), at)
    return {
        "strategy_ids": _union("strategy_ids", fields, at),
        "symbol": fields.get("symbol"),
        "comment": fields.get("comment"),
    }


def _union(
    name: str, fields: Mapping[str, Any], at: At, more: Iterable[int] = ()
) -> tuple[int, ...]:
    """The ids of a list, of its text with commas and ``more``, ascending, each once."""
    ids = {*fields.get(name, ()), *fields.get(f"{name}_csv", ()), *more}
    if len(ids) > IDS_MAX:
        raise wrong_at((*at, name), f"at most {IDS_MAX} ids", "too_long")
    return tuple(sorted(ids))
