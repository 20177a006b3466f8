"""Databases that are damaged and backups that are cut off: one clear line and an exit status."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.databases.sql import execute, fetch_rows

Run = Callable[..., Any]
READERS = (
    ("verify",),
    ("backup", "--out=other.gz"),
    ("db", "upgrade"),
    ("db", "status"),
    ("replay", "--account-id=1"),
    ("audit", "checkpoint"),
    ("install",),
)


@pytest.fixture
def database(run: Run, migrated: None, data_folder: Path) -> Path:
    """An installation whose database is one file."""
    run("install", "--with-account")
    run("backup", "--out=copy.gz")
    file = data_folder / "oms.sqlite3"
    execute(f"sqlite:///{file}", "PRAGMA wal_checkpoint(TRUNCATE)")
    return file


def not_a_database(file: Path) -> None:
    file.write_bytes(b"this is no database at all" * 400)


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:10_000])


def overwritten(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    file.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [not_a_database, cut_off, overwritten])
@pytest.mark.parametrize("words", READERS, ids=lambda words: " ".join(words))
def test_damaged_database_is_named(
    damage: Callable[[Path], None], words: tuple[str, ...], run: Run, database: Path
) -> None:
    damage(database)
    said = run(*words, status=6)
    assert "damaged" in said and "restore a backup" in said
    assert len(said.splitlines()) == 1


def test_up_does_not_start_on_a_damaged_database(
    run: Run, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    not_a_database(database)
    monkeypatch.setenv("OMS_PORT", "0")
    said = run("up", status=6)
    assert "damaged" in said and len(said.splitlines()) == 1


def test_damaged_pages_are_findings(run: Run, database: Path) -> None:
    """The tables can be read, an index and its table differ."""
    ((page,),) = fetch_rows(
        f"sqlite:///{database}",
        "SELECT rootpage FROM sqlite_master WHERE name = 'ix_audit_log_created_at'",
    )
    content = bytearray(database.read_bytes())
    content[(page - 1) * 4096 + 8 : page * 4096] = bytes(4096 - 8)
    database.write_bytes(bytes(content))
    answer = run("verify", status=7)
    found = [each["invariant"] for each in answer["accounts"][0]["findings"]]
    assert set(found) == {"database_integrity"}


@pytest.mark.parametrize("command", ["verify", "backup --out=other.gz", "audit checkpoint"])
def test_database_without_tables_is_named(command: str, run: Run, database: Path) -> None:
    database.write_bytes(b"")
    said = run(*command.split(), status=1)
    assert "has no tables: run oms db upgrade" in said


def test_damaged_target_of_a_restore_is_named(run: Run, database: Path) -> None:
    cut_off(database)
    assert "damaged" in run("restore", "--in=copy.gz", "--yes", status=6)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_cut_off_backup_is_refused(share: float, run: Run, database: Path) -> None:
    before = fetch_rows(f"sqlite:///{database}", "SELECT * FROM audit_log")
    content = Path("copy.gz").read_bytes()
    Path("copy.gz").write_bytes(content[: int(len(content) * share)])
    said = run("restore", "--in=copy.gz", "--yes", status=2)
    assert "copy.gz: not a valid backup" in said or "not a oms-backup-2 file" in said
    assert fetch_rows(f"sqlite:///{database}", "SELECT * FROM audit_log") == before


def lines_of(file: Path) -> list[str]:
    return gzip.decompress(file.read_bytes()).decode().splitlines()


@pytest.mark.parametrize("missing", [1, 2, 5])
def test_backup_without_its_last_lines_is_refused(missing: int, run: Run, database: Path) -> None:
    """Cut off before it was compressed: the gzip file itself is complete."""
    before = fetch_rows(f"sqlite:///{database}", "SELECT * FROM audit_log")
    lines = lines_of(Path("copy.gz"))
    Path("copy.gz").write_bytes(gzip.compress("\n".join(lines[:-missing]).encode()))
    assert "cut off" in run("restore", "--in=copy.gz", "--yes", status=2)
    assert fetch_rows(f"sqlite:///{database}", "SELECT * FROM audit_log") == before


def test_backup_without_a_row_is_refused(run: Run, database: Path) -> None:
    lines = lines_of(Path("copy.gz"))
    (place,) = [n for n, line in enumerate(lines) if json.loads(line).get("t") == "accounts"]
    del lines[place]
    Path("copy.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    assert "cut off" in run("restore", "--in=copy.gz", "--yes", status=2)


@pytest.mark.parametrize(
    "line", ["[]", "{}", "5", '{"t":"users"}', '{"t":"users","r":5}', '{"t":"users","r":[1]}']
)
def test_backup_with_a_wrong_line_is_refused(line: str, run: Run, database: Path) -> None:
    lines = lines_of(Path("copy.gz"))
    lines.insert(1, line)
    Path("copy.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    assert "copy.gz: not a valid backup" in run("restore", "--in=copy.gz", "--yes", status=2)


def test_backup_with_a_row_twice_is_refused(run: Run, database: Path) -> None:
    lines = lines_of(Path("copy.gz"))
    (row,) = [line for line in lines if json.loads(line).get("t") == "accounts"]
    end = json.loads(lines[-1])
    end["end"]["accounts"] += 1
    text = "\n".join([lines[0], row, *lines[1:-1], json.dumps(end)])
    Path("copy.gz").write_bytes(gzip.compress(text.encode()))
    assert "a row twice" in run("restore", "--in=copy.gz", "--yes", status=2)
