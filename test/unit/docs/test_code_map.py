"""The map of the code (``apps/README.md``): every module is listed, the index leads to files.

``docs/architecture.md`` lists searches that an engineer makes, each with the file that it must
lead to: the first row of the index that has the words, else the first file named after them.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MAP = (ROOT / "apps" / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FOLDERS = ("apps/oms", "ccxt_driver", "mt5_driver", "tools")
SEARCHES_MIN = 30


def _rows(page: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table below ``heading``, without its two head lines."""
    table = page.split(f"## {heading}\n", 1)[1].split("\n|", 1)[1].split("\n\n", 1)[0]
    lines = table.splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _modules() -> dict[str, set[str]]:
    """Return the names of the modules by their folder, as the map spells it."""
    found: dict[str, set[str]] = {}
    for top in FOLDERS:
        for path in (ROOT / top).rglob("*.py"):
            if path.name != "__init__.py":
                folder = path.parent.relative_to(ROOT).as_posix()
                name = "." if folder == "apps/oms" else folder.removeprefix("apps/oms/")
                found.setdefault(name, set()).add(path.stem)
    return found


def _path(cell: str) -> Path:
    name = re.findall(r"`([^`]+)`", cell)[0]
    return ROOT / ("apps/oms/" + name if not name.startswith(FOLDERS) else name)


CHANGES = _rows(MAP, "Ten everyday changes")
INDEX = _rows(MAP, "Index")
SEARCHES = _rows(ARCHITECTURE, "Searches")


def test_every_module_is_listed_in_its_folder() -> None:
    rows = re.findall(
        r"^\| `([^`]+)` \| [^|]+ \| (.+) \|$", MAP.split("## The core")[1], re.MULTILINE
    )
    listed = {folder: set(re.findall(r"`([^`]+)`", files)) for folder, files in rows}
    assert {folder: names for folder, names in listed.items() if names} == _modules()


@pytest.mark.parametrize("row", CHANGES, ids=lambda row: row[0])
def test_a_change_names_files_that_exist(row: list[str]) -> None:
    names = re.findall(r"`([^`\s]+/[^`\s]+|\w+\.py)`", row[1])
    written = [name for name in names if "NAME" not in name]
    missing = [name for name in written if not _exists(name)]
    assert names
    assert not missing


def _exists(name: str) -> bool:
    # A module named without its folder stands beside one that the row names.
    if "/" not in name:
        return any((ROOT / "apps" / "oms").rglob(name))
    return any((ROOT / top / name).exists() for top in (".", "apps/oms"))


@pytest.mark.parametrize("row", INDEX, ids=lambda row: row[0])
def test_an_entry_of_the_index_leads_to_a_file(row: list[str]) -> None:
    assert _path(row[1]).is_file()


def test_enough_searches_are_listed() -> None:
    assert len(SEARCHES) >= SEARCHES_MIN


@pytest.mark.parametrize("row", SEARCHES, ids=lambda row: row[0])
def test_a_search_leads_to_its_file(row: list[str]) -> None:
    assert _first_hit(row[0]) == _path(row[1])


def _first_hit(words: str) -> Path | None:
    for topic, file in INDEX:
        if words.lower() in topic.lower():
            return _path(file)
    pattern = words.lower().replace(" ", "_")
    files = [path for top in FOLDERS for path in sorted((ROOT / top).rglob("*.py"))]
    return next((path for path in files if pattern in path.stem), None)
