"""The acceptance page and the reliability page reference existing tests; each row is there once."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "domain" / "acceptance.md").read_text(encoding="utf-8")
ROWS = {
    int(number): line for line in PAGE.splitlines() for number in re.findall(r"^\| (\d+) \|", line)
}
#: Rows of the other tables of the page, by their first cell.
CHECKS = {
    line.split(" | ")[0].removeprefix("| "): line
    for line in PAGE.splitlines()
    if line.startswith("| ") and "`test/" in line and line not in ROWS.values()
}
#: Kinds of checks (of trading, signals, health, notifications, sessions), and their last numbers.
KINDS = {"P": 8, "R": 9, "K": 5, "M": 2, "O": 3, "X": 3, "F": 3, "Z": 5, "S": 11, "H": 4, "N": 1}
KINDS |= {"Y": 11}
#: Worked examples, and the start of each profile.
EXAMPLES = {*(f"14.{number}" for number in range(1, 7)), "V1"}
#: What must never happen, each with a row of its own.
NEVER = (
    *("money in floats", "a verdict apart from its order; an order counted against itself"),
    *("a market order that no limit on notionals sees", "figures without a source"),
    *("NaN or infinity on the wire", "a fill at the signal's price"),
    *("credentials that are accepted by mistake", "secrets of senders that fail open"),
    "5xx of a webhook for a refusal, or for anything but the database",
    "a signal that waits for an exchange or a worker, or is lost without them",
    *("skipped tests", "a sink that delays others or trading"),
    "a command that was accepted and is lost, or executed twice",
    *("credentials in health, keys in clear text", "a background task that ends silently"),
    *("market hours by a fixed offset", "a partial fill that is ignored"),
    *("averages of shorts and flips that are wrong", "a way around switches and limits"),
    "code of users in the process that writes the ledger, or orders delayed by it",
    *("a caller who takes a reserved name", "a default in place of an error"),
    *("times without a zone", "levels that nothing watches", "risk that holds an exit"),
)
RELIABILITY = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
POINTS = [line for line in RELIABILITY.splitlines() if line.startswith("| ") and "`test/" in line]
NAMED = re.compile(r"`(test/[\w/]+\.py)::(\w+)`")


def test_rows_are_unique_and_ordered() -> None:
    numbers = [int(each) for each in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)]
    assert numbers == sorted(set(numbers))
    assert set(numbers) <= set(range(1, 34))


@pytest.mark.parametrize("row", ROWS)
def test_the_tests_of_a_row_exist(row: int) -> None:
    _check_references(ROWS[row])


def test_each_trading_check_is_there() -> None:
    named = {kind: range(1, last + 1) for kind, last in KINDS.items()}
    expected = {f"{kind}{number}" for kind, numbers in named.items() for number in numbers}
    assert expected | EXAMPLES <= CHECKS.keys()


def test_what_must_never_happen_is_there() -> None:
    assert set(NEVER) <= CHECKS.keys()


@pytest.mark.parametrize("check", CHECKS)
def test_the_tests_of_a_check_exist(check: str) -> None:
    _check_references(CHECKS[check])


@pytest.mark.parametrize("row", POINTS, ids=lambda row: row.split(" | ")[0].removeprefix("| "))
def test_the_tests_of_a_reliability_point_exist(row: str) -> None:
    _check_references(row)


def _check_references(row: str) -> None:
    named = NAMED.findall(row)
    assert named, "a row needs a test"
    assert row.count("`test/") == len(named), "each reference is a file and a function"
    for file, name in named:
        path = ROOT / file
        assert path.is_file(), file
        assert re.search(rf"^(async )?def {name}\(", path.read_text("utf-8"), re.MULTILINE), name
