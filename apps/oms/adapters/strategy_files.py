"""Strategies of Python files: trusted code that runs in the process that loads it.

A file names its strategies in ``STRATEGIES``, a list of ``StrategyDefinition``.
"""

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from oms.domain.errors import Invalid
from oms.strategies.catalog import CATALOG, StrategyDefinition

#: Prefix of the modules of files, so that they do not hide those of packages.
_PREFIX = "oms_strategy_file_"


def load_definitions(path: Path | None) -> Sequence[StrategyDefinition]:
    """Return the built-in strategies and those of a file or of all files of a folder.

    Raises ``Invalid`` for a file that cannot be loaded and for a name that occurs twice.
    """
    definitions = list(CATALOG)
    for file in _files(path):
        found = getattr(_load(file), "STRATEGIES", None)
        if not isinstance(found, list | tuple) or not found:
            raise Invalid(f"{file.name} has no list STRATEGIES of strategy definitions")
        for each in found:
            if not isinstance(each, StrategyDefinition):
                raise Invalid(f"{file.name}: {each!r} in STRATEGIES is no StrategyDefinition")
            if any(each.name == known.name for known in definitions):
                raise Invalid(f"{file.name}: there is another strategy {each.name!r}")
            definitions.append(each)
    return definitions


def _files(path: Path | None) -> Sequence[Path]:
    if path is None:
        return ()
    if path.is_dir():
        return sorted(each for each in path.glob("*.py") if not each.name.startswith("_"))
    if not path.is_file():
        raise Invalid(f"there is no file or folder {path}")
    return (path,)


def _load(file: Path) -> ModuleType:
    """Run a file as a module. Raises ``Invalid`` naming the line that failed."""
    name = _PREFIX + file.stem
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise Invalid(f"{file.name} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise Invalid(f"{file.name}{_line_of(error, file)}: {_text(error)}") from error
    return module


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
