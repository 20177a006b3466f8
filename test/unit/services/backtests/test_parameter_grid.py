"""Grids of parameters."""

import pytest

from oms.domain.errors import Invalid
from oms.services.backtests.parameter_grid import combinations_of


def test_ranges_include_their_end_and_the_last_axis_is_fastest() -> None:
    assert combinations_of(["a=5:15:5", "b=0.1,0.25"], []) == [
        {"a": "5", "b": "0.1"},
        {"a": "5", "b": "0.25"},
        {"a": "10", "b": "0.1"},
        {"a": "10", "b": "0.25"},
        {"a": "15", "b": "0.1"},
        {"a": "15", "b": "0.25"},
    ]
    assert combinations_of(["a=0.1:0.35:0.1"], []) == [{"a": "0.1"}, {"a": "0.2"}, {"a": "0.3"}]


@pytest.mark.parametrize(
    ("conditions", "left"),
    [
        (["a<b"], ["12", "13", "23"]),
        (["a <= b", "a>1"], ["22", "23", "33"]),
        (["a==b"], ["11", "22", "33"]),
        (["a!=b", "b>=3"], ["13", "23"]),
    ],
)
def test_conditions_leave_combinations_out(conditions: list[str], left: list[str]) -> None:
    found = combinations_of(["a=1:3:1", "b=1,2,3"], conditions)

    assert [each["a"] + each["b"] for each in found] == left


@pytest.mark.parametrize(
    ("axes", "conditions", "text"),
    [
        (["a"], [], "NAME=FROM:TO:STEP or NAME=A,B,C is required"),
        (["a="], [], "is required"),
        (["a=1:2"], [], "FROM:TO:STEP"),
        (["a=1:2:0"], [], "a step above 0"),
        (["a=3:2:1"], [], "FROM at most TO"),
        (["a=1,x"], [], "'x' is no number"),
        (["a=1,1.0"], [], "a value occurs twice"),
        (["a=1,2", "a=3"], [], "the parameter a occurs twice"),
        (["a=1,2"], ["a<b"], "'b' is no number and no parameter of the grid"),
        (["a=1,2"], ["a<1 or True"], "LEFT OPERATOR RIGHT is required"),
        (["a=1,2"], ["a>2"], "no combination of the grid satisfies"),
        (["a=1:101:1", "b=1:100:1"], [], "10100 combinations; at most 10000"),
        (["a=0:1000000:0.001"], [], "at most 10000 values"),
    ],
)
def test_bad_grids_are_errors(axes: list[str], conditions: list[str], text: str) -> None:
    with pytest.raises(Invalid, match=text):
        combinations_of(axes, conditions)
