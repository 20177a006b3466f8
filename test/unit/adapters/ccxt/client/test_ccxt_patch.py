"""The gateway removes a patch of ccxt from its process, and names the line that uninstalls it."""

import logging
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ccxt_driver import sitecustomize_block
from ccxt_driver.import_hook import run_after_import
from oms.adapters.ccxt.client import ccxt_factory, ccxt_patch
from oms.adapters.ccxt.client.ccxt_patch import ignore_ccxt_patch
from oms.adapters.ccxt.client.request_errors import NotSent

BLOCK = sitecustomize_block.render_block("aggressive", ["bybit"])


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Site-packages of the environment and of the user; modules and import hooks are copies."""
    made = {name: tmp_path / name for name in ("env", "user", "other")}
    for folder in made.values():
        folder.mkdir()
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(made["env"]))
    monkeypatch.setattr("site.getusersitepackages", lambda: str(made["user"]))
    modules = {name: each for name, each in sys.modules.items() if name != "sitecustomize"}
    monkeypatch.setattr(sys, "modules", modules)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    return made


def _hook() -> None:
    sys.modules.pop("ccxt", None)
    run_after_import("ccxt", lambda module: None)


def test_nothing_happens_without_a_patch(
    folders: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    (folders["env"] / "sitecustomize.py").write_text(BLOCK)
    ignore_ccxt_patch()
    assert caplog.records == []


@pytest.mark.parametrize(
    ("scope", "file"),
    [
        ("env", "sitecustomize.py"),
        ("env", "zz_ccxt_driver_autopatch.pth"),
        ("user", "sitecustomize.py"),
    ],
)
def test_a_pending_patch_is_removed_and_named(
    folders: dict[str, Path], caplog: pytest.LogCaptureFixture, scope: str, file: str
) -> None:
    (folders[scope] / file).write_text(BLOCK)
    before = list(sys.meta_path)
    _hook()
    assert sys.meta_path != before
    with caplog.at_level(logging.WARNING):
        ignore_ccxt_patch()
        ignore_ccxt_patch()
    line = f"{sys.executable} -m ccxt_driver.autopatch uninstall --scope {scope}"
    assert caplog.messages == [f"ccxt_patch_ignored undo={line}"], "the second finds none"
    assert sys.meta_path == before


def test_a_start_file_elsewhere_is_named(
    folders: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    module = ModuleType("sitecustomize")
    module.__file__ = str(folders["other"] / "sitecustomize.py")
    Path(module.__file__).write_text(f"before = 1\n{BLOCK}after = 2\n")
    sys.modules["sitecustomize"] = module
    _hook()
    ignore_ccxt_patch()
    (message,) = caplog.messages
    line = message.removeprefix("ccxt_patch_ignored undo=")
    subprocess.run(["sh", "-c", line], check=True)
    assert Path(module.__file__).read_text() == "before = 1\nafter = 2\n"


def test_a_patched_ccxt_is_imported_again(
    folders: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("ccxt", "ccxt.pro", "ccxtools"):
        sys.modules[name] = ModuleType(name)
    sys.modules["ccxt"]._ccxt_oms_autopatched = True  # type: ignore[attr-defined]
    ignore_ccxt_patch()
    assert caplog.messages == ["ccxt_patch_ignored undo=unset CCXT_OMS_AUTOPATCH"]
    assert {"ccxt", "ccxt.pro"}.isdisjoint(sys.modules)
    assert "ccxtools" in sys.modules


def test_a_class_that_replaced_one_of_ccxt_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import ccxt.async_support

    other = type("bybit", (), {"__module__": "ccxt_driver.patching"})
    monkeypatch.setattr(ccxt.async_support, "bybit", other)
    with pytest.raises(NotSent, match=r"ccxt_driver\.patching has replaced"):
        ccxt_factory.load_ccxt_class("ccxt", "bybit")
    assert ccxt_patch.is_own_class(ccxt_factory.load_ccxt_class("ccxt", "binance"))
