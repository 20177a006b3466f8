"""Style rules checked by a test; import rules are contracts in pyproject.toml.

Lengths, names, docstrings, floats, caught exceptions, machine-specific paths.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("apps/oms", "ccxt_driver", "mt5_driver")
TEXT_FOLDERS = ("apps", "ccxt_driver", "mt5_driver", "test", "tools", "docs", ".ci")
TEXT_SUFFIXES = (
    *(".py", ".md", ".toml", ".json", ".yml", ".lua", ".sql", ".txt", ".ini"),
    *(".ts", ".tsx", ".css", ".html"),
)
NOT_OURS = ("__pycache__", "node_modules", "dist")
BUILT_PAGE = ROOT / "apps/oms/web"

FILE_LINES_MAX = 400
FOLDER_MODULES_MAX = 25
FUNCTION_LINES_MAX = 60
#: At most one function in a hundred may be longer than this.
FUNCTION_LINES_USUAL = 50
LONG_FUNCTIONS_SHARE_MAX = 0.01

#: Names without a defined meaning: anything fits into them.
BANNED_WORDS = frozenset(
    {"util", "utils", "helper", "helpers", "manager", "common", "base", "models", "handler", "misc"}
)
#: `services` is a layer; a class or module named service is not a use case.
BANNED_NAMES = frozenset({"service"})
FLOATLESS = ("domain", "simulation", "backtest", "strategies")
ANYLESS = ("domain", "ports", "backtest", "strategies")
#: Modules that may catch every exception: they respond, log or restart.
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
        *("worker/main", "worker/dispatch", "runner/task_supervisor", "runner/bots"),
        "services/submission/fire_deadman",  # A switch that fails delays no other.
        "services/signals/expand_signal",  # A signal that fails holds up no other.
        "bootstrap/backtest_process",  # What a strategy raises is the result of its run.
        "adapters/strategy_code/child",  # Code of a user may raise anything,
        "adapters/strategy_code/strategy_files",  # and so may its file.
    )
)
#: Absolute paths of users and machines.
MACHINE_PATH = re.compile(r"(?<![\w.~$}/-])/(home|root|Users|mnt|media|workspace|work|dev/shm)/\w")
SKIPPED = re.compile(r"pytest\.(skip|xfail|importorskip)\b|mark\.(skip|skipif|xfail)\b")


def _files(folder: str, suffixes: tuple[str, ...]) -> Iterator[Path]:
    for path in sorted((ROOT / folder).rglob("*")):
        folders = path.relative_to(ROOT).parts
        is_ours = not set(folders) & set(NOT_OURS) and BUILT_PAGE not in path.parents
        if path.is_file() and path.suffix in suffixes and is_ours:
            yield path


SOURCES = [path for folder in SHIPPED for path in _files(folder, (".py",))]
PYTHON = SOURCES + [path for folder in ("test", "tools") for path in _files(folder, (".py",))]
TEXTS = [
    *(path for folder in TEXT_FOLDERS for path in _files(folder, TEXT_SUFFIXES)),
    *(path for path in sorted(ROOT.iterdir()) if path.suffix in TEXT_SUFFIXES),
    *(ROOT / name for name in ("Makefile", "apps/Dockerfile", "tools/setup")),
    *(ROOT / name for name in ("requirements.lock", "requirements-runtime.lock")),
]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@cache
def _nodes(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of a file; walking the trees takes longer than the rules do."""
    return tuple(ast.walk(_tree(path)))


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    """(location, lines) of every function, without decorators."""
    for node in _nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            where = f"{_name(path)}:{node.lineno} {node.name}"
            yield where, node.end_lineno - node.lineno + 1


def _in_packages(packages: tuple[str, ...]) -> list[Path]:
    return [path for package in packages for path in _files(f"apps/oms/{package}", (".py",))]


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) > 100
    assert len(TEXTS) > len(SOURCES)


def test_files_are_not_too_long() -> None:
    lengths = {_name(path): len(path.read_text().splitlines()) for path in PYTHON}
    assert {name: n for name, n in lengths.items() if n > FILE_LINES_MAX} == {}


def test_folders_have_not_too_many_modules() -> None:
    modules = Counter(_name(path.parent) for path in PYTHON)
    assert {name: n for name, n in modules.items() if n > FOLDER_MODULES_MAX} == {}


def test_functions_are_not_too_long() -> None:
    sources = [
        path for path in SOURCES if "migrations" not in path.parts
    ]  # a migration is one table
    lengths = dict(found for path in sources for found in _functions(path))
    assert {name: n for name, n in lengths.items() if n > FUNCTION_LINES_MAX} == {}
    long = {name: n for name, n in lengths.items() if n > FUNCTION_LINES_USUAL}
    assert len(long) <= LONG_FUNCTIONS_SHARE_MAX * len(lengths), long


def test_modules_start_with_a_docstring() -> None:
    # An empty __init__.py needs no docstring.
    missing = [
        _name(path)
        for path in PYTHON
        if path.read_text().strip() and ast.get_docstring(_tree(path)) is None
    ]
    assert missing == []


def test_no_vague_names() -> None:
    found = [_name(path) for path in SOURCES if _is_vague(path.stem.split("_"))]
    for path in SOURCES:
        for node in _nodes(path):
            if isinstance(node, ast.ClassDef) and _is_vague(_camel_words(node.name)):
                found.append(f"{_name(path)}: class {node.name}")
    assert found == []


def _is_vague(words: list[str]) -> bool:
    lower = {word.lower() for word in words}
    return bool(lower & BANNED_WORDS) or bool(lower & BANNED_NAMES)


def _camel_words(name: str) -> list[str]:
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)


def test_no_float_in_the_core() -> None:
    found = []
    for path in _in_packages(FLOATLESS):
        for node in _nodes(path):
            is_type = isinstance(node, ast.Name) and node.id == "float"
            is_value = isinstance(node, ast.Constant) and isinstance(node.value, float)
            if is_type or is_value:
                found.append(f"{_name(path)}:{node.lineno}")  # type: ignore[attr-defined]
    assert found == []


def test_times_have_a_zone() -> None:
    """``datetime.now`` is given a zone, and ``utcnow``, which has none, is not called."""
    found = []
    for path in SOURCES:
        for node in _nodes(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                is_naive = node.func.attr in ("utcnow", "utcfromtimestamp", "today")
                of_class = isinstance(node.func.value, ast.Name) and node.func.value.id in (
                    "datetime",
                    "date",
                )
                has_no_zone = node.func.attr == "now" and not (node.args or node.keywords)
                if of_class and (is_naive or has_no_zone):
                    found.append(f"{_name(path)}:{node.lineno}")
    assert found == []


def test_no_any_in_the_core() -> None:
    found = [
        f"{_name(path)}:{node.lineno}"
        for path in _in_packages(ANYLESS)
        if _name(path) != "apps/oms/domain/value.py"  # builds classes: no type describes these
        for node in _nodes(path)
        if isinstance(node, ast.Name) and node.id == "Any"
    ]
    assert found == []


def test_only_supervisors_catch_everything() -> None:
    found = [
        f"{_name(path)}:{node.lineno}"
        for path in SOURCES
        if _name(path) not in SUPERVISORS
        for node in _nodes(path)
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
        for node in _nodes(path)
        if isinstance(node, ast.Assert)
        and isinstance(node.test, ast.Constant)
        and not node.test.value
    ]
    assert found == []


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    found = [
        _name(path)
        for path in _files("test", (".py",))
        if path != Path(__file__).resolve() and SKIPPED.search(path.read_text())
    ]
    assert found == []


def test_the_tests_are_not_a_package() -> None:
    # `test` is a package of the standard library; ours must not shadow it.
    assert [_name(path) for path in (ROOT / "test").rglob("__init__.py")] == []


def test_no_machine_specific_paths() -> None:
    found = [
        f"{_name(path)}:{number}: {line.strip()}"
        for path in (*TEXTS, *_files("test", (".jsonl",)))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("package", ["strategies", "backtest"])
def test_a_new_package_of_the_core_joins_the_contract(package: str) -> None:
    if (ROOT / "apps/oms" / package).is_dir():
        contract = (ROOT / "pyproject.toml").read_text().split("The core is a calculator")[1]
        assert f'"oms.{package}"' in contract


def test_the_rules_detect_violations() -> None:
    assert MACHINE_PATH.search("open('" + "/home" + "/someone/x')")
    assert not MACHINE_PATH.search("see https://example.org" + "/home" + "/page")
    assert _is_vague(_camel_words("OrderManager")) and _is_vague(["service"])
    assert not _is_vague(_camel_words("OrderStatus")) and not _is_vague(["services"])
    [handler] = ast.parse("try: f()\nexcept (OSError, Exception): g()").body[0].handlers  # type: ignore[attr-defined]
    assert _catches_everything(handler.type)


def test_the_readme_lists_every_package() -> None:
    plan = (ROOT / "apps" / "README.md").read_text()
    packages = {
        path.stem
        for path in (ROOT / "apps" / "oms").iterdir()
        if path.suffix == ".py" or (path.is_dir() and any(path.glob("*.py")))
    }
    assert {package for package in packages - {"__init__"} if package not in plan} == set()


def test_no_two_decisions_have_one_number() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs/decisions").glob("*.md"))]
    assert numbers == sorted(set(numbers))
