"""Stored names of the simulation's values do not change with class names."""

from typing import Any, get_args

import pytest

from kit.builders import NOON
from oms.adapters.paper.market_data.json_inputs import INPUT_TYPES
from oms.domain.money import parse_decimal
from oms.domain.times import utc_text
from oms.simulation.events import Rejected
from oms.simulation.inputs import CancelOrder, ChangeOrder, Input
from oms.simulation.state.contract_overrides import ContractOverrides
from oms.simulation.state.in_flight import Arrival, Delivery, InFlight
from oms.simulation.state.paper_order import AttachedExit, OrderTerms, QueuePosition
from oms.simulation.state.value_codec import decode, encode

CANCEL = CancelOrder(client_id="7", exchange_order_id="o1", symbol="SOL/USDT", at=NOON)
CHANGE = ChangeOrder(client_id="7", exchange_order_id="o1", symbol="SOL/USDT", at=NOON)
NOON_TEXT = utc_text(NOON)
REJECTED = Rejected(client_id="7", code="no_price", message="m")

STORED = [
    (ContractOverrides(leverage=3), {"is": "ContractTerms", "leverage": 3}),
    (
        OrderTerms(take_profit=AttachedExit(percent=parse_decimal("1"))),
        {"is": "Terms", "take_profit": {"is": "Exit", "percent": "1"}},
    ),
    (
        QueuePosition(ahead=parse_decimal("1.50"), shown=parse_decimal("2")),
        {"is": "Queue", "ahead": "1.5", "shown": "2"},
    ),
    (
        Delivery(due=NOON, number=2, event=REJECTED),
        {
            "is": "Delivery",
            "due": NOON_TEXT,
            "number": 2,
            "fact": {"is": "Rejected", "client_id": "7", "code": "no_price", "message": "m"},
        },
    ),
]


@pytest.mark.parametrize(("value", "stored"), STORED)
def test_values_keep_their_stored_names(value: Any, stored: dict[str, Any]) -> None:
    assert encode(value) == stored
    assert decode(type(value), encode(value)) == value


def test_requests_in_flight_are_read_back_by_their_stored_names() -> None:
    in_flight = InFlight(
        number=2,
        arrivals=(
            Arrival(due=NOON, number=1, request=CANCEL),
            Arrival(due=NOON, number=2, request=CHANGE),
        ),
    )
    stored = encode(in_flight)
    assert stored["is"] == "Line"
    assert [row["request"]["is"] for row in stored["arrivals"]] == ["Cancel", "Change"]
    assert decode(InFlight, stored) == in_flight


def test_each_input_has_one_type_name_in_scenarios_and_tapes() -> None:
    assert sorted(kind.__name__ for kind in INPUT_TYPES.values()) == sorted(
        kind.__name__ for kind in get_args(Input)
    )
