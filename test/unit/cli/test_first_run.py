"""The quick start text that the first start prints."""

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
    with_driver = first_run.quick_start_text(CONTENT)
    assert "from ccxt_driver import OmsCcxtExchange\noms = OmsCcxtExchange(" in with_driver
    monkeypatch.setattr(first_run, "find_spec", lambda name: None)
    without = first_run.quick_start_text(CONTENT)
    assert "ccxt" not in without
    assert without.count("\n\n\n") == with_driver.count("\n\n\n") == 0
    assert "curl" in without and "-m websockets" in without
