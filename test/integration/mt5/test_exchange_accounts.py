"""Accounts at exchanges: real ccxt against the loopback exchange of Binance and Bybit."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

import mt5_driver as mt5
from kit.exchanges.ccxt_scripts import BALANCES, PRICES, ScriptRuns, run_scripts
from oms.adapters.clock import SystemClock
from oms.domain.performance.balances import AGE_MAX

DEAL = {"action": mt5.TRADE_ACTION_DEAL, "symbol": "BTCUSD", "volume": 0.01, "magic": 77}
PENDING = {"action": mt5.TRADE_ACTION_PENDING, "symbol": "BTCUSD", "volume": 0.01}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptRuns]:
    """A gateway at a loopback exchange."""
    with run_scripts(tmp_path_factory.mktemp("exchange")) as opened:
        yield opened
        mt5.shutdown()


def connect(runs: ScriptRuns, exchange: str) -> None:
    key = f"mt5-{exchange}"
    runs.venue.add_account(key, BALANCES)
    account = runs.thread.wait(runs._add_account(exchange, key))
    server = account["baseUrl"]
    assert mt5.initialize(login=account["accountId"], password=account["apiKey"], server=server)


@pytest.mark.parametrize(("exchange", "wallets"), [("binance", 2), ("bybit", 1)])
def test_a_program_trades_at_an_exchange(
    runs: ScriptRuns, exchange: str, wallets: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMS_MT5_SYMBOLS", "BTCUSD=BTC/USDT:USDT")
    # Both users have the magic 77; numbers and names of strategies are unique.
    connect(runs, exchange)
    one = sum(int(BALANCES[name]) * float(PRICES.get(name, 1)) for name in BALANCES)
    worth = wallets * one  # of spot and of contracts
    start = mt5.account_info()  # No price of a currency of the wallet is stored.
    assert (start.balance, start.equity) == pytest.approx((worth, worth))
    assert (start.currency, start.profit, start.margin) == ("USDT", 0.0, 0.0)
    kinds = {info.trade_calc_mode for info in mt5.symbols_get("*BTC*")}
    assert len(kinds) > 1  # tickers of spot and contracts are read apart
    ask = mt5.symbol_info_tick("BTCUSD").ask
    # The exchange reports the execution after the order: the deal is awaited.
    bought = mt5.order_send(DEAL | {"type": mt5.ORDER_TYPE_BUY, "sl": ask * 0.9})
    assert (bought.retcode, bought.volume, bought.price) == (10009, 0.01, ask), bought
    held = mt5.account_info()
    assert held.equity == pytest.approx(held.balance + held.profit)
    assert held.balance == pytest.approx(worth, abs=1)  # the fee
    (position,) = mt5.positions_get()
    assert (position.ticket, position.magic, position.price_current) == (bought.order, 77, ask)
    rested = mt5.order_send(PENDING | {"type": mt5.ORDER_TYPE_BUY_LIMIT, "price": ask * 0.9})
    assert rested.retcode == mt5.TRADE_RETCODE_DONE
    moved = {"action": mt5.TRADE_ACTION_MODIFY, "order": rested.order, "price": ask * 0.8}
    assert mt5.order_send(moved).retcode == mt5.TRADE_RETCODE_DONE
    removed = mt5.order_send({"action": mt5.TRADE_ACTION_REMOVE, "order": rested.order})
    assert removed.retcode == mt5.TRADE_RETCODE_DONE
    assert mt5.Close("BTCUSD", ticket=bought.order) is True
    deals = mt5.history_deals_get(position=bought.order)
    assert [deal.entry for deal in deals] == [mt5.DEAL_ENTRY_IN, mt5.DEAL_ENTRY_OUT]
    assert {deal.magic for deal in deals} == {77}
    # A wallet that was read long ago is not known: the exchange is asked for that of contracts.
    values = runs.gateway.app.state.api_context.performance.portfolio.value_accounts
    clock = values.clock
    object.__setattr__(values, "clock", LateClock())
    asked = mt5.account_info()
    object.__setattr__(values, "clock", clock)
    assert asked.balance == asked.equity == pytest.approx(one, abs=2)


class LateClock(SystemClock):
    """A clock by which the last wallet is too old."""

    def now(self) -> datetime:
        return super().now() + AGE_MAX + timedelta(seconds=1)
