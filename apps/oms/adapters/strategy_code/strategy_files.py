"""Strategies of Python files and of installed packages, which run in the process that loads them.

A file names its strategies in ``STRATEGIES``, a list of ``StrategyDefinition`` and of classes with
``generate_signals``; without such a list these are all classes of this kind that it defines. A
package names one, or such a list, as an entry point of the group ``oms.strategies``.
"""

import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from oms.adapters.strategy_code.code_hash import hash_built_in, hash_source
from oms.adapters.strategy_code.signal_class import definition_of, is_signal_class
from oms.domain.errors import Invalid
from oms.domain.value import value
from oms.strategies.catalog import CATALOG, StrategyDefinition
from oms.strategies.description import (
    BUILT_IN,
    LoadedCatalog,
    LoadError,
    StrategyDescription,
    describe,
)

ENTRY_POINTS = "oms.strategies"
#: Prefix of the modules of files, so that they do not hide those of packages.
_PREFIX = "oms_strategy_file_"
_NAME_CHARACTERS_MAX = 64
_VERSION_CHARACTERS_MAX = 32


@value
class LoadedStrategy:
    """A strategy with its code; ``source`` is ``built_in``, a file or an entry point."""

    definition: StrategyDefinition
    source: str
    code_hash: str


def load_strategies(path: Path | None) -> tuple[list[LoadedStrategy], list[LoadError]]:
    """Return the built-in strategies, those of a file or of all files of a folder, of packages.

    What cannot be loaded is an error with its name and line, and hides nothing else.
    """
    strategies, errors = _built_in(), []
    for source, load in _sources(path):
        try:
            for each in load():
                _check_definition(each.definition, source, strategies)
                strategies.append(each)
        except Invalid as error:
            errors.append(LoadError(source=source, message=error.message))
    return strategies, errors


def describe_built_in() -> Sequence[StrategyDescription]:
    """Return what is known of the built-in strategies; no other code is loaded."""
    return [describe(each.definition, each.source, each.code_hash) for each in _built_in()]


def describe_strategies(path: Path | None) -> LoadedCatalog:
    """Return what is known of the strategies; one that cannot be built is an error."""
    strategies, errors = load_strategies(path)
    descriptions = []
    for each in strategies:
        try:
            descriptions.append(describe(each.definition, each.source, each.code_hash))
        except Exception as error:  # noqa: BLE001 - the code of a user
            message = f"{each.source}: strategy {each.definition.name}: {_text(error)}"
            errors.append(LoadError(source=each.source, message=message))
    return LoadedCatalog(strategies=descriptions, errors=errors)


def _built_in() -> list[LoadedStrategy]:
    return [
        LoadedStrategy(definition=each, source=BUILT_IN, code_hash=hash_built_in(each.name))
        for each in CATALOG
    ]


def _sources(
    path: Path | None,
) -> Iterator[tuple[str, Callable[[], Sequence[LoadedStrategy]]]]:
    if path is not None and not path.exists():
        yield path.name, lambda: _refuse(f"there is no file or folder {path}")
    elif path is not None:
        for file in _files(path):
            yield file.name, lambda file=file: _load_file(file)  # type: ignore[misc]
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda each: each.name):
        yield point.name, lambda point=point: _load_entry_point(point)  # type: ignore[misc]


def _refuse(message: str) -> Sequence[LoadedStrategy]:
    raise Invalid(message)


def _files(path: Path) -> Sequence[Path]:
    if path.is_dir():
        return sorted(each for each in path.glob("*.py") if not each.name.startswith("_"))
    return (path,)


def _load_file(file: Path) -> Sequence[LoadedStrategy]:
    module, text = _run_file(file)
    found = getattr(module, "STRATEGIES", None) or _signal_classes(module)
    if not isinstance(found, list | tuple) or not found:
        raise Invalid(
            f"{file.name} has no list STRATEGIES of strategy definitions,"
            " and no class with generate_signals"
        )
    code_hash = hash_source([text])
    return [_loaded(each, file.name, code_hash) for each in found]


def _load_entry_point(point: EntryPoint) -> Sequence[LoadedStrategy]:
    try:
        found = point.load()
        module = inspect.getsource(sys.modules[point.module])
    except Exception as error:
        raise Invalid(f"entry point {point.name}: {_text(error)}") from error
    listed = found if isinstance(found, list | tuple) else [found]
    return [_loaded(each, point.name, hash_source([module])) for each in listed]


def _signal_classes(module: ModuleType) -> Sequence[object]:
    """Return the classes with ``generate_signals`` that a module defines."""
    return [
        each
        for each in vars(module).values()
        if is_signal_class(each) and each.__module__ == module.__name__
    ]


def _loaded(found: object, source: str, code_hash: str) -> LoadedStrategy:
    if inspect.isclass(found) and is_signal_class(found):
        try:
            found = definition_of(found)
        except Invalid as error:
            raise Invalid(f"{source}: {error.message}") from None
    if not isinstance(found, StrategyDefinition):
        raise Invalid(f"{source}: {found!r} in STRATEGIES is no StrategyDefinition")
    return LoadedStrategy(definition=found, source=source, code_hash=code_hash)


def _check_definition(
    definition: StrategyDefinition, source: str, known: Sequence[LoadedStrategy]
) -> None:
    for name, text, length in (
        ("name", definition.name, _NAME_CHARACTERS_MAX),
        ("version", definition.version, _VERSION_CHARACTERS_MAX),
    ):
        if not isinstance(text, str) or not text.isprintable() or not 1 <= len(text) <= length:
            raise Invalid(f"{source}: {name} {text!r} of a strategy: 1 to {length} characters")
    if any(definition.name == each.definition.name for each in known):
        raise Invalid(f"{source}: there is another strategy {definition.name!r}")


def _run_file(file: Path) -> tuple[ModuleType, str]:
    """Run a file as a module; returns it with its text. Raises ``Invalid`` naming the line."""
    name = _PREFIX + file.stem
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise Invalid(f"{file.name} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        # Run from the text that is hashed: the file may be written at the same time.
        text = file.read_text(encoding="utf-8")
        exec(compile(text, str(file), "exec"), module.__dict__)
    except Exception as error:
        del sys.modules[name]
        raise Invalid(f"{file.name}{_line_of(error, file)}: {_text(error)}") from error
    return module, text


def _line_of(error: Exception, file: Path) -> str:
    """Return the last line of ``file`` that the error passed through."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}"
    lines, trace = [], error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(file):
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return f", line {lines[-1]}" if lines else ""


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
