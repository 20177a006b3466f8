"""Portfolio, marked positions and statistics over HTTP."""

import json
from typing import Any

from kit.databases.sql import execute
from kit.gateway.in_process import ADMIN_KEY
from kit.gateway.manual_trading import ManualTrading
from kit.polling import poll_until
from oms.domain.access import Grant

FIGURES = ("cash", "equity", "market_value", "unrealized", "realized", "fees", "total_pnl")
AMOUNTS = (
    *("winrate", "currency", "total_pnl", "avg_pnl_per_trade", "avg_pnl_win", "avg_pnl_loss"),
    *("profit_factor", "payoff_ratio", "expectancy", "max_drawdown", "fees_total"),
)


async def _portfolio(trading: ManualTrading, account: int) -> Any:
    body = await trading.get(account, f"/portfolio?account_ids={account}")
    return body["items"][0]


def _figures(row: Any) -> dict[str, Any]:
    return {name: row[name] for name in FIGURES}


async def test_spot_equity_is_cash_and_market_value(trading: ManualTrading) -> None:
    account = await trading.add_account()
    await trading.set_price(account, "150")
    position = await trading.trade(account, "buy", "10")
    await trading.set_price(account, "160")
    row = await _portfolio(trading, account)
    assert _figures(row) == {
        "cash": "8500",
        "equity": "10100",
        "market_value": "1600",
        "unrealized": "100",
        "realized": "0",
        "fees": "0",
        "total_pnl": "100",
    }
    (held,) = row["positions"]
    assert (held["market_value"], held["cost_basis"], held["last_price"]) == ("1600", "1500", "160")
    assert held["last_price_at"] == held["mark_at"] and held["unrealized_pnl"] == "100"
    assert (row["stale_symbols"], row["missing_rates"]) == ([], [])
    read = await trading.get(account, f"/oms/positions/{position}")
    assert read["items"][0] == held
    matched = [held[name] for name in ("fees_value", "unvalued_fees", "matched_pnl")]
    assert (matched, held["break_even_price"]) == (["0", {}, "0"], "150")

    await trading.set_price(account, "170")
    row = await poll_until(
        lambda: _portfolio(trading, account), lambda row: row["equity"] != "10100"
    )
    assert _figures(row)["equity"] == "10200"
    await trading.trade(account, "sell", "4")
    row = await _portfolio(trading, account)
    assert (row["realized"], row["unrealized"], row["equity"]) == ("80", "120", "10200")
    body = await trading.get(account, f"/portfolio?account_ids={account}")
    assert body["total"]["equity"] == "10200"


async def test_margin_equity_is_wallet_and_unrealized(trading: ManualTrading) -> None:
    account = await trading.add_account("hedge", taker="0.001", maker="0.001")
    symbol = "BTC/USDT:USDT"
    await trading.set_price(account, "100", symbol)
    await trading.trade(account, "buy", "10", symbol)
    await trading.trade(account, "sell", "3", symbol)
    await trading.set_price(account, "110", symbol)
    row = await _portfolio(trading, account)
    assert _figures(row) == {
        "cash": "9998.7",
        "equity": "10068.7",
        "market_value": "770",
        "unrealized": "70",
        "realized": "0",
        "fees": "1.3",
        "total_pnl": "68.7",
    }
    path = f"/oms/positions/open?account_ids={account}"
    (group,) = (await trading.get(account, f"{path}&group=symbol"))["items"]
    assert (group["positions"], group["long_qty"], group["short_qty"]) == (2, "10", "3")
    assert (group["net_qty"], group["unrealized_pnl"], group["market_value"]) == ("7", "70", "770")
    await trading.trade(account, "buy", "3", symbol, reduce_only=True)
    assert len((await trading.get(account, path))["items"]) == 1
    both = (await trading.get(account, f"{path}&include_closed=true"))["items"]
    assert [each["state"] for each in both] == ["open", "closed"]
    one = f"{path}&include_closed=true&group=symbol&limit=1"
    (group,) = (await trading.get(account, one))["items"]
    assert group["net_qty"] == "10", "sums are those of open positions"
    wrong = await trading.gateway.client("GET", f"{path}&group=x", key=trading.keys[account])
    assert (wrong.status, wrong.detail["code"]) == (422, "validation_error")


async def test_what_has_no_rate_or_price_is_null(trading: ManualTrading) -> None:
    account = await trading.add_account()
    await trading.deposit(account, "BTC", "2")
    row = await _portfolio(trading, account)
    assert (row["cash"], row["equity"], row["missing_rates"]) == (None, None, ["BTC"])
    total = (await trading.get(account, f"/portfolio?account_ids={account}"))["total"]
    assert (total["equity"], total["missing_rates"]) == (None, ["BTC"])
    await trading.set_price(account, "500", "BTC/USDT")
    assert (await _portfolio(trading, account))["equity"] == "11000"


async def test_accounts_without_trades_have_no_figures(trading: ManualTrading) -> None:
    account = await trading.add_account()
    stats = await trading.get(account, f"/stats?account_ids={account}&group_by=symbol")
    assert {name: stats[name] for name in AMOUNTS} == dict.fromkeys(AMOUNTS)
    assert (stats["total_positions"], stats["groups"]) == (0, [])


async def test_statistics_by_group_and_period(trading: ManualTrading) -> None:
    account = await trading.add_account(taker="0.01")
    other = "BTC/USDT:USDT"
    for symbol, prices in (("ETH/USDT:USDT", ("100", "110")), (other, ("200", "180"))):
        for side, price in zip(("buy", "sell"), prices, strict=True):
            await trading.set_price(account, price, symbol)
            await trading.trade(account, side, "1", symbol)
    await trading.trade(account, "buy", "1", other)
    path = f"/stats?account_ids={account}"
    stats = await trading.get(account, f"{path}&group_by=symbol")
    assert (stats["closed_positions"], stats["open_positions"]) == (2, 1)
    assert (stats["total_pnl"], stats["fees_total"], stats["winrate"]) == ("-15.9", "5.9", "50")
    assert (stats["currency"], stats["manual_count"]) == ("USDT", 2)
    groups = {group["key"]: group for group in stats["groups"]}
    assert groups["ETH/USDT:USDT"]["total_pnl"] == "7.9"
    assert (groups[other]["total_pnl"], groups[other]["open_positions"]) == ("-23.8", 1)
    later = await trading.get(account, f"{path}&from=2099-01-01T00:00:00Z")
    assert (later["closed_positions"], later["total_pnl"]) == (0, None)
    only = await trading.get(account, f"{path}&symbol={other.replace('/', '%2F')}")
    assert only["total_pnl"] == "-23.8"
    for group in ("day", "account", "exchange", "strategy"):
        found = await trading.get(account, f"{path}&group_by={group}&exchange=binance")
        assert [each["closed_positions"] for each in found["groups"]] == [2], group
    none = await trading.get(account, f"{path}&exchange=okx")
    assert none["total_positions"] == 0
    for query in ("group_by=x", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from=x"):
        answer = await trading.gateway.client("GET", f"{path}&{query}", key=trading.keys[account])
        assert (answer.status, answer.detail["code"]) == (422, "validation_error"), query


async def test_statistics_by_the_source_of_the_opening_order(
    trading: ManualTrading, dsn: str
) -> None:
    account = await trading.add_account("hedge")
    symbol = "ETH/USDT:USDT"
    await trading.set_price(account, "100", symbol)
    first, second, third = [
        await trading.trade(account, "buy", "1", symbol, new_position=True) for _ in range(3)
    ]
    await trading.trade(account, "buy", "1", symbol, position_id=second)
    sourced = f"SELECT MIN(id) AS id FROM oms_deals WHERE position_id IN ({first}, {second})"
    opening = f"SELECT id FROM ({sourced} GROUP BY position_id) firsts"
    added = f"SELECT id FROM (SELECT MAX(id) AS id FROM oms_deals WHERE position_id = {second}) m"
    execute(
        dsn,
        f"UPDATE oms_deals SET source_id = 5 WHERE id IN ({opening})",
        f"UPDATE oms_deals SET source_id = 6 WHERE id IN ({added})",
    )
    await trading.set_price(account, "110", symbol)
    for position in (first, third):
        terms = {"position_id": position, "reduce_only": True}
        await trading.trade(account, "sell", "1", symbol, **terms)
    path = f"/stats?account_ids={account}"
    stats = await trading.get(account, f"{path}&group_by=source")
    groups = {
        each["key"]: (each["open_positions"], each["closed_positions"], each["total_pnl"])
        for each in stats["groups"]
    }
    assert groups == {0: (0, 1, "10"), 5: (1, 1, "10")}
    for source, counts in ((0, (1, 0)), (5, (2, 1)), (6, (0, 0))):
        only = await trading.get(account, f"{path}&source_id={source}")
        assert (only["total_positions"], only["open_positions"]) == counts, source
    wrong = await trading.gateway.client("GET", f"{path}&source_id=x", key=trading.keys[account])
    assert (wrong.status, wrong.detail["code"]) == (422, "validation_error")


async def test_keys_see_only_their_accounts_and_strategies(trading: ManualTrading) -> None:
    account, foreign = await trading.add_account(), await trading.add_account()
    gateway = trading.gateway
    await trading.set_price(account, "100")
    await trading.trade(account, "buy", "1")
    grant = Grant(can_trade=True, restrict_to_strategies=True, strategy_ids=frozenset({7}))
    narrow = await gateway.add_key("narrow", "oms_a-restricted-key", grants={account: grant})
    row = (await gateway.client.get(f"/portfolio?account_ids={account}", key=narrow))["items"][0]
    assert _figures(row) == {**dict.fromkeys(FIGURES), "market_value": "0", "unrealized": "0"}
    assert (row["positions"], row["missing_rates"]) == ([], [])
    stats = await gateway.client.get(f"/stats?account_ids={account}", key=narrow)
    assert stats["total_positions"] == 0
    for path in ("/portfolio", "/stats"):
        for ids, status in ((foreign, 403), (999, 404), ("", 422)):
            answer = await gateway.client(
                "GET", f"{path}?account_ids={ids}", key=trading.keys[account]
            )
            assert answer.status == status, json.dumps([path, ids])
        both = await gateway.client("GET", f"{path}?account_ids={account},{foreign}", key=ADMIN_KEY)
        assert both.status == 200
        assert (await gateway.client("GET", path, key="oms_none")).status == 401
