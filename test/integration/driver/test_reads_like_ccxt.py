"""Reads without a symbol are about the markets that ``defaultType`` and the class choose."""

from typing import Any

import pytest

from kit.exchanges.ccxt_differential import Runs


def _read(runs: Runs, name: str, options: dict[str, Any], method: str, *args: Any) -> list[Any]:
    """What ccxt at the exchange and the driver return."""
    sides = (runs.differential.direct(name, options), runs.differential.driver(name, options))
    return [runs.thread.wait(getattr(side, method)(*args)) for side in sides]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("binance", {}),
        ("binance", {"defaultType": "swap"}),
        ("binance", {"defaultType": "future"}),
        ("binanceusdm", {}),
        ("bybit", {}),
        ("bybit", {"defaultType": "spot"}),
    ],
)
def test_tickers_and_wallet(runs: Runs, name: str, options: dict[str, Any]) -> None:
    for method in ("fetch_tickers", "fetch_bids_asks"):
        theirs, ours = _read(runs, name, options, method)
        assert set(ours) == set(theirs)
    theirs, ours = _read(runs, name, options, "fetch_balance")
    assert set(ours["info"]) == set(theirs["info"]), "the same wallet"


def test_a_type_in_params_and_symbols_are_stronger(runs: Runs) -> None:
    swap = {"defaultType": "swap"}
    theirs, ours = _read(runs, "binance", swap, "fetch_tickers", None, {"type": "spot"})
    assert set(ours) == set(theirs) and not any(":" in symbol for symbol in ours)
    theirs, ours = _read(runs, "binance", swap, "fetch_tickers", ["ETH/USDT"])
    assert list(ours) == list(theirs) == ["ETH/USDT:USDT"]
    theirs, ours = _read(runs, "binance", swap, "fetch_balance", {"type": "spot"})
    assert set(ours["info"]) == set(theirs["info"]) and "balances" in ours["info"]
