"""Rules of style that a machine can check; imports are checked by the contracts in pyproject.toml.

Lengths, names, docstrings, floats, caught exceptions, words that name one machine.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("apps/oms", "ccxt_driver")
TEXT_FOLDERS = ("apps", "ccxt_driver", "test", "tools", "docs", ".ci")
TEXT_SUFFIXES = (
    *(".py", ".md", ".toml", ".json", ".yml", ".lua", ".sql", ".txt", ".ini"),
    *(".ts", ".tsx", ".css", ".html"),
)
NOT_OURS = ("__pycache__", "node_modules", "dist")

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
#: A function may be longer than this hardly ever: one in a hundred.
FUNCTION_LINES_USUAL = 50
LONG_FUNCTIONS_SHARE_MAX = 0.01

#: Rooms without an edge: everything fits into them.
BANNED_WORDS = frozenset(
    {"util", "utils", "helper", "helpers", "manager", "common", "base", "models", "handler", "misc"}
)
#: `services` is a floor; one class or module called a service is not a use case with a verb.
BANNED_NAMES = frozenset({"service"})
FLOATLESS = ("domain", "simulation", "backtest", "strategies")
ANYLESS = ("domain", "ports", "backtest", "strategies")
#: Who may catch everything: it answers, logs and restarts for whoever is below it.
SUPERVISORS = frozenset(
    f"apps/oms/{name}.py"
    for name in (
        *(
            "api/errors",
            "api/middleware/request_limits",
            "api/background_tasks",
            "cli/main",
            "cli/processes",
        ),
        *("worker/main", "worker/dispatch"),
    )
)
#: Absolute paths under which people keep their own files: they are true on one machine only.
MACHINE_PATH = re.compile(r"(?<![\w.~$}/-])/(home|root|Users|mnt|media|workspace|work)/\w")
LEFT_OUT = re.compile(r"pytest\.(skip|xfail|importorskip)\b|mark\.(skip|skipif|xfail)\b")


def _files(folder: str, suffixes: tuple[str, ...]) -> Iterator[Path]:
    for path in sorted((ROOT / folder).rglob("*")):
        if path.is_file() and path.suffix in suffixes and not set(path.parts) & set(NOT_OURS):
            yield path


SOURCES = [path for folder in SHIPPED for path in _files(folder, (".py",))]
PYTHON = SOURCES + [path for folder in ("test", "tools") for path in _files(folder, (".py",))]
TEXTS = [
    *(path for folder in TEXT_FOLDERS for path in _files(folder, TEXT_SUFFIXES)),
    *(path for path in sorted(ROOT.iterdir()) if path.suffix in TEXT_SUFFIXES),
    *(ROOT / name for name in ("Makefile", "apps/Dockerfile", "requirements.lock", "tools/setup")),
]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    """(where, lines) of every function; decorators are not counted."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            where = f"{_name(path)}:{node.lineno} {node.name}"
            yield where, node.end_lineno - node.lineno + 1


def _in_rooms(rooms: tuple[str, ...]) -> list[Path]:
    return [path for room in rooms for path in _files(f"apps/oms/{room}", (".py",))]


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) > 100
    assert len(TEXTS) > len(SOURCES)


def test_a_file_is_read_in_one_sitting() -> None:
    lengths = {_name(path): len(path.read_text().splitlines()) for path in PYTHON}
    assert {name: n for name, n in lengths.items() if n > FILE_LINES_MAX} == {}


def test_a_function_fits_on_a_screen() -> None:
    sources = [path for path in SOURCES if "versions" not in path.parts]  # a table is one list
    lengths = dict(found for path in sources for found in _functions(path))
    assert {name: n for name, n in lengths.items() if n > FUNCTION_LINES_MAX} == {}
    long = {name: n for name, n in lengths.items() if n > FUNCTION_LINES_USUAL}
    assert len(long) <= LONG_FUNCTIONS_SHARE_MAX * len(lengths), long


def test_a_module_opens_with_a_docstring() -> None:
    # An empty __init__.py says nothing because there is nothing to say.
    silent = [
        _name(path)
        for path in PYTHON
        if path.read_text().strip() and ast.get_docstring(_tree(path)) is None
    ]
    assert silent == []


def test_no_name_without_an_edge() -> None:
    found = [_name(path) for path in SOURCES if _edgeless(path.stem.split("_"))]
    for path in SOURCES:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ClassDef) and _edgeless(_camel_words(node.name)):
                found.append(f"{_name(path)}: class {node.name}")
    assert found == []


def _edgeless(words: list[str]) -> bool:
    lower = {word.lower() for word in words}
    return bool(lower & BANNED_WORDS) or bool(lower & BANNED_NAMES)


def _camel_words(name: str) -> list[str]:
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)


def test_no_float_where_money_is_counted() -> None:
    found = []
    for path in _in_rooms(FLOATLESS):
        for node in ast.walk(_tree(path)):
            is_type = isinstance(node, ast.Name) and node.id == "float"
            is_value = isinstance(node, ast.Constant) and isinstance(node.value, float)
            if is_type or is_value:
                found.append(f"{_name(path)}:{node.lineno}")  # type: ignore[attr-defined]
    assert found == []


def test_no_any_in_the_core() -> None:
    found = [
        f"{_name(path)}:{node.lineno}"
        for path in _in_rooms(ANYLESS)
        if _name(path) != "apps/oms/domain/value.py"  # builds classes: no type describes these
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Name) and node.id == "Any"
    ]
    assert found == []


def test_only_supervisors_swallow_everything() -> None:
    found = [
        f"{_name(path)}:{node.lineno}"
        for path in SOURCES
        if _name(path) not in SUPERVISORS
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ExceptHandler)
        and _catches_everything(node.type)
        and not _raises_again(node)
    ]
    assert found == []


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def _catches_everything(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(
        isinstance(name, ast.Name) and name.id in {"Exception", "BaseException"} for name in names
    )


def test_no_assertion_that_can_only_fail() -> None:
    found = [
        f"{_name(path)}:{node.lineno}"
        for path in PYTHON
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Assert)
        and isinstance(node.test, ast.Constant)
        and not node.test.value
    ]
    assert found == []


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    found = [
        _name(path)
        for path in _files("test", (".py",))
        if path != Path(__file__).resolve() and LEFT_OUT.search(path.read_text())
    ]
    assert found == []


def test_the_tests_are_not_a_package() -> None:
    # `test` is a package of the standard library; ours must not be importable under that name.
    assert [_name(path) for path in (ROOT / "test").rglob("__init__.py")] == []


def test_nothing_names_a_path_of_one_machine() -> None:
    found = [
        f"{_name(path)}:{number}: {line.strip()}"
        for path in TEXTS
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("room", ["strategies", "backtest"])
def test_a_new_room_of_the_core_joins_the_contract(room: str) -> None:
    if (ROOT / "apps/oms" / room).is_dir():
        contract = (ROOT / "pyproject.toml").read_text().split("The core is a calculator")[1]
        assert f'"oms.{room}"' in contract


def test_the_rules_see_what_they_forbid() -> None:
    assert MACHINE_PATH.search("open('" + "/home" + "/someone/x')")
    assert not MACHINE_PATH.search("see https://example.org" + "/home" + "/page")
    assert _edgeless(_camel_words("OrderManager")) and _edgeless(["service"])
    assert not _edgeless(_camel_words("OrderStatus")) and not _edgeless(["services"])
    [handler] = ast.parse("try: f()\nexcept (OSError, Exception): g()").body[0].handlers  # type: ignore[attr-defined]
    assert _catches_everything(handler.type)


def test_the_floor_plan_names_every_room() -> None:
    plan = (ROOT / "apps" / "README.md").read_text()
    rooms = {
        path.stem
        for path in (ROOT / "apps" / "oms").iterdir()
        if path.suffix == ".py" or (path.is_dir() and any(path.glob("*.py")))
    }
    assert {room for room in rooms - {"__init__"} if room not in plan} == set()


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs/decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))
