"""The quick start text that the first start prints."""

from pathlib import Path
from typing import Any

import pytest

from oms.cli import first_run

CONTENT: dict[str, Any] = {
    "base_url": "http://127.0.0.1:8000",
    "account_id": 1,
    "accounts": {"hedge": 1, "netting": 2},
    "api_key": "oms_key",
    "symbol": "BTC/USDT",
}


def test_the_program_for_the_driver_is_printed_where_the_driver_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_driver = first_run.quick_start_text(CONTENT, Path("first-run.json"))
    assert "from ccxt_driver import OmsCcxtExchange\noms = OmsCcxtExchange(" in with_driver
    monkeypatch.setattr(first_run, "find_spec", lambda name: None)
    without = first_run.quick_start_text(CONTENT, Path("first-run.json"))
    assert "ccxt" not in without
    assert without.count("\n\n\n") == with_driver.count("\n\n\n") == 0
    assert "curl" in without and "-m websockets" in without


def test_the_file_with_the_keys_is_named_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "var" / "first-run.json"
    monkeypatch.chdir(tmp_path)
    assert "the keys are in var/first-run.json\n" in first_run.quick_start_text(CONTENT, path)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert f"the keys are in {path}\n" in first_run.quick_start_text(CONTENT, path)


def test_the_address_of_the_page_comes_first() -> None:
    text = first_run.quick_start_text(CONTENT, Path("first-run.json"))
    assert text.splitlines()[1:3] == [
        "web desk: http://127.0.0.1:8000/ui/ (log in with the API key oms_key)",
        "oms-gateway: http://127.0.0.1:8000",
    ]
    without = first_run.quick_start_text(CONTENT, Path("first-run.json"), has_page=False)
    assert without.splitlines()[1] == "oms-gateway: http://127.0.0.1:8000"
