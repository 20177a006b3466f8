"""Worked examples over HTTP: averages and profits of a net position, and statistics of results."""

from typing import Any

from kit.gateway.manual_trading import ManualTrading
from kit.polling import poll_until

LINEAR, OTHER = "ETH/USDT:USDT", "BTC/USDT:USDT"


async def _at(
    trading: ManualTrading, account: int, side: str, qty: str, price: str, **more: Any
) -> Any:
    """Return the position after a trade at a price."""
    await trading.set_price(account, price, LINEAR)
    position = await trading.trade(account, side, qty, LINEAR, **more)
    (row,) = (await trading.get(account, f"/oms/positions/{position}"))["items"]
    return row


async def test_averages_and_profits_of_a_net_position(trading: ManualTrading) -> None:
    account = await trading.add_account(balances={"USDT": "100000"})
    await _at(trading, account, "buy", "10", "150")
    bought = await _at(trading, account, "buy", "5", "160")
    assert bought["avg_price"].startswith("153.3333333333")
    sold = await _at(trading, account, "sell", "5", "170")
    assert sold["realized_pnl"].startswith("83.33333333333")
    assert (sold["qty"], sold["avg_price"]) == ("10", bought["avg_price"])
    await _at(trading, account, "sell", "10", "170")

    await _at(trading, account, "sell", "10", "100")
    covered = await _at(trading, account, "buy", "10", "90")
    assert (covered["state"], covered["qty"], covered["realized_pnl"]) == ("closed", "0", "100")

    opened = await _at(trading, account, "buy", "10", "100")
    await _at(trading, account, "sell", "15", "110")
    (closed,) = (await trading.get(account, f"/oms/positions/{opened['id']}"))["items"]
    assert (closed["state"], closed["realized_pnl"]) == ("closed", "100")
    path = f"/oms/positions/open?account_ids={account}"
    (short,) = (await trading.get(account, path))["items"]
    figures = (short["side"], short["qty"], short["avg_price"], short["unrealized_pnl"])
    assert figures == ("sell", "5", "110", "0")


async def test_levels_in_percent_of_both_sides(trading: ManualTrading) -> None:
    account = await trading.add_account()
    levels = {"stop_gain_pct": "4.5", "stop_loss_pct": "1.5"}
    for side, gain, loss, reached, profit in (
        ("buy", "104.5", "98.5", "104.5", "9"),
        ("sell", "95.5", "101.5", "101.5", "-3"),
    ):
        opened = await _at(trading, account, side, "2", "100", **levels)
        assert (opened["stop_gain"], opened["stop_loss"]) == (gain, loss)
        await trading.set_price(account, reached, LINEAR)

        async def read(position: int = opened["id"]) -> Any:
            return (await trading.get(account, f"/oms/positions/{position}"))["items"][0]

        closed = await poll_until(read, lambda row: row["state"] == "closed")
        assert (closed["close_price"], closed["realized_pnl"]) == (reached, profit)


async def test_statistics_of_four_closed_positions_and_an_open_one(
    trading: ManualTrading,
) -> None:
    account = await trading.add_account()
    for level, price in (("stop_gain", "110"), ("stop_gain", "105"), ("stop_loss", "96")):
        opened = await _at(trading, account, "buy", "1", "100", **{level: price})
        await trading.set_price(account, price, LINEAR)

        async def read(position: int = opened["id"]) -> Any:
            return (await trading.get(account, f"/oms/positions/{position}"))["items"][0]

        await poll_until(read, lambda row: row["state"] == "closed")
    await _at(trading, account, "buy", "1", "100")
    await _at(trading, account, "sell", "1", "100")
    await _at(trading, account, "buy", "1", "100")
    stats = await trading.get(account, f"/stats?account_ids={account}")
    expected = {
        "total_positions": 5,
        "open_positions": 1,
        "closed_positions": 4,
        "total_pnl": "11",
        "winrate": "50",
        "avg_pnl_per_trade": "2.75",
        "avg_pnl_win": "7.5",
        "avg_pnl_loss": "-4",
        "profit_factor": "3.75",
        "payoff_ratio": "1.875",
        "breakeven_trades": 1,
        "tp_count": 2,
        "sl_count": 1,
        "manual_count": 1,
    }
    assert {name: stats[name] for name in expected} == expected


async def test_a_price_moves_no_other_symbol(trading: ManualTrading) -> None:
    account = await trading.add_account()
    await trading.set_price(account, "100", OTHER)
    before = await _at(trading, account, "buy", "1", "50")
    await trading.set_price(account, "200", OTHER)
    (after,) = (await trading.get(account, f"/oms/positions/{before['id']}"))["items"]
    assert (after["mark_price"], after["mark_at"]) == ("50", before["mark_at"])
