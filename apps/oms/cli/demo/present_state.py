"""What the demo shows beside its trades: money, limits, a block, resting and rejected orders."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from oms.bootstrap.simulated_gateway import RequestRefused
from oms.cli.demo.past_trading import PastTrading
from oms.cli.demo.planned_trades import COIN, HEDGE, NETTING

_BTC, _ETH, _SOL, _XRP = (f"{base}/USDT:USDT" for base in ("BTC", "ETH", "SOL", "XRP"))


def plan_incidents(trading: PastTrading) -> None:
    """Schedule deposits, limits and a kill switch that was released, within the past."""
    ids = trading.registry.account_ids

    async def deposit(account: str, currency: str, amount: str, comment: str) -> None:
        body = {"currency": currency, "amount": amount, "comment": comment}
        await trading.ask("POST", f"/paper/{ids[account]}/deposit", body)

    async def limit_losses() -> None:
        keys = {
            "max_order_notional": "25000",
            "max_open_positions": 40,
            "daily_loss_limit_pct": "8",
        }
        body = {"scope": "account", "scope_id": ids[HEDGE], "keys": keys}
        comment = {"comment": "limits of the second week"}
        await trading.ask("PUT", "/risk/policy", body | comment, "risk")
        wide = {"scope": "global", "keys": {"max_order_notional": "100000"}}
        await trading.ask("PUT", "/risk/policy", wide | {"comment": "typing errors"}, "admin")

    async def stop_strategy() -> None:
        strategy = trading.registry.strategy_ids["Market making"]
        scope = {"scope": "strategy", "scope_id": strategy, "mode": "reduce_only"}
        body = scope | {"comment": "spread of DOGE looks wrong", "cancel_entries": True}
        switch = await trading.ask("POST", "/risk/kill", body, "risk")
        kill_id = switch["id"]
        release = {"confirm": f"RELEASE strategy {strategy}", "comment": "the feed is back"}

        async def resume() -> None:
            await trading.ask("POST", f"/risk/kill/{kill_id}/release", release, "risk")

        after = trading.gateway.clock.now() - trading.start
        trading.at(after + timedelta(minutes=50), resume)

    trading.at(trading.history * 0.26, limit_losses)
    trading.at(trading.history * 0.34, lambda: deposit(NETTING, "USDT", "10000", "second tranche"))
    trading.at(trading.history * 0.57, stop_strategy)
    trading.at(trading.history * 0.74, lambda: deposit(HEDGE, "USDT", "-5000", "profits paid out"))


async def set_up_present(trading: PastTrading) -> None:
    """Send the orders that rest or were rejected, and set the block and the alerts of today."""
    await _resting_orders(trading)
    await protect_positions(trading)
    await _rejected_orders(trading)
    await _external_orders(trading)
    await _alerts(trading)
    await _block(trading)
    ids = [*trading.registry.account_ids.values()]
    members = [{"account_id": account_id, "equity_weight": "1"} for account_id in ids[:2]]
    await trading.ask("POST", "/account-groups", {"name": "USDT accounts", "members": members})
    await trading.ask("POST", "/oms/reconcile", {"account_ids": ids})


async def _order(
    trading: PastTrading, account: str, symbol: str, side: str, order_type: str, **more: object
) -> dict[str, Any]:
    """Send an order worth 2,000 dollars."""
    qty = trading.qty_text(symbol, 2000, await trading.price(account, symbol))
    base = {"symbol": symbol, "side": side, "order_type": order_type, "qty": qty}
    return await trading.send(account, "send_order", base | more)


async def _resting_orders(trading: PastTrading) -> None:
    strategies = trading.registry.strategy_ids
    expires = trading.gateway.clock.now() + timedelta(days=30)

    async def near(account: str, symbol: str, share: str) -> str:
        return str(await trading.price(account, symbol) * Decimal(share))

    trend, reversion = (
        {"strategy_id": strategies[name]} for name in ("Trend 4h", "Mean reversion")
    )
    price = await near(HEDGE, _BTC, "0.93")
    placed = await _order(trading, HEDGE, _BTC, "buy", "limit", price=price, **trend)
    await _order(
        trading,
        HEDGE,
        _ETH,
        "buy",
        "limit",
        price=await near(HEDGE, _ETH, "0.9"),
        **trend,
        time_in_force="GTD",
        expires_at=expires.isoformat(),
    )
    trigger = await near(HEDGE, _SOL, "1.12")
    limit = await near(HEDGE, _SOL, "1.125")
    await _order(trading, HEDGE, _SOL, "buy", "stop_market", trigger_price=trigger, **trend)
    await _order(
        trading, HEDGE, _SOL, "buy", "stop_limit", trigger_price=trigger, price=limit, **trend
    )
    for share in ("1.08", "1.11", "1.14"):
        price = await near(NETTING, _XRP, share)
        await _order(trading, NETTING, _XRP, "sell", "limit", price=price, **reversion)
    price = await near(NETTING, _BTC, "0.88")
    sent = await _order(trading, NETTING, _BTC, "buy", "limit", price=price, **reversion)
    order_id = sent["order_id"]
    await trading.send(
        NETTING, "cancel_order", {"order_id": order_id, "comment": "changed my mind"}
    )
    new_price = await near(HEDGE, _BTC, "0.94")
    change = {"order_id": placed["order_id"], "new_price": new_price}
    await trading.send(HEDGE, "change_order", change)


async def protect_positions(trading: PastTrading) -> None:
    """Give some open positions a trailing stop, a stop loss, and a stop gain with a time limit.

    Levels are at a distance from the present price: those from the price of the entry may have
    been passed already.
    """
    account_id = trading.registry.account_ids[HEDGE]
    rows = (await trading.ask("GET", f"/oms/positions/open?account_ids={account_id}"))["items"]
    plain = [row for row in rows if row["protection"] == "none"]
    held = trading.history + timedelta(days=30)
    levels: tuple[tuple[str | None, str, dict[str, object]], ...] = (
        (None, "0", {"stop_trailing_pct": "9"}),
        ("stop_loss", "-0.12", {"comment": "core position"}),
        ("stop_gain", "0.2", {"max_hold_seconds": held // timedelta(seconds=1)}),
    )
    for row, (name, distance, more) in zip(plain, levels, strict=False):
        change: dict[str, object] = {"position_id": row["id"], **more}
        if name is not None:
            share = Decimal(distance) if row["side"] == "buy" else -Decimal(distance)
            price = await trading.price(HEDGE, row["symbol"])
            change[name] = str(price * (1 + share))
        await trading.send(HEDGE, "position_change", change)


async def _rejected_orders(trading: PastTrading) -> None:
    """Send what is refused: post-only that would match, too little, too much, unpayable."""
    price = await trading.price(HEDGE, _BTC)
    limit, market = {"order_type": "limit", "post_only": True}, {"order_type": "market"}
    crossing = {"symbol": _BTC, "side": "buy", "qty": "0.01", "price": str(price * 2), **limit}
    await trading.try_send(HEDGE, "send_order", crossing)
    small = {"symbol": _ETH, "side": "sell", "qty": "0.1", "price": "10", **limit}
    await trading.try_send(NETTING, "send_order", small)
    for symbol, qty in (("LINK/USDT", "90000"), ("SOL/USDT", "500")):
        coins = {"symbol": symbol, "side": "buy", "qty": qty, **market}
        await trading.try_send(NETTING, "send_order", coins)


async def _external_orders(trading: PastTrading) -> None:
    """Trade past the gateway's commands, as another program on the same account would."""
    account_id = trading.registry.account_ids[NETTING]
    for symbol, side, amount in (("LTC/USDT:USDT", "buy", 6), ("DOGE/USDT:USDT", "sell", 4000)):
        body = {"args": [symbol, "market", side, amount]}
        await trading.ask("POST", f"/ccxt/{account_id}/create_order", body)


async def _alerts(trading: PastTrading) -> None:
    levels = (
        (HEDGE, _BTC, "above", "1.15", "breakout"),
        (HEDGE, _ETH, "below", "0.85", "support of last month"),
        (NETTING, _XRP, "crosses", "1.09", None),
        (COIN, "BTC/USD:BTC", "below", "0.8", "add collateral"),
    )
    for account, symbol, condition, share, note in levels:
        price = await trading.price(account, symbol) * Decimal(share)
        body = {"account_id": trading.registry.account_ids[account], "symbol": symbol}
        more = {"condition": condition, "price": str(price), "note": note}
        await trading.ask("POST", "/alerts", body | more)


async def _block(trading: PastTrading) -> None:
    """Block a strategy with a comment, and let it try once more."""
    account_id, strategy = (
        trading.registry.account_ids[HEDGE],
        trading.registry.strategy_ids["Breakout"],
    )
    body = {"strategy_id": strategy, "allow_new_positions": False}
    comment = {"comment": "three losing days in a row: review before it goes on"}
    path = f"/oms/risk/{account_id}/strategies/allow_new_positions"
    await trading.ask("POST", path, body | comment, "risk")
    try:
        await _order(trading, HEDGE, _SOL, "buy", "market", strategy_id=strategy)
    except RequestRefused:
        return
