"""Bodies of commands on existing orders and positions."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.commands.command import (
    KEEP,
    CancelAllOrders,
    CancelOrder,
    ChangePosition,
    CloseAllPositions,
    CloseBy,
    CommandPayload,
    MergePositions,
    StopMode,
)
from oms.wire.commands.command_codec import command_type_of, decode_payload, encode_payload
from oms.wire.commands.command_requests import CommandRequest, read_commands
from oms.wire.json import dumps
from oms.wire.request_body import Malformed, load_body

MERGE = {"source_position_id": 1, "target_position_id": 2}
_IDS = st.lists(st.integers(0, 2**53 - 1), max_size=5)
_LEVELS = st.none() | st.decimals(
    min_value=Decimal("1e-9"), max_value=Decimal(10**9), places=9, allow_nan=False
)


def read(command: str, payload: dict[str, Any], account_id: int | None = None) -> CommandPayload:
    """Return the payload of the single command of a body."""
    return request_of(command, payload, account_id).payload


def request_of(
    command: str, payload: dict[str, Any], account_id: int | None = None
) -> CommandRequest:
    """Return the single command of a body."""
    body = {"account_id": account_id, "command": command, "payload": payload}
    (request,) = read_commands(load_body(dumps(body).encode()), 10)
    return request


def place(command: str, payload: dict[str, Any], account_id: int | None = 7) -> list[Any]:
    """Return the location of the error, without index and payload."""
    with pytest.raises(Malformed) as wrong:
        read(command, payload, account_id)
    (error,) = wrong.value.errors
    loc: list[Any] = error["loc"]
    assert loc[:2] == [0, "payload"]
    return loc[2:]


@pytest.mark.parametrize(
    ("command", "payload"),
    [
        ("cancel_order", {"order_id": 1}),
        ("change_order", {"order_id": 1, "new_price": 1}),
        ("close_position", {"position_id": 1}),
        ("close_by", {"position_id_a": 1, "position_id_b": 2}),
        ("merge_positions", MERGE),
        ("position_change", {"position_id": 1, "comment": "c"}),
    ],
)
def test_commands_on_rows_need_no_account(command: str, payload: dict[str, Any]) -> None:
    assert request_of(command, payload).account_id is None
    assert request_of(command, payload, 3).account_id == 3


@pytest.mark.parametrize("csv", ["1;2", "1,x", "-1", "1.5", "0", "9007199254740992", "１"])
def test_invalid_id_lists(csv: str) -> None:
    assert place("cancel_order", {"order_ids_csv": csv}) == ["order_ids_csv"]


def test_how_many_orders_one_cancel_names() -> None:
    most = list(range(1, 1001))
    named = read("cancel_order", {"order_ids": most, "order_ids_csv": "1,1000"})
    assert named == CancelOrder(order_ids=tuple(most))
    assert place("cancel_order", {"order_ids": [*most, 1]}) == ["order_ids"]
    assert place("cancel_order", {"order_ids": most, "order_ids_csv": "1001"}) == ["order_ids"]
    assert place("cancel_order", {"order_ids_csv": "1," * 1001}) == ["order_ids_csv"]
    assert place("cancel_order", {"order_ids": [], "order_ids_csv": ","}) == ["order_id"]


@pytest.mark.parametrize(
    ("command", "made"), [("cancel_all_orders", CancelAllOrders), ("close_all", CloseAllPositions)]
)
def test_bulk_scopes(command: str, made: type[CancelAllOrders | CloseAllPositions]) -> None:
    assert read(command, {}, 7) == made()
    named = {"strategy_ids": [3, "1", 3], "strategy_ids_csv": "0, 2,", "symbol": "X"}
    assert read(command, named | {"comment": "c"}, 7) == made(
        strategy_ids=(0, 1, 2, 3), symbol="X", comment="c"
    )
    assert read(command, {"strategy_ids": None, "symbol": None}, 7) == made()
    assert read(command, {"own_only": True}, 7) == made(own_only=True)
    assert place(command, {"own_only": "yes"}) == ["own_only"]
    assert place(command, {"strategy_ids": ["x"]}) == ["strategy_ids", 0]
    assert place(command, {"strategy_ids_csv": "x"}) == ["strategy_ids_csv"]
    assert place(command, {"order_ids": [1]}) == ["order_ids"]
    assert place(command, {"symbol": ""}) == ["symbol"]


def test_two_positions_close_each_other() -> None:
    both = {"position_id_a": "2", "position_id_b": 1}
    assert read("close_by", both) == CloseBy(position_id_a=2, position_id_b=1)
    more = both | {"qty": "0.50", "strategy_id": 3, "comment": "c"}
    assert read("close_by", more) == CloseBy(
        position_id_a=2, position_id_b=1, qty=Decimal("0.5"), strategy_id=3, comment="c"
    )
    assert place("close_by", both | {"position_id_b": 2}) == ["position_id_b"]
    assert place("close_by", {"position_id_a": 2}) == ["position_id_b"]
    assert place("close_by", both | {"qty": 0}) == ["qty"]


def test_merges() -> None:
    assert read("merge_positions", MERGE) == MergePositions(
        source_position_id=1, target_position_id=2
    )
    levels = {"stop_mode": "Set", "oms_stop_loss": 5, "stop_gain": "7"}
    assert read("merge_positions", MERGE | levels) == MergePositions(
        source_position_id=1,
        target_position_id=2,
        stop_mode=StopMode.SET,
        stop_loss=Decimal(5),
        stop_gain=Decimal(7),
    )
    assert read("merge_positions", MERGE | {"stop_mode": "clear", "stop_loss": None}) == (
        MergePositions(source_position_id=1, target_position_id=2, stop_mode=StopMode.CLEAR)
    )


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"target_position_id": "1"}, ["target_position_id"]),
        ({"stop_mode": "set"}, ["stop_mode"]),
        ({"stop_mode": "clear", "stop_loss": 1}, ["stop_mode"]),
        ({"stop_gain": 1}, ["stop_mode"]),
        ({"stop_mode": "none"}, ["stop_mode"]),
        ({"stop_mode": "set", "oms_stop_loss": -1}, ["oms_stop_loss"]),
        ({"stop_mode": "set", "oms_stop_loss": 1, "stop_loss": 2}, ["oms_stop_loss"]),
    ],
)
def test_invalid_merges(changes: dict[str, Any], where: list[str]) -> None:
    assert place("merge_positions", MERGE | changes) == where


def test_null_clears_and_absent_keeps() -> None:
    change = read("position_change", {"position_id": 1, "oms_stop_loss": None, "comment": "c"})
    assert change == ChangePosition(position_id=1, stop_loss=None, stop_gain=KEEP, comment="c")
    change = read("position_change", {"position_id": "1", "stop_gain": "5", "comment": None})
    assert change == ChangePosition(position_id=1, stop_gain=Decimal(5), comment=None)
    assert request_of("position_change", {"position_id": 1, "stop_loss": 1}).comment is None


@pytest.mark.parametrize(
    ("payload", "where"),
    [
        ({"position_id": 1}, "stop_loss"),
        ({"position_id": None, "comment": "c"}, "position_id"),
        ({"comment": "c"}, "position_id"),
        ({"position_id": 1, "oms_stop_gain": 0}, "oms_stop_gain"),
        ({"position_id": 1, "stop_loss": None, "oms_stop_loss": 1}, "oms_stop_loss"),
        ({"position_id": 1, "comment": "x" * 256}, "comment"),
        ({"position_id": 1, "comment": "c", "qty": None}, "qty"),
    ],
)
def test_invalid_changes(payload: dict[str, Any], where: str) -> None:
    assert place("position_change", payload) == [where]


@given(_IDS, _IDS)
def test_lists_and_texts_of_strategies_are_one_set(some: list[int], more: list[int]) -> None:
    csv = ",".join(map(str, more))
    close_all = read("close_all", {"strategy_ids": some, "strategy_ids_csv": csv}, 7)
    assert close_all == CloseAllPositions(strategy_ids=tuple(sorted({*some, *more})))
    assert decode_payload("close_all", encode_payload(close_all)) == close_all


@given(st.fixed_dictionaries({}, optional={"stop_loss": _LEVELS, "oms_stop_gain": _LEVELS}))
def test_changes_survive_encoding(levels: dict[str, Decimal | None]) -> None:
    sent = {"position_id": 1, "comment": None} | levels
    change = read("position_change", sent)
    assert isinstance(change, ChangePosition)
    assert change.stop_loss == levels.get("stop_loss", KEEP)
    assert change.stop_gain == levels.get("oms_stop_gain", KEEP)
    assert decode_payload(command_type_of(change), encode_payload(change)) == change
