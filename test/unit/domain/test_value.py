"""``value``: equal to a frozen dataclass in behaviour."""

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field, replace

import pytest

from oms.domain.value import constructor, evolve, value


@value
class Point:
    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list)


@value
class Single:
    name: str


@value
class Other:
    name: str


@value
class Empty:
    pass


@value
class Secret:
    name: str
    key: str = field(repr=False)


@value
class Noted:
    name: str
    note: str = field(default="", compare=False)


@value
class Named:
    name: str

    def __repr__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named)

    __hash__ = None  # type: ignore[assignment]


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
    assert hash(Single(name="a")) == hash(Single(name="a"))
    assert Single(name="a") != Single(name="b")
    assert len({Single(name="a"), Single(name="a"), Single(name="b")}) == 2


def test_values_of_different_classes_differ() -> None:
    assert Single(name="a") != Other(name="a")
    assert Empty() == Empty() != Single(name="a")
    assert hash(Empty()) == hash(Empty())


def test_a_field_that_is_not_compared_changes_neither_equality_nor_hash() -> None:
    assert Noted(name="a", note="x") == Noted(name="a", note="y")
    assert hash(Noted(name="a", note="x")) == hash(Noted(name="a", note="y"))


def test_a_field_that_is_not_shown_is_not_printed() -> None:
    assert repr(Secret(name="a", key="hidden")) == "Secret(name='a')"


def test_no_field_can_be_deleted_or_added() -> None:
    point = Point(x=1)
    with pytest.raises(FrozenInstanceError):
        del point.x
    with pytest.raises(FrozenInstanceError):
        point.z = 1  # type: ignore[attr-defined]


def test_methods_of_the_class_are_kept() -> None:
    assert repr(Named(name="a")) == "a"
    assert Named(name="a") == Named(name="b")


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, replace, lambda one: pickle.loads(pickle.dumps(one))],
    ids=["copy", "deepcopy", "replace", "pickle"],
)
def test_copies_are_equal_and_immutable(copied: Callable[[Point], Point]) -> None:
    point = copied(Point(x=1, tags=["a"]))
    assert point == Point(x=1, tags=["a"])
    with pytest.raises(FrozenInstanceError):
        point.x = 2  # type: ignore[misc]
