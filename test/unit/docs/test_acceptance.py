"""The acceptance page references existing tests, and has each row once."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "domain" / "acceptance.md").read_text(encoding="utf-8")
ROWS = {
    int(number): line for line in PAGE.splitlines() for number in re.findall(r"^\| (\d+) \|", line)
}
NAMED = re.compile(r"`(test/[\w/]+\.py)::(\w+)`")


def test_rows_are_unique_and_ordered() -> None:
    numbers = [int(each) for each in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)]
    assert numbers == sorted(set(numbers))
    assert set(numbers) <= set(range(1, 34))


@pytest.mark.parametrize("row", ROWS)
def test_the_tests_of_a_row_exist(row: int) -> None:
    named = NAMED.findall(ROWS[row])
    assert named, "a row needs a test"
    assert ROWS[row].count("`test/") == len(named), "each reference is a file and a function"
    for file, name in named:
        path = ROOT / file
        assert path.is_file(), file
        assert re.search(rf"^(async )?def {name}\(", path.read_text("utf-8"), re.MULTILINE), name
