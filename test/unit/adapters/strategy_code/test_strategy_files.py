"""Strategies of Python files: loaded, named, and refused with the line that failed."""

from pathlib import Path

import pytest

from oms.adapters.strategy_code.strategy_files import load_strategies
from oms.strategies.catalog import CATALOG

EXAMPLES = Path(__file__).resolve().parents[4] / "examples" / "strategies"


def _write(folder: Path, text: str) -> Path:
    path = folder / "mine.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_joins_the_built_in_strategies() -> None:
    strategies, errors = load_strategies(EXAMPLES)

    names = [each.definition.name for each in strategies]
    assert (names, errors) == ([*(each.name for each in CATALOG), "breakout"], [])
    parameters = strategies[-1].definition.parse({"stop_pct": "2.5"})
    assert {name: str(number) for name, number in parameters.items()} == {
        "length": "20",
        "stop_pct": "2.5",
    }
    built_in, _ = load_strategies(None)
    assert [each.definition for each in built_in] == list(CATALOG)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def broken(:", "mine.py, line 1: SyntaxError"),
        ("\n\nimport no_such_module", "mine.py, line 3: ModuleNotFoundError"),
        ("x = 1\ny = x / 0", "mine.py, line 2: ZeroDivisionError"),
        ("", "mine.py has no list STRATEGIES"),
        ("STRATEGIES = []", "mine.py has no list STRATEGIES"),
        ("STRATEGIES = [1]", "mine.py: 1 in STRATEGIES is no StrategyDefinition"),
        (
            "from oms.strategies.catalog import CATALOG\nSTRATEGIES = CATALOG[:1]",
            "mine.py: there is another strategy 'hma_sma'",
        ),
    ],
)
def test_a_file_that_fails_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = _write(tmp_path, text)
    for each in (path, tmp_path):
        strategies, (error,) = load_strategies(each)
        assert message in error.message
        assert len(strategies) == len(CATALOG)


def test_a_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    _, (error,) = load_strategies(tmp_path / "none")
    assert "there is no file or folder" in error.message
