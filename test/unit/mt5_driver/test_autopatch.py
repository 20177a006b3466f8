"""``import MetaTrader5`` is made to find the driver, and another package is left alone."""

import sys
from pathlib import Path

import pytest

import mt5_driver
from mt5_driver import autopatch


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of installed packages, which is on the path."""
    monkeypatch.setattr(autopatch.sysconfig, "get_path", lambda _name: str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "MetaTrader5", raising=False)
    return tmp_path


def test_the_file_is_written_shown_and_removed(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for action, installed in (("status", False), ("install", True), ("install", True)):
        assert autopatch.main([action]) == 0
        assert f"installed={installed}" in capsys.readouterr().out
    monkeypatch.delitem(sys.modules, "MetaTrader5", raising=False)
    assert __import__("MetaTrader5") is mt5_driver
    assert autopatch.uninstall() == (site / "MetaTrader5.py", True)
    assert autopatch.uninstall() == (site / "MetaTrader5.py", False)
    assert list(site.glob("*.py")) == []


def test_another_package_is_left_alone(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = site / "MetaTrader5.py"
    package.write_text("# the real one\n")
    with pytest.raises(SystemExit):
        autopatch.main(["install"])
    assert "another MetaTrader5" in capsys.readouterr().err
    assert autopatch.uninstall() == (package, False)
    assert package.read_text() == "# the real one\n"
    with pytest.raises(ValueError, match="scope"):
        autopatch.status(scope="world")


def test_one_process_is_patched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "MetaTrader5", raising=False)
    assert autopatch.patch_metatrader5() is True
    assert __import__("MetaTrader5") is mt5_driver
    assert autopatch.patch_metatrader5() is False
    monkeypatch.delitem(sys.modules, "MetaTrader5")
