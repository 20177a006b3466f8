"""The master key file: permissions and atomic replacement."""

import errno
import os
import stat
from pathlib import Path

import pytest

from oms.adapters.key_file import KeyFile
from oms.ports.vault import NoMasterKey


def test_file_is_created_once_for_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        file = KeyFile(tmp_path / "below" / "master.key")
        assert file.read() == ()
        assert file.create("first")
        assert not file.create("second")
    finally:
        os.umask(before)
    assert list(file.read()) == ["first"]
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert not file.is_accessible_by_others()
    assert [path.name for path in file.path.parent.iterdir()] == ["master.key"]


def test_file_is_replaced_atomically(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "master.key")
    file.create("first")
    file.replace(["second", "first"])
    assert list(file.read()) == ["second", "first"]
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]


def test_comments_and_empty_lines_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "k").write_text("# a remark\n\n  key  \n")
    assert list(KeyFile(tmp_path / "k").read()) == ["key"]


def test_lock_is_exclusive(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "master.key")
    with file.locked(), pytest.raises(NoMasterKey, match="another process"), file.locked():
        raise AssertionError("held twice")
    with file.locked():
        assert list(file.read()) == []


def test_file_accessible_by_others_is_detected(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "k")
    file.create("key")
    file.path.chmod(0o640)
    assert file.is_accessible_by_others()


def test_unreadable_file_is_reported_without_its_content(tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(b"\xff\xfe binary")
    with pytest.raises(NoMasterKey, match="not text"):
        KeyFile(tmp_path / "k").read()
    with pytest.raises(NoMasterKey, match="directory"):
        KeyFile(tmp_path).read()


def test_an_existing_file_is_not_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = KeyFile(tmp_path / "master.key")
    file.create("first")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("oms.adapters.key_file.replaced_file", refuse)
    assert not file.create("second")
    assert list(file.read()) == ["first"]
