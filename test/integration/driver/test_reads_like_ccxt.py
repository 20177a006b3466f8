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


@pytest.mark.parametrize("name", ["binance", "bybit"])
def test_positions_have_the_margin_of_the_exchange(runs: Runs, name: str) -> None:
    symbol = "ETH/USDT:USDT"
    runs.differential.venue.control("price", symbol=symbol, price="3000")
    _read(runs, name, {}, "create_order", symbol, "market", "buy", 0.1)
    ((theirs,), (ours,)) = _read(runs, name, {}, "fetch_positions", [symbol])
    _read(runs, name, {}, "create_order", symbol, "market", "sell", 0.1)
    names = ("symbol", "side", "leverage", "marginMode", "hedged", "initialMarginPercentage")
    assert {each: ours[each] for each in names} == {each: theirs[each] for each in names}
    assert ours["leverage"] is not None and ours["initialMargin"] is not None


def test_the_settings_that_a_futures_program_asks_for(runs: Runs) -> None:
    swap = {"defaultType": "swap"}
    for method in ("fapiPrivateGetPositionSideDual", "fapiPrivateGetMultiAssetsMargin"):
        theirs, ours = _read(runs, "binance", swap, method)
        assert ours == theirs
    theirs, ours = _read(runs, "bybit", {}, "is_unified_enabled")
    assert ours == theirs
