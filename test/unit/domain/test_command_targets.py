"""Every id that a command names is classified, so that permissions can ask for its strategy."""

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import pytest

from oms.domain.commands.account_commands import EnforceKillSwitch, RiskSwitch
from oms.domain.commands.command import (
    CancelAllOrders,
    CloseBy,
    ClosePosition,
    CommandPayload,
    MergePositions,
    Reassign,
    SendOrder,
)
from oms.domain.commands.command_targets import (
    ID_FIELDS,
    IdKind,
    target_order_ids,
    target_position_ids,
    target_strategy_ids,
)
from oms.domain.side import Side

#: Whole numbers that count instead of naming a row.
NUMBERS = {
    *("items.index", "max_hold_seconds", "stop_trailing_from_target"),
    *("rules.max_hold_seconds", "rules.pyramiding_max"),
}
SEND = SendOrder(symbol="X", side=Side.BUY, order_type="market", qty=Decimal(1))


def types_in(annotation: Any) -> Iterator[Any]:
    """The types of an annotation: of unions and containers too."""
    yield annotation
    for part in get_args(annotation):
        yield from types_in(part)


def unclassified(payload_type: type, classified: set[str], prefix: str = "") -> list[str]:
    """Fields that may name a row and are not classified, nested values included."""
    hints = get_type_hints(payload_type)
    missing: list[str] = []
    for field in fields(payload_type):
        name, parts = f"{prefix}{field.name}", list(types_in(hints[field.name]))
        is_named_id = re.search(r"(^|_)ids?(_|$)", field.name) is not None
        if (is_named_id or int in parts) and name not in classified | NUMBERS:
            missing.append(name)
        for part in parts:
            if is_dataclass(part) and isinstance(part, type):
                missing += unclassified(part, classified, f"{name}.")
    return missing


@pytest.mark.parametrize("payload_type", get_args(CommandPayload))
def test_every_id_field_of_every_payload_is_classified(payload_type: type) -> None:
    classified = ID_FIELDS[payload_type]
    assert unclassified(payload_type, set(classified)) == []
    assert set(classified) <= {field.name for field in fields(payload_type)}


def test_a_field_that_was_forgotten_is_found() -> None:
    known = {"strategy_id", "client_order_id", "signal_id", "source_id", "bot_id"}
    assert unclassified(SendOrder, known) == ["position_id"]
    assert unclassified(CancelAllOrders, set()) == ["strategy_ids"]


def test_every_payload_type_has_its_row() -> None:
    assert set(ID_FIELDS) == set(get_args(CommandPayload))


def test_ids_are_returned_in_the_order_of_the_command() -> None:
    merge = MergePositions(source_position_id=9, target_position_id=4)
    assert target_position_ids(merge) == (9, 4)
    reassign = Reassign(order_ids=(3, 2), strategy_id=7)
    assert target_order_ids(reassign) == (3, 2)
    assert (target_position_ids(reassign), target_strategy_ids(reassign)) == ((), (7,))


def test_position_0_names_no_position() -> None:
    assert target_position_ids(SEND) == ()
    send = SendOrder(symbol="X", side=Side.BUY, order_type="market", qty=Decimal(1), position_id=5)
    assert target_position_ids(send) == (5,)


def test_strategy_0_is_a_strategy_of_a_send_and_a_default_elsewhere() -> None:
    assert target_strategy_ids(SEND) == (0,)
    assert target_strategy_ids(ClosePosition(position_id=1)) == ()
    assert target_strategy_ids(ClosePosition(position_id=1, strategy_id=2)) == (2,)
    assert target_strategy_ids(CloseBy(position_id_a=1, position_id_b=2)) == ()
    assert target_strategy_ids(RiskSwitch(allow_new_positions=True)) == ()
    assert target_strategy_ids(RiskSwitch(allow_new_positions=True, strategy_id=3)) == (3,)
    assert target_strategy_ids(CancelAllOrders(strategy_ids=(0, 4))) == (0, 4)


@pytest.mark.parametrize(
    ("scope", "scope_id", "strategies"),
    [("strategy", "6", (6,)), ("account", "6", ()), ("symbol", "X", ()), ("global", "", ())],
)
def test_a_kill_switch_names_the_strategy_of_its_scope(
    scope: str, scope_id: str, strategies: tuple[int, ...]
) -> None:
    payload = EnforceKillSwitch(kill_id=1, scope=scope, scope_id=scope_id, mode="halt")
    assert target_strategy_ids(payload) == strategies
    assert ID_FIELDS[EnforceKillSwitch]["scope_id"] is IdKind.SCOPE
