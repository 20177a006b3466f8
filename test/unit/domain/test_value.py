"""``value``: equal to a frozen dataclass in behaviour."""

from dataclasses import FrozenInstanceError, field

import pytest

from oms.domain.value import constructor, evolve, value


@value
class Point:
    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list)


def test_fields_are_given_by_name_and_have_defaults() -> None:
    point = Point(x=1)
    assert (point.x, point.y, point.tags) == (1, 2, [])
    assert Point(x=1).tags is not point.tags


def test_a_missing_or_unknown_field_is_refused() -> None:
    with pytest.raises(TypeError, match="'x'"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="'z'"):
        Point(x=1, z=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Point(1)  # type: ignore[call-arg]


def test_a_constructor_makes_what_the_class_makes() -> None:
    point = constructor(Point)
    made = point(x=1)
    assert made == Point(x=1)
    assert type(made) is Point
    assert made.tags is not point(x=1).tags
    assert point(x=1, y=3, tags=["a"]) == Point(x=1, y=3, tags=["a"])
    with pytest.raises(FrozenInstanceError):
        made.x = 2  # type: ignore[misc]
    with pytest.raises(TypeError, match="'x'"):
        point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="'z'"):
        point(x=1, z=2)  # type: ignore[call-arg]


def test_a_value_is_immutable() -> None:
    point = Point(x=1)
    with pytest.raises(FrozenInstanceError):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        evolve(point, y=3).y = 4  # type: ignore[misc]


def test_evolve_changes_what_it_names_and_shares_the_rest() -> None:
    before = Point(x=1, tags=["kept"])
    after = evolve(before, y=9)
    assert after == Point(x=1, y=9, tags=["kept"])
    assert after.tags is before.tags
    assert before.y == 2
    assert type(after) is Point


def test_evolve_refuses_an_unknown_field() -> None:
    with pytest.raises(AttributeError):
        evolve(Point(x=1), z=2)


def test_a_value_compares_hashes_and_prints_by_its_fields() -> None:
    assert repr(Point(x=1)) == "Point(x=1, y=2, tags=[])"
    assert Point(x=1) == Point(x=1) != Point(x=2)
