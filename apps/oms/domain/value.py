"""Values: frozen, slotted, keyword-only dataclasses that are cheap to build and to change.

A frozen dataclass sets each field through ``object.__setattr__``; building orders, deals and
positions that way was the largest single cost of a worker. ``value`` makes the same class, frozen
to everybody, but fills it while it is still *open*: as an instance of a twin with the same slots
and no guard, which then becomes the frozen class. ``evolve`` copies slot by slot in that way, by a
function for each set of fields that is ever changed together.

Not a model framework: nothing is validated or converted.
"""

from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")
Initialiser = Callable[..., None]


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """``cls`` as a frozen, slotted, keyword-only dataclass with a fast constructor."""
    frozen: Any = dataclass(frozen=True, slots=True, kw_only=True)(cls)
    known = fields(frozen)
    names = tuple(each.name for each in known)
    twin = type(f"_Open{cls.__name__}", (), {"__slots__": names})
    frozen.__init__ = _initialiser(frozen, twin, known)
    frozen.__made__ = staticmethod(_maker(frozen, twin, known))
    frozen.__evolvers__ = _Evolvers(frozen, twin, names)
    return frozen  # type: ignore[no-any-return]


def evolve(before: T, /, **changes: object) -> T:
    """``before`` with some fields changed; an unknown field is an ``AttributeError``."""
    evolvers: _Evolvers = type(before).__evolvers__  # type: ignore[attr-defined]
    after: T = evolvers[tuple(changes)](before, *changes.values())
    return after


def constructor(cls: type[T]) -> type[T]:
    """The constructor of a value class as a plain function, for where many are made.

    Python turns the keywords of a call into a mapping for a class, and does not for a function:
    half of what a value costs.
    """
    frozen: Any = cls
    return frozen.__made__  # type: ignore[no-any-return]


def _initialiser(frozen: type, twin: type, known: tuple[Field[Any], ...]) -> Initialiser:
    """``__init__`` as source, since only plain assignments in one function are fast."""
    scope: dict[str, Any] = {"_become": object.__setattr__, "_frozen": frozen, "_twin": twin}
    head, body = _filled(known, scope)
    body = ["_become(self, '__class__', _twin)", *body, "self.__class__ = _frozen"]
    head = f"self, {head}" if head else "self"
    return _compiled("__init__", [f"def __init__({head}):", *body], scope)


def _maker(frozen: type, twin: type, known: tuple[Field[Any], ...]) -> Initialiser:
    """What ``constructor`` hands out."""
    scope: dict[str, Any] = {"_new": object.__new__, "_frozen": frozen, "_twin": twin}
    head, body = _filled(known, scope)
    body = ["self = _new(_twin)", *body, "self.__class__ = _frozen", "return self"]
    name = frozen.__name__
    return _compiled(name, [f"def {name}({head}):", *body], scope)


def _filled(known: tuple[Field[Any], ...], scope: dict[str, Any]) -> tuple[str, list[str]]:
    """The parameters and the assignments of a constructor; their defaults go to ``scope``."""
    heads: list[str] = []
    body: list[str] = []
    for each in known:
        name = each.name
        if each.default_factory is not MISSING:
            scope |= {f"_make_{name}": each.default_factory, "_missing": MISSING}
            heads.append(f"{name}=_missing")
            body.append(f"self.{name} = _make_{name}() if {name} is _missing else {name}")
            continue
        if each.default is not MISSING:
            scope[f"_default_{name}"] = each.default
        heads.append(name if each.default is MISSING else f"{name}=_default_{name}")
        body.append(f"self.{name} = {name}")
    return f"*, {', '.join(heads)}" if heads else "", body


class _Evolvers(dict[tuple[str, ...], Callable[..., Any]]):
    """What makes a changed copy, by the names of what changes; made when it is first asked for."""

    def __init__(self, frozen: type, twin: type, names: tuple[str, ...]) -> None:
        super().__init__()
        self._scope = {"_new": object.__new__, "_twin": twin, "_frozen": frozen}
        self._names = names

    def __missing__(self, changed: tuple[str, ...]) -> Callable[..., Any]:
        # The two names begin with a line: a field may be called after.
        lines = [f"def evolved(_before, {', '.join(changed)}):", "_after = _new(_twin)"]
        lines += [f"_after.{name} = _before.{name}" for name in self._names if name not in changed]
        lines += [f"_after.{name} = {name}" for name in changed]
        lines += ["_after.__class__ = _frozen", "return _after"]
        made = self[changed] = _compiled("evolved", lines, dict(self._scope))
        return made


def _compiled(name: str, lines: list[str], scope: dict[str, Any]) -> Callable[..., Any]:
    exec("\n    ".join(lines), scope)
    made: Callable[..., Any] = scope[name]
    return made
