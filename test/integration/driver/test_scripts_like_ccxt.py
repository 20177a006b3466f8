"""Public programs for ccxt leave the same orders at the exchange through driver and gateway."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from interop.scripts.catalog import all_scripts
from interop.scripts.registry import Group, Script
from kit.exchanges.ccxt_scripts import ScriptRuns, run_scripts

SCRIPTS = all_scripts()
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "ccxt-programs.md"


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptRuns]:
    with run_scripts(tmp_path_factory.mktemp("scripts")) as opened:
        yield opened


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_program_trades_as_with_ccxt(scripts: ScriptRuns, script: Script) -> None:
    outcome = scripts.compare(script)
    assert outcome.is_equal is not bool(script.differs), outcome
    assert outcome.is_part, outcome


def test_nine_of_ten_programs_are_equal() -> None:
    counts = Counter(script.group for script in SCRIPTS)
    assert sum(counts.values()) >= 30 and min(counts.values()) >= 10
    assert set(counts) == set(Group)
    assert sum(not script.differs for script in SCRIPTS) >= 0.9 * len(SCRIPTS)


def test_the_page_lists_every_program() -> None:
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `ccxt")
    ]
    assert rows == [
        (
            f"`{script.group}`",
            f"`{script.repository}`",
            f"`{script.path}`",
            script.differs or "equal",
        )
        for script in sorted(SCRIPTS, key=lambda each: (each.group, each.repository, each.path))
    ]
