"""``value``: frozen, slotted, keyword-only dataclasses with a fast constructor and fast copies.

The constructor of a frozen dataclass sets each field through ``object.__setattr__``; that was the
largest single cost of a worker. ``value`` generates an ``__init__`` that fills the fields on a
mutable twin class with the same slots and then switches ``__class__`` to the frozen class.
``evolve`` copies slots the same way, by a generated function per set of changed fields.

The other methods of a frozen dataclass are common ones, or are generated at their first calls.
``dataclass`` compiles them for each class: there are hundreds of classes, and that was a tenth of
the start of a process.

Nothing is validated or converted.
"""

from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from reprlib import recursive_repr
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")
Initialiser = Callable[..., None]


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """Return ``cls`` as a frozen, slotted, keyword-only dataclass with a fast constructor."""
    frozen: Any = dataclass(init=False, repr=False, eq=False, slots=True, kw_only=True)(cls)
    specs = fields(frozen)
    names = tuple(each.name for each in specs)
    open_class = type(f"_Open{cls.__name__}", (), {"__slots__": names})
    frozen.__init__ = _initialiser(frozen, open_class, specs)
    shown = tuple(each.name for each in specs if each.repr)
    compared = tuple(each.name for each in specs if each.compare)
    methods = _COMMON_METHODS | _comparison(frozen, compared) | {"__repr__": _printer(shown)}
    for name, method in methods.items():
        if name not in cls.__dict__:
            setattr(frozen, name, method)
    frozen.__open_class__ = open_class
    frozen.__evolvers__ = _Evolvers(frozen, open_class, names)
    return frozen  # type: ignore[no-any-return]


def evolve(before: T, /, **changes: object) -> T:
    """Return a copy of ``before`` with some fields changed. Raises ``AttributeError`` for unknown
    fields.
    """
    evolvers: _Evolvers = type(before).__evolvers__  # type: ignore[attr-defined]
    after: T = evolvers[tuple(changes)](before, **changes)
    return after


def evolver(cls: type[T], *names: str) -> Callable[..., T]:
    """Return ``evolve`` of a value class for these fields as a plain function, for hot paths.

    It takes the value, then the fields by name, all of them.
    """
    evolvers: _Evolvers = cls.__evolvers__  # type: ignore[attr-defined]
    return evolvers[names]


def constructor(cls: type[T]) -> type[T]:
    """Return the constructor of a value class as a plain function, for hot paths.

    A call of a class packs keyword arguments into a dict, a call of a function does not; that is
    half of the cost of construction.
    """
    frozen: Any = cls
    return _maker(frozen, frozen.__open_class__, fields(frozen))  # type: ignore[return-value]


def _comparison(frozen: type, names: Sequence[str]) -> dict[str, Callable[..., Any]]:
    """Return the methods that compare the fields as a tuple, generated at their first calls."""
    mine, theirs = (
        f"({''.join([f'{one}.{name}, ' for name in names])})" for one in ("self", "other")
    )
    texts = {
        "__eq__": [
            "def __eq__(self, other):",
            "if other.__class__ is not self.__class__: return NotImplemented",
            f"return {mine} == {theirs}",
        ],
        "__hash__": ["def __hash__(self):", f"return hash({mine})"],
    }
    return {name: _generated_at_first_call(frozen, name, lines) for name, lines in texts.items()}


def _generated_at_first_call(frozen: type, name: str, lines: list[str]) -> Callable[..., Any]:
    """Return a method that replaces itself by a generated one: most classes never need it."""

    def method(*arguments: object) -> Any:
        generated = _compiled(name, lines, {})
        setattr(frozen, name, generated)
        return generated(*arguments)

    return method


def _printer(names: Sequence[str]) -> Callable[[Any], str]:
    @recursive_repr()
    def printed(self: Any) -> str:
        shown = ", ".join([f"{name}={getattr(self, name)!r}" for name in names])
        return f"{type(self).__qualname__}({shown})"

    return printed


def _refuse_assignment(self: object, name: str, new: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deletion(self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _copied_state(self: Any) -> list[Any]:
    return [getattr(self, each.name) for each in fields(self)]


def _restore_state(self: Any, state: list[Any]) -> None:
    for each, new in zip(fields(self), state, strict=True):
        object.__setattr__(self, each.name, new)


_COMMON_METHODS: dict[str, Callable[..., Any]] = {
    "__setattr__": _refuse_assignment,
    "__delattr__": _refuse_deletion,
    "__getstate__": _copied_state,
    "__setstate__": _restore_state,
}


def _initialiser(frozen: type, open_class: type, specs: tuple[Field[Any], ...]) -> Initialiser:
    """Generate ``__init__`` with plain assignments, which are faster than a loop."""
    scope: dict[str, Any] = {"_become": object.__setattr__, "_frozen": frozen, "_twin": open_class}
    head, body = _filled(specs, scope)
    body = ["_become(self, '__class__', _twin)", *body, "self.__class__ = _frozen"]
    head = f"self, {head}" if head else "self"
    return _compiled("__init__", [f"def __init__({head}):", *body], scope)


def _maker(frozen: type, open_class: type, specs: tuple[Field[Any], ...]) -> Initialiser:
    """Generate the function that ``constructor`` returns."""
    scope: dict[str, Any] = {"_new": object.__new__, "_frozen": frozen, "_twin": open_class}
    head, body = _filled(specs, scope)
    body = ["self = _new(_twin)", *body, "self.__class__ = _frozen", "return self"]
    name = frozen.__name__
    return _compiled(name, [f"def {name}({head}):", *body], scope)


def _filled(specs: tuple[Field[Any], ...], scope: dict[str, Any]) -> tuple[str, list[str]]:
    """Return parameters and assignments of a constructor; defaults are stored in ``scope``."""
    heads: list[str] = []
    body: list[str] = []
    for each in specs:
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
    """Cache of generated copy functions, keyed by the names of the changed fields."""

    def __init__(self, frozen: type, open_class: type, names: tuple[str, ...]) -> None:
        super().__init__()
        self._scope = {"_new": object.__new__, "_twin": open_class, "_frozen": frozen}
        self._names = names

    def __missing__(self, changed: tuple[str, ...]) -> Callable[..., Any]:
        # Leading underscores: a field may be called ``before`` or ``after``.
        lines = [f"def evolved(_before, {', '.join(changed)}):", "_after = _new(_twin)"]
        lines += [f"_after.{name} = _before.{name}" for name in self._names if name not in changed]
        lines += [f"_after.{name} = {name}" for name in changed]
        lines += ["_after.__class__ = _frozen", "return _after"]
        function = self[changed] = _compiled("evolved", lines, dict(self._scope))
        return function


def _compiled(name: str, lines: list[str], scope: dict[str, Any]) -> Callable[..., Any]:
    exec("\n    ".join(lines), scope)
    function: Callable[..., Any] = scope[name]
    return function
