"""Equity curves and summaries over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kit.databases.sql import execute
from kit.gateway.manual_trading import ManualTrading
from oms.domain.access import Grant

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIGURES = (
    *("return_pct", "max_drawdown_pct", "sharpe", "sortino", "closed_today"),
    *("realized_today", "fees_today", "win_rate"),
)


async def _store(
    trading: ManualTrading, account: int, rows: list[tuple[timedelta, str, str]]
) -> None:
    for age, equity, flows in rows:
        await trading.store_snapshot(account, START + age, equity, flows)


async def _summary(trading: ManualTrading, account: int) -> Any:
    body = await trading.get(account, f"/analytics/summary?account_ids={account}")
    return body["items"][0]


async def test_an_account_without_trades_has_no_figures(trading: ManualTrading) -> None:
    account = await trading.add_account()
    row = await _summary(trading, account)
    assert {name: row[name] for name in FIGURES} == dict.fromkeys(FIGURES)
    assert (row["open_positions"], row["strategies"], row["currency"]) == (0, [], "USDT")
    body = await trading.get(account, f"/analytics/equity?account_ids={account}")
    assert body["items"] == [{"account_id": account, "currency": "USDT", "points": []}]


async def test_returns_leave_out_deposits(trading: ManualTrading) -> None:
    account = await trading.add_account()
    hour, day = timedelta(hours=1), timedelta(days=1)
    rows = [(hour * 0, "100", "0"), (hour, "90", "0"), (day, "199", "100"), (2 * day, "99", "0")]
    await _store(trading, account, rows)
    path = f"/analytics/equity?account_ids={account}"
    (curve,) = (await trading.get(account, path))["items"]
    assert [point["equity"] for point in curve["points"]] == ["100", "90", "199", "99"]
    assert [point["drawdown_pct"] for point in curve["points"]] == [
        "0",
        "10",
        "1",
        "1",
    ]
    (daily,) = (await trading.get(account, f"{path}&resolution=day"))["items"]
    assert [point["equity"] for point in daily["points"]] == ["90", "199", "99"]
    (part,) = (await trading.get(account, f"{path}&from=2026-03-02T00:00:00Z"))["items"]
    assert [point["flows"] for point in part["points"]] == ["100", "0"]
    row = await _summary(trading, account)
    assert (row["return_pct"], row["max_drawdown_pct"]) == ("-1", "10")
    assert row["sharpe"] is not None and row["sortino"] is None, "no day lost"


async def test_long_curves_keep_their_extremes(trading: ManualTrading) -> None:
    account = await trading.add_account()
    minute = timedelta(minutes=1)
    rows = [(number * minute, str(1000 + number % 7), "0") for number in range(2100)]
    rows[777], rows[1501] = (777 * minute, "5", "0"), (1501 * minute, "9000", "0")
    await _store(trading, account, rows)
    path = f"/analytics/equity?account_ids={account}"
    (curve,) = (await trading.get(account, path))["items"]
    equities = [point["equity"] for point in curve["points"]]
    assert 500 < len(equities) <= 2000
    assert {"5", "9000"} < set(equities)
    assert (equities[0], equities[-1]) == ("1000", str(1000 + 2099 % 7))


async def test_summaries_have_what_was_closed_today(trading: ManualTrading) -> None:
    account = await trading.add_account(taker="0.01")
    symbol = "ETH/USDT:USDT"
    for side, price in (("buy", "100"), ("sell", "110")):
        await trading.set_price(account, price, symbol)
        await trading.trade(account, side, "1", symbol)
    row = await _summary(trading, account)
    assert (row["closed_today"], row["realized_today"], row["fees_today"]) == (1, "10", "2.1")
    assert (row["win_rate"], row["closed_positions"]) == ("100", 1)
    (strategy,) = row["strategies"]
    assert (strategy["strategy_id"], strategy["realized_today"]) == (0, "10")
    results = f"/analytics/results?account_ids={account}"
    (curve,) = (await trading.get(account, f"{results}&resolution=day"))["items"]
    (point,) = curve["points"]
    assert (curve["strategy_id"], curve["currency"]) == (0, "USDT")
    assert (point["result"], point["drawdown"]) == ("7.9", "0")
    path = f"/analytics/summary?account_ids={account}"
    for period in ("to=2026-01-01T00:00:00Z", "from=2099-01-01T00:00:00Z"):
        (row,) = (await trading.get(account, f"{path}&{period}"))["items"]
        for each in (row, *row["strategies"]):
            assert (each["closed_positions"], each["win_rate"]) == (0, None), period
            today = (each["closed_today"], each["realized_today"], each["fees_today"])
            assert today == (1, "10", "2.1"), period
        assert len(row["strategies"]) == 1, period


async def test_summaries_of_one_source_and_one_symbol(
    trading: ManualTrading, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its snapshots of today would follow those of the test.
    monkeypatch.setattr(trading.gateway.worker, "equity_scheduler", None)
    account = await trading.add_account()
    for symbol in ("ETH/USDT:USDT", "BTC/USDT:USDT"):
        for side, price in (("buy", "100"), ("sell", "110")):
            await trading.set_price(account, price, symbol)
            await trading.trade(account, side, "1", symbol)
    execute(dsn, f"UPDATE oms_deals SET source_id = 7 WHERE symbol = '{symbol}'")
    await _store(trading, account, [(timedelta(0), "100", "0"), (timedelta(1), "110", "0")])
    path = f"/analytics/summary?account_ids={account}"
    for query, closed in (
        ("", 2),
        ("source_id=7", 1),
        ("source_id=0", 1),
        ("source_id=8", 0),
        ("symbol=BTC/USDT:USDT", 1),
        ("strategy_id=0", 2),
        ("strategy_id=3", 0),
    ):
        (row,) = (await trading.get(account, f"{path}&{query}"))["items"]
        assert (row["closed_positions"], row["closed_today"]) == (closed, closed or None), query
        assert row["return_pct"] == "10", "equity belongs to the whole account"
        results = f"/analytics/results?account_ids={account}&{query}"
        curves = (await trading.get(account, results))["items"]
        assert [len(curve["points"]) for curve in curves] == ([closed] if closed else []), query


async def test_the_equity_of_all_strategies_is_not_that_of_one(trading: ManualTrading) -> None:
    account = await trading.add_account()
    grant = Grant(can_trade=True, restrict_to_strategies=True, strategy_ids=frozenset({7}))
    gateway = trading.gateway
    narrow = await gateway.add_key("narrow", "oms_a-restricted-key", grants={account: grant})
    await _store(trading, account, [(timedelta(0), "1", "0"), (timedelta(1), "2", "0")])
    path = f"/analytics/equity?account_ids={account}"
    answer = await gateway.client("GET", path, key=narrow)
    assert (answer.status, answer.detail["code"]) == (403, "strategy_permission_denied")
    summary = f"/analytics/summary?account_ids={account}"
    row = (await gateway.client.get(summary, key=narrow))["items"][0]
    assert (row["return_pct"], row["max_drawdown_pct"]) == (None, None)
    results = f"/analytics/results?account_ids={account}"
    assert (await gateway.client.get(results, key=narrow))["items"] == []
    wrong = await gateway.client("GET", f"{path}&resolution=x", key=trading.keys[account])
    assert (wrong.status, wrong.detail["code"]) == (422, "validation_error")
