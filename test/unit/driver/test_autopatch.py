"""Patching of ccxt, and the sitecustomize block that applies it."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from ccxt_driver import OmsCcxtAsyncExchange, OmsCcxtExchange, autopatch, sitecustomize_block

CONFIG = {"apiKey": "key", "accountId": 7}


@pytest.fixture
def fake_ccxt(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A fake ccxt with its two subpackages."""
    for name in ("ccxt", "ccxt.async_support", "ccxt.pro"):
        module: Any = ModuleType(name)
        module.binance, module.okx = type("binance", (), {}), type("okx", (), {})
        module.Exchange = type("Exchange", (), {})
        monkeypatch.setitem(sys.modules, name, module)
    for name in ("API_KEY", "ACCOUNT_ID", "STRATEGY_ID", "BASE_URL"):
        monkeypatch.delenv(f"CCXT_OMS_{name}", raising=False)
    return sys.modules["ccxt"]  # type: ignore[return-value]


def test_safe_mode_only_adds_a_constructor(fake_ccxt: Any) -> None:
    before = fake_ccxt.binance
    assert autopatch.patch_ccxt(mode="safe", overrides=["binance"]) is True
    assert autopatch.patch_ccxt(mode="aggressive", overrides=["binance"]) is False
    assert (fake_ccxt._ccxt_oms_autopatched, fake_ccxt._ccxt_oms_autopatch_mode) == (True, "safe")
    assert fake_ccxt.binance is before
    for constructor in (fake_ccxt.oms_exchange, fake_ccxt.Exchange.oms_exchange):
        exchange = constructor(CONFIG)
        assert isinstance(exchange, OmsCcxtExchange)
        assert (exchange.account_id, exchange.dialect) == (7, "ccxt")


def test_aggressive_mode_replaces_the_given_exchanges(fake_ccxt: Any) -> None:
    autopatch.patch_ccxt(mode="aggressive", overrides=["binance", "nowhere"])
    assert isinstance(fake_ccxt.binance(CONFIG), OmsCcxtExchange)
    assert issubclass(fake_ccxt.binance, OmsCcxtExchange)
    assert not hasattr(fake_ccxt, "nowhere")
    assert fake_ccxt.okx(), "unchanged"
    for name in ("ccxt.async_support", "ccxt.pro"):
        module: Any = sys.modules[name]
        assert isinstance(module.binance(CONFIG), OmsCcxtAsyncExchange)


def test_a_replaced_class_stands_for_that_of_ccxt(
    fake_ccxt: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = fake_ccxt.binance
    autopatch.patch_ccxt(mode="aggressive", overrides=["binance"])
    monkeypatch.setenv("CCXT_OMS_ACCOUNT_ID", "9")
    exchange = fake_ccxt.binance({"apiKey": "key", "uid": "8"})
    assert isinstance(exchange, fake_ccxt.binance) and isinstance(exchange, original)
    assert not isinstance(exchange, fake_ccxt.okx)
    assert (exchange.id, exchange.account_id) == ("binance", 8)
    assert exchange.options == {"oms": {"exchange": "binance"}}
    assert fake_ccxt.binance({"apiKey": "key"}).account_id == 9


def test_the_environment_completes_a_config(
    fake_ccxt: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RuntimeError, match="api_key"):
        autopatch.oms_exchange({})
    monkeypatch.setenv("CCXT_OMS_API_KEY", "from-env")
    with pytest.raises(RuntimeError, match="account_id"):
        autopatch.oms_exchange()
    monkeypatch.setenv("CCXT_OMS_ACCOUNT_ID", "5")
    monkeypatch.setenv("CCXT_OMS_STRATEGY_ID", "6")
    monkeypatch.setenv("CCXT_OMS_BASE_URL", "http://127.0.0.1:1/")
    exchange = autopatch.oms_exchange({"apiKey": "from-config", "secret": "unused"})
    values = (exchange.apiKey, exchange.account_id, exchange.strategy_id, exchange.base_url)
    assert values == ("from-config", 5, 6, "http://127.0.0.1:1")


def test_environment_variables_enable_the_patch(
    fake_ccxt: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert autopatch.apply_from_env() is False
    monkeypatch.setenv("CCXT_OMS_AUTOPATCH", "On")
    monkeypatch.setenv("CCXT_OMS_AUTOPATCH_MODE", "aggressive")
    monkeypatch.setenv("CCXT_OMS_OVERRIDE_EXCHANGES", " binance , okx")
    assert autopatch.apply_from_env() is True
    assert autopatch.apply_from_env() is False
    assert issubclass(fake_ccxt.okx, OmsCcxtExchange)
    monkeypatch.setenv("CCXT_OMS_AUTOPATCH_MODE", "wild")
    with pytest.raises(ValueError, match="safe, aggressive"):
        autopatch.apply_from_env()


def test_an_empty_ccxt_module_is_patched(monkeypatch: pytest.MonkeyPatch) -> None:
    bare: Any = SimpleNamespace()
    monkeypatch.setitem(sys.modules, "ccxt", bare)
    assert autopatch.patch_ccxt(mode="safe", overrides=()) is True
    assert bare._ccxt_oms_autopatched is True


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(
        sitecustomize_block.site, "getusersitepackages", lambda: str(tmp_path / "site")
    )
    return tmp_path / "site"


def _install(mode: str = "safe", overrides: Sequence[str] = ()) -> Path:
    return autopatch.install(scope="user", mode=mode, overrides=overrides, allow_gateway=True)


def test_an_environment_without_the_gateway_is_patched(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(sitecustomize_block.GatewayFound):
        autopatch.install(scope="user")

    def not_found(name: str) -> None:
        raise sitecustomize_block.PackageNotFoundError(name)

    monkeypatch.setattr(sitecustomize_block, "distribution", not_found)
    assert autopatch.install(scope="user").exists()


def test_installing_twice_replaces_the_block_and_keeps_the_rest(folder: Path) -> None:
    folder.mkdir()
    path = folder / "sitecustomize.py"
    path.write_text("before = 1", encoding="utf-8")
    assert _install() == path
    path.write_text(path.read_text(encoding="utf-8") + "after = 2\n", encoding="utf-8")
    _install("aggressive", ["binance", "okx"])
    text = path.read_text(encoding="utf-8")
    assert text.count(sitecustomize_block.BEGIN) == text.count(sitecustomize_block.END) == 1
    status = autopatch.status(scope="user")
    assert (status["installed"], status["mode"], status["overrides"]) == (
        True,
        "aggressive",
        "binance,okx",
    )
    assert autopatch.uninstall(scope="user") == (path, True)
    assert path.read_text(encoding="utf-8") == "before = 1\nafter = 2\n"
    assert autopatch.uninstall(scope="user") == (path, False)
    assert autopatch.status(scope="user")["installed"] is False


def test_output_of_the_commands(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "sitecustomize.py"
    arguments = ["--scope", "user", "--mode", "aggressive", "--override", "binance"]
    with pytest.raises(SystemExit) as refused:
        autopatch.main(["install", *arguments])
    assert refused.value.code == 2
    assert "holds the gateway" in capsys.readouterr().err
    assert not path.exists()
    assert autopatch.main(["install", *arguments, "--allow-gateway"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"installed: {path}",
        "scope=user",
        f"sitecustomize={path}",
        "exists=True",
        "installed=True",
        "mode=aggressive",
        "overrides=binance",
    ]
    autopatch.main(["uninstall", "--scope", "user"])
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == f"uninstall: {path} removed=True"
    assert "installed=False" in printed
    assert list(folder.iterdir()) == []


def test_exchanges_are_given_in_one_list_or_several(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lists = ["--override", "binance,okx", "--override", "bybit"]
    arguments = ["install", "--scope", "user", "--mode", "aggressive", *lists]
    assert autopatch.main([*arguments, "--allow-gateway"]) == 0
    assert "overrides=binance,okx,bybit" in capsys.readouterr().out.splitlines()


def _at_start(folder: Path, script: str, **environment: str) -> str:
    """Runs a script with the sitecustomize file of a folder; returns its output."""
    start = f"import site; site.addsitedir({str(folder)!r}); "
    done = subprocess.run(
        [sys.executable, "-c", start + script],
        env={"PATH": "", "CCXT_OMS_API_KEY": "k", "CCXT_OMS_ACCOUNT_ID": "3", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.strip()


def test_python_starts_patched_without_having_imported_ccxt(folder: Path) -> None:
    _install("aggressive", ["binance"])
    script = (
        "import sys; print('ccxt' in sys.modules); import ccxt, ccxt.async_support as a;"
        "print(ccxt.binance().account_id, a.binance.__mro__[1].__name__, ccxt.okx.__module__)"
    )
    assert _at_start(folder, script) == "False\n3 OmsCcxtAsyncExchange ccxt.okx"
    off = "import ccxt; print(hasattr(ccxt, 'oms_exchange'))"
    assert _at_start(folder, off, CCXT_OMS_AUTOPATCH="0") == "False"


def test_an_invalid_mode_does_not_prevent_the_start_of_python(folder: Path) -> None:
    _install()
    assert _at_start(folder, "print('up')", CCXT_OMS_AUTOPATCH_MODE="wild") == "up"
