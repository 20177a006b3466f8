"""Files of the data folder are accessible to one system user only, also those of older releases."""

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from oms.adapters.private_files import create_private_folder, replaced_file

Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """New files are readable by others unless their mode says otherwise."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    """The access of others and the group to the folder and its files."""
    files = {path.name: path.stat().st_mode & 0o077 for path in folder.iterdir() if path.is_file()}
    return files | {".": folder.stat().st_mode & 0o077}


def test_new_files_are_private(run: Run, data_folder: Path) -> None:
    run("install", "--with-account")
    run("backup", f"--out={data_folder / 'copy.gz'}")
    found = modes(data_folder)
    assert {"oms.sqlite3", "master.key", "copy.gz"} <= found.keys()
    assert set(found.values()) == {0}


def test_files_beside_the_database_are_private(
    run: Run, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite gives WAL and shared memory the mode of the database."""
    import sqlite3

    run("install")
    connection = sqlite3.connect(data_folder / "oms.sqlite3", isolation_level=None)
    connection.execute("CREATE TABLE extra (id INTEGER)")
    found = modes(data_folder)
    connection.close()
    assert {"oms.sqlite3-wal", "oms.sqlite3-shm"} <= found.keys()
    assert set(found.values()) == {0}


def test_files_of_an_older_release_are_made_private(
    run: Run, data_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run("install")
    (data_folder / "first-run.json").write_text("{}")
    data_folder.chmod(0o755)
    for name in ("oms.sqlite3", "master.key", "first-run.json"):
        (data_folder / name).chmod(0o644)
    with caplog.at_level(logging.WARNING):
        run("db", "upgrade")
    assert set(modes(data_folder).values()) == {0}
    changed = [line for line in caplog.messages if line.startswith("file_made_private")]
    assert len(changed) == 4 and "from=0755 to=0700" in changed[0]
    caplog.clear()
    run("db", "upgrade")
    assert "file_made_private" not in caplog.text


def test_shared_folder_is_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    create_private_folder(folder)
    assert folder.stat().st_mode & 0o7777 == 0o1777


def test_database_elsewhere_is_private(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "elsewhere.db"
    monkeypatch.setenv("OMS_DATABASE_URL", f"sqlite+aiosqlite:///{file}")
    run("install")
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    file.chmod(0o644)
    with pytest.raises(ZeroDivisionError), replaced_file(file) as draft:
        draft.write(b"half")
        raise ZeroDivisionError
    assert (file.read_text(), os.listdir(tmp_path)) == ("old", ["file"])
    with pytest.raises(FileExistsError), replaced_file(file, keeps_existing=True) as draft:
        draft.write(b"new")
    assert (file.read_text(), os.listdir(tmp_path)) == ("old", ["file"])
    with replaced_file(file) as draft:
        draft.write(b"new")
    assert (file.read_text(), os.listdir(tmp_path)) == ("new", ["file"])
    assert file.stat().st_mode & 0o777 == 0o600
